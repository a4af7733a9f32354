//! The form of a token (RFC 7515), and its signature.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::jwk::{self, Key};

/// The maximum length of a token, in bytes. Longer ones do not fit into the headers that other servers accept.
pub const MAX_BYTES: usize = 8 * 1024;

/// Why a token is refused. Nothing of the token is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    /// It is right, but expired.
    Expired,
    /// Anything else; a phrase for developers, in ASCII without quotes and backslashes.
    Invalid(Cow<'static, str>),
}

/// Refuses a token.
///
/// # Errors
/// Always.
pub fn invalid<T>(why: impl Into<Cow<'static, str>>) -> Result<T, TokenError> {
    Err(TokenError::Invalid(why.into()))
}

/// A token whose signature is not verified yet.
#[derive(Debug)]
pub struct Token<'a> {
    /// The header and the payload, which are signed.
    signed: &'a str,
    payload: &'a str,
    signature: &'a str,
    /// The `kid` of the key that it names.
    pub key_id: Option<String>,
    /// Its algorithm, which has to be one of the key's.
    pub algorithm: Algorithm,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

impl<'a> Token<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// If it is not a signed token, or has an algorithm that this server lacks.
    pub fn parse(text: &'a str) -> Result<Self, TokenError> {
        if text.len() > MAX_BYTES {
            return invalid("the token is longer than 8 KiB");
        }
        let parts = text.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, payload) = signed.split_once('.')?;
            (!payload.contains('.')).then_some((signed, header, payload, signature))
        });
        let Some((signed, header, payload, signature)) = parts else {
            return invalid("the token is not a signed JWT of three parts");
        };
        let Some(header) = decode::<Header>(header) else {
            return invalid("the header of the token is not base64url of a JSON object with alg");
        };
        if header.crit.is_some() {
            return invalid("the header of the token requires an extension (crit)");
        }
        if let Some(name) = jwk::unsupported(&header.alg) {
            return invalid(format!("the algorithm {name} is not supported"));
        }
        let Some(algorithm) = jwk::algorithm(&header.alg) else {
            return invalid("the algorithm of the token (alg) is none of RS, PS, ES, EdDSA and HS");
        };
        Ok(Self { signed, payload, signature, key_id: header.kid, algorithm })
    }

    /// Whether this key signed it.
    #[must_use]
    pub fn is_signed_by(&self, key: &Key) -> bool {
        // The caller has found the key by the algorithm; once more here, where it decides.
        key.algorithms.contains(&self.algorithm)
            && jsonwebtoken::crypto::verify(
                self.signature,
                self.signed.as_bytes(),
                &key.key,
                self.algorithm,
            )
            .unwrap_or(false)
    }

    /// The payload as JSON, whoever signed it.
    pub(super) fn payload<T: DeserializeOwned>(&self) -> Option<T> {
        decode(self.payload)
    }
}

fn decode<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
