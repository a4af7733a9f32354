use super::*;

const ALICE: u128 = 1;
const BOB: u128 = 2;

/// A job of a user that never expires.
#[derive(Debug, Clone, Copy)]
struct Call {
    user: UserId,
    class: Class,
    deadline: Instant,
    number: u32,
}

impl Job for Call {
    fn user(&self) -> UserId {
        self.user
    }

    fn class(&self) -> Class {
        self.class
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn can_join(&self, _: &Self) -> bool {
        true
    }
}

/// A schedule at a moment that only the test moves on.
struct World {
    schedule: Schedule<Call>,
    now: Instant,
    pushed: u32,
}

const TIMEOUT: Duration = Duration::from_secs(1);

impl World {
    fn new(limits: Limits) -> Self {
        Self { schedule: Schedule::new(limits), now: Instant::now(), pushed: 0 }
    }

    /// For so many threads.
    fn of(threads: usize) -> Self {
        Self::new(Limits::for_pool(threads, 1_000))
    }

    fn push(&mut self, user: u128, class: Class) -> Result<(), Full> {
        self.pushed += 1;
        let (user, deadline) = (UserId(uuid::Uuid::from_u128(user)), self.now + TIMEOUT);
        self.schedule.push(Call { user, class, deadline, number: self.pushed }, self.now)
    }

    fn take(&mut self) -> Option<Batch<Call>> {
        self.schedule.take(self.now)
    }

    /// The user and the number of the next single job.
    fn next(&mut self) -> Option<(u128, u32)> {
        self.take().map(|batch| (batch.jobs[0].user.0.as_u128(), batch.jobs[0].number))
    }

    /// Takes a batch and ends it after so long.
    fn run(&mut self, takes: Duration, outcome: Outcome) {
        let batch = self.take().unwrap();
        self.now += takes;
        assert!(self.schedule.finish(batch.number, outcome, self.now));
    }
}

#[test]
fn users_take_turns_however_many_jobs_one_has() {
    let mut world = World::of(40);
    for user in [ALICE, ALICE, ALICE, ALICE, BOB, BOB] {
        world.push(user, Class::Read).unwrap();
    }
    let users: Vec<_> = std::iter::from_fn(|| world.next()).collect();
    assert_eq!(users, [(ALICE, 1), (BOB, 5), (ALICE, 2), (BOB, 6), (ALICE, 3), (ALICE, 4)]);
}

#[test]
fn a_user_has_at_most_a_quarter_of_the_threads() {
    let mut world = World::of(8);
    for _ in 0..5 {
        world.push(ALICE, Class::Read).unwrap();
    }
    let first = world.take().unwrap();
    assert!(world.take().is_some());
    assert!(world.take().is_none());
    world.schedule.finish(first.number, Outcome::InTime, world.now);
    assert!(world.take().is_some());
    assert!(world.take().is_none());
}

#[test]
fn a_user_has_one_write_under_way_and_reads_beside_it() {
    let mut world = World::of(40);
    for class in [Class::Write, Class::Write, Class::Bulk, Class::Read] {
        world.push(ALICE, class).unwrap();
    }
    let write = world.take().unwrap();
    assert_eq!(write.jobs[0].number, 1);
    assert_eq!(world.next(), Some((ALICE, 4)));
    assert_eq!(world.next(), None);
    world.schedule.finish(write.number, Outcome::InTime, world.now);
    assert!(world.next().is_some());
    assert_eq!(world.next(), None);
}

#[test]
fn users_whose_statements_miss_their_deadline_share_a_quarter_of_the_threads_until_one_is_in_time()
{
    let mut world = World::of(8);
    for user in 1..=8 {
        world.push(user, Class::Read).unwrap();
    }
    let stuck: Vec<_> = std::iter::from_fn(|| world.take()).collect();
    assert_eq!(stuck.len(), 8);
    world.now += TIMEOUT;
    for batch in stuck {
        world.schedule.finish(batch.number, Outcome::MissedDeadline, world.now);
    }
    for user in 1..=9 {
        world.push(user, Class::Read).unwrap();
    }
    let taken: Vec<_> = std::iter::from_fn(|| world.take()).collect();
    assert_eq!(taken.len(), 3, "two suspects, and the one who is none");
    let suspect = &taken[0];
    world.schedule.finish(suspect.number, Outcome::InTime, world.now);
    world.push(suspect.jobs[0].user.0.as_u128(), Class::Read).unwrap();
    assert_eq!(
        std::iter::from_fn(|| world.take()).count(),
        2,
        "one more suspect, and who is none any more"
    );
}

#[test]
fn a_job_that_had_little_time_left_makes_nobody_a_suspect() {
    let mut world = World::of(4);
    for user in [ALICE, BOB] {
        world.push(user, Class::Read).unwrap();
    }
    world.now += TIMEOUT * 9 / 10;
    let taken: Vec<_> = std::iter::from_fn(|| world.take()).collect();
    world.now += TIMEOUT / 10;
    for batch in taken {
        world.schedule.finish(batch.number, Outcome::MissedDeadline, world.now);
    }
    for user in [ALICE, BOB] {
        world.push(user, Class::Read).unwrap();
    }
    assert_eq!(std::iter::from_fn(|| world.take()).count(), 2);
}

#[test]
fn bulk_calls_share_a_quarter_of_the_threads_and_rest() {
    let mut world = World::new(Limits { bulk_rest: 2, ..Limits::for_pool(4, 1_000) });
    world.push(ALICE, Class::Bulk).unwrap();
    world.push(BOB, Class::Bulk).unwrap();
    let bulk = world.take().unwrap();
    assert!(world.take().is_none());
    world.now += TIMEOUT;
    world.schedule.finish(bulk.number, Outcome::InTime, world.now);
    assert!(world.take().is_none());
    assert_eq!(world.schedule.next_opening(), Some(world.now + TIMEOUT * 2));
    world.push(ALICE, Class::Write).unwrap();
    world.run(Duration::ZERO, Outcome::InTime);
    world.now += TIMEOUT * 2;
    assert!(world.take().is_some());
}

#[test]
fn a_batch_holds_one_job_of_each_user_and_then_more() {
    let mut world = World::new(Limits { batch: 4, ..Limits::for_pool(8, 1_000) });
    for user in [ALICE, ALICE, ALICE, ALICE, BOB] {
        world.push(user, Class::Lookup).unwrap();
    }
    let batch = world.take().unwrap();
    let numbers: Vec<_> = batch.jobs.iter().map(|job| job.number).collect();
    assert_eq!(numbers, [1, 2, 5, 3]);
    assert_eq!(world.schedule.startable(world.now), (1, 0));
    assert_eq!(world.next(), Some((ALICE, 4)));
    assert_eq!(world.schedule.startable(world.now), (0, 0));
}

#[test]
fn one_user_cannot_fill_the_queue() {
    let mut world = World::new(Limits { capacity: 8, ..Limits::for_pool(4, 8) });
    for _ in 0..4 {
        world.push(ALICE, Class::Read).unwrap();
    }
    assert!(world.push(ALICE, Class::Read).is_err());
    for _ in 0..2 {
        world.push(BOB, Class::Read).unwrap();
    }
    assert!(world.push(BOB, Class::Read).is_err());
    world.push(3, Class::Read).unwrap();
    world.push(4, Class::Read).unwrap();
    assert!(world.push(5, Class::Read).is_err());
}

#[test]
fn jobs_that_nobody_waits_for_any_more_do_not_fill_the_queue() {
    let mut world = World::new(Limits { capacity: 8, ..Limits::for_pool(4, 8) });
    for user in 1..=8 {
        world.push(user, Class::Read).unwrap();
    }
    world.now += TIMEOUT;
    for user in 11..=18 {
        world.push(user, Class::Read).unwrap();
    }
    let users: Vec<_> = std::iter::from_fn(|| world.next()).map(|(user, _)| user).collect();
    assert_eq!(users, (11..=18).collect::<Vec<_>>());
}

#[test]
fn a_thread_that_does_not_come_back_is_given_up_once_and_its_user_goes_on() {
    let mut world = World::of(1);
    world.push(ALICE, Class::Write).unwrap();
    let stuck = world.take().unwrap();
    world.now += TIMEOUT;
    assert_eq!(world.schedule.give_up_stuck(world.now), 0);
    world.now += GIVE_UP_AFTER;
    assert_eq!(world.schedule.give_up_stuck(world.now), 1);
    assert_eq!(world.schedule.give_up_stuck(world.now), 0);
    assert_eq!(world.schedule.busy(), 0);
    world.push(ALICE, Class::Write).unwrap();
    let next = world.take().unwrap();
    assert!(!world.schedule.finish(stuck.number, Outcome::InTime, world.now));
    assert!(world.schedule.finish(next.number, Outcome::InTime, world.now));
}

#[test]
fn no_more_threads_are_given_up_than_allowed() {
    let mut world = World::new(Limits { lost: 1, ..Limits::for_pool(8, 1_000) });
    for user in [ALICE, BOB] {
        world.push(user, Class::Read).unwrap();
        assert!(world.take().is_some());
    }
    world.now += TIMEOUT + GIVE_UP_AFTER;
    assert_eq!(world.schedule.give_up_stuck(world.now), 1);
}

#[test]
fn users_with_nothing_to_do_are_forgotten() {
    let mut world = World::new(Limits { batch: 4, ..Limits::for_pool(4, 1_000) });
    for round in 0..100 {
        for user in 0..10 {
            world.push(round * 10 + user, Class::Lookup).unwrap();
        }
        while let Some(batch) = world.take() {
            world.schedule.finish(batch.number, Outcome::InTime, world.now);
        }
    }
    assert_eq!(world.schedule.users.len(), 0);
    assert_eq!(world.schedule.waiting, 0);
}
