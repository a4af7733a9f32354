//! Long answers are compressed for clients that ask for it.

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

/// Shorter answers fit into a packet as they are.
const SHORTEST: u64 = 1024;

/// The one encoding that is offered.
pub const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// Whether the client would rather have the answer compressed.
#[must_use]
pub fn wants_gzip(request: &HttpRequest) -> bool {
    // Most clients that are no browsers do not ask.
    request.headers().contains_key(ACCEPT_ENCODING)
        && AcceptEncoding::parse(request).is_ok_and(|accepted| {
            let offered = [Encoding::gzip(), Encoding::identity()];
            accepted.negotiate(offered.iter()) == Some(Encoding::gzip())
        })
}

/// Whether an answer is one that is compressed for clients that ask: JSON, long, and not known by a strong `ETag`, which
/// stands for the very bytes that are sent. An answer about one todo is known by one.
#[must_use]
pub fn is_compressible(response: &ServiceResponse<BoxBody>) -> bool {
    let is_long = match response.response().body().size() {
        BodySize::None => false,
        BodySize::Sized(length) => length >= SHORTEST,
        BodySize::Stream => true,
    };
    is_long && is_json(response.headers()) && !has_strong_tag(response.headers())
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"application/json"))
}

/// Whether an answer has a strong entity tag, as each has that is about one todo.
pub(super) fn has_strong_tag(headers: &HeaderMap) -> bool {
    headers.get(ETAG).is_some_and(|tag| !tag.as_bytes().starts_with(b"W/"))
}

/// Compresses an answer if its client asks for it.
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

/// A body that is compressed piece by piece, when the client takes the next.
struct Compressed {
    body: BoxBody,
    /// None when all is written.
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
        let piece = ready!(self.body.as_pin_mut().poll_next(context));
        Poll::Ready(match (piece, &mut self.gzip) {
            (Some(Ok(piece)), Some(gzip)) => Some(Ok(gzip.part(&piece).into())),
            (None, gzip) => gzip.take().map(|gzip| Ok(gzip.end().into())),
            (piece, _) => piece,
        })
    }
}
