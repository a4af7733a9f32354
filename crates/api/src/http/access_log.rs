//! The access log: one line per request, written when its response has been sent.
//!
//! It has no query, because search terms are the users' data, and no headers or bodies.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::web::Bytes;
use actix_web::{HttpMessage, HttpRequest};
use todo_domain::UserId;
use tracing::Level;

use super::caller::Caller;
use super::envelope::logged_path;
use super::request_id::RequestId;

/// The target of its lines, by which the log is filtered.
pub const TARGET: &str = "todo_api::access";

/// Whether it is on. If not, this takes as long as reading a variable.
pub(super) fn is_on() -> bool {
    tracing::enabled!(target: TARGET, Level::INFO)
}

/// A request that will be logged.
pub(super) struct LoggedRequest {
    received: Instant,
}

impl LoggedRequest {
    /// Begins to measure, if the log is on.
    pub(super) fn begin() -> Option<Self> {
        is_on().then(|| Self { received: Instant::now() })
    }

    /// Logs the request when the body of its response has been sent, or is dropped.
    pub(super) fn log_when_sent(self, response: ServiceResponse, id: RequestId) -> ServiceResponse {
        let request = response.request().clone();
        let user = request.extensions().get::<Caller>().map(|&Caller(user)| user);
        let status = response.status().as_u16();
        response.map_body(|_, body| {
            let to_send = match body.size() {
                // The body of a response to HEAD is not sent.
                _ if request.method() == Method::HEAD => Some(0),
                BodySize::None => Some(0),
                BodySize::Sized(bytes) => Some(bytes),
                BodySize::Stream => None,
            };
            let received = self.received;
            BoxBody::new(LoggedBody { body, request, user, status, id, received, to_send, sent: 0 })
        })
    }
}

/// A body that counts its bytes, and is logged when it is dropped.
struct LoggedBody {
    body: BoxBody,
    request: HttpRequest,
    user: Option<UserId>,
    status: u16,
    id: RequestId,
    received: Instant,
    /// The length of the body; `None` while that is unknown.
    to_send: Option<u64>,
    sent: u64,
}

impl MessageBody for LoggedBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let next = ready!(Pin::new(&mut this.body).poll_next(context));
        match &next {
            Some(Ok(bytes)) if this.request.method() != Method::HEAD => {
                this.sent += bytes.len() as u64;
            }
            None => this.to_send = Some(this.sent),
            _ => {}
        }
        Poll::Ready(next)
    }
}

impl Drop for LoggedBody {
    fn drop(&mut self) {
        // Its permit, for example, is released before the line is written.
        drop(mem::replace(&mut self.body, BoxBody::new(())));
        let path = logged_path(&self.request);
        let is_incomplete = self.to_send != Some(self.sent);
        tracing::info!(
            target: TARGET,
            method = %self.request.method(),
            path,
            route = self.request.match_pattern(),
            status = self.status,
            duration_ms = self.received.elapsed().as_secs_f64() * 1_000.0,
            bytes = self.sent,
            incomplete = is_incomplete.then_some(true),
            user = self.user.map(|UserId(user)| tracing::field::display(user)),
            request_id = self.id.as_str(),
            trace_id = self.id.trace_id(),
            "request"
        );
    }
}
