//! What pages of other origins may do in a browser.

use serde_json::json;
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::support::{Api, Response, TODOS, path_of, todo_path};

const FRONTEND: &str = "http://localhost:3000";
const OTHER_ORIGIN: &str = "https://evil.example";

/// All headers that a page may need to send.
const HEADERS: &str = "authorization,baggage,cache-control,content-type,if-match,if-none-match,last-event-id,\
     sentry-trace,traceparent,tracestate,x-request-id,x-requested-with,x-user-id";

fn preflight(api: &Api, target: &str, origin: &str, method: &str, headers: &str) -> Response {
    let call = api.anonymous().call("OPTIONS", target).header("Origin", origin);
    let call = call.header("Access-Control-Request-Method", method);
    call.header("Access-Control-Request-Headers", headers).send_unchecked()
}

fn allowed_origin(response: &Response) -> Option<&str> {
    response.header("access-control-allow-origin")
}

pub(crate) fn a_preflight_allows_every_method_and_header(api: Api) {
    for operation in api.operations() {
        let target = operation.target(&Uuid::nil().to_string());
        let response = preflight(&api, &target, FRONTEND, &operation.method, HEADERS);
        assert_eq!(response.status, 200, "{}: {}", operation.id, response.text());
        assert_eq!(allowed_origin(&response), Some(FRONTEND));
        let methods = response.header_list("access-control-allow-methods");
        assert_eq!(methods, ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]);
        let headers = response.header_list("access-control-allow-headers").join(",");
        assert_eq!(headers.to_lowercase(), HEADERS);
        assert!(response.header("access-control-max-age").is_some());
        assert!(response.body.is_empty());
        assert!(response.header("vary").is_some_and(|it| it.to_lowercase().contains("origin")));
    }
}

pub(crate) fn every_local_port_is_allowed_by_default(api: Api) {
    for origin in [
        "http://localhost",
        "http://localhost:3000",
        "http://localhost:5173",
        "http://127.0.0.1:3000",
        "http://127.0.0.1:8080",
    ] {
        let preflight = preflight(&api, TODOS, origin, "PATCH", HEADERS);
        assert_eq!((preflight.status, allowed_origin(&preflight)), (200, Some(origin)), "{origin}");
        let response = api.user().call("GET", TODOS).header("Origin", origin).send();
        assert_eq!(allowed_origin(&response), Some(origin), "{origin}");
    }
}

pub(crate) fn a_preflight_of_another_origin_method_or_header_is_rejected(api: Api) {
    for (origin, method, headers) in [
        (OTHER_ORIGIN, "GET", "x-user-id"),
        ("null", "GET", "x-user-id"),
        ("http://localhost.evil.example:3000", "GET", "x-user-id"),
        ("http://127.0.0.2:3000", "GET", "x-user-id"),
        ("https://localhost:3000", "GET", "x-user-id"),
        ("http://localhost:3000.evil.example", "GET", "x-user-id"),
        (FRONTEND, "TRACE", "x-user-id"),
        (FRONTEND, "GET", "x-user-id,x-other"),
    ] {
        let response = preflight(&api, TODOS, origin, method, headers);
        let body = response.expect(400);
        assert_eq!(body["error_code"], "VALIDATION_ERROR", "{body}");
        assert_eq!(body["request_id"].as_str(), response.header("x-request-id"), "{body}");
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
        assert!(origin == FRONTEND || allowed_origin(&response).is_none(), "{response:?}");
    }
}

pub(crate) fn every_response_to_an_allowed_origin_can_be_read(api: Api) {
    let ann = api.user();
    let todo = path_of(&ann.create("Shared"));
    for (method, target, user, status) in [
        ("GET", TODOS.to_owned(), &ann, 200),
        ("HEAD", todo.clone(), &ann, 200),
        ("GET", todo.clone(), &api.anonymous(), 400),
        ("GET", todo_path("17"), &ann, 400),
        ("GET", todo_path(&Uuid::new_v4().to_string()), &ann, 404),
        ("GET", "/nowhere".to_owned(), &ann, 404),
        ("POST", todo.clone(), &ann, 405),
        ("POST", TODOS.to_owned(), &ann, 415),
        ("GET", format!("{TODOS}?limit=0"), &ann, 422),
        ("GET", "/health".to_owned(), &ann, 200),
        ("DELETE", todo, &ann, 204),
    ] {
        let call = user.call(method, &target).header("Origin", FRONTEND);
        let call = if method == "POST" { call.body("x") } else { call };
        let response = call.send();
        assert_eq!(response.status, status, "{method} {target}");
        assert_eq!(allowed_origin(&response), Some(FRONTEND), "{method} {target}");
        let exposed =
            response.header_list("access-control-expose-headers").join(",").to_lowercase();
        assert_eq!(
            exposed,
            "allow,etag,link,location,ratelimit,ratelimit-policy,retry-after,x-request-id"
        );
        assert!(response.header("vary").is_some_and(|it| it.to_lowercase().contains("origin")));
    }
}

pub(crate) fn another_origin_may_not_read_responses(api: Api) {
    let ann = api.user();
    for origin in [OTHER_ORIGIN, "null", "", "not an origin"] {
        let response = ann.call("GET", TODOS).header("Origin", origin).send_unchecked();
        assert_eq!(allowed_origin(&response), None, "{origin}: {response:?}");
        // The browser enforces CORS; the server may also reject the request.
        assert!([200, 400].contains(&response.status), "{origin}: {response:?}");
    }
    // Without `Origin`, the client is not a browser, and no CORS headers are sent.
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
        let response = api.user().call("GET", TODOS).header("Origin", origin).send();
        assert_eq!(allowed_origin(&response), expected, "{origin}");
        let preflight = preflight(&api, TODOS, origin, "PUT", HEADERS);
        assert_eq!(preflight.status, if is_allowed { 200 } else { 400 }, "{origin}");
    }
}

pub(crate) fn a_star_allows_every_origin(database: TestDatabase) {
    let api = Api::start(database, &[("CORS_ALLOWED_ORIGINS", "*")]);
    let ann = api.user();
    for origin in [FRONTEND, OTHER_ORIGIN, "null"] {
        let response =
            ann.call("POST", TODOS).header("Origin", origin).json(&json!({"title": "Open"})).send();
        assert_eq!((response.status, allowed_origin(&response)), (201, Some("*")), "{origin}");
        assert_eq!(response.header("access-control-allow-credentials"), None);
        let preflight = preflight(&api, TODOS, origin, "DELETE", HEADERS);
        assert_eq!((preflight.status, allowed_origin(&preflight)), (200, Some("*")), "{origin}");
    }
}

pub(crate) fn a_rejected_origin_is_logged_once(api: Api) {
    let ann = api.user();
    let host = format!("127.0.0.1:{}", api.server.port());
    // Swagger UI sends its own origin with changes; behind a gateway, that origin is not on the list.
    let same = "https://api.example";
    for _ in 0..3 {
        ann.call("GET", TODOS).header("Origin", OTHER_ORIGIN).send();
        preflight(&api, TODOS, OTHER_ORIGIN, "PUT", HEADERS);
        ann.call("GET", TODOS).header("Origin", same).header("Host", "api.example").send();
        ann.call("GET", TODOS).header("Origin", &format!("http://{host}")).send();
    }
    ann.call("GET", TODOS).header("Origin", "null").send();
    let logged = || -> Vec<String> {
        let lines = api.server.logs();
        let lines =
            lines.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let rejected = lines.filter(|it| it["fields"]["origin"].is_string());
        rejected
            .map(|it| {
                let message = it["fields"]["message"].as_str().unwrap();
                assert!(message.contains("CORS_ALLOWED_ORIGINS"), "{it}");
                assert_eq!(it["level"], "WARN");
                it["fields"]["origin"].as_str().unwrap().to_owned()
            })
            .collect()
    };
    // A line may be logged shortly after the response; the line for `null` is the last.
    for _ in 0..3_000 {
        if logged().contains(&"null".to_owned()) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(logged(), [OTHER_ORIGIN, "null"]);
}
