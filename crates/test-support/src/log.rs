//! Captures the log in memory.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

/// Calls `run`. Returns what it returns, and what it logs on this thread.
pub fn capture_log<T>(run: impl FnOnce() -> T) -> (T, String) {
    let buffer = Buffer::default();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(buffer.clone()).finish();
    let result = tracing::subscriber::with_default(subscriber, run);
    let bytes = buffer.0.lock().unwrap_or_else(PoisonError::into_inner);
    (result, String::from_utf8_lossy(&bytes).into_owned())
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Buffer {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
