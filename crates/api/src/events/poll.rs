//! Finds the changes that other processes made, by the clocks of the users who listen. It works behind every pooler and
//! on every database, also when the process that made a change was killed right after it.

use std::convert::Infallible;
use std::time::Duration;

use todo_domain::TodoService;
use tokio::time::sleep;

use super::hub::EventHub;

/// How long to wait between two polls. With the poll itself, a stream hears of a change within a second.
const INTERVAL: Duration = Duration::from_millis(500);

/// How many clocks are read by one statement: a few milliseconds.
const BATCH: usize = 1_000;

/// Polls for ever, but only while somebody listens: a serverless database can sleep until then.
pub async fn poll(hub: EventHub, service: TodoService) -> Infallible {
    loop {
        let users = hub.users().await;
        sleep(INTERVAL).await;
        for users in users.chunks(BATCH) {
            // If it fails, the next poll finds the same changes; requests report that the database is away.
            let Ok(times) = service.changed_at_of(users.to_vec()).await else { break };
            for (user, changed_at) in times {
                hub.notify_changed_at(user, changed_at);
            }
        }
    }
}
