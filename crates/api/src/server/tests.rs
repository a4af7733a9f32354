//! The application with a mocked repository: no database, no network.

use std::sync::Arc;

use actix_web::App;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use todo_domain::{
    BulkOutcome, DeleteOutcome, InsertOutcome, KeyValue, Listed, MockClock, MockTodoRepository,
    NewTodo, PutOutcome, RepositoryError, Title, Todo, TodoCounts, TodoId, TodoPatch,
    UpdateOutcome, UserId, VersionMatch,
};
use uuid::Uuid;

use super::*;
use crate::identity::AuthMode;

mod collection;
mod failures;
mod lists;
mod requests;
mod todos;

const ALICE: &str = "550e8400-e29b-41d4-a716-446655440000";
const ID: &str = "0198f2c0-6d1e-7c3a-9f00-2b7d3c1a5e4f";
const NOW: DateTime<Utc> = DateTime::from_timestamp_micros(1_769_077_800_123_456).unwrap();

fn listed(todos: impl IntoIterator<Item = Todo>) -> Listed {
    Listed { todos: todos.into_iter().collect(), changed_at: Some(NOW) }
}

fn todo() -> Todo {
    let title = Title::new("Buy groceries").unwrap();
    NewTodo::new(TodoId(ID.parse().unwrap()), title, TodoPatch::default())
        .created(UserId(ALICE.parse().unwrap()), NOW)
}

fn todo_json() -> Value {
    json!({
        "id": ID, "title": "Buy groceries", "description": null, "is_completed": false, "completed_at": null,
        "priority": "medium", "due": null, "tags": [],
        "created_at": "2026-01-22T10:30:00.123456Z", "updated_at": "2026-01-22T10:30:00.123456Z",
        "version": 1, "user_id": ALICE
    })
}

/// A response: status, headers, and the body as JSON (null if there is none).
struct Response {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Response {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The status, code and detail of an error.
    fn error(&self) -> (u16, &str, &str) {
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], self.status);
        assert_eq!(self.body["request_id"], self.header("x-request-id"));
        let text = |field: &str| self.body[field].as_str().unwrap_or_default();
        (self.status, text("error_code"), text("detail"))
    }
}

/// Sends a request to the application, with a repository that expects exactly these calls.
async fn call(repository: MockTodoRepository, request: TestRequest) -> Response {
    let mut clock = MockClock::new();
    clock.expect_now().return_const(NOW);
    let service = TodoService::new(Arc::new(repository), Arc::new(clock));
    let app = init_service(
        App::new()
            .configure(|config| {
                let stream_limit = StreamLimit::default();
                let (shutdown, docs) = (Shutdown::default(), Docs::default());
                let header = Authentication::Header;
                let hub = EventHub::new(1, Connections::default(), None);
                configure(config, service, shutdown, docs, stream_limit, hub, &header);
            })
            .wrap(cors(&Arc::new(Origins::new(&["http://localhost:3000".to_owned()]))))
            .wrap(from_fn(|request, next| envelope(request, next, Recorders::default()))),
    )
    .await;
    let response = call_service(&app, request.to_request()).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = read_body(response).await;
    Response { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() }
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

#[test]
fn the_committed_description_is_up_to_date() {
    let committed = include_str!("../../../../docs/openapi.json");
    assert!(
        committed == crate::openapi::json(AuthMode::Header),
        "run: cargo run -- openapi > docs/openapi.json"
    );
}
