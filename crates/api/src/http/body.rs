//! JSON bodies: the one way in for everything that a client sends.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::BytesMut;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use validator::Validate;

use crate::error::ApiError;

/// The longest body that is read, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// What a body must be.
pub const MEDIA_TYPE_RULE: &str =
    "Send the body as JSON in UTF-8, with the header Content-Type: application/json";

/// How long a client may take to send it, once its headers are there.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A body that is a JSON object and obeys the rules of `T`.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned + Validate + 'static> FromRequest for JsonBody<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_headers(request.headers());
        let payload = payload.take();
        Box::pin(async move {
            checked?;
            let body = timeout(BODY_TIMEOUT, read(payload)).await;
            parse(&body.map_err(|_| ApiError::BodyTimeout(BODY_TIMEOUT))??).map(Self)
        })
    }
}

fn check_headers(headers: &HeaderMap) -> Result<(), ApiError> {
    if !headers.get(CONTENT_TYPE).is_some_and(|value| is_json(value.as_bytes())) {
        return Err(ApiError::UnsupportedMediaType(MEDIA_TYPE_RULE));
    }
    let is_encoded = headers
        .get(CONTENT_ENCODING)
        .is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if is_encoded {
        return Err(ApiError::UnsupportedMediaType(
            "Send the body uncompressed, without the header Content-Encoding",
        ));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > MAX_BODY_BYTES) {
        return Err(ApiError::PayloadTooLarge { limit: MAX_BODY_BYTES });
    }
    Ok(())
}

/// `application/json`, without parameters or with `charset=utf-8`.
fn is_json(content_type: &[u8]) -> bool {
    let mut parts = content_type.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(b"application/json"))
        && parts.all(|parameter| {
            let mut pair = parameter.splitn(2, |&byte| byte == b'=');
            let (name, value) = (pair.next().unwrap_or_default(), pair.next().unwrap_or_default());
            let value = value.strip_prefix(b"\"").unwrap_or(value);
            let value = value.strip_suffix(b"\"").unwrap_or(value);
            parameter.is_empty()
                || (name.eq_ignore_ascii_case(b"charset") && value.eq_ignore_ascii_case(b"utf-8"))
        })
}

async fn read(mut payload: Payload) -> Result<BytesMut, ApiError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            ApiError::field("body", format!("could not be read to its end: {error}"))
        })?;
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(ApiError::PayloadTooLarge { limit: MAX_BODY_BYTES });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn parse<T: DeserializeOwned + Validate>(body: &[u8]) -> Result<T, ApiError> {
    // A derived `Deserialize` would take an array, too.
    let is_object = body.trim_ascii_start().first() == Some(&b'{');
    let value: T = match serde_json::from_slice(body) {
        Ok(value) if is_object => value,
        Err(error) if is_object => {
            return Err(ApiError::field("body", format!("must be valid JSON: {error}")));
        }
        _ => return Err(ApiError::field("body", "must be a JSON object")),
    };
    value.validate()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_utf_8_is_recognized_however_it_is_written() {
        for content_type in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json;",
        ] {
            assert!(is_json(content_type.as_bytes()), "{content_type}");
        }
        for content_type in
            ["", "text/json", "application/jsonx", "application/json; charset=latin1", "text/plain"]
        {
            assert!(!is_json(content_type.as_bytes()), "{content_type}");
        }
    }
}
