//! Entity tags (a todo's version in quotes), and the conditional headers of requests.

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use actix_web::{FromRequest, HttpRequest};
use std::future::{Ready, ready};
use todo_domain::{PutCondition, VersionMatch};
use utoipa::IntoParams;

use crate::error::ApiError;

/// The error message for an invalid `If-Match` or `If-None-Match`.
pub const ETAGS_RULE: &str = "must be * or one or more quoted ETags, such as \"3\"";

/// The entity tag of a version.
#[must_use]
pub fn etag(version: i64) -> HeaderValue {
    // Digits in quotes are a valid header value, so the fallback is never used.
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// Describes `If-Match` in the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only described, never constructed")]
pub struct IfMatchHeader {
    /// One or more `ETag` values in quotes, separated by commas, or `*` for any. If the todo has none of them, the
    /// request fails with 412 and changes nothing.
    #[param(
        rename = "If-Match",
        required = false,
        pattern = r#"^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$"#
    )]
    if_match: String,
}

/// Describes the `If-None-Match` of reads in the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only described, never constructed")]
pub struct IfNoneMatchHeader {
    /// One or more `ETag` values of earlier responses, in quotes, separated by commas. If the todo still has one of
    /// them, the response is a 304 without a body.
    #[param(
        rename = "If-None-Match",
        required = false,
        pattern = r#"^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$"#
    )]
    if_none_match: String,
}

/// Describes the `If-None-Match` of writes in the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only described, never constructed")]
pub struct IfNoneMatchOnWriteHeader {
    /// `*` requires that the todo does not exist, so that `PUT` creates but never replaces. `ETag` values in quotes,
    /// separated by commas, require that the todo has none of them. Otherwise the request fails with 412 and changes
    /// nothing.
    #[param(
        rename = "If-None-Match",
        required = false,
        pattern = r#"^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$"#
    )]
    if_none_match: String,
}

/// The conditions in `If-Match` and `If-None-Match`. Both must hold (RFC 9110, section 13.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// The value of one of the headers.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    /// `*`: any version.
    Any,
    /// The versions of the listed tags, and whether each tag is weak. Tags that are not a version are omitted.
    Listed(Vec<(i64, bool)>),
}

impl Tags {
    /// The versions of the strong tags: weak ones never match in `If-Match` (RFC 9110, section 13.1.1).
    fn strong(&self) -> Vec<i64> {
        self.versions(|is_weak| !is_weak)
    }

    /// The versions of all tags, weak or strong.
    fn all(&self) -> Vec<i64> {
        self.versions(|_| true)
    }

    fn versions(&self, is_included: impl Fn(bool) -> bool) -> Vec<i64> {
        let Self::Listed(tags) = self else { return Vec::new() };
        let tags = tags.iter().filter(|(_, is_weak)| is_included(*is_weak));
        tags.map(|(version, _)| *version).collect()
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

impl Conditions {
    fn from_headers(headers: &HeaderMap) -> Result<Self, ApiError> {
        Ok(Self {
            if_match: tags(headers, IF_MATCH, "If-Match")?,
            if_none_match: tags(headers, IF_NONE_MATCH, "If-None-Match")?,
        })
    }

    /// Evaluates the conditions on a read of a todo with this version.
    #[must_use]
    pub fn read(&self, version: i64) -> ReadOutcome {
        let holds = match &self.if_match {
            None | Some(Tags::Any) => true,
            Some(tags) => tags.strong().contains(&version),
        };
        let is_known = match &self.if_none_match {
            None => false,
            Some(Tags::Any) => true,
            Some(tags) => tags.all().contains(&version),
        };
        match (holds, is_known) {
            (false, _) => ReadOutcome::PreconditionFailed,
            (true, true) => ReadOutcome::NotModified,
            (true, false) => ReadOutcome::Send,
        }
    }

    /// The versions that may be changed or deleted.
    #[must_use]
    pub fn versions(&self) -> VersionMatch {
        let unwanted = match &self.if_none_match {
            // The todo must not exist, so there is nothing that may be changed.
            Some(Tags::Any) => return VersionMatch::OneOf(Vec::new()),
            Some(tags) => tags.all(),
            None => Vec::new(),
        };
        match &self.if_match {
            None | Some(Tags::Any) if unwanted.is_empty() => VersionMatch::Any,
            None | Some(Tags::Any) => VersionMatch::NoneOf(unwanted),
            Some(tags) => {
                let mut wanted = tags.strong();
                wanted.retain(|version| !unwanted.contains(version));
                VersionMatch::OneOf(wanted)
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

impl FromRequest for Conditions {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::from_headers(request.headers()))
    }
}

fn tags(
    headers: &HeaderMap,
    name: HeaderName,
    header: &'static str,
) -> Result<Option<Tags>, ApiError> {
    let invalid = ApiError::InvalidPrecondition { header, message: ETAGS_RULE };
    let mut listed = None;
    for value in headers.get_all(name) {
        let Ok(value) = value.to_str() else { return Err(invalid) };
        if value.trim() == "*" && listed.is_none() {
            return Ok(Some(Tags::Any));
        }
        let Some(tags) = entity_tags(value) else { return Err(invalid) };
        // Other tags are valid, but match nothing.
        let versions = tags.iter().filter_map(|(tag, is_weak)| Some((version_of(tag)?, *is_weak)));
        listed.get_or_insert_with(Vec::new).extend(versions);
    }
    Ok(listed.map(Tags::Listed))
}

/// Parses a tag as a version. Tags are compared as text, so `01` and `+1` are not version 1.
fn version_of(tag: &str) -> Option<i64> {
    tag.parse().ok().filter(|version: &i64| version.to_string() == tag)
}

/// Parses a list of tags into their texts without quotes, and whether each is weak. Returns `None` if the list is
/// invalid or empty. A tag may contain commas (RFC 9110, section 8.8.3).
fn entity_tags(list: &str) -> Option<Vec<(&str, bool)>> {
    const SEPARATORS: [char; 3] = [' ', '\t', ','];
    let mut tags = Vec::new();
    let mut rest = list.trim_start_matches(SEPARATORS);
    while !rest.is_empty() {
        let (tag, is_weak) = rest.strip_prefix("W/").map_or((rest, false), |tag| (tag, true));
        let (opaque, after) = tag.strip_prefix('"')?.split_once('"')?;
        rest = after.trim_start_matches(SEPARATORS);
        let is_separated = rest.is_empty() || after.trim_start().starts_with(',');
        if !is_separated || !opaque.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        tags.push((opaque, is_weak));
    }
    (!tags.is_empty()).then_some(tags)
}

#[cfg(test)]
mod tests;
