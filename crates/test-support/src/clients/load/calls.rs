//! One client of a load: a closed loop of calls on one connection.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout, timeout_at};

use super::{Outcome, Sample, Shared};
use crate::clients::http::{HANG_TIMEOUT, Received, Request, address, ended_early};

/// What a client of a load sends, and what it expects.
pub trait Caller: Send + 'static {
    /// Sets the next request.
    fn next_request(&mut self, request: &mut Request);

    /// Says what is wrong with the response, or with the connection.
    ///
    /// # Errors
    /// Unless it is an expected response. By default, each response is expected.
    fn check(&mut self, received: io::Result<&Received>) -> Result<(), String> {
        received.map(drop).map_err(|error| format!("{error} ({:?})", error.kind()))
    }
}

/// Each response is expected.
impl<F: FnMut(&mut Request) + Send + 'static> Caller for F {
    fn next_request(&mut self, request: &mut Request) {
        self(request);
    }
}

/// When a load ends by itself, and how it treats failures.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    /// When the load ends, measured from when all clients have been connected, whether or not calls are pending. `None`
    /// for a load that runs until it is stopped.
    pub time: Option<Duration>,
    /// The pause after a call that did not succeed, before the next one.
    pub pause_after_failure: Duration,
    /// Whether a client ends when its connection is closed; otherwise, it reconnects.
    pub ends_with_connection: bool,
}

/// One client with its connection.
pub(super) struct Client<C> {
    number: usize,
    port: u16,
    caller: C,
    stream: Option<TcpStream>,
    pace: Pace,
    shared: Arc<Shared>,
    request: Request,
    received: Received,
    /// When the pending call was sent.
    pending: Option<Instant>,
}

impl<C: Caller> Client<C> {
    /// A client that is connected unless connecting has failed; then it tries again.
    pub(super) fn new(
        number: usize,
        port: u16,
        caller: C,
        stream: Option<TcpStream>,
        pace: Pace,
        shared: Arc<Shared>,
    ) -> Self {
        let (request, received) = Default::default();
        Self { number, port, caller, stream, pace, shared, request, received, pending: None }
    }

    /// Sends calls, each after the response to the previous one, until the load ends.
    pub(super) async fn run(mut self, start: Instant) -> C {
        let Some(time) = self.pace.time else {
            self.send_calls().await;
            return self.caller;
        };
        let ended = timeout_at((start + time).into(), self.send_calls()).await;
        if let (Err(_), Some(sent)) = (ended, self.pending) {
            self.record(sent, sent.elapsed(), Outcome::Pending, None);
        }
        self.caller
    }

    async fn send_calls(&mut self) {
        while !self.shared.stop.load(Ordering::Relaxed) {
            self.caller.next_request(&mut self.request);
            let sent = Instant::now();
            self.pending = Some(sent);
            let result = if self.pace.time.is_some() {
                self.exchange().await
            } else {
                let ended = timeout(HANG_TIMEOUT, self.exchange()).await;
                ended.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            };
            let outcome = match &result {
                Ok(()) => Outcome::Status(self.received.status()),
                Err(_) => Outcome::Disconnected,
            };
            let closes = result.is_err() || self.received.closes_connection();
            let latency = sent.elapsed();
            let checked = self.caller.check(result.map(|()| &self.received));
            self.pending = None;
            if closes {
                self.stream = None;
            } else {
                self.received.remove_first();
            }
            let is_success = self.record(sent, latency, outcome, checked.err());
            if closes && self.pace.ends_with_connection {
                return;
            }
            if !is_success && !self.pace.pause_after_failure.is_zero() {
                sleep(self.pace.pause_after_failure).await;
            }
        }
    }

    /// Sends the request and receives the response.
    async fn exchange(&mut self) -> io::Result<()> {
        let stream = if let Some(stream) = self.stream.take() {
            stream
        } else {
            self.received = Received::default();
            let stream = TcpStream::connect(address(self.port)).await?;
            stream.set_nodelay(true)?;
            stream
        };
        let stream = self.stream.insert(stream);
        stream.write_all(self.request.as_bytes()).await?;
        while !self.received.is_complete(self.request.is_head())? {
            if stream.read_buf(self.received.buffer()).await? == 0 {
                return Err(ended_early());
            }
        }
        Ok(())
    }

    /// Adds a call. Returns whether it succeeded.
    fn record(
        &self,
        sent: Instant,
        latency: Duration,
        outcome: Outcome,
        error: Option<String>,
    ) -> bool {
        self.shared.add(Sample { client: self.number, sent, latency, outcome, error })
    }
}
