//! Entity tags (a todo's version in quotes), and the conditional headers of requests.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{EntityTag, HeaderMap, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use todo_domain::{PutCondition, VersionMatch};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::error::ApiError;

/// The error message for an invalid `If-Match` or `If-None-Match`.
pub const ETAGS_RULE: &str = "must be * or one or more quoted ETags, such as \"3\"";

/// The entity tag of a version.
#[must_use]
pub fn etag(version: i64) -> HeaderValue {
    // Digits in quotes are a valid header value, so the fallback is never used.
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// The conditions of a read. Both must hold (RFC 9110, section 13.2.2).
#[derive(Debug, Clone, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct ReadConditions {
    /// One or more `ETag` values in quotes, separated by commas, or `*` for any. If the todo has none of them, the
    /// request fails with 412 and changes nothing.
    #[param(rename = "If-Match", required = false, value_type = Tags, inline)]
    if_match: Option<Tags>,
    /// One or more `ETag` values of earlier responses, in quotes, separated by commas. If the todo still has one of
    /// them, the response is a 304 without a body.
    #[param(rename = "If-None-Match", required = false, value_type = Tags, inline)]
    if_none_match: Option<Tags>,
}

/// The conditions of a write. Both must hold.
#[derive(Debug, Clone, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct WriteConditions {
    /// One or more `ETag` values in quotes, separated by commas, or `*` for any. If the todo has none of them, the
    /// request fails with 412 and changes nothing.
    #[param(rename = "If-Match", required = false, value_type = Tags, inline)]
    if_match: Option<Tags>,
    /// `*` requires that the todo does not exist, so that `PUT` creates but never replaces. `ETag` values in quotes,
    /// separated by commas, require that the todo has none of them. Otherwise the request fails with 412 and changes
    /// nothing.
    #[param(rename = "If-None-Match", required = false, value_type = Tags, inline)]
    if_none_match: Option<Tags>,
}

/// The value of one of the headers.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    /// `*`: any version.
    Any,
    /// The versions whose tags match a listed one. Other tags are valid, but match nothing.
    Versions(Vec<i64>),
}

impl PartialSchema for Tags {
    fn schema() -> RefOr<Schema> {
        let pattern = r#"^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$"#;
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
    }
}

impl ToSchema for Tags {}

impl Tags {
    fn includes(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Versions(versions) => versions.contains(&version),
        }
    }
}

/// The outcome of the conditions on a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadOutcome {
    /// They hold: the todo is sent.
    Send,
    /// The client already has this version: 304.
    NotModified,
    /// The todo does not have a version listed in `If-Match`: 412.
    PreconditionFailed,
}

impl ReadConditions {
    /// Evaluates the conditions for a todo with this version.
    #[must_use]
    pub fn outcome(&self, version: i64) -> ReadOutcome {
        let is_listed = |tags: &Option<Tags>| tags.as_ref().map(|tags| tags.includes(version));
        match (is_listed(&self.if_match), is_listed(&self.if_none_match)) {
            (Some(false), _) => ReadOutcome::PreconditionFailed,
            (_, Some(true)) => ReadOutcome::NotModified,
            _ => ReadOutcome::Send,
        }
    }
}

impl WriteConditions {
    /// The versions that may be changed or deleted.
    #[must_use]
    pub fn versions(&self) -> VersionMatch {
        let unwanted = match &self.if_none_match {
            // The todo must not exist, so there is nothing that may be changed.
            Some(Tags::Any) => return VersionMatch::OneOf(Vec::new()),
            Some(Tags::Versions(versions)) => versions.clone(),
            None => Vec::new(),
        };
        match &self.if_match {
            None | Some(Tags::Any) if unwanted.is_empty() => VersionMatch::Any,
            None | Some(Tags::Any) => VersionMatch::NoneOf(unwanted),
            Some(Tags::Versions(wanted)) => {
                let wanted = wanted.iter().filter(|version| !unwanted.contains(version));
                VersionMatch::OneOf(wanted.copied().collect())
            }
        }
    }

    /// The condition on creating or replacing a todo.
    #[must_use]
    pub fn put(&self) -> PutCondition {
        match (&self.if_match, &self.if_none_match) {
            (None, Some(Tags::Any)) => PutCondition::Absent,
            (Some(_), _) => PutCondition::Present(self.versions()),
            (None, _) => match self.versions() {
                VersionMatch::NoneOf(versions) => PutCondition::Unless(versions),
                VersionMatch::Any | VersionMatch::OneOf(_) => PutCondition::Always,
            },
        }
    }
}

impl FromRequest for ReadConditions {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(conditions(request).map(|(if_match, if_none_match)| Self { if_match, if_none_match }))
    }
}

impl FromRequest for WriteConditions {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(conditions(request).map(|(if_match, if_none_match)| Self { if_match, if_none_match }))
    }
}

/// Reads `If-Match`, which compares tags strongly, and `If-None-Match`, which compares them weakly (RFC 9110, sections
/// 13.1.1 and 13.1.2).
fn conditions(request: &HttpRequest) -> Result<(Option<Tags>, Option<Tags>), ApiError> {
    let headers = request.headers();
    Ok((
        tags(headers, "If-Match", EntityTag::strong_eq)?,
        tags(headers, "If-None-Match", EntityTag::weak_eq)?,
    ))
}

fn tags(
    headers: &HeaderMap,
    header: &'static str,
    matches: fn(&EntityTag, &EntityTag) -> bool,
) -> Result<Option<Tags>, ApiError> {
    let invalid = ApiError::InvalidPrecondition { header, message: ETAGS_RULE };
    let mut versions = None;
    for value in headers.get_all(header) {
        let Ok(value) = value.to_str() else { return Err(invalid) };
        if value.trim() == "*" && versions.is_none() {
            return Ok(Some(Tags::Any));
        }
        let Some(tags) = entity_tags(value) else { return Err(invalid) };
        versions.get_or_insert_with(Vec::new).extend(tags.iter().filter_map(|tag| {
            // Tags are compared as text, so `01` and `+1` are not version 1.
            let version: i64 = tag.tag().parse().ok()?;
            matches(tag, &EntityTag::new_strong(version.to_string())).then_some(version)
        }));
    }
    Ok(versions.map(Tags::Versions))
}

/// Parses a list of tags. Returns `None` if it is invalid or empty.
///
/// actix-web's `IfMatch` and `IfNoneMatch` would also split inside of tags, which may contain commas (RFC 9110, section
/// 8.8.3), and ignore what is invalid.
fn entity_tags(list: &str) -> Option<Vec<EntityTag>> {
    let mut in_quotes = false;
    let tags = list.split(|char| {
        in_quotes ^= char == '"';
        char == ',' && !in_quotes
    });
    let tags = tags.map(str::trim).filter(|tag| !tag.is_empty()).map(str::parse);
    tags.collect::<Result<Vec<_>, _>>().ok().filter(|tags| !tags.is_empty())
}

#[cfg(test)]
mod tests;
