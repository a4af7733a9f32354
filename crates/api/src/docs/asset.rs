//! A file that is served from the binary, compressed for clients that ask for it.

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

/// Anybody may keep it, and has to ask whether it is still the same: the next version of the server has the same
/// addresses.
const REVALIDATED: HeaderValue = HeaderValue::from_static("public, no-cache");

/// A file, in the two encodings in which it is served. The one that was not given is made when it is first asked for.
pub(super) struct Asset {
    content_type: HeaderValue,
    plain: OnceLock<Bytes>,
    gzip: OnceLock<Bytes>,
    /// What the entity tags are made of.
    fingerprint: String,
}

impl Asset {
    /// A file as it is.
    pub(super) fn plain(content_type: &'static str, bytes: Bytes) -> Self {
        let fingerprint = fingerprint(&bytes);
        let plain = OnceLock::from(bytes);
        let content_type = HeaderValue::from_static(content_type);
        Self { content_type, plain, gzip: OnceLock::new(), fingerprint }
    }

    /// A file that is compressed already.
    pub(super) fn gzip(content_type: &'static str, bytes: Bytes) -> Self {
        let fingerprint = fingerprint(&bytes);
        let gzip = OnceLock::from(bytes);
        let content_type = HeaderValue::from_static(content_type);
        Self { content_type, plain: OnceLock::new(), gzip, fingerprint }
    }

    /// The answer to a request for it: the file, or, for a client that has it already, 304.
    pub(super) fn answer(&self, request: &HttpRequest) -> HttpResponse {
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

/// Differs between any two versions of a file.
fn fingerprint(bytes: &[u8]) -> String {
    format!("{:x}-{:08x}", bytes.len(), crc32fast::hash(bytes))
}

/// Whether the client says that it has what is tagged so.
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
    // Memory takes whatever is written to it.
    debug_assert!(written.is_ok(), "{written:?}");
    encoder.finish().unwrap_or_default().into()
}

fn decompressed(gzip: Option<&Bytes>) -> Bytes {
    let mut plain = Vec::new();
    let read = GzDecoder::new(gzip.map_or(&[][..], Bytes::as_ref)).read_to_end(&mut plain);
    // It was compressed when this program was built.
    debug_assert!(read.is_ok(), "{read:?}");
    plain.into()
}
