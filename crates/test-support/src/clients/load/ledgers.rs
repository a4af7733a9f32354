//! A load of users whose ledgers check each response.

use std::io;
use std::time::Duration;

use super::{Caller, Load, Pace, Report};
use crate::clients::http::{Client, Received, Request};
use crate::clients::ledger::{Call, Ledger, new_id};

/// The behaviour of the clients of a load.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The number of clients, each with its own connection and user.
    pub clients: usize,
    /// The pause after a 503 or a failed connection, before the next call.
    pub pause_after_failure: Duration,
    /// Whether a client ends when its connection is closed; otherwise, it reconnects.
    pub ends_with_connection: bool,
    /// The next call of a client, from its ledger and the number of its previous calls.
    pub next_call: fn(&Ledger, usize) -> Call,
}

impl Plan {
    /// Mixed calls without pauses.
    #[must_use]
    pub fn mixed(clients: usize) -> Self {
        Self {
            clients,
            pause_after_failure: Duration::ZERO,
            ends_with_connection: false,
            next_call: Ledger::next_call,
        }
    }

    /// Only creates.
    #[must_use]
    pub fn creates(clients: usize) -> Self {
        Self { next_call: |_, turn| Ledger::next_write(turn), ..Self::mixed(clients) }
    }

    /// Only the counters: calls that the server does not batch.
    #[must_use]
    pub fn counters(clients: usize) -> Self {
        Self { next_call: |_, _| Call::Stats, ..Self::mixed(clients) }
    }

    /// Only lists, from clients that honour `Connection: close` and then end.
    #[must_use]
    pub fn lists_until_closed(clients: usize) -> Self {
        Self { next_call: |_, _| Call::List, ends_with_connection: true, ..Self::mixed(clients) }
    }
}

/// A user with a ledger. The response to each call has to be as the ledger expects, or a well-formed 503.
#[derive(Debug)]
pub struct LedgerUser {
    user: String,
    ledger: Ledger,
    next_call: fn(&Ledger, usize) -> Call,
    turn: usize,
    pending: Option<Call>,
}

impl Caller for LedgerUser {
    fn next_request(&mut self, request: &mut Request) {
        let call = (self.next_call)(&self.ledger, self.turn);
        self.turn += 1;
        call.write(request, &self.user);
        self.pending = Some(call);
    }

    fn check(&mut self, received: io::Result<&Received>) -> Result<(), String> {
        let call = self.pending.take().expect("a call is pending");
        let response = received.map(Received::response);
        let checked = self.ledger.record(&call, response.as_ref().ok());
        response.map_err(|error| format!("{error} ({:?})", error.kind()))?;
        checked
    }
}

impl Load {
    /// Starts clients of the server on this port of 127.0.0.1.
    #[must_use]
    pub fn start(port: u16, plan: Plan) -> Self {
        let Plan { clients, pause_after_failure, ends_with_connection, next_call } = plan;
        let caller = |_| LedgerUser {
            user: new_id(),
            ledger: Ledger::default(),
            next_call,
            turn: 0,
            pending: None,
        };
        let pace = Pace { time: None, pause_after_failure, ends_with_connection };
        Self::run(port, (0..clients).map(caller), pace)
    }
}

impl Report {
    /// Checks the stored todos against the responses that the clients received.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "it checks")]
    pub fn verify(&self, port: u16) -> &Self {
        for caller in &self.callers {
            caller.ledger.verify(&mut Client::new(port, &caller.user));
        }
        self
    }

    /// How many todos were acknowledged.
    #[must_use]
    pub fn created(&self) -> usize {
        self.callers.iter().map(|it| it.ledger.created()).sum()
    }
}
