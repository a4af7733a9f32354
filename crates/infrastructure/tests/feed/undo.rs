//! PUT and DELETE of the same todo through several servers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use chrono::DateTime;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use futures_util::future::join_all;
use todo_domain::{Clock, PutCondition, PutOutcome, SystemClock, UserId, VersionMatch};
use uuid::Uuid;

use crate::{Servers, id, todo};

const CALLERS: usize = 8;
const CALLS: usize = 150;

/// The number of todos and tombstones, as of the same moment.
const TODOS_AND_TOMBSTONES: &str =
    "SELECT (SELECT count(*) FROM todos) + (SELECT count(*) FROM tombstones) AS number";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Counts until it is told that it is done. Returns how often.
fn assert_always_one(url: &str, is_done: &AtomicBool) -> u32 {
    let mut connection = PgConnection::establish(url).unwrap();
    let mut checks = 0;
    while !is_done.load(Ordering::Relaxed) {
        let count: Count =
            diesel::sql_query(TODOS_AND_TOMBSTONES).get_result(&mut connection).unwrap();
        assert_eq!(count.number, 1, "either the todo exists or its tombstone");
        checks += 1;
    }
    checks
}

#[tokio::test]
async fn racing_puts_and_deletions_repeat_no_version_and_never_leave_a_todo_and_its_tombstone() {
    let Some(servers) = Servers::many_on_postgres() else { return };
    let user = UserId(Uuid::new_v4());
    let created_at = DateTime::UNIX_EPOCH;
    let first = todo(id(1), "first", false);
    servers.of(0).put(user, first, PutCondition::Always, None, created_at).await.unwrap();
    let is_done = Arc::<AtomicBool>::default();
    let checker = {
        let (url, is_done) = (servers.database.url().to_owned(), Arc::clone(&is_done));
        thread::spawn(move || assert_always_one(&url, &is_done))
    };
    let calls = async |caller: usize| {
        let mut outcomes = Vec::new();
        for call in 0..CALLS {
            // One at a time in each server, so that they meet in the database.
            let (repository, now) = (servers.of(caller), SystemClock.now());
            if (caller + call).is_multiple_of(2) {
                repository.delete(user, id(1), VersionMatch::Any, now).await.unwrap();
                continue;
            }
            let new = todo(id(1), &format!("{caller} {call}"), false);
            outcomes
                .push(repository.put(user, new, PutCondition::Always, None, now).await.unwrap());
        }
        outcomes
    };
    let outcomes = join_all((0..CALLERS).map(calls)).await.into_iter().flatten();
    let (mut versions, mut revived) = (BTreeSet::from([1]), 0);
    for outcome in outcomes {
        revived += usize::from(matches!(outcome, PutOutcome::Created(_)));
        let (PutOutcome::Created(todo) | PutOutcome::Replaced(todo)) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(versions.insert(todo.version), "a version repeats: {todo:?}");
        assert_eq!(todo.created_at, created_at);
    }
    is_done.store(true, Ordering::Relaxed);
    assert!(checker.join().unwrap() > 10);
    assert!(revived >= CALLS, "revived {revived} times");
    // No version was skipped either.
    assert_eq!(versions.last(), Some(&i64::try_from(versions.len()).unwrap()));
}
