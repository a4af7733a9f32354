//! The purge of tombstones, in small steps and by one process at a time.

use std::time::Duration;

use chrono::TimeDelta;
use todo_domain::{TodoError, TodoService};
use tokio::time::sleep;

/// The time between two purges, if tombstones are kept for long. A serverless database is woken up no more often.
const MAX_INTERVAL: Duration = Duration::from_secs(24 * 3_600);

/// The pause between two steps, so that requests do not wait behind them.
const PAUSE: Duration = Duration::from_millis(100);

/// After the start, the first purge comes within this time, while a serverless database is still awake.
const START: Duration = Duration::from_secs(60);

/// Purges the tombstones that are older than `retention`, over and over. Never ends.
pub async fn run(service: TodoService, retention: Duration) {
    // Tombstones may be kept a tenth longer.
    let interval = (retention / 10).clamp(Duration::from_secs(1), MAX_INTERVAL);
    let mut pause = interval.min(START);
    loop {
        // Processes that were started together do not ask together: the first begins, the others find that it has.
        sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        pause = interval;
        if let Err(error) = purge(&service, interval, retention).await {
            tracing::debug!(%error, "tombstones were not purged");
        }
    }
}

async fn purge(
    service: &TodoService,
    interval: Duration,
    retention: Duration,
) -> Result<(), TodoError> {
    let delta = |time| TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX);
    if !service.begin_purge(delta(interval)).await? {
        return Ok(());
    }
    let mut from = None;
    while let Some(next) = service.purge(delta(retention), from).await? {
        from = Some(next);
        sleep(PAUSE).await;
    }
    Ok(())
}
