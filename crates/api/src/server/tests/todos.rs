//! Operations on one todo.

use super::*;

#[actix_web::test]
async fn a_created_todo_is_returned_with_location_and_etag() {
    let mut repository = MockTodoRepository::new();
    repository
        .expect_insert()
        .withf(|user, new, _, _| {
            user.0.to_string() == ALICE && new.clone().into_patch().description.is_none()
        })
        .return_once(|_, _, _, _| Ok(InsertOutcome::Inserted(todo())));
    let body = json!({"title": "Buy groceries", "id": "mine", "version": 9});
    let response = call(repository, many(Method::POST, "").set_json(body)).await;
    assert_eq!((response.status, &response.body), (201, &todo_json()));
    assert_eq!(response.header("location"), format!("/api/v1/todos/{ID}"));
    assert_eq!(response.header("etag"), "\"1\"");
}

#[actix_web::test]
async fn a_todo_is_returned_unless_its_etag_matches_if_none_match() {
    let found = || {
        let mut repository = MockTodoRepository::new();
        repository.expect_find().return_once(|_, _| Ok(Some(todo())));
        repository
    };
    let response = call(found(), one(Method::GET)).await;
    assert_eq!((response.status, &response.body), (200, &todo_json()));
    let again = one(Method::GET).insert_header(("If-None-Match", "\"1\""));
    let response = call(found(), again).await;
    assert_eq!(
        (response.status, response.header("etag"), &response.body),
        (304, "\"1\"", &Value::Null)
    );
    let newer = one(Method::GET).insert_header(("If-None-Match", "\"0\""));
    assert_eq!(call(found(), newer).await.status, 200);
}

#[actix_web::test]
async fn an_absent_todo_is_not_found() {
    let mut repository = MockTodoRepository::new();
    repository.expect_find().return_once(|_, _| Ok(None));
    let response = call(repository, one(Method::GET)).await;
    assert_eq!(response.error(), (404, "NOT_FOUND", "Todo not found"));

    let mut repository = MockTodoRepository::new();
    repository.expect_delete().return_once(|_, _, _, _| Ok(DeleteOutcome::Absent));
    assert_eq!(call(repository, one(Method::DELETE)).await.error().0, 404);

    let mut repository = MockTodoRepository::new();
    repository.expect_update().return_once(|_, _, _, _, _| Ok(UpdateOutcome::Absent));
    let request = one(Method::PATCH).set_json(json!({"title": "x"}));
    assert_eq!(call(repository, request).await.error().0, 404);
}

#[actix_web::test]
async fn a_patch_distinguishes_absent_null_and_value() {
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
        let response = call(repository, one(Method::PATCH).set_json(body)).await;
        assert_eq!((response.status, &response.body), (200, &todo_json()));
    }
    let nulls = one(Method::PATCH).set_json(json!({"title": null, "is_completed": null}));
    let response = call(unused(), nulls).await;
    assert_eq!(response.error().0, 422);
    assert_eq!(response.body["field_errors"].as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn a_conflict_returns_the_current_todo() {
    let mut repository = MockTodoRepository::new();
    repository
        .expect_update()
        .withf(|_, _, _, versions, _| *versions == VersionMatch::OneOf(vec![7]))
        .return_once(|_, _, _, _, _| Ok(UpdateOutcome::Conflict(todo())));
    let request = one(Method::PATCH)
        .insert_header(("If-Match", "\"7\""))
        .set_json(json!({"is_completed": true}));
    let response = call(repository, request).await;
    assert_eq!((response.error().0, response.error().1), (412, "PRECONDITION_FAILED"));
    assert_eq!((&response.body["current"], response.header("etag")), (&todo_json(), "\"1\""));
}

#[actix_web::test]
async fn a_put_needs_every_field_and_returns_whether_it_created() {
    let response = call(unused(), one(Method::PUT).set_json(json!({}))).await;
    assert_eq!(response.body["field_errors"].as_array().unwrap().len(), 3);

    let whole = json!({"title": "Buy groceries", "description": null, "is_completed": false});
    let mut repository = MockTodoRepository::new();
    repository.expect_put().return_once(|_, _, _, _, _| Ok(PutOutcome::Created(todo())));
    let response = call(repository, one(Method::PUT).set_json(&whole)).await;
    assert_eq!(
        (response.status, response.header("location")),
        (201, &*format!("/api/v1/todos/{ID}"))
    );

    let mut repository = MockTodoRepository::new();
    repository.expect_put().return_once(|_, _, _, _, _| Ok(PutOutcome::Replaced(todo())));
    let response = call(repository, one(Method::PUT).set_json(&whole)).await;
    assert_eq!((response.status, response.header("location")), (200, ""));
}

#[actix_web::test]
async fn a_delete_returns_no_body() {
    let mut repository = MockTodoRepository::new();
    repository.expect_delete().return_once(|_, _, _, _| Ok(DeleteOutcome::Deleted));
    let response = call(repository, one(Method::DELETE)).await;
    assert_eq!((response.status, response.body), (204, Value::Null));
}
