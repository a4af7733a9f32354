//! Examples of parameters, headers and successful responses, created from the types that the server returns.

use chrono::DateTime;
use serde::Serialize;
use serde_json::{Value, json};
use todo_domain::{
    Description, Due, FeedId, Moment, NewTodo, OwnerClock, Priority, Tag, TagsPatch, Title, Todo,
    TodoId, TodoPatch, UserId,
};
use utoipa::Modify;
use utoipa::openapi::path::{Operation, ParameterBuilder};
use utoipa::openapi::{OpenApi, RefOr};
use uuid::Uuid;

use super::operations;
use crate::events::body;
use crate::health::{Health, HealthStatus};
use crate::http::etag::list_etag;
use crate::me::WhoAmI;
use crate::tags::{TagItem, TagList};
use crate::todos::TODOS_PATH;
use crate::todos::dto::{
    Affected, ChangeList, DeletedTodo, PriorityCounts, TodoList, TodoRead, TodoStats,
};
use crate::todos::events::EVENT_STREAM;
use crate::todos::json::to_string;

/// The request id in the examples.
pub(super) const REQUEST_ID: &str = "0198f2c0-6d1e-7c3a-9f00-2b7d3c1a5e50";
const TODO_ID: Uuid = Uuid::from_u128(0x0198_f2c0_6d1e_7c3a_9f00_2b7d_3c1a_5e4f);
const USER_ID: Uuid = Uuid::from_u128(0x550e_8400_e29b_41d4_a716_4466_5544_0000);
/// A todo that was deleted.
const OTHER_ID: Uuid = Uuid::from_u128(0x0198_f2c0_6d1e_7c3a_9f00_2b7d_3c1a_5e60);
const SYNC_TOKEN: &str = "AQAAAAAAAAAAAAAAAAAAAAcABkj3FjhqQAAAAAAAAAAAAAAAAAAAACoABkj3EEqusQAAAAA";
const CURSOR: &str = "AQAGRc5tzWwAAZjywG0efDqfACt9PBpeT9_J5hU";

/// Adds an example to every response, response header and required parameter.
pub(super) struct Examples;

impl Modify for Examples {
    fn modify(&self, document: &mut OpenApi) {
        document.paths.paths.values_mut().flat_map(operations).for_each(add_examples);
    }
}

fn add_examples(operation: &mut Operation) {
    let id = operation.operation_id.as_deref().unwrap_or_default();
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && let Some(value) = parameter_value(id, &parameter.name)
        {
            *parameter = ParameterBuilder::from(parameter.clone()).example(Some(value)).build();
        }
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if let Some(RefOr::T(content)) = response.content.get_mut("application/json") {
            content.example = json_body(id, status);
        }
        if let Some(RefOr::T(content)) = response.content.get_mut(EVENT_STREAM) {
            content.example = Some(json!(event()));
        }
        for (name, header) in &mut response.headers {
            if let RefOr::T(header) = header {
                header.example = header_value(id, name, version(id, status));
            }
        }
    }
}

/// The example of a parameter. All examples use the same todo, which the first operation on the page ([`super::order`])
/// creates. Optional parameters have no example, because Swagger UI would send it; except for the bulk calls, which
/// need a filter: this one matches only the example todo.
fn parameter_value(operation_id: &str, name: &str) -> Option<Value> {
    match (operation_id, name) {
        (_, "todo_id") => Some(json!(TODO_ID)),
        (_, "name") => Some(json!("errands")),
        ("updateTodos" | "deleteTodos", "id") => Some(json!([TODO_ID])),
        _ => None,
    }
}

fn json_body(operation_id: &str, status: &str) -> Option<Value> {
    let todo = todo(version(operation_id, status), operation_id == "updateTodo");
    let read = TodoRead::from(&todo);
    match operation_id {
        "createTodo" | "getTodo" | "putTodo" | "updateTodo" => json(&read),
        "listTodos" => json(&TodoList { items: vec![read], count: 1, next_cursor: Some(CURSOR) }),
        "listChanges" => {
            let deleted = vec![DeletedTodo {
                id: OTHER_ID,
                version: 2,
                deleted_at: todo.updated_at + chrono::TimeDelta::minutes(1),
            }];
            json(&ChangeList { items: vec![read], deleted, next: SYNC_TOKEN, has_more: false })
        }
        "todoStats" => {
            let by_priority = PriorityCounts { low: 0, medium: 2, high: 1 };
            json(&TodoStats { total: 5, active: 3, completed: 2, overdue: 1, by_priority })
        }
        "listTags" => {
            let items = vec![TagItem { name: "errands".to_owned(), count: 2 }];
            json(&TagList { items })
        }
        "updateTodos" | "deleteTodos" | "renameTag" | "deleteTag" => {
            json(&Affected { affected: 2 })
        }
        "whoAmI" => json(&WhoAmI { user_id: USER_ID, subject: None, expires_at: None }),
        "health" => json(&HealthStatus { status: Health::Healthy }),
        "ready" => json(&HealthStatus { status: Health::Ready }),
        _ => None,
    }
}

/// The start of an event stream.
fn event() -> String {
    let feed = FeedId(Uuid::from_u128(0x6f1a_31a6_8c1d_4a50_9d3c_52c0_1f7e_8a44));
    let changed_at = Some(todo(3, false).updated_at);
    let clock = OwnerClock { feed, changed_at, purged_at: None };
    format!("retry: 2000\n\n{}", body::event(UserId(USER_ID), clock.token()))
}

/// A response, as the server writes it.
pub(super) fn json(response: &impl Serialize) -> Option<Value> {
    serde_json::from_str(&to_string(response)).ok()
}

/// The version in an example: 1 for a new todo, later for a changed one.
fn version(operation_id: &str, status: &str) -> i64 {
    match (operation_id, status) {
        ("createTodo", _) | (_, "201") => 1,
        (_, "412") => 4,
        _ => 3,
    }
}

fn header_value(operation_id: &str, name: &str, version: i64) -> Option<Value> {
    match name {
        "ETag" if operation_id == "listTodos" => {
            Some(json!(list_etag(UserId(USER_ID), Some(todo(version, false).updated_at))))
        }
        "ETag" => Some(json!(format!("\"{version}\""))),
        "Location" => Some(json!(format!("{TODOS_PATH}/{TODO_ID}"))),
        "Link" => Some(json!(format!("<{TODOS_PATH}?limit=1&cursor={CURSOR}>; rel=\"next\""))),
        "RateLimit" => Some(json!("\"user\";r=0;t=1")),
        "RateLimit-Policy" => Some(json!("\"user\";q=50;w=1")),
        "Retry-After" => Some(json!(1)),
        "WWW-Authenticate" => Some(json!("Bearer realm=\"todo-api\"")),
        "X-Request-ID" => Some(json!(REQUEST_ID)),
        _ => None,
    }
}

/// The todo in the examples.
pub(super) fn todo(version: i64, is_completed: bool) -> Todo {
    let created_at = DateTime::from_timestamp_micros(1_769_077_800_123_456).unwrap_or_default();
    let title = Title::new("Buy groceries").unwrap_or_else(|_| unreachable!("it is short"));
    let others = TodoPatch {
        description: Some(Description::new("Milk, eggs, bread").ok()),
        is_completed: Some(is_completed),
        priority: Some(Priority::High),
        due: Some(Moment::parse("2026-01-23").ok().map(Due::from)),
        tags: Tag::new("errands").ok().map(|tag| TagsPatch::Set(tag.into())),
        ..TodoPatch::default()
    };
    let todo = NewTodo::new(TodoId(TODO_ID), title, others);
    let updated_at = created_at + chrono::TimeDelta::minutes(version - 1);
    let completed_at = is_completed.then_some(updated_at);
    Todo { version, completed_at, updated_at, ..todo.created(UserId(USER_ID), created_at) }
}
