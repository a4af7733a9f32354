//! Entity tags: a todo's version in quotes, and the conditions that requests make of it.

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use actix_web::{FromRequest, HttpRequest};
use std::future::{Ready, ready};
use todo_domain::{PutCondition, VersionMatch};
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;

/// What `If-Match` and `If-None-Match` must be.
pub const ENTITY_TAGS_RULE: &str = "must be * or the ETag of an answer, in its quotes: \"3\"";

/// The entity tag of a version.
#[must_use]
pub fn etag(version: i64) -> HeaderValue {
    // Digits in quotes are a valid header value; the other branch is never taken.
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// How the API description shows `If-Match`.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only described, never made")]
pub struct IfMatchHeader {
    /// The `ETag` that the todo must have, in its quotes: when it has another, the answer is 412 and nothing is
    /// changed. `*` stands for any.
    #[param(rename = "If-Match", required = false, example = "\"3\"")]
    if_match: String,
}

/// How the API description shows `If-None-Match` where a todo is read.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only described, never made")]
pub struct IfNoneMatchHeader {
    /// The `ETag` of an earlier answer, in its quotes: when the todo still has it, the answer is 304.
    #[param(rename = "If-None-Match", required = false, example = "\"3\"")]
    if_none_match: String,
}

/// How the API description shows `If-None-Match` where a todo is put.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only described, never made")]
pub struct OnlyCreateHeader {
    /// Create the todo, but replace nothing: when it is there, the answer is 412. Not together with `If-Match`.
    #[param(rename = "If-None-Match", required = false, inline, example = "*")]
    if_none_match: OnlyCreate,
}

/// The one thing that can be asked for there.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described, never made")]
enum OnlyCreate {
    #[schema(rename = "*")]
    Absent,
}

/// What `If-Match` and `If-None-Match` say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// The value of either header.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    /// `*`: any version at all.
    Any,
    /// The tags that can be a version, and whether each is weak.
    Listed(Vec<(i64, bool)>),
}

impl Conditions {
    fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        Ok(Self {
            if_match: tags(headers, IF_MATCH, "If-Match")?,
            if_none_match: tags(headers, IF_NONE_MATCH, "If-None-Match")?,
        })
    }

    /// Whether the client has this version already, so that 304 tells it all it needs.
    #[must_use]
    pub fn has_version(&self, version: i64) -> bool {
        match &self.if_none_match {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::Listed(tags)) => tags.iter().any(|(tag, _)| *tag == version),
        }
    }

    /// The versions that may be changed or deleted. Weak tags never match (RFC 9110, section 13.1.1).
    #[must_use]
    pub fn versions(&self) -> VersionMatch {
        match &self.if_match {
            None | Some(Tags::Any) => VersionMatch::Any,
            Some(Tags::Listed(tags)) => VersionMatch::OneOf(
                tags.iter().filter(|(_, is_weak)| !is_weak).map(|(tag, _)| *tag).collect(),
            ),
        }
    }

    fn put(&self) -> Result<PutCondition, ApiError> {
        match (&self.if_match, &self.if_none_match) {
            (None, None) => Ok(PutCondition::Always),
            (None, Some(Tags::Any)) => Ok(PutCondition::Absent),
            (Some(_), None) => Ok(PutCondition::Present(self.versions())),
            (None, Some(Tags::Listed(_))) => Err(ApiError::InvalidPrecondition {
                header: "If-None-Match",
                message: "must be * here: only create",
            }),
            (Some(_), Some(_)) => Err(ApiError::InvalidPrecondition {
                header: "If-None-Match",
                message: "must not be sent together with If-Match",
            }),
        }
    }
}

impl FromRequest for Conditions {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request.headers()))
    }
}

/// When a todo may be put, by the same headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutConditions(pub PutCondition);

impl FromRequest for PutConditions {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    /// Refuses headers that contradict each other, and an `If-None-Match` that is not `*`.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Conditions::of(request.headers()).and_then(|it| it.put()).map(Self))
    }
}

fn tags(
    headers: &HeaderMap,
    name: HeaderName,
    header: &'static str,
) -> Result<Option<Tags>, ApiError> {
    let invalid = ApiError::InvalidPrecondition { header, message: ENTITY_TAGS_RULE };
    let mut listed = None;
    for value in headers.get_all(name) {
        let Ok(value) = value.to_str() else { return Err(invalid) };
        if value.trim() == "*" && listed.is_none() {
            return Ok(Some(Tags::Any));
        }
        let Some(tags) = entity_tags(value) else { return Err(invalid) };
        // A tag that no version can have is a tag all the same, and matches nothing.
        let versions = tags.iter().filter_map(|(tag, is_weak)| Some((tag.parse().ok()?, *is_weak)));
        listed.get_or_insert_with(Vec::new).extend(versions);
    }
    Ok(listed.map(Tags::Listed))
}

/// The tags of a list, without their quotes, and whether each is weak; `None` when it is none, or empty. A comma
/// may also be part of a tag (RFC 9110, section 8.8.3).
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
mod tests {
    use super::*;

    fn conditions(headers: &[(HeaderName, &'static str)]) -> Result<Conditions, ApiError> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.clone(), HeaderValue::from_static(value));
        }
        Conditions::of(&map)
    }

    #[test]
    fn without_headers_there_is_no_condition() {
        let none = conditions(&[]).unwrap();
        assert_eq!(none.versions(), VersionMatch::Any);
        assert_eq!(none.put().unwrap(), PutCondition::Always);
        assert!(!none.has_version(1));
    }

    #[test]
    fn if_match_lists_strong_versions() {
        let some =
            conditions(&[(IF_MATCH, "\"3\", W/\"4\", \"abc\""), (IF_MATCH, "\"5\"")]).unwrap();
        assert_eq!(some.versions(), VersionMatch::OneOf(vec![3, 5]));
        for foreign in ["\"abc\"", "\"\"", "\"a,b\",, \"c\""] {
            let foreign = conditions(&[(IF_MATCH, foreign)]).unwrap();
            assert_eq!(foreign.versions(), VersionMatch::OneOf(vec![]));
        }
        assert_eq!(conditions(&[(IF_MATCH, "*")]).unwrap().versions(), VersionMatch::Any);
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let some = conditions(&[(IF_NONE_MATCH, "\"3\", W/\"4\"")]).unwrap();
        assert!(some.has_version(3) && some.has_version(4) && !some.has_version(5));
        assert!(conditions(&[(IF_NONE_MATCH, "*")]).unwrap().has_version(9));
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for value in ["", ",", "3", "\"3", "W/3", "\"3\" \"4\"", "\"3 4\"", "*, \"3\""] {
            assert!(conditions(&[(IF_MATCH, value)]).is_err(), "{value}");
        }
        let tag = conditions(&[(IF_NONE_MATCH, "\"3\"")]).unwrap();
        assert!(tag.put().is_err());
        let both = conditions(&[(IF_MATCH, "\"3\""), (IF_NONE_MATCH, "*")]).unwrap();
        assert!(both.put().is_err());
    }
}
