//! The application over a mocked repository: no database, no network.

use std::sync::Arc;

use actix_web::App;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use todo_domain::{
    BulkOutcome, DeleteOutcome, MockClock, MockTodoRepository, NewTodo, PutOutcome,
    RepositoryError, Title, Todo, TodoCounts, TodoId, UpdateOutcome, UserId, VersionMatch,
};
use uuid::Uuid;

use super::*;

mod lists;

const ALICE: &str = "550e8400-e29b-41d4-a716-446655440000";
const ID: &str = "0198f2c0-6d1e-7c3a-9f00-2b7d3c1a5e4f";
const NOW: DateTime<Utc> = DateTime::from_timestamp_micros(1_769_077_800_123_456).unwrap();

fn todo() -> Todo {
    NewTodo {
        id: TodoId(ID.parse().unwrap()),
        title: Title::new("Buy groceries").unwrap(),
        description: None,
        is_completed: false,
    }
    .created(UserId(ALICE.parse().unwrap()), NOW)
}

fn todo_json() -> Value {
    json!({
        "id": ID, "title": "Buy groceries", "description": null, "is_completed": false,
        "created_at": "2026-01-22T10:30:00.123456Z", "updated_at": "2026-01-22T10:30:00.123456Z",
        "version": 1, "user_id": ALICE
    })
}

/// An answer: status, headers, and the body as JSON (null when there is none).
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status, code and detail of an error.
    fn error(&self) -> (u16, &str, &str) {
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], self.status);
        assert_eq!(self.body["request_id"], self.header("x-request-id"));
        let text = |field: &str| self.body[field].as_str().unwrap_or_default();
        (self.status, text("error_code"), text("detail"))
    }
}

/// What the application answers, over a repository that expects just this.
async fn call(repository: MockTodoRepository, request: TestRequest) -> Answer {
    let mut clock = MockClock::new();
    clock.expect_now().return_const(NOW);
    let service = TodoService::new(Arc::new(repository), Arc::new(clock));
    let app = init_service(
        App::new()
            .configure(|config| {
                let open_lists = OpenLists::default();
                configure(config, service, Shutdown::default(), Docs::default(), open_lists);
            })
            .wrap(cors(&Arc::new(Origins::new(&["http://localhost:3000".to_owned()]))))
            .wrap(from_fn(envelope)),
    )
    .await;
    let response = call_service(&app, request.to_request()).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = read_body(response).await;
    Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() }
}

fn unused() -> MockTodoRepository {
    MockTodoRepository::new()
}

fn as_alice(request: TestRequest) -> TestRequest {
    request.insert_header(("X-User-ID", ALICE))
}

fn one(method: Method) -> TestRequest {
    as_alice(TestRequest::with_uri(&format!("/api/v1/todos/{ID}")).method(method))
}

fn many(method: Method, query: &str) -> TestRequest {
    as_alice(TestRequest::with_uri(&format!("/api/v1/todos{query}")).method(method))
}

#[actix_web::test]
async fn a_created_todo_is_answered_with_its_place_and_version() {
    let mut repository = MockTodoRepository::new();
    repository
        .expect_insert()
        .withf(|user, new, _| user.0.to_string() == ALICE && new.description.is_none())
        .return_once(|_, _, _| Ok(todo()));
    let body = json!({"title": "Buy groceries", "id": "mine", "version": 9});
    let answer = call(repository, many(Method::POST, "").set_json(body)).await;
    assert_eq!((answer.status, &answer.body), (201, &todo_json()));
    assert_eq!(answer.header("location"), format!("/api/v1/todos/{ID}"));
    assert_eq!(answer.header("etag"), "\"1\"");
}

#[actix_web::test]
async fn every_bad_field_of_a_body_is_named_and_the_repository_is_not_asked() {
    let cases = [
        (json!({}), json!([["title", "is required"]])),
        (
            json!({"title": 1, "description": {}}),
            json!([
                ["description", "must be a string, not an object"],
                ["title", "must be a string, not a number"]
            ]),
        ),
        (
            json!({"title": " ", "description": "x".repeat(2_001)}),
            json!([
                ["description", "must be at most 2000 characters long, but has 2001"],
                ["title", "must contain at least one character that is not white space"]
            ]),
        ),
        (json!({"title": null}), json!([["title", "must be a string, not null"]])),
        (json!({"title": "a\u{0}"}), json!([["title", "must not contain the character U+0000"]])),
        (json!([]), json!([["body", "must be a JSON object"]])),
    ];
    for (body, expected) in cases {
        let answer = call(unused(), many(Method::POST, "").set_json(&body)).await;
        assert_eq!(answer.error(), (422, "VALIDATION_ERROR", "Validation error"));
        let named: Vec<_> = answer.body["field_errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| json!([error["field"], error["message"]]))
            .collect();
        assert_eq!(json!(named), expected, "{body}");
    }
}

#[actix_web::test]
async fn a_body_that_is_no_json_is_told_where() {
    let request = many(Method::POST, "")
        .insert_header(("Content-Type", "application/json"))
        .set_payload("{\"title\": \"x\",}");
    let answer = call(unused(), request).await;
    assert_eq!(answer.error().0, 422);
    let message = answer.body["field_errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("line 1 column"), "{message}");
}

#[actix_web::test]
async fn the_caller_must_be_named_by_one_uuid() {
    let nobody = TestRequest::with_uri("/api/v1/todos");
    let answer = call(unused(), nobody).await;
    assert_eq!(answer.error(), (400, "MISSING_USER_CONTEXT", "User context required"));
    let odd = TestRequest::with_uri("/api/v1/todos").insert_header(("X-User-ID", "me"));
    let answer = call(unused(), odd).await;
    assert_eq!(answer.error(), (400, "VALIDATION_ERROR", "Invalid user ID format"));
}

#[actix_web::test]
async fn a_todo_is_answered_and_not_sent_again_to_who_has_it() {
    let found = || {
        let mut repository = MockTodoRepository::new();
        repository.expect_find().return_once(|_, _| Ok(Some(todo())));
        repository
    };
    let answer = call(found(), one(Method::GET)).await;
    assert_eq!((answer.status, &answer.body), (200, &todo_json()));
    let again = one(Method::GET).insert_header(("If-None-Match", "\"1\""));
    let answer = call(found(), again).await;
    assert_eq!((answer.status, answer.header("etag"), &answer.body), (304, "\"1\"", &Value::Null));
    let newer = one(Method::GET).insert_header(("If-None-Match", "\"0\""));
    assert_eq!(call(found(), newer).await.status, 200);
}

#[actix_web::test]
async fn a_todo_that_is_not_there_is_not_found() {
    let mut repository = MockTodoRepository::new();
    repository.expect_find().return_once(|_, _| Ok(None));
    let answer = call(repository, one(Method::GET)).await;
    assert_eq!(answer.error(), (404, "NOT_FOUND", "Todo not found"));

    let mut repository = MockTodoRepository::new();
    repository.expect_delete().return_once(|_, _, _| Ok(DeleteOutcome::Absent));
    assert_eq!(call(repository, one(Method::DELETE)).await.error().0, 404);

    let mut repository = MockTodoRepository::new();
    repository.expect_update().return_once(|_, _, _, _, _| Ok(UpdateOutcome::Absent));
    let request = one(Method::PATCH).set_json(json!({"title": "x"}));
    assert_eq!(call(repository, request).await.error().0, 404);
}

#[actix_web::test]
async fn an_id_that_is_no_uuid_is_refused() {
    let request = as_alice(TestRequest::with_uri("/api/v1/todos/17"));
    let answer = call(unused(), request).await;
    assert_eq!(answer.error(), (400, "VALIDATION_ERROR", "Invalid todo ID format"));
}

#[actix_web::test]
async fn a_patch_tells_absent_null_and_value_apart() {
    let cases = [
        (json!({}), None, None),
        (json!({"description": null}), Some(None), None),
        (json!({"description": "", "is_completed": true}), Some(Some(String::new())), Some(true)),
    ];
    for (body, description, is_completed) in cases {
        let mut repository = MockTodoRepository::new();
        repository
            .expect_update()
            .withf(move |_, _, patch, versions, _| {
                let given = patch
                    .description
                    .as_ref()
                    .map(|it| it.as_ref().map(|it| it.as_str().to_owned()));
                patch.title.is_none()
                    && given == description
                    && patch.is_completed == is_completed
                    && *versions == VersionMatch::Any
            })
            .return_once(|_, _, _, _, _| Ok(UpdateOutcome::Updated(todo())));
        let answer = call(repository, one(Method::PATCH).set_json(body)).await;
        assert_eq!((answer.status, &answer.body), (200, &todo_json()));
    }
    let nulls = one(Method::PATCH).set_json(json!({"title": null, "is_completed": null}));
    let answer = call(unused(), nulls).await;
    assert_eq!(answer.error().0, 422);
    assert_eq!(answer.body["field_errors"].as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn another_version_is_answered_with_the_todo_as_it_stands() {
    let mut repository = MockTodoRepository::new();
    repository
        .expect_update()
        .withf(|_, _, _, versions, _| *versions == VersionMatch::OneOf(vec![7]))
        .return_once(|_, _, _, _, _| Ok(UpdateOutcome::Conflict(todo())));
    let request = one(Method::PATCH)
        .insert_header(("If-Match", "\"7\""))
        .set_json(json!({"is_completed": true}));
    let answer = call(repository, request).await;
    assert_eq!((answer.error().0, answer.error().1), (412, "PRECONDITION_FAILED"));
    assert_eq!((&answer.body["current"], answer.header("etag")), (&todo_json(), "\"1\""));
}

#[actix_web::test]
async fn a_put_needs_every_field_and_says_whether_it_created() {
    let answer = call(unused(), one(Method::PUT).set_json(json!({}))).await;
    assert_eq!(answer.body["field_errors"].as_array().unwrap().len(), 3);

    let whole = json!({"title": "Buy groceries", "description": null, "is_completed": false});
    let mut repository = MockTodoRepository::new();
    repository.expect_put().return_once(|_, _, _, _| Ok(PutOutcome::Created(todo())));
    let answer = call(repository, one(Method::PUT).set_json(&whole)).await;
    assert_eq!((answer.status, answer.header("location")), (201, &*format!("/api/v1/todos/{ID}")));

    let mut repository = MockTodoRepository::new();
    repository.expect_put().return_once(|_, _, _, _| Ok(PutOutcome::Replaced(todo())));
    let answer = call(repository, one(Method::PUT).set_json(&whole)).await;
    assert_eq!((answer.status, answer.header("location")), (200, ""));
}

#[actix_web::test]
async fn a_deleted_todo_is_answered_by_nothing() {
    let mut repository = MockTodoRepository::new();
    repository.expect_delete().return_once(|_, _, _| Ok(DeleteOutcome::Deleted));
    let answer = call(repository, one(Method::DELETE)).await;
    assert_eq!((answer.status, answer.body), (204, Value::Null));
}

#[actix_web::test]
async fn a_list_holds_its_items_and_their_count() {
    let mut repository = MockTodoRepository::new();
    repository.expect_list().return_once(|_, _| Ok(vec![todo()]));
    let answer = call(repository, many(Method::GET, "/")).await;
    let expected = json!({"items": [todo_json()], "count": 1, "next_cursor": null});
    assert_eq!((answer.status, answer.body), (200, expected));

    let mut repository = MockTodoRepository::new();
    repository.expect_list().return_once(|_, _| Ok(vec![]));
    let answer = call(repository, many(Method::GET, "")).await;
    assert_eq!(answer.body, json!({"items": [], "count": 0, "next_cursor": null}));
}

#[actix_web::test]
async fn a_page_leads_to_the_next() {
    let mut repository = MockTodoRepository::new();
    repository
        .expect_list()
        .withf(|_, query| query.limit == 2 && query.filter.is_completed == Some(false))
        .return_once(|_, _| Ok(vec![todo(), todo()]));
    let answer = call(repository, many(Method::GET, "?limit=1&is_completed=false&q=a%26b")).await;
    let cursor = answer.body["next_cursor"].as_str().unwrap().to_owned();
    let link = answer.header("link").to_owned();
    let next = format!("/api/v1/todos?limit=1&is_completed=false&q=a%26b&cursor={cursor}");
    assert_eq!(link, format!("<{next}>; rel=\"next\""));

    let mut repository = MockTodoRepository::new();
    repository
        .expect_list()
        .withf(|_, query| query.after.is_some_and(|after| after.at == NOW))
        .return_once(|_, _| Ok(vec![]));
    assert_eq!(call(repository, as_alice(TestRequest::with_uri(&next))).await.status, 200);
}

#[actix_web::test]
async fn every_bad_query_parameter_is_named() {
    let query = "?limit=0&sort=title&is_completed=1&cursor=x&q=a%00";
    let answer = call(unused(), many(Method::GET, query)).await;
    assert_eq!(answer.error().0, 422);
    let mut named: Vec<_> = answer.body["field_errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    named.sort_unstable();
    assert_eq!(named, ["cursor", "is_completed", "limit", "q", "sort"]);
}

#[actix_web::test]
async fn everything_at_once_must_be_meant() {
    for method in [Method::PATCH, Method::DELETE] {
        let request = many(method, "?q=").set_json(json!({"is_completed": true}));
        let answer = call(unused(), request).await;
        assert_eq!((answer.status, &answer.body["field_errors"][0]["field"]), (422, &json!("all")));
    }
    let mut repository = MockTodoRepository::new();
    repository.expect_delete_matching().return_once(|_, _| Ok(BulkOutcome::Changed(3)));
    let answer = call(repository, many(Method::DELETE, "?all=true")).await;
    assert_eq!((answer.status, answer.body), (200, json!({"affected": 3})));
}

#[actix_web::test]
async fn the_counters_add_up() {
    let mut repository = MockTodoRepository::new();
    repository.expect_count().return_once(|_, _| Ok(TodoCounts { total: 5, completed: 2 }));
    let answer = call(repository, many(Method::GET, "/stats")).await;
    assert_eq!(answer.body, json!({"total": 5, "active": 3, "completed": 2}));
}

#[actix_web::test]
async fn health_asks_no_database_and_readiness_does() {
    let health = TestRequest::with_uri("/health");
    assert_eq!(call(unused(), health).await.body, json!({"status": "healthy"}));
    let ready = || TestRequest::with_uri("/health/ready");
    let mut repository = MockTodoRepository::new();
    repository.expect_ping().return_once(|| Ok(()));
    assert_eq!(call(repository, ready()).await.status, 200);
    for error in [RepositoryError::unavailable, RepositoryError::internal] {
        let mut repository = MockTodoRepository::new();
        repository.expect_ping().return_once(move || Err(error("secret table")));
        let answer = call(repository, ready()).await;
        assert_eq!((answer.error().0, answer.error().1), (503, "SERVICE_UNAVAILABLE"));
        assert!(!answer.body.to_string().contains("secret"));
    }
}

#[actix_web::test]
async fn a_failing_database_tells_nothing_of_itself() {
    let failing = |error: fn(&'static str) -> RepositoryError| {
        let mut repository = MockTodoRepository::new();
        repository.expect_find().return_once(move |_, _| Err(error("secret table")));
        repository
    };
    let away = call(failing(RepositoryError::unavailable), one(Method::GET)).await;
    assert_eq!((away.error().0, away.header("retry-after")), (503, "1"));
    let broken = call(failing(RepositoryError::internal), one(Method::GET)).await;
    assert_eq!(broken.error(), (500, "SERVER_ERROR", "An unexpected error occurred"));
    assert!(!format!("{}{}", away.body, broken.body).contains("secret"));
}

#[actix_web::test]
async fn a_panic_is_a_500_of_its_own_request_in_the_usual_shape() {
    let mut repository = MockTodoRepository::new();
    repository.expect_find().return_once(|_, _| panic!("secret"));
    let request = one(Method::GET).insert_header(("Origin", "http://localhost:3000"));
    let answer = call(repository, request).await;
    assert_eq!(answer.error(), (500, "SERVER_ERROR", "An unexpected error occurred"));
    assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:3000");
}

#[actix_web::test]
async fn unknown_routes_and_methods_are_told_apart() {
    let answer = call(unused(), TestRequest::with_uri("/nope")).await;
    assert_eq!(answer.error(), (404, "NOT_FOUND", "Resource not found"));
    let answer = call(unused(), one(Method::POST)).await;
    assert_eq!(answer.error().1, "METHOD_NOT_ALLOWED");
    assert_eq!(answer.header("allow"), "GET, HEAD, PUT, PATCH, DELETE");
}

#[actix_web::test]
async fn bodies_of_another_kind_or_size_are_refused() {
    let text = many(Method::POST, "")
        .insert_header(("Content-Type", "text/plain"))
        .set_payload("{\"title\":\"x\"}");
    assert_eq!(call(unused(), text).await.error().1, "UNSUPPORTED_MEDIA_TYPE");
    let zipped = many(Method::POST, "")
        .set_json(json!({"title": "x"}))
        .insert_header(("Content-Encoding", "gzip"));
    assert_eq!(call(unused(), zipped).await.error().0, 415);
    let huge = many(Method::POST, "").set_json(json!({"title": "x", "pad": "x".repeat(65_536)}));
    assert_eq!(call(unused(), huge).await.error().1, "PAYLOAD_TOO_LARGE");
}

#[actix_web::test]
async fn a_sane_request_id_is_kept() {
    let request = TestRequest::with_uri("/health").insert_header(("X-Request-ID", "trace-1"));
    assert_eq!(call(unused(), request).await.header("x-request-id"), "trace-1");
}

#[test]
fn the_committed_description_is_what_the_code_generates() {
    let committed = include_str!("../../../../docs/openapi.json");
    assert!(committed == crate::openapi::json(), "run: cargo run -- openapi > docs/openapi.json");
}
