//! Any bytes as the body of each call that has one: accepted values obey the rules, and rejections state their reasons.

#![no_main]

use actix_web::FromRequest;
use actix_web::http::header::ContentType;
use actix_web::test::TestRequest;
use libfuzzer_sys::fuzz_target;
use todo_api::error::ApiError;
use todo_api::http::body::JsonBody;
use todo_api::tags::TagRename;
use todo_api::todos::dto::{TodoCreate, TodoPut, TodoUpdate, TodosUpdate};
use todo_domain::{Due, Moment, Tags, TagsPatch, Title, TodoPatch};
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().build().expect("a runtime");
}

fuzz_target!(|bytes: &[u8]| {
    if let Some(JsonBody(create)) = read::<JsonBody<TodoCreate>>(bytes) {
        let (title, others) = create.into_parts().expect("it was validated");
        check(Some(&title), &others);
    }
    if let Some(JsonBody(put)) = read::<JsonBody<TodoPut>>(bytes) {
        let (title, others) = put.into_parts().expect("it was validated");
        check(Some(&title), &others);
        assert!(others.description.is_some() && others.is_completed.is_some());
        // A body that is valid for PUT is valid for POST.
        assert!(read::<JsonBody<TodoCreate>>(bytes).is_some());
    }
    if let Some(JsonBody(update)) = read::<JsonBody<TodoUpdate>>(bytes) {
        let patch = TodoPatch::from(update);
        check(patch.title.as_ref(), &patch);
    }
    if let Some(JsonBody(update)) = read::<JsonBody<TodosUpdate>>(bytes) {
        let patch = TodoPatch::from(update);
        assert_ne!(patch, TodoPatch::default());
        check(None, &patch);
    }
    let _ = read::<JsonBody<TagRename>>(bytes);
    // Any text as a due time: what is accepted comes back as it is shown.
    if let Some(moment) = str::from_utf8(bytes).ok().and_then(|text| Moment::parse(text).ok()) {
        check_due(Due::from(moment));
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

fn check(title: Option<&Title>, patch: &TodoPatch) {
    if let Some(title) = title {
        let chars = title.as_str().chars();
        assert!((1..=255).contains(&chars.clone().count()));
        assert!(chars.clone().any(|it| !it.is_whitespace()) && chars.clone().all(|it| it != '\0'));
    }
    if let Some(Some(description)) = &patch.description {
        let chars = description.as_str().chars();
        assert!(chars.clone().count() <= 2_000 && chars.clone().all(|it| it != '\0'));
    }
    if let Some(Some(due)) = patch.due {
        check_due(due);
    }
    match &patch.tags {
        Some(TagsPatch::Set(tags)) => check_tags(tags),
        Some(TagsPatch::Edit { add, remove }) => {
            check_tags(add);
            check_tags(remove);
        }
        _ => {}
    }
}

fn check_due(due: Due) {
    assert_eq!(Moment::parse(&due.to_string()).map(Due::from), Ok(due));
    assert_eq!(Due::from_parts(due.order(), due.is_date()), due);
}

fn check_tags(tags: &Tags) {
    assert!(tags.iter().count() <= Tags::MAX);
    assert_eq!(Tags::from_joined(tags.as_joined_str()).as_ref(), Ok(tags));
}
