//! Entity tags (a todo's version in quotes), and the conditional headers of requests.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{EntityTag, HeaderMap, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, Utc};
use todo_domain::{PutCondition, UserId, VersionMatch};
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

/// The conditions of a list, whose entity tag is weak: it stands for the time of the owner's last change.
#[derive(Debug, Clone, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct ListConditions {
    /// `*`, which always holds. With `ETag` values the request fails with 412, because that of a list is weak.
    #[param(rename = "If-Match", required = false, value_type = Tags, inline)]
    if_match: Option<HeaderTags>,
    /// The `ETag` of an earlier response. While none of the caller's todos has changed since, the response is a 304
    /// without a body.
    #[param(rename = "If-None-Match", required = false, value_type = Tags, inline)]
    if_none_match: Option<HeaderTags>,
}

/// The value of one of the headers.
#[derive(Debug, Clone, PartialEq, Eq)]
enum HeaderTags {
    Any,
    Listed(Vec<EntityTag>),
}

/// The value of one of the headers of a todo.
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

/// The entity tag of a list: the version of the format, to be raised when the JSON of a todo changes; the owner, because
/// a shared cache may send another owner's tag; and the time of the owner's last change.
fn list_tag(user: UserId, changed_at: Option<DateTime<Utc>>) -> EntityTag {
    let owner = crc32fast::hash(user.0.as_bytes());
    let micros = changed_at.map_or(0, |time| time.timestamp_micros());
    EntityTag::new_weak(format!("1-{owner:x}-{micros:x}"))
}

/// The value of the header `ETag` of a list.
#[must_use]
pub fn list_etag(user: UserId, changed_at: Option<DateTime<Utc>>) -> String {
    list_tag(user, changed_at).to_string()
}

impl ListConditions {
    /// Whether the client may have the list already: only then [`ListConditions::outcome`] depends on the time.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        self.if_match.is_some() || self.if_none_match.is_some()
    }

    /// Evaluates the conditions for a list of an owner whose todos last changed at this time.
    #[must_use]
    pub fn outcome(&self, user: UserId, changed_at: Option<DateTime<Utc>>) -> ReadOutcome {
        let tag = list_tag(user, changed_at);
        match (&self.if_match, &self.if_none_match) {
            (Some(HeaderTags::Listed(_)), _) => ReadOutcome::PreconditionFailed,
            (_, Some(HeaderTags::Any)) => ReadOutcome::NotModified,
            (_, Some(HeaderTags::Listed(tags))) if tags.iter().any(|it| it.weak_eq(&tag)) => {
                ReadOutcome::NotModified
            }
            _ => ReadOutcome::Send,
        }
    }
}

impl FromRequest for ListConditions {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let headers = request.headers();
        let read = || {
            let if_match = header_tags(headers, "If-Match")?;
            Ok(Self { if_match, if_none_match: header_tags(headers, "If-None-Match")? })
        };
        ready(read())
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
    // Tags are compared as text, so `01` and `+1` are not version 1.
    let version = |tag: &EntityTag| {
        let version: i64 = tag.tag().parse().ok()?;
        matches(tag, &EntityTag::new_strong(version.to_string())).then_some(version)
    };
    Ok(header_tags(headers, header)?.map(|tags| match tags {
        HeaderTags::Any => Tags::Any,
        HeaderTags::Listed(tags) => Tags::Versions(tags.iter().filter_map(version).collect()),
    }))
}

fn header_tags(headers: &HeaderMap, header: &'static str) -> Result<Option<HeaderTags>, ApiError> {
    let invalid = ApiError::InvalidPrecondition { header, message: ETAGS_RULE };
    let mut listed = None;
    for value in headers.get_all(header) {
        let Ok(value) = value.to_str() else { return Err(invalid) };
        if value.trim() == "*" && listed.is_none() {
            return Ok(Some(HeaderTags::Any));
        }
        let Some(tags) = entity_tags(value) else { return Err(invalid) };
        listed.get_or_insert_with(Vec::new).extend(tags);
    }
    Ok(listed.map(HeaderTags::Listed))
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
