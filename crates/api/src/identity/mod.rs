//! Who calls: by the header `X-User-ID`, or by a verified token.
//!
//! | module | contents |
//! |---|---|
//! | [`settings`](crate::settings::identity) | the settings, validated |
//! | [`source`], [`jwk`], [`keys`] | where keys come from, and what is accepted as a key |
//! | [`store`], [`refresh`] | the current keys, and the thread that refreshes them |
//! | [`token`], [`claims`], [`subject`] | what is checked in a token, and the user it names |
//! | [`verifier`], [`cache`] | all of that together, and the tokens that were verified recently |
//!
//! Requests reach it by the extractors in [`http::caller`](crate::http::caller) only.

pub mod cache;
pub mod claims;
pub mod jwk;
pub mod keys;
pub mod refresh;
pub mod source;
pub mod store;
pub mod subject;
#[cfg(test)]
mod tests;
pub mod time;
pub mod token;
pub mod verifier;

use std::cell::RefCell;
use std::sync::Arc;

use actix_web::HttpRequest;
use chrono::{DateTime, Utc};
use clap::ValueEnum;
use todo_domain::UserId;

use self::cache::TokenCache;
use self::verifier::Verifier;
use crate::error::ApiError;

/// How callers are identified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum AuthMode {
    /// By the header `X-User-ID`, which is believed.
    #[default]
    Header,
    /// By a bearer token, which is verified.
    Jwt,
}

/// How this server identifies callers. Clones share the keys.
#[derive(Clone)]
pub enum Authentication {
    /// By the header `X-User-ID`, which is believed.
    Header,
    /// By a bearer token.
    Jwt(Arc<Verifier>),
}

impl Authentication {
    /// Which of the two it is.
    #[must_use]
    pub fn mode(&self) -> AuthMode {
        match self {
            Self::Header => AuthMode::Header,
            Self::Jwt(_) => AuthMode::Jwt,
        }
    }
}

/// A caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// What the token says, if a token named the caller.
    pub session: Option<Arc<Session>>,
}

/// What a verified token says.
#[derive(Debug, PartialEq, Eq)]
pub struct Session {
    /// The claim `sub`.
    pub subject: String,
    /// The claim `exp`, in whole seconds.
    pub expires_at: DateTime<Utc>,
}

/// The state of one HTTP thread: how callers are identified, and the tokens that this thread has verified recently.
pub enum Identifier {
    /// By the header `X-User-ID`.
    Header,
    /// By a bearer token.
    Jwt {
        /// Verifies tokens that are not cached.
        verifier: Arc<Verifier>,
        /// The cached tokens.
        cache: RefCell<TokenCache>,
    },
}

impl Identifier {
    /// Creates the state of a thread.
    #[must_use]
    pub fn new(authentication: &Authentication) -> Self {
        match authentication {
            Authentication::Header => Self::Header,
            Authentication::Jwt(verifier) => {
                Self::Jwt { verifier: Arc::clone(verifier), cache: RefCell::default() }
            }
        }
    }

    /// The state of the thread that handles a request.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if there is none: then nobody is believed.
    pub fn of(request: &HttpRequest) -> Result<&Self, ApiError> {
        let missing = || ApiError::Internal("the application does not identify callers".into());
        request.app_data::<Self>().ok_or_else(missing)
    }

    /// Whether callers can be identified: there is a key set, if one is needed.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        match self {
            Self::Header => true,
            Self::Jwt { verifier, .. } => verifier.has_keys(),
        }
    }
}
