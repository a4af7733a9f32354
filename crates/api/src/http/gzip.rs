//! Gzip (RFC 1952) chunk by chunk, keeping only a checksum and a length in between.
//!
//! A compressor takes about 300 KiB. One per response would be the largest part of what a slow client costs. So each
//! chunk is compressed independently, with one compressor per thread. Chunks end at byte boundaries and do not refer to
//! earlier ones, so together they form one valid stream. It is hardly longer than usual, because a chunk of 32 KiB is
//! as long as the format's window.

use std::cell::RefCell;
use std::mem;

use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress};

/// The compression level, from 1 to 9. It reduces a list of todos to a quarter; level 6, the usual one, would reduce it
/// to a sixth, but take four times as long, and other clients wait for the same thread.
const LEVEL: u32 = 1;

/// The header of a stream, without a name or a time.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// An empty last block.
const LAST_BLOCK: [u8; 2] = [3, 0];

thread_local! {
    static COMPRESSOR: RefCell<Compress> =
        RefCell::new(Compress::new(Compression::new(LEVEL), false));
}

/// A stream in progress.
#[derive(Debug, Default)]
pub struct Gzip {
    has_header: bool,
    checksum: Hasher,
    /// The uncompressed length modulo 2³², as in the format.
    length: u32,
}

impl Gzip {
    /// Compresses data into a complete stream.
    #[must_use]
    pub fn whole(data: &[u8]) -> Vec<u8> {
        let mut gzip = Self::default();
        let mut output = gzip.chunk(data);
        gzip.write_trailer(&mut output);
        output
    }

    /// Compresses the next chunk.
    pub fn chunk(&mut self, data: &[u8]) -> Vec<u8> {
        // Compressed todos are usually shorter than this.
        let mut output = Vec::with_capacity(data.len() / 3 + HEADER.len());
        self.write_header(&mut output);
        self.checksum.update(data);
        #[expect(clippy::cast_possible_truncation, reason = "the format counts modulo 2³²")]
        let length = data.len() as u32;
        self.length = self.length.wrapping_add(length);
        COMPRESSOR.with_borrow_mut(|compressor| deflate(compressor, data, &mut output));
        output
    }

    /// Ends the stream.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let mut output = Vec::new();
        self.write_header(&mut output);
        self.write_trailer(&mut output);
        output
    }

    fn write_header(&mut self, output: &mut Vec<u8>) {
        if !mem::replace(&mut self.has_header, true) {
            output.extend_from_slice(&HEADER);
        }
    }

    fn write_trailer(self, output: &mut Vec<u8>) {
        output.extend_from_slice(&LAST_BLOCK);
        output.extend_from_slice(&self.checksum.finalize().to_le_bytes());
        output.extend_from_slice(&self.length.to_le_bytes());
    }
}

/// Writes blocks, none of which is the last, up to a byte boundary.
fn deflate(compressor: &mut Compress, data: &[u8], output: &mut Vec<u8>) {
    /// How much the capacity of the output grows at a time, in bytes.
    const GROWTH: usize = 4096;
    compressor.reset();
    let mut rest = data;
    loop {
        let before = compressor.total_in();
        // This cannot fail: a full output is not an error.
        let result = compressor.compress_vec(rest, output, FlushCompress::Sync);
        debug_assert!(result.is_ok(), "{result:?}");
        let consumed = usize::try_from(compressor.total_in() - before).unwrap_or(rest.len());
        rest = &rest[consumed..];
        if rest.is_empty() && output.len() < output.capacity() {
            return;
        }
        output.reserve(GROWTH);
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
        // The decoder reads one member, and verifies its checksum and length.
        let mut decoder = GzDecoder::new(stream);
        decoder.read_to_end(&mut read).unwrap();
        assert!(decoder.into_inner().is_empty(), "data after the end of the stream");
        read
    }

    /// Incompressible data.
    fn noise(length: usize) -> Vec<u8> {
        (0..length.div_ceil(16)).flat_map(|_| Uuid::new_v4().into_bytes()).take(length).collect()
    }

    #[test]
    fn decompression_restores_the_data() {
        for length in [0, 1, 1_023, 4_096, 32 * 1024, 200_000] {
            let texts = [b"todo ".repeat(length / 5 + 1), noise(length)];
            for text in texts {
                assert_eq!(read(&Gzip::whole(&text)), text);
            }
        }
    }

    #[test]
    fn chunks_of_any_length_form_one_stream() {
        let chunks = [noise(70_000), vec![], b"x".to_vec(), vec![b'a'; 100_000], noise(3)];
        let mut gzip = Gzip::default();
        let mut stream: Vec<u8> = chunks.iter().flat_map(|chunk| gzip.chunk(chunk)).collect();
        stream.extend(gzip.finish());
        assert_eq!(read(&stream), chunks.concat());
    }

    #[test]
    fn a_stream_without_chunks_is_empty() {
        assert!(read(&Gzip::default().finish()).is_empty());
    }

    #[test]
    fn repetitive_data_is_compressed_well() {
        let text = b"{\"title\":\"Buy groceries\"},".repeat(1_000);
        assert!(Gzip::whole(&text).len() < text.len() / 20);
    }
}
