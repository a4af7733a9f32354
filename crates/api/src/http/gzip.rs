//! Gzip (RFC 1952) part by part, with nothing kept in between but a sum and a length.
//!
//! A compressor that is kept for a whole body takes some 300 KiB, more than all else that a slow client costs. So each
//! part is compressed by itself, by the one compressor of the thread. The parts are joined on whole bytes, and refer to
//! nothing before them: any reader takes them for one stream. What that costs in length is little, for parts of 32 KiB are
//! as long as the window of the format.

use std::cell::RefCell;
use std::mem;

use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress};

/// Of 1 to 9. A list of todos becomes a quarter of its length; 6, the usual level, would make it a sixth in four times the
/// time, which is that of the thread that other clients wait for.
const LEVEL: u32 = 1;

/// A head without a name or a time.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// A block that is the last one, and empty.
const LAST_BLOCK: [u8; 2] = [3, 0];

thread_local! {
    static COMPRESSOR: RefCell<Compress> =
        RefCell::new(Compress::new(Compression::new(LEVEL), false));
}

/// A stream that has been begun.
#[derive(Debug, Default)]
pub struct Gzip {
    /// Whether there has been a part.
    is_begun: bool,
    sum: Hasher,
    /// Modulo 2³², as the format has it.
    length: u32,
}

impl Gzip {
    /// All of a stream.
    #[must_use]
    pub fn whole(data: &[u8]) -> Vec<u8> {
        let mut gzip = Self::default();
        let mut written = gzip.part(data);
        gzip.write_end(&mut written);
        written
    }

    /// The next part of the stream.
    pub fn part(&mut self, data: &[u8]) -> Vec<u8> {
        // Todos become shorter than that.
        let mut written = Vec::with_capacity(data.len() / 3 + HEAD.len());
        self.write_head(&mut written);
        self.sum.update(data);
        // Cut off, as it is meant to be.
        #[expect(clippy::cast_possible_truncation, reason = "the format counts modulo 2³²")]
        let length = data.len() as u32;
        self.length = self.length.wrapping_add(length);
        COMPRESSOR.with_borrow_mut(|compressor| deflate(compressor, data, &mut written));
        written
    }

    /// The end of the stream.
    #[must_use]
    pub fn end(mut self) -> Vec<u8> {
        let mut written = Vec::new();
        self.write_head(&mut written);
        self.write_end(&mut written);
        written
    }

    fn write_head(&mut self, into: &mut Vec<u8>) {
        if !mem::replace(&mut self.is_begun, true) {
            into.extend_from_slice(&HEAD);
        }
    }

    fn write_end(self, into: &mut Vec<u8>) {
        into.extend_from_slice(&LAST_BLOCK);
        into.extend_from_slice(&self.sum.finalize().to_le_bytes());
        into.extend_from_slice(&self.length.to_le_bytes());
    }
}

/// Writes blocks of which none is the last, up to a whole byte.
fn deflate(compressor: &mut Compress, data: &[u8], into: &mut Vec<u8>) {
    /// By so much the room grows that turns out to be too small.
    const MORE: usize = 4096;
    compressor.reset();
    let mut rest = data;
    loop {
        let before = compressor.total_in();
        // It fails in no state that a compressor can be in; no room is not a failure.
        let result = compressor.compress_vec(rest, into, FlushCompress::Sync);
        debug_assert!(result.is_ok(), "{result:?}");
        let taken = usize::try_from(compressor.total_in() - before).unwrap_or(rest.len());
        rest = &rest[taken..];
        if rest.is_empty() && into.len() < into.capacity() {
            return;
        }
        into.reserve(MORE);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use uuid::Uuid;

    use super::*;

    fn read(stream: &[u8]) -> Vec<u8> {
        let mut read = Vec::new();
        // Of one member, and the sum and the length are checked.
        let mut decoder = GzDecoder::new(stream);
        decoder.read_to_end(&mut read).unwrap();
        assert!(decoder.into_inner().is_empty(), "something stands behind the end");
        read
    }

    /// What cannot be compressed.
    fn noise(length: usize) -> Vec<u8> {
        (0..length.div_ceil(16)).flat_map(|_| Uuid::new_v4().into_bytes()).take(length).collect()
    }

    #[test]
    fn a_stream_is_read_as_it_was_written() {
        for length in [0, 1, 1_023, 4_096, 32 * 1024, 200_000] {
            let texts = [b"todo ".repeat(length / 5 + 1), noise(length)];
            for text in texts {
                assert_eq!(read(&Gzip::whole(&text)), text);
            }
        }
    }

    #[test]
    fn parts_are_one_stream_however_long_they_are() {
        let parts = [noise(70_000), vec![], b"x".to_vec(), vec![b'a'; 100_000], noise(3)];
        let mut gzip = Gzip::default();
        let mut stream: Vec<u8> = parts.iter().flat_map(|part| gzip.part(part)).collect();
        stream.extend(gzip.end());
        assert_eq!(read(&stream), parts.concat());
    }

    #[test]
    fn no_parts_are_an_empty_stream() {
        assert!(read(&Gzip::default().end()).is_empty());
    }

    #[test]
    fn what_repeats_itself_becomes_short() {
        let text = b"{\"title\":\"Buy groceries\"},".repeat(1_000);
        assert!(Gzip::whole(&text).len() < text.len() / 20);
    }
}
