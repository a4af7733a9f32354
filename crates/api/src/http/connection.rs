//! A connection that does not wait for ever, and whose every error has the one shape.
//!
//! The server below gives a client five seconds for the head of its first request and closes a connection that has
//! been idle for `KEEP_ALIVE`. It has no limit for anything else: for later requests, for a body that nobody reads,
//! for a client that does not read its answer. And what cannot be parsed it refuses without a body. Both are put
//! right here, where bytes come and go.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use actix_web::web::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::parser_errors::{self, Split};
use crate::shutdown::OpenConnection;

/// How long a client may take for what it has to do: to send a request, to read what fits into the buffers
/// between here and there.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A client's connection.
pub struct Connection {
    stream: TcpStream,
    patience: Duration,
    keep_alive: Duration,
    /// When it was made, or bytes last went out, or the first came in after that.
    progress: Instant,
    /// Whether something is under way, as far as can be seen here: the last bytes came in, or could not go out.
    is_busy: bool,
    timer: Pin<Box<Sleep>>,
    /// An error that replaces one of the parser's, as far as it has not been written yet.
    replacement: Option<Bytes>,
    _open: OpenConnection,
}

impl Connection {
    /// A connection that is cut when nothing could be written to it for so long. While no request is under way it
    /// may be idle for `keep_alive` more, as the server below lets it be.
    #[must_use]
    pub fn new(
        stream: TcpStream,
        patience: Duration,
        keep_alive: Duration,
        open: OpenConnection,
    ) -> Self {
        let progress = Instant::now();
        let timer = Box::pin(sleep_until(progress + patience));
        Self {
            stream,
            patience,
            keep_alive,
            progress,
            is_busy: true,
            timer,
            replacement: None,
            _open: open,
        }
    }

    fn poll_patience(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while self.timer.as_mut().poll(context).is_ready() {
            let now = Instant::now();
            let allowed =
                if self.is_busy { self.patience } else { self.keep_alive + self.patience };
            let due = self.progress + allowed;
            if now >= due {
                // What the client has not read yet is not kept for it.
                self.stream.set_zero_linger()?;
                return Err(ErrorKind::TimedOut.into());
            }
            // It may become busy before that, and is then due earlier, but not earlier than this.
            self.timer.as_mut().reset(due.min(now + self.patience));
        }
        Ok(())
    }

    /// Something begins that the client has to go on with.
    fn is_waited_for(&mut self) {
        if !self.is_busy {
            self.is_busy = true;
            self.progress = Instant::now();
        }
    }

    fn poll_write_through(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Poll::Ready(written) = Pin::new(&mut self.stream).poll_write(context, bytes) else {
            self.is_waited_for();
            return Poll::Pending;
        };
        self.progress = Instant::now();
        self.is_busy = false;
        Poll::Ready(written)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll_patience(context)?;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            this.is_waited_for();
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
        this.poll_patience(context)?;
        if this.replacement.is_none() {
            match parser_errors::split(bytes) {
                Split::None => return this.poll_write_through(context, bytes),
                Split::After(length) => {
                    return this.poll_write_through(context, &bytes[..length]);
                }
                Split::Error(replacement) => this.replacement = Some(replacement),
            }
        }
        while let Some(rest) = this.replacement.clone().filter(Buf::has_remaining) {
            let written = ready!(this.poll_write_through(context, &rest))?;
            this.replacement = Some(rest.slice(written..));
        }
        this.replacement = None;
        Poll::Ready(Ok(bytes.len()))
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
