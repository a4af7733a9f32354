//! A file embedded in the binary, served compressed to clients that accept it.

use std::io::{Read, Write};
use std::sync::OnceLock;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETag, EntityTag, Header, HeaderValue,
    IfNoneMatch, VARY,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::http::compression::{GZIP, wants_gzip};

/// Any cache may store a file, but must revalidate it, because the next version of the server has the same URLs.
const REVALIDATED: HeaderValue = HeaderValue::from_static("public, no-cache");

/// A file in the two encodings in which it is served. The one that is not embedded is created on first use.
pub(super) struct Asset {
    content_type: HeaderValue,
    plain: OnceLock<Bytes>,
    gzip: OnceLock<Bytes>,
    /// The base of the entity tags.
    fingerprint: String,
}

impl Asset {
    /// Creates an asset from a file, which may be compressed with gzip.
    pub(super) fn new(content_type: &'static str, bytes: Bytes, is_gzip: bool) -> Self {
        let content_type = HeaderValue::from_static(content_type);
        let fingerprint = fingerprint(&bytes);
        let (given, other) = (OnceLock::from(bytes), OnceLock::new());
        let (plain, gzip) = if is_gzip { (other, given) } else { (given, other) };
        Self { content_type, plain, gzip, fingerprint }
    }

    /// Responds with the file, or with 304 if the client already has it.
    pub(super) fn respond(&self, request: &HttpRequest) -> HttpResponse {
        let wants_gzip = wants_gzip(request);
        let suffix = if wants_gzip { "-gzip" } else { "" };
        let tag = EntityTag::new_strong(format!("{}{suffix}", self.fingerprint));
        let is_known = is_known(request, &tag);
        let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response
            .insert_header(ETag(tag))
            .insert_header((CACHE_CONTROL, REVALIDATED))
            .insert_header((VARY, "accept-encoding"));
        if is_known {
            return response.finish();
        }
        response.insert_header((CONTENT_TYPE, self.content_type.clone()));
        if wants_gzip {
            response.insert_header((CONTENT_ENCODING, GZIP));
            let gzip = self.gzip.get_or_init(|| compressed(self.plain.get()));
            response.body(gzip.clone())
        } else {
            let plain = self.plain.get_or_init(|| decompressed(self.gzip.get()));
            response.body(plain.clone())
        }
    }
}

/// A fingerprint that changes when the file does.
fn fingerprint(bytes: &[u8]) -> String {
    format!("{:x}-{:08x}", bytes.len(), crc32fast::hash(bytes))
}

/// Whether the client already has the version with this tag, according to `If-None-Match`.
fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|it| it.weak_eq(tag)),
        Err(_) => false,
    }
}

fn compressed(plain: Option<&Bytes>) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let written = plain.map_or(Ok(()), |plain| encoder.write_all(plain));
    // Writing to memory cannot fail.
    debug_assert!(written.is_ok(), "{written:?}");
    encoder.finish().unwrap_or_default().into()
}

fn decompressed(gzip: Option<&Bytes>) -> Bytes {
    let mut plain = Vec::new();
    let read = GzDecoder::new(gzip.map_or(&[][..], Bytes::as_ref)).read_to_end(&mut plain);
    // The data is valid: it was compressed when this program was built.
    debug_assert!(read.is_ok(), "{read:?}");
    plain.into()
}
