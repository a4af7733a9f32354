//! Splits long bodies into chunks. actix-http copies whatever it is given, however long, into a buffer of the
//! connection, and keeps that buffer. So a slow or idle client occupies no more memory than one chunk.

use std::iter;

use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody, SizedStream};
use actix_web::web::Bytes;
use futures_util::stream;

/// The maximum length of a chunk, in bytes.
const CHUNK: usize = 32 * 1024;

/// Splits bytes into chunks that share their memory.
pub fn chunks(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    iter::from_fn(move || {
        let chunk = bytes.split_to(bytes.len().min(CHUNK));
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// Splits a body into chunks, unless it is short or already a stream.
pub(super) fn in_chunks(body: BoxBody) -> BoxBody {
    match body.size() {
        BodySize::Sized(length) if length > CHUNK as u64 => match body.try_into_bytes() {
            Ok(bytes) => {
                let chunks = chunks(bytes).map(Ok::<_, Error>);
                BoxBody::new(SizedStream::new(length, stream::iter(chunks)))
            }
            Err(body) => body,
        },
        _ => body,
    }
}
