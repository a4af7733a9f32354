//! The name of a tag in a path.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use percent_encoding::percent_decode_str;
use todo_domain::Tag;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::todos::dto::schemas::TagText;

/// Extracts the name of a tag from the path, of which it is the last segment.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct TagPath {
    /// The name of the tag, percent-encoded: a slash is written `%2F`, and a percent sign `%25`. Case and white space around
    /// it do not matter. Many clients do not send a segment `.` or `..`: write `%20.` or `%20..` for a tag with such a name.
    #[param(value_type = TagText, inline)]
    pub name: Tag,
}

impl FromRequest for TagPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.uri().path()).map_err(|message| ApiError::field("name", message)))
    }
}

/// Reads the path as it was sent, because the router decodes all of a name but its slashes and percent signs.
fn parse(path: &str) -> Result<TagPath, String> {
    let segment = path.rsplit('/').next().unwrap_or_default();
    let name = percent_decode_str(segment).decode_utf8();
    let name = name.map_err(|_| "must be UTF-8, percent-encoded".to_owned())?;
    Tag::new(&name).map(|name| TagPath { name }).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_decoded_once() {
        for (path, name) in [
            ("/api/v1/tags/home", "home"),
            ("/api/v1/tags/a%2Fb", "a/b"),
            ("/api/v1/tags/a%252Fb", "a%2Fb"),
            ("/api/v1/tags/100%25", "100%"),
            ("/api/v1/tags/%20%2e%2E%20", ".."),
            ("/api/v1/tags/a+b%2Bc", "a+b+c"),
            ("/api/v1/tags/caf%C3%A9", "café"),
            ("/api/v1/tags/%zz", "%zz"),
        ] {
            assert_eq!(parse(path).unwrap().name.as_str(), name, "{path}");
        }
        for path in
            ["/api/v1/tags/%20", "/api/v1/tags/%FF", "/api/v1/tags/a%2Cb", "/api/v1/tags/%00"]
        {
            assert!(parse(path).is_err(), "{path}");
        }
    }
}
