//! Keys that sign tokens, independent of the library that the server verifies them with.

use openssl::base64::encode_block;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{RsaPssSaltlen, Signer};
use serde_json::{Value, json};

use crate::directory::random;

/// The kinds of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the algorithms")]
pub enum Kind {
    Rs256,
    Ps256,
    Es256,
    Es384,
    Es512,
    Ed25519,
    Ed448,
    Hs256,
}

/// A key that signs tokens.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub kid: String,
    key: PKey<Private>,
    /// The secret of a symmetric key.
    secret: Vec<u8>,
}

impl SigningKey {
    /// A new key.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        let name = format!("{kind:?}-{:016x}", random());
        let secret = name.repeat(2).into_bytes();
        let key = match kind {
            Kind::Rs256 | Kind::Ps256 => {
                PKey::from_rsa(Rsa::generate(2048).expect("OpenSSL works"))
            }
            Kind::Es256 | Kind::Es384 | Kind::Es512 => {
                let group = EcGroup::from_curve_name(kind.curve()).expect("OpenSSL has it");
                PKey::from_ec_key(EcKey::generate(&group).expect("OpenSSL works"))
            }
            Kind::Ed25519 => PKey::generate_ed25519(),
            Kind::Ed448 => PKey::generate_ed448(),
            Kind::Hs256 => PKey::hmac(&secret),
        };
        Self { kind, kid: name, key: key.expect("OpenSSL works"), secret }
    }

    /// A symmetric key of this secret, without a name of its own.
    #[must_use]
    pub fn from_secret(secret: &[u8]) -> Self {
        let key = PKey::hmac(secret).expect("OpenSSL works");
        Self { kind: Kind::Hs256, kid: "secret".to_owned(), key, secret: secret.to_owned() }
    }

    /// Its public half, in PEM.
    #[must_use]
    pub fn public_pem(&self) -> Vec<u8> {
        self.key.public_key_to_pem().expect("it is asymmetric")
    }

    /// Its public half as a JWK; the whole of a symmetric key.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let (kid, alg) = (&self.kid, self.kind.algorithm());
        let mut jwk = match self.kind {
            Kind::Rs256 | Kind::Ps256 => {
                let rsa = self.key.rsa().expect("it is RSA");
                json!({"kty": "RSA", "n": base64url(&rsa.n().to_vec()), "e": base64url(&rsa.e().to_vec())})
            }
            Kind::Es256 | Kind::Es384 | Kind::Es512 => {
                let key = self.key.ec_key().expect("it is elliptic");
                let mut context = BigNumContext::new().expect("OpenSSL works");
                let (mut x, mut y) = (BigNum::new(), BigNum::new());
                let (Ok(x), Ok(y)) = (&mut x, &mut y) else { panic!("OpenSSL fails") };
                key.public_key()
                    .affine_coordinates(key.group(), x, y, &mut context)
                    .expect("it is on the curve");
                let length = self.kind.coordinate();
                let text = |it: &BigNum| base64url(&it.to_vec_padded(length).expect("it fits"));
                json!({"kty": "EC", "crv": self.kind.curve_name(), "x": text(x), "y": text(y)})
            }
            Kind::Ed25519 | Kind::Ed448 => {
                let x = self.key.raw_public_key().expect("it is an Edwards curve");
                json!({"kty": "OKP", "crv": format!("{:?}", self.kind), "x": base64url(&x)})
            }
            Kind::Hs256 => json!({"kty": "oct", "k": base64url(&self.secret)}),
        };
        jwk["kid"] = json!(kid);
        jwk["alg"] = json!(alg);
        jwk["use"] = json!("sig");
        jwk
    }

    /// A token with these claims.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": self.kind.algorithm(), "typ": "JWT", "kid": self.kid});
        self.sign_with(&header, claims)
    }

    /// A token with this header and these claims, whatever the header says about the algorithm.
    #[must_use]
    pub fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let part = |json: &Value| base64url(json.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = base64url(&self.signature(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let mut signer = match self.key.id() {
            Id::ED25519 | Id::ED448 => Signer::new_without_digest(&self.key),
            _ => Signer::new(self.kind.digest(), &self.key),
        }
        .expect("OpenSSL works");
        if self.kind == Kind::Ps256 {
            signer.set_rsa_padding(Padding::PKCS1_PSS).expect("it is RSA");
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).expect("it is RSA");
        }
        let signature = signer.sign_oneshot_to_vec(message).expect("OpenSSL works");
        if !matches!(self.kind, Kind::Es256 | Kind::Es384 | Kind::Es512) {
            return signature;
        }
        let signature = EcdsaSig::from_der(&signature).expect("OpenSSL made it");
        let length = self.kind.coordinate();
        let parts =
            [signature.r(), signature.s()].map(|it| it.to_vec_padded(length).expect("it fits"));
        parts.concat()
    }
}

impl Kind {
    /// The name of the algorithm in tokens.
    #[must_use]
    pub fn algorithm(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Ed25519 | Self::Ed448 => "EdDSA",
            Self::Hs256 => "HS256",
        }
    }

    fn digest(self) -> MessageDigest {
        match self {
            Self::Es384 => MessageDigest::sha384(),
            Self::Es512 => MessageDigest::sha512(),
            _ => MessageDigest::sha256(),
        }
    }

    fn curve(self) -> Nid {
        match self {
            Self::Es384 => Nid::SECP384R1,
            Self::Es512 => Nid::SECP521R1,
            _ => Nid::X9_62_PRIME256V1,
        }
    }

    fn curve_name(self) -> &'static str {
        match self {
            Self::Es384 => "P-384",
            Self::Es512 => "P-521",
            _ => "P-256",
        }
    }

    /// The length of a coordinate on the curve, in bytes.
    fn coordinate(self) -> i32 {
        match self {
            Self::Es384 => 48,
            Self::Es512 => 66,
            _ => 32,
        }
    }
}

/// Encodes bytes as base64url without padding.
#[must_use]
pub fn base64url(bytes: &[u8]) -> String {
    encode_block(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}
