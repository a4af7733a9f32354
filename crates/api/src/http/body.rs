//! The extractor for JSON request bodies.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::BytesMut;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::time::timeout;
use validator::Validate;

use super::unknown::{MAX_REPORTED, unknown};
use crate::error::{ApiError, FieldError, field_errors};

/// The maximum length of a request body, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The error message for a body of another media type.
pub const MEDIA_TYPE_RULE: &str =
    "Send the body as JSON in UTF-8, with the header Content-Type: application/json";

/// How long a client may take to send a body after its headers.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The read-only fields of a todo, which are ignored in request bodies.
pub const READ_ONLY_FIELDS: [&str; 6] =
    ["completed_at", "created_at", "id", "updated_at", "user_id", "version"];

/// A JSON object that is accepted as a request body.
pub trait Body: DeserializeOwned + Validate {
    /// The names of its fields, sorted.
    const FIELDS: &'static [&'static str];
    /// The names of the required ones, each with the error message if it is missing.
    const REQUIRED: &'static [(&'static str, &'static str)];
}

/// Extracts a body that is a JSON object, satisfies the rules of `T` and has no unknown fields.
#[derive(Debug)]
pub struct JsonBody<T>(pub T);

impl<T: Body + 'static> FromRequest for JsonBody<T> {
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

/// Whether this is `application/json`, without parameters or with `charset=utf-8`. (The crate `mime` rejects white space
/// before a semicolon, which RFC 9110 allows.)
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
            ApiError::field("body", format!("could not be read completely: {error}"))
        })?;
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(ApiError::PayloadTooLarge { limit: MAX_BODY_BYTES });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn parse<T: Body>(body: &[u8]) -> Result<T, ApiError> {
    // A derived `Deserialize` also accepts arrays.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(ApiError::field("body", "must be a JSON object"));
    }
    let (value, fields) = deserialize::<T>(body)
        .map_err(|error| ApiError::field("body", format!("must be valid JSON: {error}")))?;
    let mut errors = match value.validate() {
        Ok(()) => Vec::new(),
        Err(errors) => field_errors(&errors),
    };
    let missing = T::REQUIRED.iter().filter(|(name, _)| !fields.contains_key(*name));
    errors.extend(missing.map(|(name, message)| FieldError::new(name, *message)));
    // Read-only fields are ignored, so that clients can send back a todo as they received it.
    let is_known = |name: &str| T::FIELDS.contains(&name) || READ_ONLY_FIELDS.contains(&name);
    let unknown_names = fields.keys().filter(|name| !is_known(name));
    errors.extend(unknown_names.take(MAX_REPORTED).map(|name| unknown(name, T::FIELDS)));
    if errors.is_empty() {
        return Ok(value);
    }
    errors.sort_by(|a, b| a.field.cmp(&b.field));
    Err(ApiError::Invalid(errors))
}

/// Returns the value, and all fields in the body by name.
fn deserialize<T: Body>(body: &[u8]) -> serde_json::Result<(T, BTreeMap<String, &RawValue>)> {
    Ok((serde_json::from_slice(body)?, serde_json::from_slice(body)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_json_in_utf_8_is_accepted() {
        for content_type in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json;",
            "application/json ; charset=utf-8",
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
