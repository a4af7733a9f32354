//! Files embedded in the binary, served compressed to clients that accept it.

use std::io::{Read, Write};
use std::sync::{Arc, OnceLock};

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETag, EntityTag,
    Header, HeaderValue, IfNoneMatch, VARY,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::compression::{GZIP, wants_gzip};
use crate::error::ApiError;

/// A page may load only its own files, and the images embedded in its style sheet.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

/// The media type of HTML.
pub const HTML: &str = "text/html; charset=utf-8";
/// The media type of style sheets.
pub const CSS: &str = "text/css; charset=utf-8";
/// The media type of scripts.
pub const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// The name of the page itself.
const PAGE: &str = "index.html";

/// A page: its files, with their names. Created once and shared by all threads.
#[derive(Clone)]
pub struct Page(Arc<[(&'static str, Asset)]>);

impl Page {
    /// Responds with a file; an empty name is the page itself.
    ///
    /// # Errors
    /// [`ApiError::RouteNotFound`] if there is no such file.
    pub fn respond(&self, request: &HttpRequest, name: &str) -> Result<HttpResponse, ApiError> {
        let name = if name.is_empty() { PAGE } else { name };
        let (_, file) = self.0.iter().find(|(it, _)| *it == name).ok_or(ApiError::RouteNotFound)?;
        let mut response = file.respond(request);
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, PAGE_POLICY);
        Ok(response)
    }
}

impl FromIterator<(&'static str, Asset)> for Page {
    fn from_iter<T: IntoIterator<Item = (&'static str, Asset)>>(files: T) -> Self {
        Self(files.into_iter().collect())
    }
}

/// Any cache may store a file, but must revalidate it, because the next version of the server has the same URLs.
const REVALIDATED: HeaderValue = HeaderValue::from_static("public, no-cache");

/// A file in the two encodings in which it is served. The one that is not embedded is created on first use.
pub struct Asset {
    content_type: HeaderValue,
    plain: OnceLock<Bytes>,
    gzip: OnceLock<Bytes>,
    /// The base of the entity tags.
    fingerprint: String,
}

impl Asset {
    /// Creates an asset from a file of the source tree.
    #[must_use]
    pub fn embedded(content_type: &'static str, bytes: &'static [u8]) -> Self {
        Self::new(content_type, Bytes::from_static(bytes), false)
    }

    /// Creates an asset from a file, which may be compressed with gzip.
    #[must_use]
    pub fn new(content_type: &'static str, bytes: Bytes, is_gzip: bool) -> Self {
        let content_type = HeaderValue::from_static(content_type);
        let fingerprint = fingerprint(&bytes);
        let (given, other) = (OnceLock::from(bytes), OnceLock::new());
        let (plain, gzip) = if is_gzip { (other, given) } else { (given, other) };
        Self { content_type, plain, gzip, fingerprint }
    }

    /// Responds with the file, or with 304 if the client already has it.
    #[must_use]
    pub fn respond(&self, request: &HttpRequest) -> HttpResponse {
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
