//! Any bytes as the body of each call that has one: accepted values obey the rules, and rejections state their reasons.

#![no_main]

use actix_web::FromRequest;
use actix_web::http::header::ContentType;
use actix_web::test::TestRequest;
use libfuzzer_sys::fuzz_target;
use todo_api::error::ApiError;
use todo_api::http::body::JsonBody;
use todo_api::todos::dto::{TodoCreate, TodoPut, TodoUpdate, TodosUpdate};
use todo_domain::{Description, Title, TodoId};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

thread_local! {
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().build().expect("a runtime");
}

fuzz_target!(|bytes: &[u8]| {
    if let Some(JsonBody(create)) = read::<JsonBody<TodoCreate>>(bytes) {
        let (title, description, _) = create.into_parts().expect("it was validated");
        check(&title, description.as_ref());
    }
    if let Some(JsonBody(put)) = read::<JsonBody<TodoPut>>(bytes) {
        let todo = put.into_new_todo(TodoId(Uuid::nil())).expect("it was validated");
        check(&todo.title, todo.description.as_ref());
        // A body that is valid for PUT is valid for POST.
        assert!(read::<JsonBody<TodoCreate>>(bytes).is_some());
    }
    if let Some(JsonBody(update)) = read::<JsonBody<TodoUpdate>>(bytes) {
        let patch = update.into_patch().expect("it was validated");
        if let Some(title) = &patch.title {
            check(title, patch.description.as_ref().and_then(Option::as_ref));
        }
    }
    if let Some(JsonBody(update)) = read::<JsonBody<TodosUpdate>>(bytes) {
        update.into_is_completed().expect("it was validated");
    }
});

fn read<T: FromRequest<Error = ApiError>>(bytes: &[u8]) -> Option<T> {
    let request = TestRequest::post().insert_header(ContentType::json());
    let (request, mut payload) = request.set_payload(bytes.to_vec()).to_http_parts();
    let read = T::from_request(&request, &mut payload);
    match RUNTIME.with(|runtime| runtime.block_on(read)) {
        Ok(value) => Some(value),
        Err(ApiError::Invalid(fields)) => {
            assert!(!fields.is_empty());
            assert!(fields.iter().all(|it| !it.message.is_empty()));
            None
        }
        Err(ApiError::PayloadTooLarge { limit }) => {
            assert!(bytes.len() > limit);
            None
        }
        Err(other) => panic!("{other:?}"),
    }
}

fn check(title: &Title, description: Option<&Description>) {
    let chars = title.as_str().chars();
    assert!((1..=255).contains(&chars.clone().count()));
    assert!(chars.clone().any(|it| !it.is_whitespace()) && chars.clone().all(|it| it != '\0'));
    if let Some(description) = description {
        let chars = description.as_str().chars();
        assert!(chars.clone().count() <= 2_000 && chars.clone().all(|it| it != '\0'));
    }
}
