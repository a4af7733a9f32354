//! The keys that tokens are verified with.

use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::Value;

use super::jwk::{Key, Skipped};

/// How many keys are tried for a token that names none.
const MAX_TRIED: usize = 4;

/// How many skipped keys are remembered.
const MAX_SKIPPED: usize = 64;

/// A shared secret. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A secret of these bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// A set of keys.
#[derive(Debug, Clone)]
pub struct KeySet {
    keys: Vec<Key>,
    skipped: Vec<Skipped>,
    /// What it was parsed from.
    json: Box<[u8]>,
}

impl PartialEq for KeySet {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

/// The keys that may have signed a token.
#[derive(Debug)]
pub enum Found<'a> {
    /// These, of which all fit the algorithm.
    Keys(Vec<&'a Key>),
    /// The token names a key that is not for its algorithm.
    AnotherAlgorithm,
    /// The token names a key of an algorithm that this server lacks.
    Unsupported(&'static str),
    /// None: the set does not have the key, or not yet.
    Unknown,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    /// Parses a JWK set. Keys that cannot verify signatures are skipped.
    ///
    /// # Errors
    /// If it is none, or no key can be used.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(json)
            .map_err(|_| "it is not a JWK set: an object with an array \"keys\"".to_owned())?;
        let (mut keys, mut skipped) = (Vec::new(), Vec::new());
        for value in document.keys {
            match Key::from_jwk(value) {
                Ok(key) => keys.push(key),
                Err(reason) if skipped.len() < MAX_SKIPPED => skipped.push(reason),
                Err(_) => {}
            }
        }
        let set = Self { keys, skipped, json: json.into() };
        if set.keys.is_empty() {
            let reasons: Vec<_> = set.skipped.iter().take(3).map(Skipped::to_string).collect();
            return Err(format!("it has no key for signatures; {}", reasons.join("; ")));
        }
        Ok(set)
    }

    /// The set with only a shared secret.
    #[must_use]
    pub fn secret(secret: &[u8]) -> Self {
        Self { keys: vec![Key::from_secret(secret)], skipped: Vec::new(), json: Box::default() }
    }

    /// How many keys it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it has no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that are not used.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The keys that may have signed a token with this `kid` and algorithm. Keys without a `kid` fit any.
    #[must_use]
    pub fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Found<'_> {
        let fits = |key: &&Key| key.algorithms.contains(&algorithm);
        let named: Vec<_> = match id {
            None => self.keys.iter().collect(),
            Some(id) => {
                self.keys.iter().filter(|key| key.id.as_deref().is_none_or(|it| it == id)).collect()
            }
        };
        let keys: Vec<_> = named.iter().copied().filter(fits).take(MAX_TRIED).collect();
        if !keys.is_empty() {
            return Found::Keys(keys);
        }
        if id.is_some() && named.iter().any(|key| key.id.as_deref() == id) {
            return Found::AnotherAlgorithm;
        }
        let skipped = self.skipped.iter().find(|it| id.is_some() && it.id.as_deref() == id);
        match skipped.and_then(|it| it.unsupported) {
            Some(name) => Found::Unsupported(name),
            None => Found::Unknown,
        }
    }
}

impl std::fmt::Display for Skipped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id: String = self.id.iter().flat_map(|id| id.chars()).take(64).collect();
        write!(f, "key {id:?}: {}", self.reason)?;
        self.unsupported.map_or(Ok(()), |name| write!(f, " ({name})"))
    }
}
