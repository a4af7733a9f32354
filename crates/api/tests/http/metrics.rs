//! Metrics, compared with what a client itself counts.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use todo_test_support::clients::events::EventStream;
use todo_test_support::clients::http;
use todo_test_support::clients::http::HANG_TIMEOUT;
use todo_test_support::database::TestDatabase;
use todo_test_support::issuer::{Issuer, Kind};
use todo_test_support::postgres::{Cluster, ClusterOptions};
use uuid::Uuid;

use crate::support::{Api, TODOS, path_of, todo_path};

const COUNT: &str = "http_server_request_duration_seconds_count";

/// The values by series.
type Scrape = BTreeMap<String, f64>;

/// A server with metrics.
struct Measured {
    api: Api,
    port: u16,
}

impl Measured {
    fn start(database: TestDatabase) -> Self {
        Self::of(Api::start(database, &[("METRICS_ADDRESS", "127.0.0.1:0")]))
    }

    fn of(api: Api) -> Self {
        let lines = api.server.logs();
        let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut lines = lines.filter(|it| it["fields"]["message"] == "serving metrics");
        let line = lines.next().unwrap();
        let url = line["fields"]["url"].as_str().unwrap();
        let port = url.trim_end_matches("/metrics").rsplit(':').next().unwrap();
        Self { port: port.parse().unwrap(), api }
    }

    fn text(&self) -> String {
        let response = http::Client::new(self.port, "").get("/metrics").unwrap();
        assert_eq!(response.status, 200);
        assert_eq!(
            response.header("content-type"),
            Some("text/plain; version=0.0.4; charset=utf-8")
        );
        response.text()
    }

    fn scrape(&self) -> Scrape {
        let text = self.text();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let samples = samples.map(|line| line.rsplit_once(' ').unwrap());
        samples.map(|(series, value)| (series.to_owned(), value.parse().unwrap())).collect()
    }

    /// Scrapes until `is_expected`: a thread of the database records after it has replied.
    #[track_caller]
    fn scrape_until(&self, is_expected: impl Fn(&Scrape) -> bool) -> Scrape {
        let start = Instant::now();
        loop {
            let scrape = self.scrape();
            if is_expected(&scrape) {
                return scrape;
            }
            assert!(start.elapsed() < HANG_TIMEOUT, "{scrape:#?}");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The sum of all series whose names, with labels, begin so.
fn sum(scrape: &Scrape, prefix: &str) -> u64 {
    let values = scrape.iter().filter(|(series, _)| series.starts_with(prefix));
    values.map(|(_, value)| format!("{value:.0}").parse::<u64>().unwrap()).sum()
}

/// The number of requests with this route, method and status.
fn requests(scrape: &Scrape, route: &str, method: &str, status: u16) -> u64 {
    sum(
        scrape,
        &format!(
            "{COUNT}{{http_route=\"{route}\",http_request_method=\"{method}\",http_response_status_code=\"{status}\"}}"
        ),
    )
}

pub(crate) fn the_sums_match_the_clients_own_count(database: TestDatabase) {
    let is_sqlite = database.url().starts_with("sqlite:");
    let measured = Measured::start(database);
    let ann = measured.api.user();
    let todos: Vec<_> = (0..7).map(|number| ann.create(&number.to_string())).collect();
    let one = path_of(&todos[0]);
    for _ in 0..5 {
        ann.get(&one).expect(200);
    }
    for _ in 0..3 {
        ann.get(TODOS).expect(200);
    }
    for _ in 0..2 {
        ann.get(todo_path(&Uuid::new_v4().to_string())).expect_not_found();
    }
    ann.get("/api/v1/todos/17");
    ann.patch(&one, &json!({"title": "Changed"})).expect(200);
    ann.delete(&one);
    ann.get("/nowhere");

    let (single, many) = ("/api/v1/todos/{todo_id}", TODOS);
    let counts = [
        (many, "POST", 201, 7),
        (single, "GET", 200, 5),
        (many, "GET", 200, 3),
        (single, "GET", 404, 2),
        (single, "GET", 400, 1),
        (single, "PATCH", 200, 1),
        (single, "DELETE", 204, 1),
        ("unmatched", "GET", 404, 1),
        // That the test reads the description.
        ("/openapi.json", "GET", 200, 1),
    ];
    let scrape = measured.scrape();
    for (route, method, status, count) in counts {
        assert_eq!(requests(&scrape, route, method, status), count, "{method} {route} {status}");
    }
    assert_eq!(sum(&scrape, COUNT), counts.iter().map(|it| it.3).sum::<u64>());

    // All but those that failed without the database.
    let (reads, writes) = (5 + 3 + 2, 7 + 1 + 1);
    assert_eq!(sum(&scrape, "db_client_connection_wait_time_seconds_count"), reads + writes);
    let read = if is_sqlite { "read" } else { "lookup" };
    let batches = |operation: &str, of: &str| {
        let system = if is_sqlite { "sqlite" } else { "postgresql" };
        format!(
            "db_client_operation_{of}{{db_system_name=\"{system}\",db_operation_name=\"{operation}\"}}"
        )
    };
    measured.scrape_until(|scrape| {
        let calls = |operation| sum(scrape, &batches(operation, "batch_size_sum"));
        let durations = |operation| sum(scrape, &batches(operation, "duration_seconds_count"));
        // One client at a time: nothing is batched.
        [(read, reads), ("write", writes), ("bulk", 0)]
            .into_iter()
            .all(|(it, count)| calls(it) == count && durations(it) == count)
    });
}

pub(crate) fn what_clients_send_creates_no_series(database: TestDatabase) {
    const METHODS: [&str; 9] =
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "TRACE"];
    let measured = Measured::start(database);
    let mut client = http::Client::new(measured.api.server.port(), "");
    let mut tokens = Vec::new();
    // Each kind of path with each method, as another user each time.
    let mut send = |number: usize| {
        let (user, random) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
        let target = match number / METHODS.len() % 3 {
            0 => format!("/api/v1/todos/{random}"),
            1 => format!("/{random}/{number}"),
            _ => format!("/api/v1/todos?{random}={number}"),
        };
        let method = METHODS[number % METHODS.len()];
        let unknown = format!("X-{random}").to_uppercase();
        let method = if method == "TRACE" { unknown.as_str() } else { method };
        let mut request = http::Request::default();
        request.set(method, &target, &[("X-User-ID", &user), ("Host", &"127.0.0.1")], None);
        client.send(&request).unwrap();
        tokens.extend([user, random, unknown]);
    };
    (0..3 * METHODS.len()).for_each(&mut send);
    let series = |scrape: Scrape| scrape.into_keys().collect::<Vec<_>>();
    let before = series(measured.scrape());
    (0..10_000).for_each(&mut send);
    assert_eq!(series(measured.scrape()), before);
    let total = 10_000 + 3 * METHODS.len() as u64;
    // And that the test reads the description.
    assert_eq!(sum(&measured.scrape(), COUNT), total + 1);
    let text = measured.text();
    let leaked: Vec<_> = tokens.iter().filter(|it| text.contains(it.as_str())).collect();
    assert!(leaked.is_empty(), "{leaked:?} in {text}");
}

pub(crate) fn connections_are_counted(database: TestDatabase) {
    let measured = Measured::start(database);
    let port = measured.api.server.port();
    let clients: Vec<_> = (0..5)
        .map(|_| {
            let mut client = http::Client::new(port, "");
            client.get("/health/ready").unwrap().expect(200);
            client
        })
        .collect();
    let open = "http_server_open_connections";
    // One more reads the description.
    let scrape = measured.scrape_until(|it| sum(it, open) == 6);
    assert_eq!(sum(&scrape, "http_server_max_connections"), 10_000);
    assert!(sum(&scrape, "db_client_connections{") > 0, "{scrape:#?}");
    drop(clients);
    measured.scrape_until(|it| sum(it, open) == 1);
}

#[test]
fn the_age_of_the_key_set_is_measured_if_it_is_fetched() {
    let issuer = Issuer::start(&[Kind::Es256]);
    let mut settings = issuer.settings();
    settings.push(("METRICS_ADDRESS", "127.0.0.1:0".to_owned()));
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let measured = Measured::of(Api::start_at("sqlite::memory:", &settings));
    let age = "jwt_key_set_age_seconds";
    let scrape = measured.scrape_until(|it| it.contains_key(age));
    assert_eq!(sum(&scrape, "jwt_key_set_max_age_seconds"), 24 * 3_600);
    assert_eq!(sum(&scrape, "jwt_key_set_failed_fetches"), 0);
    measured.scrape_until(|it| it[age] > scrape[age]);

    let by_header = Measured::start(TestDatabase::sqlite());
    assert!(!by_header.text().contains("jwt_"), "{}", by_header.text());
}

/// A stream is not recorded as a long request: its duration is the time to its first part.
pub(crate) fn open_streams_are_counted(database: TestDatabase) {
    let measured = Measured::start(database);
    let user = Uuid::new_v4().to_string();
    let open = || EventStream::open(measured.api.server.port(), "", &[("X-User-ID", &user)]);
    let streams = [open(), open()];
    let gauge = "http_server_open_streams";
    let scrape = measured.scrape_until(|it| sum(it, gauge) == 2);
    let route = format!("{COUNT}{{http_route=\"/api/v1/todos/events\"");
    assert_eq!(sum(&scrape, &route), 2, "{scrape:#?}");
    drop(streams);
    measured.scrape_until(|it| sum(it, gauge) == 0);
}

/// Expects that each 503 was counted once by its cause, and that one of these was the cause of some.
#[track_caller]
fn expect_causes(measured: &Measured, causes: &[&str]) {
    let scrape = measured.scrape();
    let by_status = scrape.iter().filter(|(it, _)| it.starts_with(COUNT) && it.contains("\"503\""));
    let total: f64 = by_status.map(|(_, count)| count).sum();
    let name = "http_server_unavailable_responses_total";
    assert!(total > 0.0);
    assert_eq!(format!("{total:.0}"), sum(&scrape, name).to_string(), "{scrape:#?}");
    let of = |cause: &&str| sum(&scrape, &format!("{name}{{error_type=\"{cause}\"}}"));
    assert!(causes.iter().map(of).sum::<u64>() > 0, "{scrape:#?}");
    assert_eq!(of(&"other"), 0, "{scrape:#?}");
}

#[test]
fn a_stopped_postgres_is_the_cause_of_503s() {
    let Some(mut cluster) = Cluster::start(ClusterOptions::default()) else { return };
    let settings = [("METRICS_ADDRESS", "127.0.0.1:0"), ("DATABASE_TIMEOUT", "2s")];
    let measured = Measured::of(Api::start_at(&cluster.create_database(), &settings));
    let ann = measured.api.user();
    ann.create("Before");
    cluster.stop_immediate();
    for _ in 0..3 {
        assert_eq!(ann.get(TODOS).status, 503);
    }
    expect_causes(&measured, &["no_connection", "no_answer"]);
    let failed = sum(&measured.scrape(), "db_client_connection_errors_total");
    assert!(failed > 0, "{:#?}", measured.scrape());
}

#[test]
fn a_deleted_sqlite_file_is_the_cause_of_503s() {
    let database = TestDatabase::sqlite();
    let path = database.url().trim_start_matches("sqlite://").to_owned();
    let measured = Measured::start(database);
    let ann = measured.api.user();
    ann.create("Before");
    assert!(measured.scrape()["sqlite_wal_size_bytes"] > 0.0);
    std::fs::remove_file(path).unwrap();
    assert_eq!(ann.post(&json!({"title": "After"})).status, 503);
    expect_causes(&measured, &["database_file"]);
}
