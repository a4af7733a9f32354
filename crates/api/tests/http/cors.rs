//! What pages of other origins may do from within a browser.

use serde_json::json;
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::support::{Answer, Api, TODOS, at, path_of};

const FRONTEND: &str = "http://localhost:3000";
const STRANGER: &str = "https://evil.example";

/// All that a page may have to send.
const HEADERS: &str = "authorization,baggage,cache-control,content-type,if-match,if-none-match,last-event-id,\
     sentry-trace,traceparent,tracestate,x-request-id,x-requested-with,x-user-id";

fn preflight(api: &Api, target: &str, origin: &str, method: &str, headers: &str) -> Answer {
    let call = api.nobody().call("OPTIONS", target).header("Origin", origin);
    let call = call.header("Access-Control-Request-Method", method);
    call.header("Access-Control-Request-Headers", headers).send_unchecked()
}

fn allowed_origin(answer: &Answer) -> Option<&str> {
    answer.header("access-control-allow-origin")
}

pub(crate) fn a_preflight_allows_every_method_and_header(api: Api) {
    for operation in api.operations() {
        let target = operation.target(&Uuid::nil().to_string());
        let answer = preflight(&api, &target, FRONTEND, &operation.method, HEADERS);
        assert_eq!(answer.status, 200, "{}: {}", operation.id, answer.text());
        assert_eq!(allowed_origin(&answer), Some(FRONTEND));
        let methods = answer.listed("access-control-allow-methods");
        assert_eq!(methods, ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]);
        let headers = answer.listed("access-control-allow-headers").join(",");
        assert_eq!(headers.to_lowercase(), HEADERS);
        assert!(answer.header("access-control-max-age").is_some());
        assert!(answer.body.is_empty());
        assert!(answer.header("vary").is_some_and(|it| it.to_lowercase().contains("origin")));
    }
}

pub(crate) fn every_port_of_this_machine_is_allowed_by_default(api: Api) {
    for origin in [
        "http://localhost",
        "http://localhost:3000",
        "http://localhost:5173",
        "http://127.0.0.1:3000",
        "http://127.0.0.1:8080",
    ] {
        let preflight = preflight(&api, TODOS, origin, "PATCH", HEADERS);
        assert_eq!((preflight.status, allowed_origin(&preflight)), (200, Some(origin)), "{origin}");
        let answer = api.user().call("GET", TODOS).header("Origin", origin).send();
        assert_eq!(allowed_origin(&answer), Some(origin), "{origin}");
    }
}

pub(crate) fn a_preflight_of_another_origin_method_or_header_is_refused(api: Api) {
    for (origin, method, headers) in [
        (STRANGER, "GET", "x-user-id"),
        ("null", "GET", "x-user-id"),
        ("http://localhost.evil.example:3000", "GET", "x-user-id"),
        ("http://127.0.0.2:3000", "GET", "x-user-id"),
        ("https://localhost:3000", "GET", "x-user-id"),
        ("http://localhost:3000.evil.example", "GET", "x-user-id"),
        (FRONTEND, "TRACE", "x-user-id"),
        (FRONTEND, "GET", "x-user-id,x-other"),
    ] {
        let answer = preflight(&api, TODOS, origin, method, headers);
        let body = answer.expect(400);
        assert_eq!(body["error_code"], "VALIDATION_ERROR", "{body}");
        assert_eq!(body["request_id"].as_str(), answer.header("x-request-id"), "{body}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert!(origin == FRONTEND || allowed_origin(&answer).is_none(), "{answer:?}");
    }
}

pub(crate) fn every_answer_to_an_allowed_origin_can_be_read(api: Api) {
    let ann = api.user();
    let todo = path_of(&ann.create("Shared"));
    for (method, target, user, status) in [
        ("GET", TODOS.to_owned(), &ann, 200),
        ("HEAD", todo.clone(), &ann, 200),
        ("GET", todo.clone(), &api.nobody(), 400),
        ("GET", at("17"), &ann, 400),
        ("GET", at(&Uuid::new_v4().to_string()), &ann, 404),
        ("GET", "/nowhere".to_owned(), &ann, 404),
        ("POST", todo.clone(), &ann, 405),
        ("POST", TODOS.to_owned(), &ann, 415),
        ("GET", format!("{TODOS}?limit=0"), &ann, 422),
        ("GET", "/health".to_owned(), &ann, 200),
        ("DELETE", todo, &ann, 204),
    ] {
        let call = user.call(method, &target).header("Origin", FRONTEND);
        let call = if method == "POST" { call.body("x") } else { call };
        let answer = call.send();
        assert_eq!(answer.status, status, "{method} {target}");
        assert_eq!(allowed_origin(&answer), Some(FRONTEND), "{method} {target}");
        let exposed = answer.listed("access-control-expose-headers").join(",").to_lowercase();
        assert_eq!(exposed, "allow,etag,link,location,retry-after,x-request-id");
        assert!(answer.header("vary").is_some_and(|it| it.to_lowercase().contains("origin")));
    }
}

pub(crate) fn another_origin_is_not_told_that_it_may_read(api: Api) {
    let ann = api.user();
    for origin in [STRANGER, "null", "", "not an origin"] {
        let answer = ann.call("GET", TODOS).header("Origin", origin).send_unchecked();
        assert_eq!(allowed_origin(&answer), None, "{origin}: {answer:?}");
        // It is the browser that keeps it from the page; refusing is as good.
        assert!([200, 400].contains(&answer.status), "{origin}: {answer:?}");
    }
    // Without an origin it is no browser, and nothing is said.
    assert_eq!(allowed_origin(&ann.get(TODOS)), None);
}

pub(crate) fn origins_come_from_the_configuration(database: TestDatabase) {
    let origins = "https://app.example, https://admin.example:8443, https://dev.example:*";
    let api = Api::start(database, &[("CORS_ALLOWED_ORIGINS", origins)]);
    for (origin, is_allowed) in [
        ("https://app.example", true),
        ("https://admin.example:8443", true),
        ("https://admin.example", false),
        ("https://dev.example", true),
        ("https://dev.example:5173", true),
        ("http://dev.example:5173", false),
        ("https://dev.example:5173.evil.example", false),
        ("http://app.example", false),
        (FRONTEND, false),
    ] {
        let expected = is_allowed.then_some(origin);
        let answer = api.user().call("GET", TODOS).header("Origin", origin).send();
        assert_eq!(allowed_origin(&answer), expected, "{origin}");
        let preflight = preflight(&api, TODOS, origin, "PUT", HEADERS);
        assert_eq!(preflight.status, if is_allowed { 200 } else { 400 }, "{origin}");
    }
}

pub(crate) fn a_star_allows_every_origin(database: TestDatabase) {
    let api = Api::start(database, &[("CORS_ALLOWED_ORIGINS", "*")]);
    let ann = api.user();
    for origin in [FRONTEND, STRANGER, "null"] {
        let answer =
            ann.call("POST", TODOS).header("Origin", origin).json(&json!({"title": "Open"})).send();
        assert_eq!((answer.status, allowed_origin(&answer)), (201, Some("*")), "{origin}");
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        let preflight = preflight(&api, TODOS, origin, "DELETE", HEADERS);
        assert_eq!((preflight.status, allowed_origin(&preflight)), (200, Some("*")), "{origin}");
    }
}

pub(crate) fn a_refused_origin_is_logged_once(api: Api) {
    let ann = api.user();
    let host = format!("127.0.0.1:{}", api.server.port());
    // The page for people names its own origin when it changes something; behind a gateway it is not on the list.
    let same = "https://api.example";
    for _ in 0..3 {
        ann.call("GET", TODOS).header("Origin", STRANGER).send();
        preflight(&api, TODOS, STRANGER, "PUT", HEADERS);
        ann.call("GET", TODOS).header("Origin", same).header("Host", "api.example").send();
        ann.call("GET", TODOS).header("Origin", &format!("http://{host}")).send();
    }
    ann.call("GET", TODOS).header("Origin", "null").send();
    let logged = || -> Vec<String> {
        let lines = api.server.logs();
        let lines =
            lines.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let refused = lines.filter(|it| it["fields"]["origin"].is_string());
        refused
            .map(|it| {
                let message = it["fields"]["message"].as_str().unwrap();
                assert!(message.contains("CORS_ALLOWED_ORIGINS"), "{it}");
                assert_eq!(it["level"], "WARN");
                it["fields"]["origin"].as_str().unwrap().to_owned()
            })
            .collect()
    };
    // A line may come a moment after the answer; the last of them comes last.
    for _ in 0..3_000 {
        if logged().contains(&"null".to_owned()) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(logged(), [STRANGER, "null"]);
}
