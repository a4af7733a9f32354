use super::*;

const ALICE: u128 = 1;
const BOB: u128 = 2;

/// A job that does nothing.
#[derive(Debug, Clone, Copy)]
struct Call {
    user: UserId,
    kind: JobKind,
    deadline: Instant,
    number: u32,
}

impl Job for Call {
    fn user(&self) -> UserId {
        self.user
    }

    fn kind(&self) -> JobKind {
        self.kind
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn can_batch_with(&self, _: &Self) -> bool {
        true
    }
}

/// A schedule, and a clock that only the test advances.
struct Simulation {
    schedule: Schedule<Call>,
    now: Instant,
    pushed: u32,
}

const TIMEOUT: Duration = Duration::from_secs(1);

impl Simulation {
    fn new(limits: Limits) -> Self {
        Self { schedule: Schedule::new(limits, None), now: Instant::now(), pushed: 0 }
    }

    /// With the limits for a pool of `threads`.
    fn with_threads(threads: usize) -> Self {
        Self::new(Limits::for_pool(threads, 1_000))
    }

    fn push(&mut self, user: u128, kind: JobKind) -> Result<(), QueueFull> {
        self.pushed += 1;
        let (user, deadline) = (UserId(uuid::Uuid::from_u128(user)), self.now + TIMEOUT);
        self.schedule.push(Call { user, kind, deadline, number: self.pushed }, None, self.now)
    }

    fn take(&mut self) -> Option<Batch<Call>> {
        self.schedule.take(self.now)
    }

    /// Takes the next batch. Returns the user and the number of its first job.
    fn next(&mut self) -> Option<(u128, u32)> {
        self.take().map(|batch| (batch.jobs[0].user.0.as_u128(), batch.jobs[0].number))
    }

    /// Takes a batch and finishes it after `duration`.
    fn run(&mut self, duration: Duration, outcome: Outcome) {
        let batch = self.take().unwrap();
        self.now += duration;
        assert!(self.schedule.finish(batch.id, outcome, self.now));
    }
}

#[test]
fn users_take_turns_however_many_jobs_one_has() {
    let mut simulation = Simulation::with_threads(40);
    for user in [ALICE, ALICE, ALICE, ALICE, BOB, BOB] {
        simulation.push(user, JobKind::Read).unwrap();
    }
    let users: Vec<_> = std::iter::from_fn(|| simulation.next()).collect();
    assert_eq!(users, [(ALICE, 1), (BOB, 5), (ALICE, 2), (BOB, 6), (ALICE, 3), (ALICE, 4)]);
}

#[test]
fn a_user_has_at_most_a_quarter_of_the_threads() {
    let mut simulation = Simulation::with_threads(8);
    for _ in 0..5 {
        simulation.push(ALICE, JobKind::Read).unwrap();
    }
    let first = simulation.take().unwrap();
    assert!(simulation.take().is_some());
    assert!(simulation.take().is_none());
    simulation.schedule.finish(first.id, Outcome::InTime, simulation.now);
    assert!(simulation.take().is_some());
    assert!(simulation.take().is_none());
}

#[test]
fn a_user_has_one_write_in_progress_and_reads_beside_it() {
    let mut simulation = Simulation::with_threads(40);
    for kind in [JobKind::Write, JobKind::Write, JobKind::Bulk, JobKind::Read] {
        simulation.push(ALICE, kind).unwrap();
    }
    let write = simulation.take().unwrap();
    assert_eq!(write.jobs[0].number, 1);
    assert_eq!(simulation.next(), Some((ALICE, 4)));
    assert_eq!(simulation.next(), None);
    simulation.schedule.finish(write.id, Outcome::InTime, simulation.now);
    assert!(simulation.next().is_some());
    assert_eq!(simulation.next(), None);
}

#[test]
fn slow_users_share_a_quarter_of_the_threads_until_a_statement_ends_in_time() {
    let mut simulation = Simulation::with_threads(8);
    for user in 1..=8 {
        simulation.push(user, JobKind::Read).unwrap();
    }
    let stuck: Vec<_> = std::iter::from_fn(|| simulation.take()).collect();
    assert_eq!(stuck.len(), 8);
    simulation.now += TIMEOUT;
    for batch in stuck {
        simulation.schedule.finish(batch.id, Outcome::MissedDeadline, simulation.now);
    }
    for user in 1..=9 {
        simulation.push(user, JobKind::Read).unwrap();
    }
    let taken: Vec<_> = std::iter::from_fn(|| simulation.take()).collect();
    assert_eq!(taken.len(), 3, "two slow users, and one who is not slow");
    let slow = &taken[0];
    simulation.schedule.finish(slow.id, Outcome::InTime, simulation.now);
    simulation.push(slow.jobs[0].user.0.as_u128(), JobKind::Read).unwrap();
    assert_eq!(
        std::iter::from_fn(|| simulation.take()).count(),
        2,
        "another slow user, and the one who is no longer slow"
    );
}

#[test]
fn a_job_that_started_late_does_not_make_its_user_slow() {
    let mut simulation = Simulation::with_threads(4);
    for user in [ALICE, BOB] {
        simulation.push(user, JobKind::Read).unwrap();
    }
    simulation.now += TIMEOUT * 9 / 10;
    let taken: Vec<_> = std::iter::from_fn(|| simulation.take()).collect();
    simulation.now += TIMEOUT / 10;
    for batch in taken {
        simulation.schedule.finish(batch.id, Outcome::MissedDeadline, simulation.now);
    }
    for user in [ALICE, BOB] {
        simulation.push(user, JobKind::Read).unwrap();
    }
    assert_eq!(std::iter::from_fn(|| simulation.take()).count(), 2);
}

#[test]
fn bulk_calls_share_a_quarter_of_the_threads_and_have_a_cooldown() {
    let mut simulation =
        Simulation::new(Limits { bulk_cooldown_factor: 2, ..Limits::for_pool(4, 1_000) });
    simulation.push(ALICE, JobKind::Bulk).unwrap();
    simulation.push(BOB, JobKind::Bulk).unwrap();
    let bulk = simulation.take().unwrap();
    assert!(simulation.take().is_none());
    simulation.now += TIMEOUT;
    simulation.schedule.finish(bulk.id, Outcome::InTime, simulation.now);
    assert!(simulation.take().is_none());
    assert_eq!(simulation.schedule.cooldown_end(), Some(simulation.now + TIMEOUT * 2));
    simulation.push(ALICE, JobKind::Write).unwrap();
    simulation.run(Duration::ZERO, Outcome::InTime);
    simulation.now += TIMEOUT * 2;
    assert!(simulation.take().is_some());
}

#[test]
fn a_batch_takes_one_job_of_each_user_before_a_second() {
    let mut simulation = Simulation::new(Limits { max_batch: 4, ..Limits::for_pool(8, 1_000) });
    for user in [ALICE, ALICE, ALICE, ALICE, BOB] {
        simulation.push(user, JobKind::Lookup).unwrap();
    }
    let batch = simulation.take().unwrap();
    let numbers: Vec<_> = batch.jobs.iter().map(|job| job.number).collect();
    assert_eq!(numbers, [1, 2, 5, 3]);
    assert_eq!(simulation.schedule.runnable(simulation.now), (1, 0));
    assert_eq!(simulation.next(), Some((ALICE, 4)));
    assert_eq!(simulation.schedule.runnable(simulation.now), (0, 0));
}

#[test]
fn one_user_cannot_fill_the_queue() {
    let mut simulation = Simulation::new(Limits { capacity: 8, ..Limits::for_pool(4, 8) });
    for _ in 0..4 {
        simulation.push(ALICE, JobKind::Read).unwrap();
    }
    assert!(simulation.push(ALICE, JobKind::Read).is_err());
    for _ in 0..2 {
        simulation.push(BOB, JobKind::Read).unwrap();
    }
    assert!(simulation.push(BOB, JobKind::Read).is_err());
    simulation.push(3, JobKind::Read).unwrap();
    simulation.push(4, JobKind::Read).unwrap();
    assert!(simulation.push(5, JobKind::Read).is_err());
}

#[test]
fn expired_jobs_do_not_fill_the_queue() {
    let mut simulation = Simulation::new(Limits { capacity: 8, ..Limits::for_pool(4, 8) });
    for user in 1..=8 {
        simulation.push(user, JobKind::Read).unwrap();
    }
    simulation.now += TIMEOUT;
    for user in 11..=18 {
        simulation.push(user, JobKind::Read).unwrap();
    }
    let users: Vec<_> = std::iter::from_fn(|| simulation.next()).map(|(user, _)| user).collect();
    assert_eq!(users, (11..=18).collect::<Vec<_>>());
}

#[test]
fn a_stuck_thread_is_abandoned_once_and_its_user_can_continue() {
    let mut simulation = Simulation::with_threads(1);
    simulation.push(ALICE, JobKind::Write).unwrap();
    let stuck = simulation.take().unwrap();
    simulation.now += TIMEOUT;
    assert_eq!(simulation.schedule.abandon_stuck(simulation.now), 0);
    simulation.now += ABANDON_AFTER;
    assert_eq!(simulation.schedule.abandon_stuck(simulation.now), 1);
    assert_eq!(simulation.schedule.abandon_stuck(simulation.now), 0);
    assert_eq!(simulation.schedule.busy(), 0);
    simulation.push(ALICE, JobKind::Write).unwrap();
    let next = simulation.take().unwrap();
    assert!(!simulation.schedule.finish(stuck.id, Outcome::InTime, simulation.now));
    assert!(simulation.schedule.finish(next.id, Outcome::InTime, simulation.now));
}

#[test]
fn no_more_threads_are_abandoned_than_allowed() {
    let mut simulation = Simulation::new(Limits { max_abandoned: 1, ..Limits::for_pool(8, 1_000) });
    for user in [ALICE, BOB] {
        simulation.push(user, JobKind::Read).unwrap();
        assert!(simulation.take().is_some());
    }
    simulation.now += TIMEOUT + ABANDON_AFTER;
    assert_eq!(simulation.schedule.abandon_stuck(simulation.now), 1);
}

#[test]
fn idle_users_are_forgotten() {
    let mut simulation = Simulation::new(Limits { max_batch: 4, ..Limits::for_pool(4, 1_000) });
    for round in 0..100 {
        for user in 0..10 {
            simulation.push(round * 10 + user, JobKind::Lookup).unwrap();
        }
        while let Some(batch) = simulation.take() {
            simulation.schedule.finish(batch.id, Outcome::InTime, simulation.now);
        }
    }
    assert_eq!(simulation.schedule.users.len(), 0);
    assert_eq!(simulation.schedule.waiting, 0);
}
