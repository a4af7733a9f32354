//! The issuer's certificate, and the authority that signs it.

use std::fs;
use std::path::Path;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

/// Accepts connections as `localhost`. Writes the certificate of the authority to `ca.pem`.
pub(super) fn acceptor(directory: &Path) -> SslAcceptor {
    let (authority_key, server_key) = (new_key(), new_key());
    let mut authority = certificate("authority", "authority", &authority_key);
    let constraints = BasicConstraints::new().critical().ca().build().expect("it is valid");
    authority.append_extension(constraints).expect("it is valid");
    let authority = signed(authority, &authority_key);

    let mut server = certificate("localhost", "authority", &server_key);
    let names = SubjectAlternativeName::new()
        .dns("localhost")
        .ip("127.0.0.1")
        .build(&server.x509v3_context(Some(&authority), None))
        .expect("it is valid");
    server.append_extension(names).expect("it is valid");
    let server = signed(server, &authority_key);

    fs::write(directory.join("ca.pem"), authority.to_pem().expect("it is valid"))
        .expect("the directory is ours");
    let mut acceptor =
        SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).expect("OpenSSL works");
    acceptor.set_private_key(&server_key).expect("it is valid");
    acceptor.set_certificate(&server).expect("it is valid");
    acceptor.build()
}

fn new_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("OpenSSL has it");
    let key = EcKey::generate(&group).expect("OpenSSL works");
    PKey::from_ec_key(key).expect("it is valid")
}

fn certificate(subject: &str, issuer: &str, key: &PKey<Private>) -> X509Builder {
    let name = |text: &str| {
        let mut name = X509NameBuilder::new().expect("OpenSSL works");
        name.append_entry_by_nid(Nid::COMMONNAME, text).expect("it is valid");
        name.build()
    };
    let mut builder = X509::builder().expect("OpenSSL works");
    let mut serial = BigNum::new().expect("OpenSSL works");
    serial.rand(64, openssl::bn::MsbOption::MAYBE_ZERO, false).expect("OpenSSL works");
    let parts = [
        builder.set_version(2),
        builder.set_serial_number(&serial.to_asn1_integer().expect("it is valid")),
        builder.set_subject_name(&name(subject)),
        builder.set_issuer_name(&name(issuer)),
        builder.set_pubkey(key),
        builder.set_not_before(&Asn1Time::from_unix(0).expect("it is valid")),
        builder.set_not_after(&Asn1Time::days_from_now(2).expect("it is valid")),
    ];
    parts.into_iter().collect::<Result<(), _>>().expect("it is valid");
    builder
}

fn signed(mut builder: X509Builder, key: &PKey<Private>) -> X509 {
    builder.sign(key, MessageDigest::sha256()).expect("it is valid");
    builder.build()
}
