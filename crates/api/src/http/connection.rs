//! A client connection with timeouts.
//!
//! actix-http limits only the time for the head of the first request, and the time that a connection may be idle
//! (`KEEP_ALIVE`). It has no timeout for later requests, for a body that no handler reads, or for a client that does
//! not read its response.

use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::shutdown::OpenConnection;

/// How long a client may take to send a request, or to read what fits into the socket buffers.
pub const CLIENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Whether a client has closed its side of the connection. That does not end its requests, because it may still read
/// their responses; only a response that may never end should ask.
#[derive(Debug, Clone, Default)]
pub struct HangUp(Rc<Cell<bool>>);

impl HangUp {
    /// Whether it has.
    #[must_use]
    pub fn has_occurred(&self) -> bool {
        self.0.get()
    }
}

/// A client's connection.
pub struct Connection {
    stream: TcpStream,
    timeout: Duration,
    keep_alive: Duration,
    /// When the connection was opened, bytes were last written, or the first bytes were read after that.
    last_progress: Instant,
    /// Whether a request is in progress, as far as it shows here: the last bytes were read, or could not be written.
    is_busy: bool,
    hang_up: HangUp,
    timer: Pin<Box<Sleep>>,
    _open: OpenConnection,
}

impl Connection {
    /// A connection that is closed when nothing could be written to it for `timeout`. While no request is in progress
    /// it may be idle for `keep_alive` more: actix-http closes it then.
    #[must_use]
    pub fn new(
        stream: TcpStream,
        timeout: Duration,
        keep_alive: Duration,
        open: OpenConnection,
    ) -> Self {
        let last_progress = Instant::now();
        let timer = Box::pin(sleep_until(last_progress + timeout));
        Self {
            stream,
            timeout,
            keep_alive,
            last_progress,
            is_busy: true,
            hang_up: HangUp::default(),
            timer,
            _open: open,
        }
    }

    /// Where it says that the client has closed its side.
    #[must_use]
    pub fn hang_up(&self) -> HangUp {
        self.hang_up.clone()
    }

    fn poll_timeout(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while self.timer.as_mut().poll(context).is_ready() {
            let now = Instant::now();
            let allowed = if self.is_busy { self.timeout } else { self.keep_alive + self.timeout };
            let due = self.last_progress + allowed;
            if now >= due {
                // Discard what the client has not read.
                self.stream.set_zero_linger()?;
                return Err(ErrorKind::TimedOut.into());
            }
            // If it becomes busy before that, it is due earlier, but not earlier than this.
            self.timer.as_mut().reset(due.min(now + self.timeout));
        }
        Ok(())
    }

    /// Starts the timeout, unless it is running.
    fn start_timeout(&mut self) {
        if !self.is_busy {
            self.is_busy = true;
            self.last_progress = Instant::now();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll_timeout(context)?;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            this.start_timeout();
        } else if buffer.remaining() > 0 {
            this.hang_up.0.set(true);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.poll_timeout(context)?;
        let Poll::Ready(written) = Pin::new(&mut this.stream).poll_write(context, bytes) else {
            this.start_timeout();
            return Poll::Pending;
        };
        this.last_progress = Instant::now();
        this.is_busy = false;
        Poll::Ready(written)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
