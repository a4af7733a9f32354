//! The time from a change to its event, on the stream of a client that listens.

use std::time::{Duration, Instant};

use serde_json::json;
use todo_test_support::clients::events::EventStream;
use todo_test_support::clients::http::Client;
use todo_test_support::server::Server;

use crate::common::calls::Call;
use crate::common::data;
use crate::common::load::{Clients, Plan};

/// How many changes a measurement makes.
const CHANGES: usize = 100;
/// The interval at which a server polls for the changes of others.
const POLL_MILLIS: u64 = 500;
/// Longer than the measurement takes.
const LOAD_TIME: Duration = Duration::from_secs(600);

/// The times, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// Changes a todo through one server, while a client listens to the other, which can be the same. With a load, as many
/// clients as in the plan PATCH todos of other users through the first.
pub(crate) fn measure(written: &Server, listened: &Server, load: Option<Plan>) -> Latency {
    let clients = load.map(|plan| {
        let numbers: Vec<u64> = (0..plan.connections as u64).collect();
        Clients::start(written.port(), LOAD_TIME, &[Call::Patch.name(), ""], &numbers)
    });
    let user = data::user_id(data::USERS * 4);
    let target = format!("/api/v1/todos/{}", data::todo_id(data::USERS * 4, 0));
    let mut client = Client::new(written.port(), &user.to_string());
    let mut put = |number: usize| {
        let todo = json!({"title": format!("Change {number}"), "description": null, "is_completed": false});
        let response = client.call("PUT", &target, Some(&todo)).expect("the server responds");
        assert!(matches!(response.status, 200 | 201), "{response:?}");
    };
    put(CHANGES);
    let user = user.to_string();
    let mut events = EventStream::open(listened.port(), "", &[("X-User-ID", &user)]);
    let mut times: Vec<f64> = (0..CHANGES)
        .map(|number| {
            if written.port() != listened.port() {
                // Not always at the same time after a poll.
                std::thread::sleep(Duration::from_millis(number as u64 * 97 % POLL_MILLIS));
            }
            let start = Instant::now();
            put(number);
            events.next_event();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    drop(clients);
    times.sort_by(f64::total_cmp);
    Latency { p50: times[CHANGES / 2], p99: times[CHANGES * 99 / 100], max: times[CHANGES - 1] }
}
