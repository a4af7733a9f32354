//! A purge while a client reads the tombstones that it removes.

use chrono::{DateTime, TimeDelta};
use futures_util::future::join;
use todo_domain::{Changes, TodoFilter, UserId};
use uuid::Uuid;

use crate::{Servers, id, todo};

const ROUNDS: i64 = 300;
const TODOS: u64 = 20;

async fn assert_all_or_expired(servers: &Servers) {
    let user = UserId(Uuid::new_v4());
    let [reader, purger] = [servers.of(0), servers.of(1)];
    let mut expired = 0;
    for round in 1..=ROUNDS {
        let now = DateTime::UNIX_EPOCH + TimeDelta::seconds(round);
        for number in 0..TODOS {
            reader.insert(user, todo(id(number), "x", false), None, now).await.unwrap();
        }
        let token = reader.changes(user, None, 500).await.unwrap().unwrap().next;
        reader.delete_matching(user, TodoFilter::default(), now).await.unwrap();
        let read = reader.changes(user, Some(token), 500);
        let purge = purger.purge(now + TimeDelta::seconds(1), None);
        let (read, step) = join(read, purge).await;
        step.unwrap();
        match read.unwrap() {
            Some(Changes { deleted, .. }) => assert_eq!(deleted.len() as u64, TODOS),
            None => expired += 1,
        }
    }
    assert!(expired < ROUNDS, "no read came before the purge");
}

#[tokio::test]
async fn a_purge_during_a_read_removes_nothing_from_it_on_sqlite() {
    assert_all_or_expired(&Servers::sqlite()).await;
}

#[tokio::test]
async fn a_purge_during_a_read_removes_nothing_from_it_on_postgres() {
    let Some(servers) = Servers::postgres() else { return };
    assert_all_or_expired(&servers).await;
}
