//! Traces, as a collector receives them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use todo_test_support::collector::{Behaviour, Collector, Span};
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::support::{Api, Call, Client, TODOS, database, path_of, todo_path};

const CALLER: &str = "b7ad6b7169203331";

/// A trace that no other request belongs to.
fn new_trace() -> String {
    Uuid::new_v4().simple().to_string()
}

/// A call in a trace of its caller.
fn traced<'a>(user: &Client<'a>, method: &str, target: &str, trace: &str, flags: &str) -> Call<'a> {
    user.call(method, target).header("traceparent", &format!("00-{trace}-{CALLER}-{flags}"))
}

/// A server that sends traces to a collector, with no others than those that callers trace.
fn start(database: TestDatabase, collector: &Collector) -> Api {
    start_with(database, collector, &[("OTEL_TRACES_SAMPLER_ARG", "0")])
}

fn start_with(database: TestDatabase, collector: &Collector, more: &[(&str, &str)]) -> Api {
    let endpoint = collector.endpoint();
    let settings =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "10")];
    Api::start(database, &[&settings, more].concat())
}

/// The one span with this name.
#[track_caller]
fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    let [span] = found.as_slice() else { panic!("not one {name} in {spans:#?}") };
    span
}

pub(crate) fn the_spans_of_a_call_nest_below_the_callers(database: TestDatabase) {
    let is_sqlite = database.url().starts_with("sqlite:");
    let collector = Collector::start();
    let api = start(database, &collector);
    let ann = api.user();
    let todo = ann.create("Geheim");
    let (created, found) = (new_trace(), new_trace());
    let body = json!({"title": "Geheim", "description": "Geheim"});
    traced(&ann, "POST", TODOS, &created, "01")
        .header("tracestate", "vendor=opaque")
        .json(&body)
        .send()
        .expect(201);
    traced(&ann, "GET", &path_of(&todo), &found, "01").send().expect(200);

    let (read, pools) = if is_sqlite {
        ("read", ["sqlite-writer", "sqlite-reader"])
    } else {
        ("lookup", ["postgres", "postgres"])
    };
    let calls = [
        (&created, "POST", TODOS, "201", "write", pools[0]),
        (&found, "GET", "/api/v1/todos/{todo_id}", "200", read, pools[1]),
    ];
    for (trace, method, route, status, operation, pool) in calls {
        let spans = collector.trace(trace, 3);
        let request = named(&spans, &format!("{method} {route}"));
        let queue = named(&spans, "queue");
        let statement = named(&spans, &format!("{operation} todos"));
        assert_eq!(request.parent_id, CALLER);
        assert_eq!([&queue.parent_id, &statement.parent_id], [&request.id, &request.id]);
        let times =
            [request.start, queue.start, queue.end, statement.start, statement.end, request.end];
        assert!(times.is_sorted(), "{spans:#?}");
        assert_eq!(queue.end, statement.start);

        assert_eq!(request.attribute("http.request.method"), method);
        assert_eq!(request.attribute("http.route"), route);
        assert_eq!(request.attribute("http.response.status_code"), status);
        assert_eq!(request.attribute("service.name"), "todo-api");
        assert_eq!(queue.attribute("db.client.connection.pool.name"), pool);
        let system = if is_sqlite { "sqlite" } else { "postgresql" };
        assert_eq!(statement.attribute("db.system.name"), system);
        assert_eq!(statement.attribute("db.operation.name"), operation);
        assert!(spans.iter().all(|it| !it.is_error && !format!("{it:?}").contains("Geheim")));
        let expected = if trace == &created { "vendor=opaque" } else { "" };
        assert!(spans.iter().all(|it| it.trace_state == expected), "{spans:#?}");
    }
    let ids: BTreeSet<_> = collector.spans().into_iter().map(|span| span.id).collect();
    assert_eq!(ids.len(), 6);
}

pub(crate) fn what_the_caller_does_not_trace_is_not_traced(database: TestDatabase) {
    let collector = Collector::start();
    let api = start_with(database, &collector, &[("OTEL_TRACES_SAMPLER_ARG", "1")]);
    let ann = api.user();
    traced(&ann, "GET", TODOS, &new_trace(), "00").send().expect(200);
    // With this one the queue of spans is known to have been sent.
    let last = new_trace();
    traced(&ann, "GET", TODOS, &last, "01").send().expect(200);
    collector.trace(&last, 3);
    let traces: BTreeSet<_> = collector.spans().into_iter().map(|it| it.trace_id).collect();
    // Also that the test reads the description.
    assert_eq!(traces.len(), 2, "{:#?}", collector.spans());
}

pub(crate) fn without_a_caller_the_share_decides(database: TestDatabase) {
    let collector = Collector::start();
    let api = start_with(database, &collector, &[("OTEL_TRACES_SAMPLER_ARG", "0.5")]);
    let ann = api.user();
    for _ in 0..200 {
        // An invalid one is none.
        ann.call("GET", TODOS).header("traceparent", "00-0-0-01").send().expect(200);
    }
    let last = new_trace();
    traced(&ann, "GET", TODOS, &last, "01").send().expect(200);
    collector.trace(&last, 3);
    let spans = collector.spans();
    let requests =
        spans.iter().filter(|it| it.name == format!("GET {TODOS}") && it.trace_id != last);
    let parents: BTreeSet<_> = requests.clone().map(|it| it.parent_id.as_str()).collect();
    assert_eq!(parents, BTreeSet::from([""]));
    // Fewer or more in one of 10^9 runs.
    assert!((57..=143).contains(&requests.count()), "{spans:#?}");
}

pub(crate) fn a_failed_request_is_an_error_with_its_trace_in_the_log(database: TestDatabase) {
    let collector = Collector::start();
    let api = start(database, &collector);
    let ann = api.user();
    database::execute(api.database.as_ref().unwrap(), "DROP TABLE todos");
    for flags in ["01", "00"] {
        let trace = new_trace();
        let call = traced(&ann, "GET", TODOS, &trace, flags).header("X-Request-ID", &trace);
        call.send_unchecked().expect(500);
        assert_eq!(api.log_line(&trace)["fields"]["trace_id"], trace.as_str());
        if flags == "00" {
            continue;
        }
        let spans = collector.trace(&trace, 3);
        let request = named(&spans, &format!("GET {TODOS}"));
        assert_eq!(request.attribute("error.type"), "500");
        let statement = spans.iter().find(|it| it.name.ends_with(" todos")).unwrap();
        assert_eq!(statement.attribute("error.type"), "internal");
        assert!(request.is_error && statement.is_error && !named(&spans, "queue").is_error);
    }
}

pub(crate) fn a_collector_that_is_down_or_hangs_changes_no_answer(database: TestDatabase) {
    let collector = Collector::start();
    let full = [("OTEL_BSP_MAX_QUEUE_SIZE", "16"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")];
    let api = start_with(database, &collector, &full);
    let ann = api.user();
    for behaviour in [Behaviour::Fails(503), Behaviour::Hangs] {
        collector.behave(behaviour);
        for _ in 0..50 {
            ann.create("A todo");
        }
        ann.get(todo_path(&Uuid::new_v4().to_string())).expect_not_found();
    }
    // What is lost is logged once.
    collector.behave(Behaviour::Accepts);
    let mut messages = Vec::new();
    while !messages.contains(&"spans are sent again".to_owned()) {
        ann.create("A todo");
        let lines = api.server.logs();
        let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        messages = lines.map(|it| it["fields"]["message"].as_str().unwrap().to_owned()).collect();
    }
    let count = |text: &str| messages.iter().filter(|it| it.contains(text)).count();
    assert_eq!(count("spans cannot be sent, and are lost"), 1, "{messages:#?}");
    assert_eq!(count("dropped a Span due to queue full"), 1, "{messages:#?}");
}
