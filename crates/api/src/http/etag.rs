//! Entity tags: a todo's version in quotes, and the conditions that requests make of it.

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use actix_web::{FromRequest, HttpRequest};
use std::future::{Ready, ready};
use todo_domain::{PutCondition, VersionMatch};
use utoipa::IntoParams;

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
    /// The `ETag` that the todo must have, in its quotes, or several; `*` stands for any. When it has another, the
    /// answer is 412 and nothing is changed.
    #[param(
        rename = "If-Match",
        required = false,
        pattern = r#"^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$"#
    )]
    if_match: String,
}

/// How the API description shows `If-None-Match` where a todo is read.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only described, never made")]
pub struct IfNoneMatchHeader {
    /// The `ETag` of an earlier answer, in its quotes, or several: when the todo still has it, the answer is 304.
    #[param(
        rename = "If-None-Match",
        required = false,
        pattern = r#"^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$"#
    )]
    if_none_match: String,
}

/// How the API description shows `If-None-Match` where a todo is written.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only described, never made")]
pub struct UnlessMatchHeader {
    /// `*`: only when there is no such todo, so that `PUT` creates, but replaces nothing. Or an `ETag` that the todo
    /// must not have, in its quotes, or several. Otherwise the answer is 412 and nothing is changed.
    #[param(
        rename = "If-None-Match",
        required = false,
        pattern = r#"^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$"#
    )]
    if_none_match: String,
}

/// What `If-Match` and `If-None-Match` say. Both have to hold (RFC 9110, section 13.2.2).
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
    /// The tags that are a version's, and whether each is weak.
    Listed(Vec<(i64, bool)>),
}

impl Tags {
    /// The versions whose tags are strong: weak ones never match in `If-Match` (RFC 9110, section 13.1.1).
    fn strong(&self) -> Vec<i64> {
        self.versions(|is_weak| !is_weak)
    }

    fn versions(&self, counts: impl Fn(bool) -> bool) -> Vec<i64> {
        match self {
            Self::Any => Vec::new(),
            Self::Listed(tags) => {
                tags.iter().filter(|(_, is_weak)| counts(*is_weak)).map(|(tag, _)| *tag).collect()
            }
        }
    }
}

/// What becomes of a request to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The todo is sent.
    Send,
    /// The client has it already: 304.
    NotModified,
    /// The todo has another version than `If-Match` says: 412.
    Failed,
}

impl Conditions {
    fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        Ok(Self {
            if_match: tags(headers, IF_MATCH, "If-Match")?,
            if_none_match: tags(headers, IF_NONE_MATCH, "If-None-Match")?,
        })
    }

    /// What becomes of a request to read a todo of this version.
    #[must_use]
    pub fn read(&self, version: i64) -> Reading {
        let holds = match &self.if_match {
            None | Some(Tags::Any) => true,
            Some(tags) => tags.strong().contains(&version),
        };
        let is_known = match &self.if_none_match {
            None => false,
            Some(Tags::Any) => true,
            Some(tags) => tags.versions(|_| true).contains(&version),
        };
        match (holds, is_known) {
            (false, _) => Reading::Failed,
            (true, true) => Reading::NotModified,
            (true, false) => Reading::Send,
        }
    }

    /// The versions that may be changed or deleted.
    #[must_use]
    pub fn versions(&self) -> VersionMatch {
        let unwanted = match &self.if_none_match {
            // There must be none, and of what is not there, nothing can be changed.
            Some(Tags::Any) => return VersionMatch::OneOf(Vec::new()),
            Some(tags) => tags.versions(|_| true),
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

    /// When a todo may be put.
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
        ready(Self::of(request.headers()))
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
        // A tag that is no version's is a tag all the same, and matches nothing.
        let versions = tags.iter().filter_map(|(tag, is_weak)| Some((version_of(tag)?, *is_weak)));
        listed.get_or_insert_with(Vec::new).extend(versions);
    }
    Ok(listed.map(Tags::Listed))
}

/// The version whose tag this is, character by character: `01` and `+1` are not 1.
fn version_of(tag: &str) -> Option<i64> {
    tag.parse().ok().filter(|version: &i64| version.to_string() == tag)
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
        assert_eq!(none.put(), PutCondition::Always);
        assert_eq!(none.read(1), Reading::Send);
    }

    #[test]
    fn if_match_lists_strong_versions() {
        let some =
            conditions(&[(IF_MATCH, "\"3\", W/\"4\", \"abc\""), (IF_MATCH, "\"5\"")]).unwrap();
        assert_eq!(some.versions(), VersionMatch::OneOf(vec![3, 5]));
        assert_eq!(some.put(), PutCondition::Present(VersionMatch::OneOf(vec![3, 5])));
        assert_eq!(
            [3, 4, 5].map(|it| some.read(it)),
            [Reading::Send, Reading::Failed, Reading::Send]
        );
        let any = conditions(&[(IF_MATCH, "*")]).unwrap();
        assert_eq!((any.versions(), any.read(9)), (VersionMatch::Any, Reading::Send));
    }

    #[test]
    fn tags_are_compared_character_by_character() {
        for foreign in
            ["\"abc\"", "\"\"", "\"a,b\",, \"c\"", "\"01\"", "\"+1\"", "\"1.0\"", "\"-0\""]
        {
            let foreign = conditions(&[(IF_MATCH, foreign), (IF_NONE_MATCH, foreign)]).unwrap();
            assert_eq!(foreign.versions(), VersionMatch::OneOf(vec![]));
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let some = conditions(&[(IF_NONE_MATCH, "\"3\", W/\"4\"")]).unwrap();
        let read = [3, 4, 5].map(|version| some.read(version));
        assert_eq!(read, [Reading::NotModified, Reading::NotModified, Reading::Send]);
        assert_eq!(some.versions(), VersionMatch::NoneOf(vec![3, 4]));
        assert_eq!(some.put(), PutCondition::Unless(vec![3, 4]));
        let any = conditions(&[(IF_NONE_MATCH, "*")]).unwrap();
        assert_eq!((any.read(9), any.put()), (Reading::NotModified, PutCondition::Absent));
        assert_eq!(any.versions(), VersionMatch::OneOf(vec![]));
    }

    #[test]
    fn both_have_to_hold_and_if_match_comes_first() {
        let both = conditions(&[(IF_MATCH, "\"3\", \"4\""), (IF_NONE_MATCH, "W/\"4\"")]).unwrap();
        let read = [3, 4, 5].map(|version| both.read(version));
        assert_eq!(read, [Reading::Send, Reading::NotModified, Reading::Failed]);
        assert_eq!(both.versions(), VersionMatch::OneOf(vec![3]));
        let never = conditions(&[(IF_MATCH, "*"), (IF_NONE_MATCH, "*")]).unwrap();
        assert_eq!(never.put(), PutCondition::Present(VersionMatch::OneOf(vec![])));
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for value in ["", ",", "3", "\"3", "W/3", "\"3\" \"4\"", "\"3 4\"", "*, \"3\""] {
            assert!(conditions(&[(IF_MATCH, value)]).is_err(), "{value}");
            assert!(conditions(&[(IF_NONE_MATCH, value)]).is_err(), "{value}");
        }
    }
}
