//! Any values of `If-Match` and `If-None-Match`: understood or refused, and what is understood means the same when it
//! is written plainly.

#![no_main]

use actix_web::FromRequest;
use actix_web::dev::Payload;
use actix_web::http::header::{HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use actix_web::test::TestRequest;
use futures_util::FutureExt;
use libfuzzer_sys::fuzz_target;
use todo_api::error::ApiError;
use todo_api::http::etag::{Conditions, PutConditions, etag};
use todo_domain::VersionMatch;

fuzz_target!(|given: (Vec<&[u8]>, Vec<&[u8]>)| {
    let (if_match, if_none_match) = given;
    let mut headers = Vec::new();
    for (name, values) in [(IF_MATCH, if_match), (IF_NONE_MATCH, if_none_match)] {
        for value in values {
            let Ok(value) = HeaderValue::from_bytes(value) else { return };
            headers.push((name.clone(), value));
        }
    }
    let put = read::<PutConditions>(&headers);
    let Some(conditions) = read::<Conditions>(&headers) else {
        assert!(put.is_none(), "a put was understood where nothing else was");
        return;
    };
    if let VersionMatch::OneOf(versions) = conditions.versions() {
        let plain: Vec<_> = versions.iter().map(|it| (IF_MATCH, etag(*it))).collect();
        if !plain.is_empty() {
            let plain = read::<Conditions>(&plain).expect("our own tags are understood");
            assert_eq!(plain.versions(), VersionMatch::OneOf(versions));
        }
    } else if headers.iter().all(|(name, _)| name != IF_MATCH) {
        assert_eq!(conditions.versions(), VersionMatch::Any);
    }
});

fn read<T: FromRequest<Error = ApiError>>(headers: &[(HeaderName, HeaderValue)]) -> Option<T> {
    let request = headers
        .iter()
        .fold(TestRequest::get(), |request, header| request.append_header(header.clone()))
        .to_http_request();
    match T::from_request(&request, &mut Payload::None).now_or_never().expect("nothing is awaited")
    {
        Ok(value) => Some(value),
        Err(ApiError::InvalidPrecondition { .. }) => None,
        Err(other) => panic!("{other:?}"),
    }
}
