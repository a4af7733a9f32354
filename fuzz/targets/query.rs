//! Any query string of a list: accepted or rejected with all reasons, and the link to the next page means the same
//! list.

#![no_main]

use actix_web::FromRequest;
use actix_web::dev::Payload;
use actix_web::http::Uri;
use actix_web::test::TestRequest;
use futures_util::FutureExt;
use libfuzzer_sys::fuzz_target;
use todo_api::error::ApiError;
use todo_api::identity::{Authentication, Identifier};
use todo_api::todos::cursor::{ListIdentity, encode};
use todo_api::todos::params::{BulkRequest, ListRequest, MAX_LIMIT, StatsRequest};
use todo_domain::{KeyValue, Position, Priority, SortKey, TodoId};
use uuid::Uuid;

fuzz_target!(|query: &str| {
    let uri = format!("/api/v1/todos?{query}");
    if uri.parse::<Uri>().is_err() {
        return;
    }
    if let Some(StatsRequest { now: Some(now), .. }) = read(&uri) {
        assert!(now.is_instant());
    }
    let many = read::<BulkRequest>(&uri);
    let Some(list) = read::<ListRequest>(&uri) else { return };
    assert!(list.limit.is_none_or(|limit| (1..=MAX_LIMIT).contains(&limit)));
    if let Some(BulkRequest(filter)) = many {
        assert_eq!(filter, list.filter);
    }
    let key = match list.sort.key {
        SortKey::CreatedAt | SortKey::UpdatedAt => KeyValue::Time(std::time::UNIX_EPOCH.into()),
        SortKey::Due => KeyValue::Absent,
        SortKey::Priority => KeyValue::Priority(Priority::High),
        SortKey::Title => KeyValue::Text("title".to_owned()),
    };
    let position = Position { key, id: TodoId(Uuid::nil()) };
    let identity = ListIdentity { user: list.user, sort: list.sort, filter: &list.filter };
    let next = list.pairs.clone().with("cursor", &encode(identity, &position));
    let next = read::<ListRequest>(&format!("/api/v1/todos?{next}")).expect("it is our own link");
    assert_eq!(next.filter, list.filter);
    assert_eq!(next.sort, list.sort);
    assert_eq!(next.limit, list.limit);
    assert_eq!(next.after, Some(position));
});

fn read<T: FromRequest<Error = ApiError>>(uri: &str) -> Option<T> {
    let request = TestRequest::with_uri(uri)
        .app_data(Identifier::new(&Authentication::Header))
        .insert_header(("X-User-ID", "550e8400-e29b-41d4-a716-446655440000"))
        .to_http_request();
    match T::from_request(&request, &mut Payload::None).now_or_never().expect("nothing is awaited")
    {
        Ok(value) => Some(value),
        Err(ApiError::Invalid(fields)) => {
            assert!(!fields.is_empty());
            None
        }
        Err(other) => panic!("{other:?}"),
    }
}
