//! Bugs in the server: a panic fails only its own request.
//!
//! No request is known to cause a panic. So the server runs in this process, on a real port and a real database, with a
//! clock and a connection instrumentation that panic on demand.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use serde_json::{Value, json};
use todo_api::server::{Server, ServerOptions};
use todo_domain::{Clock, SystemClock, TodoService};
use todo_infrastructure::{DatabaseOptions, StatementCache};
use todo_test_support::database::TestDatabase;
use tokio::sync::oneshot;

use crate::support::http::{Client, Response};
use crate::support::ledger::{TODOS, new_id};

/// A statement with this value panics.
const TRIGGER: &str = "panic-here";
const POOL_SIZE: u32 = 2;
const REPEATS: usize = 10;
const CLIENTS: usize = 16;

/// A clock that panics in the handler's thread while it is broken.
#[derive(Default)]
struct BrokenClock(AtomicBool);

impl Clock for BrokenClock {
    fn now(&self) -> DateTime<Utc> {
        assert!(!self.0.load(Ordering::SeqCst), "{TRIGGER}");
        SystemClock.now()
    }
}

/// Makes statements with the trigger panic, in a worker thread. Suppresses the messages of these panics.
fn make_statements_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_default_instrumentation(|| {
            Some(Box::new(|event: InstrumentationEvent<'_>| {
                if let InstrumentationEvent::StartQuery { query, .. } = event {
                    assert!(!query.to_string().contains(TRIGGER), "{TRIGGER}");
                }
            }) as Box<dyn Instrumentation>)
        })
        .unwrap();
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !panic.to_string().contains(TRIGGER) {
                usual(panic);
            }
        }));
    });
}

/// Runs `test` against a server in this process.
fn with_server(database: &TestDatabase, test: impl FnOnce(u16, &BrokenClock)) {
    make_statements_panic();
    let options = DatabaseOptions {
        pool_size: POOL_SIZE,
        timeout: Duration::from_secs(30),
        bulk_timeout: Duration::from_secs(30),
        queue_capacity: 1_000,
        statement_cache: StatementCache::Auto,
        migrate_on_start: true,
        migrate_timeout: Duration::from_secs(60),
    };
    let url = database.url().parse().unwrap();
    let repository = todo_infrastructure::open(&url, &options).unwrap();
    let clock = Arc::new(BrokenClock::default());
    let service = TodoService::new(repository, Arc::clone(&clock) as Arc<dyn Clock>);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = ServerOptions {
        authentication: todo_api::identity::Authentication::Header,
        workers: Some(2),
        max_connections: 1_000,
        max_streams: 1_000,
        keep_alive: Duration::from_secs(5),
        database_timeout: options.timeout,
        cors_allowed_origins: Vec::new(),
        shutdown_delay: Duration::ZERO,
        shutdown_timeout: Duration::from_secs(1),
        rate_limit: None,
        sandbox: None,
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let server = thread::spawn(move || {
        let server = Server::new(listener, service, options);
        let stopped = async { drop(stopped.await) };
        actix_web::rt::System::new().block_on(server.run(stopped))
    });
    test(port, &clock);
    drop(stop);
    server.join().unwrap().unwrap();
}

fn expect_internal_error(response: &Response) {
    let body = response.json();
    assert_eq!((response.status, &body["error_code"]), (500, &"SERVER_ERROR".into()));
    assert_eq!(response.header("content-type"), Some("application/problem+json"));
    assert_eq!(body["request_id"].as_str(), response.header("x-request-id"));
    assert!(!String::from_utf8_lossy(&response.body).contains(TRIGGER));
}

fn body_with_title(title: &str) -> Value {
    json!({"title": title})
}

fn panics_stay_inside_their_requests(database: &TestDatabase) {
    with_server(database, |port, clock| {
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut client = Client::new(port, &new_id());
                for _ in 0..50 * REPEATS {
                    assert_eq!(client.get(TODOS).unwrap().status, 200);
                }
            });
            let mut client = Client::new(port, &new_id());
            for _ in 0..REPEATS {
                expect_internal_error(&client.get(&format!("{TODOS}?q={TRIGGER}")).unwrap());
                expect_internal_error(
                    &client.call("POST", TODOS, Some(&body_with_title(TRIGGER))).unwrap(),
                );
                clock.0.store(true, Ordering::SeqCst);
                expect_internal_error(
                    &client.call("POST", TODOS, Some(&body_with_title("late"))).unwrap(),
                );
                clock.0.store(false, Ordering::SeqCst);
            }
        });
        // No thread or connection is lost, or it has been replaced.
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    let mut client = Client::new(port, &new_id());
                    for _ in 0..REPEATS {
                        let created =
                            client.call("POST", TODOS, Some(&body_with_title("after"))).unwrap();
                        assert_eq!(created.status, 201);
                    }
                    assert_eq!(client.get(TODOS).unwrap().json()["count"], REPEATS);
                });
            }
        });
    });
}

#[test]
fn a_panic_on_sqlite_fails_only_its_own_request() {
    panics_stay_inside_their_requests(&TestDatabase::sqlite());
}

#[test]
fn a_panic_on_postgres_fails_only_its_own_request() {
    let Some(database) = TestDatabase::postgres() else { return };
    panics_stay_inside_their_requests(&database);
}
