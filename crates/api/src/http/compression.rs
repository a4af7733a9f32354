//! Compresses long responses for clients that accept it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::HttpRequest;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{
    ACCEPT_ENCODING, AcceptEncoding, CONTENT_ENCODING, CONTENT_TYPE, ETAG, Encoding, Header,
    HeaderMap, HeaderValue,
};
use actix_web::web::Bytes;

use super::gzip::Gzip;

/// The minimum length of a compressed response, in bytes. Shorter ones fit into one packet uncompressed.
const MIN_LENGTH: u64 = 1024;

/// The only encoding that is offered.
pub const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// Whether the client prefers a compressed response.
#[must_use]
pub fn wants_gzip(request: &HttpRequest) -> bool {
    // Most clients other than browsers do not send the header: skip the parsing.
    request.headers().contains_key(ACCEPT_ENCODING)
        && AcceptEncoding::parse(request).is_ok_and(|accepted| {
            let offered = [Encoding::gzip(), Encoding::identity()];
            accepted.negotiate(offered.iter()) == Some(Encoding::gzip())
        })
}

/// Whether a response can be compressed: it is long, it is JSON, and it has no strong `ETag`, which identifies the
/// exact bytes sent. Responses with a single todo have a strong `ETag`.
#[must_use]
pub fn is_compressible(response: &ServiceResponse<BoxBody>) -> bool {
    let is_long = match response.response().body().size() {
        BodySize::None => false,
        BodySize::Sized(length) => length >= MIN_LENGTH,
        BodySize::Stream => true,
    };
    is_long && is_json(response.headers()) && !has_strong_tag(response.headers())
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"application/json"))
}

/// Whether a response has a strong `ETag`, as responses with a single todo do.
pub(super) fn has_strong_tag(headers: &HeaderMap) -> bool {
    headers.get(ETAG).is_some_and(|tag| !tag.as_bytes().starts_with(b"W/"))
}

/// Compresses a response if the client accepts it.
#[must_use]
pub fn compress(mut response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    if !wants_gzip(response.request()) {
        return response;
    }
    response.headers_mut().insert(CONTENT_ENCODING, GZIP);
    response.map_body(|_, body| match body.try_into_bytes() {
        Ok(whole) => BoxBody::new(Gzip::whole(&whole)),
        Err(body) => BoxBody::new(Compressed { body, gzip: Some(Gzip::default()) }),
    })
}

/// A body that is compressed chunk by chunk, as the client reads it.
struct Compressed {
    body: BoxBody,
    /// None after the end has been written.
    gzip: Option<Gzip>,
}

impl MessageBody for Compressed {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let chunk = ready!(self.body.as_pin_mut().poll_next(context));
        Poll::Ready(match (chunk, &mut self.gzip) {
            (Some(Ok(chunk)), Some(gzip)) => Some(Ok(gzip.chunk(&chunk).into())),
            (None, gzip) => gzip.take().map(|gzip| Ok(gzip.finish().into())),
            (chunk, _) => chunk,
        })
    }
}
