//! Long bodies in pieces. The server below copies what it is given into a buffer of the client's connection, however
//! long it is, and keeps that buffer. A slow client, or an idle one, is not to cost more than a piece.

use std::iter;

use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody, SizedStream};
use actix_web::web::Bytes;
use futures_util::stream;

/// How many bytes are handed over at a time.
const PIECE: usize = 32 * 1024;

/// The same bytes, in pieces that share their memory.
pub fn pieces(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    iter::from_fn(move || {
        let piece = bytes.split_to(bytes.len().min(PIECE));
        (!piece.is_empty()).then_some(piece)
    })
}

/// The same body, in pieces if it is long and known.
pub(super) fn in_pieces(body: BoxBody) -> BoxBody {
    match body.size() {
        BodySize::Sized(length) if length > PIECE as u64 => match body.try_into_bytes() {
            Ok(bytes) => {
                let pieces = pieces(bytes).map(Ok::<_, Error>);
                BoxBody::new(SizedStream::new(length, stream::iter(pieces)))
            }
            Err(body) => body,
        },
        _ => body,
    }
}
