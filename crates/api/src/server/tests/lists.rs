//! Lists that are too long to be sent at once.

use todo_domain::{Description, TodoRepository};

use super::*;
use crate::todos::dto::{TodoList, TodoRead};
use crate::todos::json;

fn to_value(response: &impl serde::Serialize) -> Value {
    serde_json::from_str(&json::to_string(response)).unwrap()
}

/// Todos in list order: most are short, some are very long.
fn todos_of_any_length(count: u128) -> Vec<Todo> {
    let description = |n| match n % 7 {
        0 => Some(Description::new("\u{1}".repeat(2_000)).unwrap()),
        _ => None,
    };
    let numbers = (0..count).rev();
    let todo = |n| Todo { id: TodoId(Uuid::from_u128(n)), description: description(n), ..todo() };
    numbers.map(todo).collect()
}

/// A repository with these todos.
fn repository_of(todos: Vec<Todo>) -> MockTodoRepository {
    let mut repository = MockTodoRepository::new();
    repository.expect_list().returning(move |_, query| {
        let is_after = |it: &&Todo| {
            let position = query.sort.position_of(it);
            query.after.as_ref().is_none_or(|after| query.sort.compare(&position, after).is_gt())
        };
        let limit = usize::try_from(query.limit).unwrap();
        Ok(listed(todos.iter().filter(is_after).take(limit).cloned()))
    });
    repository
}

#[actix_web::test]
async fn a_long_list_is_streamed_completely() {
    for count in [0, 1, 99, 100, 101, 700] {
        let todos = todos_of_any_length(count);
        let response = call(repository_of(todos.clone()), many(Method::GET, "")).await;
        let items: Vec<_> = todos.iter().map(TodoRead::from).collect();
        let list = TodoList { count: items.len(), items, next_cursor: None };
        assert_eq!(response.body, to_value(&list), "{count}");
        assert_eq!(response.header("link"), "");
    }
}

#[actix_web::test]
async fn a_long_list_outlasts_a_short_outage_of_the_database() {
    let todos = todos_of_any_length(700);
    let whole = repository_of(todos.clone());
    let mut repository = MockTodoRepository::new();
    let calls = std::sync::atomic::AtomicUsize::new(0);
    repository.expect_list().returning(move |user, query| {
        // The third call fails, and with it the second part.
        match calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            2 => Err(RepositoryError::Unavailable("unreachable".into())),
            _ => futures_util::FutureExt::now_or_never(whole.list(user, query)).unwrap(),
        }
    });
    let response = call(repository, many(Method::GET, "")).await;
    assert_eq!(response.body["count"], 700);
}

#[actix_web::test]
async fn a_permit_for_a_long_list_is_released_when_the_client_disconnects() {
    let (stream_limit, alice) = (StreamLimit::default(), UserId(ALICE.parse().unwrap()));
    let repository = repository_of(todos_of_any_length(700));
    let service = TodoService::new(Arc::new(repository), Arc::new(MockClock::new()));
    let shared = stream_limit.clone();
    let app = init_service(App::new().configure(|config| {
        let (shutdown, docs) = (Shutdown::default(), Docs::default());
        let hub = EventHub::new(1, Connections::default(), None);
        configure(config, service, shutdown, docs, shared, hub, &Authentication::Header);
    }))
    .await;
    let list = |query| call_service(&app, many(Method::GET, query).to_request());
    let unread = list("").await;
    let mut permits: Vec<_> = std::iter::from_fn(|| stream_limit.acquire(alice).ok()).collect();
    assert_eq!(list("").await.status(), 503);
    assert_eq!(list("?limit=200").await.status(), 503);
    // A short page needs no permit.
    assert_eq!(list("?limit=5").await.status(), 200);
    drop(unread);
    assert_eq!(list("").await.status(), 200);
    permits.push(stream_limit.acquire(alice).unwrap());
    assert_eq!(list("").await.status(), 503);
}

#[actix_web::test]
async fn long_pages_are_streamed_and_link_to_the_next() {
    let todos = todos_of_any_length(450);
    let (mut items, mut query, mut counts) = (Vec::new(), "?limit=200".to_owned(), Vec::new());
    loop {
        let response = call(repository_of(todos.clone()), many(Method::GET, &query)).await;
        items.extend(response.body["items"].as_array().unwrap().clone());
        counts.push(response.body["count"].as_u64().unwrap());
        let Some(cursor) = response.body["next_cursor"].as_str() else { break };
        query = format!("?limit=200&cursor={cursor}");
        assert!(response.header("link").contains(&query), "{}", response.header("link"));
    }
    let expected: Vec<_> = todos.iter().map(|todo| to_value(&TodoRead::from(todo))).collect();
    assert_eq!((items, counts), (expected, vec![200, 200, 50]));
}
