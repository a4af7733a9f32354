//! Operations on the collection: lists, pages, bulk calls, counters.

use super::*;

#[actix_web::test]
async fn a_list_has_its_items_and_their_count() {
    let mut repository = MockTodoRepository::new();
    repository.expect_list().return_once(|_, _| Ok(listed([todo()])));
    let response = call(repository, many(Method::GET, "/")).await;
    let expected = json!({"items": [todo_json()], "count": 1, "next_cursor": null});
    assert_eq!((response.status, response.body), (200, expected));

    let mut repository = MockTodoRepository::new();
    repository.expect_list().return_once(|_, _| Ok(listed([])));
    let response = call(repository, many(Method::GET, "")).await;
    assert_eq!(response.body, json!({"items": [], "count": 0, "next_cursor": null}));
}

#[actix_web::test]
async fn a_page_links_to_the_next() {
    let mut repository = MockTodoRepository::new();
    repository
        .expect_list()
        .withf(|_, query| query.limit == 2 && query.filter.is_completed == Some(false))
        .return_once(|_, _| Ok(listed([todo(), todo()])));
    let response = call(repository, many(Method::GET, "?limit=1&is_completed=false&q=a%26b")).await;
    let cursor = response.body["next_cursor"].as_str().unwrap().to_owned();
    let link = response.header("link").to_owned();
    let next = format!("/api/v1/todos?limit=1&is_completed=false&q=a%26b&cursor={cursor}");
    assert_eq!(link, format!("<{next}>; rel=\"next\""));

    let mut repository = MockTodoRepository::new();
    repository
        .expect_list()
        .withf(|_, query| {
            query.after.as_ref().is_some_and(|after| after.key == KeyValue::Time(NOW))
        })
        .return_once(|_, _| Ok(listed([])));
    assert_eq!(call(repository, as_alice(TestRequest::with_uri(&next))).await.status, 200);
}

#[actix_web::test]
async fn a_bulk_call_on_all_todos_needs_all_true() {
    for method in [Method::PATCH, Method::DELETE] {
        let request = many(method, "?q=").set_json(json!({"is_completed": true}));
        let response = call(unused(), request).await;
        assert_eq!(
            (response.status, &response.body["field_errors"][0]["field"]),
            (422, &json!("all"))
        );
    }
    let mut repository = MockTodoRepository::new();
    repository.expect_delete_matching().return_once(|_, _, _| Ok(BulkOutcome::Changed(3)));
    let response = call(repository, many(Method::DELETE, "?all=true")).await;
    assert_eq!((response.status, response.body), (200, json!({"affected": 3})));
}

#[actix_web::test]
async fn the_counters_add_up() {
    let mut repository = MockTodoRepository::new();
    let counts = TodoCounts { total: 5, completed: 2, overdue: 1, active_by_priority: [0, 2, 1] };
    repository.expect_count().return_once(move |_, _, _| Ok(counts));
    let response = call(repository, many(Method::GET, "/stats")).await;
    let expected = json!({
        "total": 5, "active": 3, "completed": 2, "overdue": 1,
        "by_priority": {"low": 0, "medium": 2, "high": 1},
    });
    assert_eq!(response.body, expected);
}
