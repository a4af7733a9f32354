//! A connection that does not wait for ever, and whose every error has the one shape.
//!
//! The server below gives a client five seconds for the head of its first request and closes a connection that has
//! been idle for five. It has no limit for anything else: for later requests, for a body that nobody reads, for a
//! client that does not read its answer. And what cannot be parsed it refuses without a body. Both are mended here,
//! where bytes come and go.

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
    /// When it was made, or something was last written to it.
    progress: Instant,
    timer: Pin<Box<Sleep>>,
    /// An error that replaces one of the parser's, as far as it has not been written yet.
    replacement: Option<Bytes>,
    _open: OpenConnection,
}

impl Connection {
    /// A connection that is cut when nothing could be written to it for so long.
    #[must_use]
    pub fn new(stream: TcpStream, patience: Duration, open: OpenConnection) -> Self {
        let progress = Instant::now();
        let timer = Box::pin(sleep_until(progress + patience));
        Self { stream, patience, progress, timer, replacement: None, _open: open }
    }

    fn poll_patience(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while self.timer.as_mut().poll(context).is_ready() {
            let due = self.progress + self.patience;
            if Instant::now() >= due {
                // What the client has not read yet is not kept for it.
                self.stream.set_zero_linger()?;
                return Err(ErrorKind::TimedOut.into());
            }
            self.timer.as_mut().reset(due);
        }
        Ok(())
    }

    fn poll_write_through(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.progress = Instant::now();
        Poll::Ready(Ok(written))
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
        Pin::new(&mut this.stream).poll_read(context, buffer)
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
