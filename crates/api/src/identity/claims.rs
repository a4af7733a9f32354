//! The claims of a token (RFC 7519).
//!
//! Not left to `jsonwebtoken`: it checks a claim only if the token has it, accepts a list as `iss`, reads the system
//! clock, and does not say which claim is wrong.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use serde::Deserialize;
use serde_json::Value;

use super::subject::user_id;
use super::token::{TokenError, invalid};
use super::{Identity, Session};

/// The maximum length of a subject, in characters.
pub const MAX_SUBJECT: usize = 255;

/// The end of the year 9999, the last that RFC 3339 can express.
const MAX_TIME: i64 = 253_402_300_799;

/// The accepted values of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// Any, or none: the claim is not checked.
    Any,
    /// Only these, and the claim is required.
    Only(Vec<String>),
}

/// What the claims of a token are checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The issuers, `iss`.
    pub issuers: Accepted,
    /// The audiences, of which `aud` must name one.
    pub audiences: Accepted,
    /// The parties that a token may have been issued to, `azp`.
    pub authorized_parties: Accepted,
    /// How far the clocks of issuer and server may differ.
    pub leeway: Duration,
}

/// The claims that matter here. Each is checked for its type, so that the message can name it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Claims {
    iss: Value,
    aud: Value,
    azp: Value,
    sub: Value,
    exp: Value,
    nbf: Value,
    iat: Value,
}

impl Accepted {
    fn check(&self, claim: &Value, wrong: &'static str) -> Result<(), TokenError> {
        let Self::Only(accepted) = self else { return Ok(()) };
        let is_accepted =
            |it: &Value| it.as_str().is_some_and(|it| accepted.iter().any(|a| a == it));
        if is_accepted(claim) { Ok(()) } else { invalid(wrong) }
    }
}

impl Policy {
    /// What an operator should know about these rules.
    #[must_use]
    pub fn warnings(&self) -> Vec<&'static str> {
        let mut warnings = Vec::new();
        if self.issuers == Accepted::Any {
            warnings.push(
                "JWT_ISSUER is any: tokens of every issuer that uses these keys are accepted",
            );
        }
        if self.audiences == Accepted::Any && self.authorized_parties == Accepted::Any {
            warnings.push(
                "JWT_AUDIENCE is any: tokens that the issuer made for other applications are accepted, \
                 unless JWT_AUTHORIZED_PARTIES names yours",
            );
        }
        warnings
    }

    /// Checks the claims of a token with a valid signature, and returns whom it names. The expiry is checked last, so
    /// that an expired token is one that a renewed one can replace.
    ///
    /// # Errors
    /// Which claim is wrong.
    pub(super) fn check(&self, claims: &Claims, now: i64) -> Result<Identity, TokenError> {
        self.issuers.check(&claims.iss, "the claim iss is none of the accepted issuers")?;
        let wrong = "the claim aud names none of the accepted audiences";
        match &claims.aud {
            Value::Array(several) => {
                let is_accepted = |aud| self.audiences.check(aud, wrong).is_ok();
                if self.audiences != Accepted::Any && !several.iter().any(is_accepted) {
                    return invalid(wrong);
                }
            }
            one => self.audiences.check(one, wrong)?,
        }
        self.authorized_parties
            .check(&claims.azp, "the claim azp is none of the accepted parties")?;
        let subject = claims.sub.as_str().unwrap_or_default();
        if !(1..=MAX_SUBJECT).contains(&subject.chars().count()) {
            return invalid("the claim sub is not a text of 1 to 255 characters");
        }
        let leeway = i64::try_from(self.leeway.as_secs()).unwrap_or_default();
        if time(&claims.nbf, "the claim nbf is not a time")?.is_some_and(|it| it > now + leeway) {
            return invalid("the token is not valid yet (nbf)");
        }
        if time(&claims.iat, "the claim iat is not a time")?.is_some_and(|it| it > now + leeway) {
            return invalid("the token was issued in the future (iat)");
        }
        let wrong = "the claim exp is not a time";
        let expiry = time(&claims.exp, wrong)?;
        let (expires_at, expiry) = expiry
            .and_then(|it| Some((DateTime::from_timestamp(it, 0)?, it)))
            .ok_or(TokenError::Invalid(wrong.into()))?;
        if now >= expiry + leeway {
            return Err(TokenError::Expired);
        }
        let user = user_id(claims.iss.as_str().unwrap_or_default(), subject);
        let session = Session { subject: subject.to_owned(), expires_at };
        Ok(Identity { user, session: Some(Arc::new(session)) })
    }

    /// Whether a token was certainly issued before this time.
    pub(super) fn was_issued_before(&self, claims: &Claims, time_of_keys: i64) -> bool {
        let leeway = i64::try_from(self.leeway.as_secs()).unwrap_or_default();
        matches!(time(&claims.iat, ""), Ok(Some(issued)) if issued + leeway < time_of_keys)
    }
}

/// A time in seconds since 1970, rounded down; `None` if the claim is absent.
fn time(claim: &Value, wrong: &'static str) -> Result<Option<i64>, TokenError> {
    if claim.is_null() {
        return Ok(None);
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked next")]
    let seconds = claim.as_i64().or_else(|| claim.as_f64().map(|it| it.floor() as i64));
    match seconds.filter(|it| (0..=MAX_TIME).contains(it)) {
        Some(seconds) => Ok(Some(seconds)),
        None => invalid(wrong),
    }
}
