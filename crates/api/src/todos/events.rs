//! `GET /api/v1/todos/events`

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use futures_util::stream::{self, StreamExt};
use todo_domain::{Clock, OwnerClock, SyncToken, SystemClock, TodoService};
use utoipa::IntoParams;

use super::sync_token;
use crate::error::ApiError;
use crate::events::body::EventStream;
use crate::events::hub::EventHub;
use crate::http::caller::{Extracting, identified};
use crate::http::connection::HangUp;
use crate::http::query::Query;
use crate::identity::Identity;

/// The media type.
pub const EVENT_STREAM: &str = "text/event-stream";

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Tells nginx, and others that honour it, to pass on each event at once.
const NO_BUFFERING: (&str, &str) = ("X-Accel-Buffering", "no");

/// A stream whose token is in its leeway ends after this time, instead of at once.
const MIN_AGE: Duration = Duration::from_secs(5);

/// The error message for a damaged token.
pub const TOKEN_RULE: &str = "must be a token that this API returned to the same user";

/// The header that browsers send.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only described, never constructed")]
pub struct LastEventIdParam {
    /// The `id` of the last event, instead of `since`. Browsers send it when they open the stream again. It takes
    /// precedence; one that cannot be read is not an error.
    #[param(rename = "Last-Event-ID", required = false)]
    last_event_id: String,
}

/// What the client knows.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described, never constructed")]
pub struct EventParams {
    /// A token: the `next` of `listChanges` or of an event. If something has changed since, the first event comes at
    /// once.
    #[param(required = false, max_length = 128)]
    since: String,
}

/// A request for a stream.
pub struct EventsRequest {
    identity: Identity,
    seen: Seen,
}

/// What the client has seen.
enum Seen {
    /// It does not say.
    Unknown,
    /// The state of this token.
    Token(SyncToken),
    /// That of a token which this version of the server cannot read.
    Unreadable,
}

impl Seen {
    fn is_behind(&self, clock: &OwnerClock) -> bool {
        match self {
            Self::Unknown => false,
            // An expired token, too: the client hears of that when it asks for the changes.
            Self::Token(token) => clock.start(Some(*token)).is_none() || clock.is_ahead_of(*token),
            Self::Unreadable => true,
        }
    }
}

impl EventsRequest {
    fn parse(request: &HttpRequest, identity: Identity) -> Result<Self, ApiError> {
        let user = identity.user;
        let mut query = Query::parse(request);
        let since = query.read("since", |text| sync_token::decode(user, text).ok_or(TOKEN_RULE));
        query.finish()?;
        // A client that comes back repeats the first `since`, and adds the id of the last event. A browser does so by
        // itself, and would not come back again after an error: so there is none.
        let last = request.headers().get(LAST_EVENT_ID).filter(|it| !it.is_empty());
        let last = last.map(|it| it.to_str().ok().and_then(|it| sync_token::decode(user, it)));
        let seen = match (last, since) {
            (Some(Some(token)), _) | (_, Some(token)) => Seen::Token(token),
            (Some(None), None) => Seen::Unreadable,
            (None, None) => Seen::Unknown,
        };
        Ok(Self { identity, seen })
    }

    /// How long the caller's token is valid, if there is one.
    fn max_age(&self) -> Option<Duration> {
        let session = self.identity.session.as_ref()?;
        let left = (session.expires_at - SystemClock.now()).to_std().unwrap_or_default();
        Some(left.max(MIN_AGE))
    }
}

impl FromRequest for EventsRequest {
    type Error = ApiError;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        identified(request, Self::parse)
    }
}

/// Listen for changes
///
/// A stream of server-sent events. An event `change` says that some of the caller's todos have changed, no more: its `id`
/// and the `next` in its data are the token that `listChanges` would return now. Then ask `listChanges` what has changed
/// since your own token. Several changes may share an event.
///
/// With `since` or `Last-Event-ID`, the first event comes at once if something has changed since then. A comment is
/// sent every 20 seconds. The stream ends after 15 minutes at the latest, when the caller's token expires, and when the
/// server is restarted: open it again after the time in `retry`. Each user may have 16 streams.
///
/// # Errors
/// See the OpenAPI document.
#[utoipa::path(
    get,
    path = "/api/v1/todos/events",
    operation_id = "streamEvents",
    tag = "todos",
    params(EventParams, LastEventIdParam),
    responses((
        status = 200,
        description = "The events, until the stream ends.",
        body = String,
        content_type = "text/event-stream"
    ))
)]
pub async fn stream_events(
    http: HttpRequest,
    request: EventsRequest,
    service: web::Data<TodoService>,
    hub: web::Data<EventHub>,
) -> Result<HttpResponse, ApiError> {
    let mut response = HttpResponse::Ok();
    response
        .content_type(EVENT_STREAM)
        .insert_header(NO_BUFFERING)
        // Proxies that compress would hold events back.
        .insert_header((CACHE_CONTROL, "no-store, no-transform"));
    if http.method() == Method::HEAD {
        return Ok(response.streaming(stream::empty::<Result<web::Bytes, ApiError>>()));
    }
    let user = request.identity.user;
    // Subscribed before the clock is read: no change falls in between.
    let subscription = hub.subscribe(user)?;
    let clock = subscription.read_clock(&service).await?;
    let service = TodoService::clone(&service);
    let stream = EventStream::new(subscription, service, user, &clock, request.max_age());
    let start = stream.start(request.seen.is_behind(&clock));
    let body = stream::iter([Ok(start)]).chain(stream.rest().take_until(hung_up(&http)));
    Ok(response.streaming(Box::pin(body)))
}

/// Is ready when the client has hung up. The connection then polls the body, and so this.
fn hung_up(request: &HttpRequest) -> impl Future<Output = ()> + use<> {
    let hang_up = request.conn_data::<HangUp>().cloned();
    poll_fn(move |_| match &hang_up {
        Some(hang_up) if hang_up.has_occurred() => Poll::Ready(()),
        _ => Poll::Pending,
    })
}
