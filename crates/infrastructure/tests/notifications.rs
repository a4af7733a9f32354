//! How processes tell each other of changes by Postgres.

#![expect(clippy::unwrap_used, reason = "what fails here is a test")]

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use todo_domain::{ChangeRelay, RemoteChanges, UserId};
use todo_infrastructure::change_relay;
use todo_test_support::postgres::{Cluster, ClusterOptions};
use uuid::Uuid;

const ANN: UserId = UserId(Uuid::from_u128(1));
const BEN: UserId = UserId(Uuid::from_u128(2));

/// Ends a test that hangs.
const HANG_TIMEOUT: Duration = Duration::from_secs(60);

const LISTENERS: &str = "FROM pg_stat_activity WHERE query LIKE 'LISTEN %'";

/// Reports whether Ann's and Ben's todos have changed.
struct Heard(Sender<[bool; 2]>);

impl RemoteChanges for Heard {
    fn changed_elsewhere(&self, has_changed: &dyn Fn(UserId) -> bool) {
        self.0.send([has_changed(ANN), has_changed(BEN)]).unwrap();
    }
}

fn start(url: &str) -> (Arc<dyn ChangeRelay>, Receiver<[bool; 2]>) {
    let relay = change_relay(&url.parse().unwrap()).unwrap();
    let (sender, heard) = mpsc::channel();
    relay.start(Arc::new(Heard(sender)));
    (relay, heard)
}

#[track_caller]
fn wait_for_listeners(cluster: &Cluster, count: usize) {
    let start = Instant::now();
    let query = format!("SELECT count(*) {LISTENERS}");
    while cluster.psql("postgres", &query) != count.to_string() {
        assert!(start.elapsed() < HANG_TIMEOUT, "not {count} sessions listen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_process_hears_of_the_changes_of_others_while_it_listens() {
    let Some(cluster) = Cluster::start(ClusterOptions::default()) else { return };
    let url = cluster.create_database();
    let ((first, heard_by_first), (second, heard_by_second)) = (start(&url), start(&url));
    first.set_listening(true);
    second.set_listening(true);
    wait_for_listeners(&cluster, 2);
    second.publish(ANN);
    assert_eq!(heard_by_first.recv_timeout(HANG_TIMEOUT), Ok([true, false]));
    first.publish(BEN);
    assert_eq!(heard_by_second.recv_timeout(HANG_TIMEOUT), Ok([false, true]));
    // Neither hears of its own changes.
    assert!(heard_by_first.try_recv().is_err());

    // Sessions that end are opened again.
    cluster.psql("postgres", &format!("SELECT pg_terminate_backend(pid) {LISTENERS}"));
    wait_for_listeners(&cluster, 0);
    wait_for_listeners(&cluster, 2);
    second.publish(ANN);
    assert_eq!(heard_by_first.recv_timeout(HANG_TIMEOUT), Ok([true, false]));

    first.set_listening(false);
    wait_for_listeners(&cluster, 1);
    first.stop();
    second.stop();
    wait_for_listeners(&cluster, 0);
    assert_eq!(heard_by_first.recv_timeout(HANG_TIMEOUT).ok(), None, "its thread has ended");
}

#[test]
fn a_burst_of_changes_fits_into_a_notification() {
    let Some(cluster) = Cluster::start(ClusterOptions::default()) else { return };
    let url = cluster.create_database();
    let ((first, heard), (second, _)) = (start(&url), start(&url));
    first.set_listening(true);
    wait_for_listeners(&cluster, 1);
    for number in 0..10_000 {
        second.publish(UserId(Uuid::from_u128(number)));
    }
    // More users than fit into a notification: all.
    assert_eq!(heard.recv_timeout(HANG_TIMEOUT), Ok([true, true]));
    first.stop();
    second.stop();
}
