//! Bulk calls of one user that race each other through two servers.

use std::cell::Cell;

use chrono::DateTime;
use futures_util::future::{join, join_all};
use todo_domain::{BulkOutcome, Clock, SystemClock, TodoFilter, TodoId, UserId, VersionMatch};
use uuid::Uuid;

use crate::{Servers, completed, id, todo};

const WRITERS: usize = 16;
const CALLS: usize = 40;
const TODOS: u64 = 200;

/// Without the order that the owner's clock gives them, they deadlock.
async fn assert_all_succeed(servers: &Servers) {
    let [busy, other] = [(); 2].map(|()| UserId(Uuid::new_v4()));
    for user in [busy, other] {
        let inserts = (0..TODOS).map(|number| {
            let new = todo(id(number), "x", false);
            servers.of(0).insert(user, new, None, DateTime::UNIX_EPOCH)
        });
        assert!(join_all(inserts).await.iter().all(Result::is_ok));
    }
    let is_done = Cell::new(false);
    let writers = async {
        let writers = (0..WRITERS).map(async |writer| {
            for call in 0..CALLS {
                // Half of them in the opposite order of ids.
                let mut ids: Vec<TodoId> = (0..TODOS).map(id).collect();
                if writer % 4 < 2 {
                    ids.reverse();
                }
                let filter = TodoFilter { ids, ..TodoFilter::default() };
                let patch = completed((writer + call) % 2 == 0);
                let now = SystemClock.now();
                let outcome = servers.of(writer).update_matching(busy, filter, patch, now).await;
                assert!(matches!(outcome, Ok(BulkOutcome::Changed(_))), "{outcome:?}");
            }
        });
        join_all(writers).await;
        is_done.set(true);
    };
    let neighbour = async {
        let mut calls = 0;
        while !is_done.get() {
            for server in 0..2 {
                let found = servers.of(server).find(other, id(1)).await;
                assert!(matches!(found, Ok(Some(_))), "{found:?}");
                let now = SystemClock.now();
                let patch = completed(calls % 2 == 0);
                let updated =
                    servers.of(server).update(other, id(1), patch, VersionMatch::Any, now);
                assert!(updated.await.is_ok());
                calls += 1;
            }
        }
        calls
    };
    let ((), calls) = join(writers, neighbour).await;
    assert!(calls > 10, "{calls}");
}

#[tokio::test]
async fn racing_bulk_calls_of_one_user_on_two_servers_neither_fail_nor_fail_others() {
    let Some(servers) = Servers::postgres() else { return };
    assert_all_succeed(&servers).await;
}

#[tokio::test]
async fn racing_bulk_calls_of_one_user_on_many_servers_neither_fail_nor_fail_others() {
    let Some(servers) = Servers::many_on_postgres() else { return };
    assert_all_succeed(&servers).await;
}
