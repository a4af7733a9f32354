//! Lists that are too long to be sent at once.

use todo_domain::{Description, TodoRepository};

use super::*;
use crate::todos::dto::{TodoList, TodoRead};

/// Many todos, most of them short, some very long; in the order of the list.
fn todos_of_any_length(count: u128) -> Vec<Todo> {
    let description = |n| match n % 7 {
        0 => Some(Description::new("\u{1}".repeat(2_000)).unwrap()),
        _ => None,
    };
    let numbers = (0..count).rev();
    let todo = |n| Todo { id: TodoId(Uuid::from_u128(n)), description: description(n), ..todo() };
    numbers.map(todo).collect()
}

/// A repository that holds these.
fn repository_of(todos: Vec<Todo>) -> MockTodoRepository {
    let mut repository = MockTodoRepository::new();
    repository.expect_list().returning(move |_, query| {
        let is_after = |it: &&Todo| {
            let position = query.sort.position_of(it);
            query.after.is_none_or(|after| query.sort.compare(position, after).is_gt())
        };
        let limit = usize::try_from(query.limit).unwrap();
        Ok(todos.iter().filter(is_after).take(limit).cloned().collect())
    });
    repository
}

#[actix_web::test]
async fn a_long_list_comes_in_parts_and_whole() {
    for count in [0, 1, 99, 100, 101, 700] {
        let todos = todos_of_any_length(count);
        let answer = call(repository_of(todos.clone()), many(Method::GET, "")).await;
        let items: Vec<_> = todos.into_iter().map(TodoRead::from).collect();
        let list = TodoList { count: items.len(), items, next_cursor: None };
        assert_eq!(answer.body, serde_json::to_value(list).unwrap(), "{count}");
        assert_eq!(answer.header("link"), "");
    }
}

#[actix_web::test]
async fn a_long_list_waits_for_a_database_that_is_away_for_a_moment() {
    let todos = todos_of_any_length(700);
    let whole = repository_of(todos.clone());
    let mut repository = MockTodoRepository::new();
    let calls = std::sync::atomic::AtomicUsize::new(0);
    repository.expect_list().returning(move |user, query| {
        // The third call is refused, and so the second part.
        match calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            2 => Err(RepositoryError::Unavailable("away".into())),
            _ => futures_util::FutureExt::now_or_never(whole.list(user, query)).unwrap(),
        }
    });
    let answer = call(repository, many(Method::GET, "")).await;
    assert_eq!(answer.body["count"], 700);
}

#[actix_web::test]
async fn a_place_among_the_long_lists_is_free_again_when_the_client_goes() {
    let (open_lists, alice) = (OpenLists::default(), UserId(ALICE.parse().unwrap()));
    let repository = repository_of(todos_of_any_length(700));
    let service = TodoService::new(Arc::new(repository), Arc::new(MockClock::new()));
    let shared = open_lists.clone();
    let app = init_service(App::new().configure(|config| {
        configure(config, service, Shutdown::default(), Docs::default(), shared);
    }))
    .await;
    let list = |query| call_service(&app, many(Method::GET, query).to_request());
    let unread = list("").await;
    let mut places: Vec<_> = std::iter::from_fn(|| open_lists.open(alice).ok()).collect();
    assert_eq!(list("").await.status(), 503);
    assert_eq!(list("?limit=200").await.status(), 503);
    // A short one needs no place.
    assert_eq!(list("?limit=5").await.status(), 200);
    drop(unread);
    assert_eq!(list("").await.status(), 200);
    places.push(open_lists.open(alice).unwrap());
    assert_eq!(list("").await.status(), 503);
}

#[actix_web::test]
async fn long_pages_come_in_parts_and_lead_to_the_next() {
    let todos = todos_of_any_length(450);
    let (mut items, mut query, mut counts) = (Vec::new(), "?limit=200".to_owned(), Vec::new());
    loop {
        let answer = call(repository_of(todos.clone()), many(Method::GET, &query)).await;
        items.extend(answer.body["items"].as_array().unwrap().clone());
        counts.push(answer.body["count"].as_u64().unwrap());
        let Some(cursor) = answer.body["next_cursor"].as_str() else { break };
        query = format!("?limit=200&cursor={cursor}");
        assert!(answer.header("link").contains(&query), "{}", answer.header("link"));
    }
    let expected: Vec<_> =
        todos.into_iter().map(|it| serde_json::to_value(TodoRead::from(it)).unwrap()).collect();
    assert_eq!((items, counts), (expected, vec![200, 200, 50]));
}
