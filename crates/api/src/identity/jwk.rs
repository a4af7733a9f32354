//! One key of a JWK set (RFC 7517), with the algorithms that it may be used with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// The lengths of RSA keys that are accepted, in bytes of the modulus: 2,048 to 8,192 bits.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// A key that verifies signatures.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its `kid`.
    pub id: Option<String>,
    /// The algorithms that tokens signed with it may name, all of one family. A token cannot choose another.
    pub algorithms: Vec<Algorithm>,
    /// The key itself. Its `Debug` shows no secret.
    pub key: DecodingKey,
}

/// A key of a set that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its `kid`.
    pub id: Option<String>,
    /// Why.
    pub reason: &'static str,
    /// Its signature algorithm, if this server lacks it.
    pub unsupported: Option<&'static str>,
}

/// The members of a JWK that matter here.
#[derive(Debug, Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// Why a key is skipped, and the algorithm that is not supported.
type Reason = (&'static str, Option<&'static str>);

impl Key {
    /// Reads a key.
    ///
    /// # Errors
    /// Why it cannot be used to verify signatures.
    pub fn from_jwk(value: Value) -> Result<Self, Skipped> {
        let id = value["kid"].as_str().map(str::to_owned);
        let skipped = |(reason, unsupported)| Skipped { id, reason, unsupported };
        let Ok(jwk) = serde_json::from_value::<Jwk>(value) else {
            return Err(skipped(("it is malformed", None)));
        };
        match parse(&jwk) {
            Ok((key, algorithms)) => Ok(Self { id: jwk.kid, algorithms, key }),
            Err(reason) => Err(skipped(reason)),
        }
    }

    /// A shared secret, for HS256, HS384 and HS512.
    #[must_use]
    pub fn from_secret(secret: &[u8]) -> Self {
        let algorithms = AlgorithmFamily::Hmac.algorithms().to_vec();
        Self { id: None, algorithms, key: DecodingKey::from_secret(secret) }
    }
}

fn parse(jwk: &Jwk) -> Result<(DecodingKey, Vec<Algorithm>), Reason> {
    let verifies = jwk.key_ops.as_ref().is_none_or(|it| it.iter().any(|it| it == "verify"));
    if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") || !verifies {
        return Err(("it is not for signatures", None));
    }
    if let Some(name) = jwk.alg.as_deref().and_then(unsupported) {
        return Err(("its algorithm is not supported", Some(name)));
    }
    let (key, possible) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => (rsa(jwk)?, AlgorithmFamily::Rsa.algorithms()),
        ("EC", Some("P-256")) => (elliptic(jwk, 32)?, &[Algorithm::ES256][..]),
        ("EC", Some("P-384")) => (elliptic(jwk, 48)?, &[Algorithm::ES384][..]),
        ("EC", Some("P-521")) => return Err(("its curve is not supported", Some("ES512"))),
        ("EC", Some("secp256k1")) => return Err(("its curve is not supported", Some("ES256K"))),
        ("OKP", Some("Ed25519")) => (edwards(jwk)?, &[Algorithm::EdDSA][..]),
        ("OKP", Some("Ed448")) => return Err(("its curve is not supported", Some("Ed448"))),
        ("oct", _) => return Err(("it is symmetric, and no longer secret when published", None)),
        _ => return Err(("its type or curve is not known", None)),
    };
    let algorithms = match &jwk.alg {
        None => possible.to_vec(),
        Some(name) => vec![algorithm(name).ok_or(("its algorithm is not known", None))?],
    };
    if !algorithms.iter().all(|it| possible.contains(it)) {
        return Err(("its algorithm does not fit its type", None));
    }
    Ok((key, algorithms))
}

/// The algorithm with this name in a token or JWK.
#[must_use]
pub fn algorithm(name: &str) -> Option<Algorithm> {
    match name {
        // RFC 9864 names the curve.
        "Ed25519" => Some(Algorithm::EdDSA),
        name => name.parse().ok(),
    }
}

/// The name of an algorithm that issuers use and this server lacks.
#[must_use]
pub fn unsupported(name: &str) -> Option<&'static str> {
    ["ES512", "ES256K", "Ed448", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"]
        .into_iter()
        .find(|it| *it == name)
}

fn bytes(member: Option<&String>) -> Result<Vec<u8>, Reason> {
    let text = member.ok_or(("a member is missing", None))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| ("a member is not base64url", None))
}

fn rsa(jwk: &Jwk) -> Result<DecodingKey, Reason> {
    let (n, e) = (bytes(jwk.n.as_ref())?, bytes(jwk.e.as_ref())?);
    let zeros = n.iter().take_while(|byte| **byte == 0).count();
    let n = &n[zeros..];
    if !RSA_BYTES.contains(&n.len()) {
        return Err(("an RSA key must have 2,048 to 8,192 bits", None));
    }
    Ok(DecodingKey::from_rsa_raw_components(n, &e))
}

fn elliptic(jwk: &Jwk, length: usize) -> Result<DecodingKey, Reason> {
    let (x, y) = (bytes(jwk.x.as_ref())?, bytes(jwk.y.as_ref())?);
    if (x.len(), y.len()) != (length, length) {
        return Err(("its point has another length than its curve", None));
    }
    // The uncompressed form of a point.
    Ok(DecodingKey::from_ec_der(&[&[4][..], &x, &y].concat()))
}

fn edwards(jwk: &Jwk) -> Result<DecodingKey, Reason> {
    let x = bytes(jwk.x.as_ref())?;
    if x.len() != 32 {
        return Err(("its point has another length than its curve", None));
    }
    Ok(DecodingKey::from_ed_der(&x))
}
