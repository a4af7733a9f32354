//! Any values of `If-Match` and `If-None-Match`: accepted or rejected, and accepted values mean the same in canonical
//! form.

#![no_main]

use actix_web::FromRequest;
use actix_web::dev::Payload;
use actix_web::http::header::{HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use actix_web::test::TestRequest;
use futures_util::FutureExt;
use libfuzzer_sys::fuzz_target;
use todo_api::error::ApiError;
use todo_api::http::etag::{ReadConditions, ReadOutcome, WriteConditions, etag};
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
    let Some(reading) = read::<ReadConditions>(&headers) else { return };
    let writing = read::<WriteConditions>(&headers).expect("they are valid for reads");
    let versions = writing.versions();
    for version in [1, 2, 10] {
        // A version that must not be returned must not be changed either.
        let may_be_changed = match &versions {
            VersionMatch::Any => true,
            VersionMatch::OneOf(versions) => versions.contains(&version),
            VersionMatch::NoneOf(versions) => !versions.contains(&version),
        };
        assert_eq!(reading.outcome(version) == ReadOutcome::Send, may_be_changed);
    }
    let (name, plain) = match &versions {
        VersionMatch::Any => return,
        VersionMatch::OneOf(versions) => (IF_MATCH, versions),
        VersionMatch::NoneOf(versions) => (IF_NONE_MATCH, versions),
    };
    if !plain.is_empty() {
        let plain: Vec<_> = plain.iter().map(|it| (name.clone(), etag(*it))).collect();
        let plain = read::<WriteConditions>(&plain).expect("our own tags are valid");
        assert_eq!(plain.versions(), versions);
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
