//! While writers of every kind change todos through several servers, one of which has a clock that is ahead, readers follow
//! the change feed. In the end, their copies equal the table.

use std::cell::Cell;

use chrono::TimeDelta;
use futures_util::future::{join, join_all};
use todo_domain::UserId;
use uuid::Uuid;

use crate::Servers;
use crate::copy::Copy;
use crate::writers::{Numbers, write};

const WRITERS: u64 = 10;
const CALLS: usize = 150;

/// The sizes of the pages that the readers request.
const PAGES: [u32; 4] = [1, 2, 7, 30];

async fn assert_nothing_is_missed(servers: &Servers) {
    let user = UserId(Uuid::new_v4());
    let is_done = Cell::new(false);
    let writers = async {
        let writers = (0..WRITERS).map(async |writer| {
            let ahead = TimeDelta::seconds(if writer == 3 { 3 } else { 0 });
            let repository = servers.of(usize::try_from(writer).unwrap());
            write(repository, user, &mut Numbers(writer), CALLS, ahead).await;
        });
        join_all(writers).await;
        is_done.set(true);
    };
    // Each follows the feed, some of them from the start again and again.
    let readers = (0..)
        .zip(PAGES)
        .flat_map(|(server, limit)| [(server, limit, false), (server, limit, true)]);
    let readers = readers.map(async |(server, limit, starts_anew)| {
        let (mut copy, mut pages) = (Copy::default(), 0);
        while !is_done.get() {
            let has_more = copy.read(servers.of(server), user, limit).await;
            if starts_anew && !has_more {
                copy.start_anew();
            }
            pages += 1;
        }
        (copy, pages)
    });
    let (readers, ()) = join(join_all(readers), writers).await;
    for (mut copy, pages) in readers {
        assert!(pages > 10, "only {pages} pages were read while others wrote");
        copy.assert_in_step(servers.of(0), user).await;
    }
    Copy::default().assert_in_step(servers.of(1), user).await;
}

#[tokio::test]
async fn nothing_is_missed_on_sqlite() {
    assert_nothing_is_missed(&Servers::sqlite()).await;
}

#[tokio::test]
async fn nothing_is_missed_on_postgres() {
    let Some(servers) = Servers::many_on_postgres() else { return };
    assert_nothing_is_missed(&servers).await;
}
