//! Which job is next: fair queueing by user, with concurrency limits.
//!
//! Users take turns, whatever the number of their jobs. A user never has more than [`Limits::per_user`] threads, and
//! never more than one that writes: who sends many slow calls delays only himself.
//!
//! A limit for each user does not help where the database is slow for many of them, as when one shard hangs. So users
//! whose statements missed their deadline are suspects until one of theirs ends in time, and all suspects together
//! have only [`Limits::suspects`] threads. Bulk calls, which may take long by right, have a lane like that too.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use todo_domain::UserId;

/// What is waiting to be done.
pub(crate) trait Job: Send + 'static {
    /// For whom.
    fn user(&self) -> UserId;

    /// What kind of work it is.
    fn class(&self) -> Class;

    /// When its caller stops waiting.
    fn deadline(&self) -> Instant;

    /// Whether it can be done in one batch with a job that is about to be done.
    fn can_join(&self, first: &Self) -> bool;
}

/// Kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// A row or a page by an index, which costs so little that waiting for a full batch pays.
    Lookup,
    /// Any other read.
    Read,
    /// A write of one todo.
    Write,
    /// A write of any number of todos.
    Bulk,
}

/// How a batch of jobs ended; the worse, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// No statement was begun.
    NotStarted,
    /// In time, well or not.
    InTime,
    /// Its statement was not done by the deadline.
    MissedDeadline,
}

/// How much may be done at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Jobs that may wait.
    pub(crate) capacity: usize,
    /// Jobs in a batch.
    pub(crate) batch: usize,
    /// Threads that work for one user.
    pub(crate) per_user: usize,
    /// Threads that work for suspects.
    pub(crate) suspects: usize,
    /// Threads that run bulk calls.
    pub(crate) bulk: usize,
    /// After a bulk call none is begun for this many times as long as it took.
    pub(crate) bulk_rest: u32,
    /// Threads that may be given up at once.
    pub(crate) lost: usize,
}

impl Limits {
    /// For a pool of so many threads, without batches.
    pub(crate) fn for_pool(threads: usize, capacity: usize) -> Self {
        let quarter = (threads / 4).max(1);
        Self {
            capacity,
            batch: 1,
            per_user: quarter,
            suspects: quarter,
            bulk: quarter,
            bulk_rest: 0,
            lost: threads * 3,
        }
    }
}

/// How many users behind the first are searched for jobs that can join a batch.
const SEARCHED: usize = 128;

/// After so long past its deadline, a job's thread is given up, with its connection.
pub(crate) const GIVE_UP_AFTER: Duration = Duration::from_secs(1);

/// How often a queue that is half full is searched for jobs that nobody waits for any more.
const CLEANING_PAUSE: Duration = Duration::from_millis(10);

/// A bound for the memory that suspects take.
const MAX_SUSPECTS: usize = 4_096;

/// The jobs that wait, and the threads that are busy.
pub(crate) struct Schedule<J> {
    limits: Limits,
    users: HashMap<UserId, UserJobs<J>>,
    lanes: [Lane; Lane::COUNT],
    /// The lane that has the first choice.
    next_lane: usize,
    waiting: usize,
    /// Jobs and batches are numbered in the order in which they came.
    next_number: u64,
    running: Vec<Running>,
    lost: usize,
    next_cleaning: Instant,
    /// In the order in which they became suspects; some may have been cleared since.
    suspects: VecDeque<UserId>,
}

/// A user's jobs.
struct UserJobs<J> {
    /// By class, the oldest first.
    waiting: [VecDeque<Waiting<J>>; 4],
    /// How many threads work for the user,
    running: usize,
    /// and whether one of them writes.
    is_writing: bool,
    is_suspect: bool,
    /// In which lanes it is the user's turn some time.
    has_turn: [bool; Lane::COUNT],
}

/// A job that waits.
struct Waiting<J> {
    /// Since then, and behind all with a lower number.
    since: Instant,
    number: u64,
    job: J,
}

/// Users who wait for threads of one kind.
struct Lane {
    /// Those who may have a job that can be started, each once.
    turns: VecDeque<UserId>,
    running: usize,
    limit: usize,
    /// No job is started before that.
    rests_until: Option<Instant>,
}

impl Lane {
    const COUNT: usize = 4;
    const LOOKUPS: usize = 0;
    const QUICK: usize = 1;
    const SUSPECTS: usize = 2;
    const BULK: usize = 3;

    fn new(limit: usize) -> Self {
        Self { turns: VecDeque::new(), running: 0, limit, rests_until: None }
    }
}

/// A batch that a thread works on.
#[derive(Clone)]
struct Running {
    number: u64,
    /// For whom, and whether it writes for them.
    users: Vec<UserId>,
    writes: bool,
    lane: usize,
    /// When the first of its jobs came.
    since: Instant,
    started: Instant,
    deadline: Instant,
    is_lost: bool,
}

/// The queue holds as many jobs as it may; the job was not taken.
#[derive(Debug, thiserror::Error)]
#[error("the queue for the database is full")]
pub(crate) struct Full;

/// Jobs to be done together, and the number to say of it when they are.
pub(crate) struct Batch<J> {
    pub(crate) number: u64,
    pub(crate) jobs: Vec<J>,
}

impl<J: Job> Schedule<J> {
    pub(crate) fn new(limits: Limits) -> Self {
        let unlimited = usize::MAX;
        Self {
            limits,
            users: HashMap::new(),
            lanes: [unlimited, unlimited, limits.suspects, limits.bulk].map(Lane::new),
            next_lane: 0,
            waiting: 0,
            next_number: 0,
            running: Vec::new(),
            lost: 0,
            next_cleaning: Instant::now(),
            suspects: VecDeque::new(),
        }
    }

    /// Adds a job.
    ///
    /// # Errors
    /// When the queue is full, or half full and a quarter of it is this user's.
    pub(crate) fn push(&mut self, job: J, now: Instant) -> Result<(), Full> {
        let user = job.user();
        let capacity = self.limits.capacity;
        if self.waiting >= capacity / 2 {
            self.drop_expired(now);
            let of_user = self.users.get(&user).map_or(0, UserJobs::waiting);
            let is_greedy = self.waiting >= capacity / 2 && of_user >= capacity.div_ceil(4);
            if self.waiting >= capacity || is_greedy {
                return Err(Full);
            }
        }
        let number = self.number();
        let jobs = self.users.entry(user).or_insert_with(UserJobs::new);
        jobs.waiting[job.class() as usize].push_back(Waiting { since: now, number, job });
        self.waiting += 1;
        self.give_turns(user);
        Ok(())
    }

    /// Makes room in a queue that is half full, now and then.
    fn drop_expired(&mut self, now: Instant) {
        if now < self.next_cleaning {
            return;
        }
        self.next_cleaning = now + CLEANING_PAUSE;
        for waiting in self.users.values_mut().flat_map(|jobs| &mut jobs.waiting) {
            while waiting.front().is_some_and(|it| it.job.deadline() <= now) {
                waiting.pop_front();
                self.waiting -= 1;
            }
        }
        // Who has nothing else to do is forgotten when it is his turn.
    }

    /// Takes the next job and those that can join it; `None` if none may be started now.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Batch<J>> {
        for _ in 0..Lane::COUNT {
            let lane = self.next_lane;
            self.next_lane = (lane + 1) % Lane::COUNT;
            while self.is_open(lane, now) {
                let Some(user) = self.lanes[lane].turns.pop_front() else { break };
                let Some(jobs) = self.users.get_mut(&user) else { continue };
                jobs.has_turn[lane] = false;
                if let Some(class) = jobs.next_class(lane, self.limits.per_user)
                    && let Some(first) = jobs.waiting[class as usize].pop_front()
                {
                    return Some(self.start(lane, user, class, first, now));
                }
                self.forget_idle(user);
            }
        }
        None
    }

    fn start(
        &mut self,
        lane: usize,
        user: UserId,
        class: Class,
        Waiting { since, job, .. }: Waiting<J>,
        now: Instant,
    ) -> Batch<J> {
        self.waiting -= 1;
        let number = self.number();
        let (mut users, mut jobs) = (vec![user], vec![job]);
        let writes = class.writes();
        if let Some(first) = self.users.get_mut(&user) {
            first.running += 1;
            first.is_writing |= writes;
        }
        if self.limits.batch > 1 && (lane == Lane::LOOKUPS || lane == Lane::QUICK) {
            self.fill(lane, class, &mut users, &mut jobs);
        }
        self.lanes[lane].running += 1;
        let deadline = jobs.iter().map(Job::deadline).max().unwrap_or(now);
        for user in &users {
            self.give_turns(*user);
        }
        let (started, is_lost) = (now, false);
        self.running.push(Running {
            number,
            users,
            writes,
            lane,
            since,
            started,
            deadline,
            is_lost,
        });
        Batch { number, jobs }
    }

    /// Adds jobs of the same class that can join the first: one of each user, the first included, then again.
    fn fill(&mut self, lane: usize, class: Class, users: &mut Vec<UserId>, batch: &mut Vec<J>) {
        let turns = &mut self.lanes[lane].turns;
        let others: Vec<UserId> = turns.drain(..turns.len().min(SEARCHED)).collect();
        let candidates: Vec<UserId> = users.iter().chain(&others).copied().collect();
        let mut is_growing = true;
        while is_growing && batch.len() < self.limits.batch {
            is_growing = false;
            for user in &candidates {
                let Some(jobs) = self.users.get_mut(user) else { continue };
                let is_in = users.contains(user);
                if batch.len() == self.limits.batch
                    || !is_in && !jobs.may_start(class, self.limits.per_user)
                {
                    continue;
                }
                let waiting = &mut jobs.waiting[class as usize];
                if waiting.front().is_some_and(|it| it.job.can_join(&batch[0])) {
                    batch.extend(waiting.pop_front().map(|it| it.job));
                    self.waiting -= 1;
                    is_growing = true;
                    if !is_in {
                        users.push(*user);
                        jobs.running += 1;
                        jobs.is_writing |= class.writes();
                    }
                }
            }
        }
        // Those who have something left keep their place.
        for user in others.into_iter().rev() {
            let Some(jobs) = self.users.get_mut(&user) else { continue };
            jobs.has_turn[lane] = jobs.next_class(lane, self.limits.per_user).is_some();
            if jobs.has_turn[lane] {
                self.lanes[lane].turns.push_front(user);
            }
        }
    }

    /// Takes note that a batch has ended. Returns whether its thread is still wanted: not if it was given up.
    pub(crate) fn finish(&mut self, number: u64, outcome: Outcome, now: Instant) -> bool {
        let Some(index) = self.running.iter().position(|it| it.number == number) else {
            return true;
        };
        let batch = self.running.swap_remove(index);
        if batch.is_lost {
            self.lost -= 1;
            return false;
        }
        self.release(&batch, outcome, now);
        true
    }

    /// Gives up the threads whose jobs should have ended long ago, as far as that is allowed. Returns how many.
    pub(crate) fn give_up_stuck(&mut self, now: Instant) -> usize {
        let mut count = 0;
        for index in 0..self.running.len() {
            let batch = &mut self.running[index];
            if self.lost < self.limits.lost
                && !batch.is_lost
                && now >= batch.deadline + GIVE_UP_AFTER
            {
                batch.is_lost = true;
                let batch = batch.clone();
                self.release(&batch, Outcome::MissedDeadline, now);
                self.lost += 1;
                count += 1;
            }
        }
        count
    }

    /// Makes room for others.
    fn release(&mut self, batch: &Running, outcome: Outcome, now: Instant) {
        let took = now.saturating_duration_since(batch.started);
        let lane = &mut self.lanes[batch.lane];
        lane.running -= 1;
        if batch.lane == Lane::BULK {
            lane.rests_until = Some(now + took * self.limits.bulk_rest);
        }
        // One that was begun shortly before its deadline says nothing about its user.
        let had_time = took >= batch.deadline.saturating_duration_since(batch.since) / 2
            && batch.lane != Lane::BULK;
        for user in &batch.users {
            let Some(jobs) = self.users.get_mut(user) else { continue };
            jobs.running -= 1;
            if batch.writes {
                jobs.is_writing = false;
            }
            match outcome {
                Outcome::MissedDeadline if had_time && !jobs.is_suspect => {
                    jobs.is_suspect = true;
                    self.suspects.push_back(*user);
                }
                Outcome::InTime => jobs.is_suspect = false,
                Outcome::MissedDeadline | Outcome::NotStarted => {}
            }
            self.give_turns(*user);
            self.forget_idle(*user);
        }
        while self.suspects.len() > MAX_SUSPECTS {
            let Some(user) = self.suspects.pop_front() else { break };
            if let Some(jobs) = self.users.get_mut(&user) {
                jobs.is_suspect = false;
                self.give_turns(user);
                self.forget_idle(user);
            }
        }
    }

    /// Puts a user in line wherever he has a job that may be started.
    fn give_turns(&mut self, user: UserId) {
        let Some(jobs) = self.users.get_mut(&user) else { return };
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            if !jobs.has_turn[index] && jobs.next_class(index, self.limits.per_user).is_some() {
                jobs.has_turn[index] = true;
                lane.turns.push_back(user);
            }
        }
    }

    fn forget_idle(&mut self, user: UserId) {
        if self.users.get(&user).is_some_and(UserJobs::is_idle) {
            self.users.remove(&user);
        }
    }

    fn is_open(&self, index: usize, now: Instant) -> bool {
        let lane = &self.lanes[index];
        lane.running < lane.limit && lane.rests_until.is_none_or(|until| now >= until)
    }

    /// When a lane that rests has been rested, if somebody waits for that.
    pub(crate) fn next_opening(&self) -> Option<Instant> {
        let bulk = &self.lanes[Lane::BULK];
        bulk.rests_until.filter(|_| !bulk.turns.is_empty())
    }

    /// No lane rests any more.
    pub(crate) fn end_rests(&mut self) {
        self.limits.bulk_rest = 0;
        self.lanes[Lane::BULK].rests_until = None;
    }

    /// How many users wait whose next job may be started, by a lookup, or by anything else.
    pub(crate) fn startable(&self, now: Instant) -> (usize, usize) {
        let of = |index: usize| {
            let lane = &self.lanes[index];
            let room = if self.is_open(index, now) { lane.limit - lane.running } else { 0 };
            lane.turns.len().min(room)
        };
        (of(Lane::LOOKUPS), of(Lane::QUICK) + of(Lane::SUSPECTS) + of(Lane::BULK))
    }

    /// How many threads work on a batch, those that were given up aside.
    pub(crate) fn busy(&self) -> usize {
        self.running.len() - self.lost
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

impl<J> UserJobs<J> {
    fn new() -> Self {
        Self {
            waiting: std::array::from_fn(|_| VecDeque::new()),
            running: 0,
            is_writing: false,
            is_suspect: false,
            has_turn: [false; Lane::COUNT],
        }
    }

    fn waiting(&self) -> usize {
        self.waiting.iter().map(VecDeque::len).sum()
    }

    fn is_idle(&self) -> bool {
        let has_turn = self.has_turn.contains(&true);
        self.running == 0 && !self.is_suspect && !has_turn && self.waiting() == 0
    }

    fn may_start(&self, class: Class, per_user: usize) -> bool {
        self.running < per_user && !(class.writes() && self.is_writing)
    }

    /// The class of the oldest job that may be started in this lane.
    fn next_class(&self, lane: usize, per_user: usize) -> Option<Class> {
        let classes: &[Class] = match (lane, self.is_suspect) {
            (Lane::BULK, _) => &[Class::Bulk],
            (Lane::SUSPECTS, true) => &[Class::Lookup, Class::Read, Class::Write],
            (Lane::LOOKUPS, false) => &[Class::Lookup],
            (Lane::QUICK, false) => &[Class::Read, Class::Write],
            _ => &[],
        };
        let number = |class: Class| self.waiting[class as usize].front().map(|it| it.number);
        classes
            .iter()
            .copied()
            .filter(|class| number(*class).is_some() && self.may_start(*class, per_user))
            .min_by_key(|class| number(*class))
    }
}

impl Class {
    fn writes(self) -> bool {
        matches!(self, Self::Write | Self::Bulk)
    }
}

#[cfg(test)]
mod tests;
