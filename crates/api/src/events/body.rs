//! The body of a stream: an event for each news, and a comment now and then.

use std::ops::RangeInclusive;
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::stream::{self, Stream};
use todo_domain::{OwnerClock, SyncToken, TodoService, UserId};
use tokio::time::{Instant, sleep_until};

use super::hub::Subscription;
use crate::error::ApiError;
use crate::todos::sync_token;

/// The time between two comments, which keep proxies from closing an idle stream.
const COMMENT_INTERVAL: Duration = Duration::from_secs(20);

/// The least time between two events of a stream, for a user who writes all the time.
const MIN_EVENT_INTERVAL: Duration = Duration::from_millis(5);

/// When the clock is read again after the database failed.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The maximum age of a stream. Some end earlier, so that those of a restarted server do not all end at once.
const MAX_AGE: Duration = Duration::from_secs(15 * 60);
const MIN_MAX_AGE: Duration = Duration::from_secs(12 * 60);

/// When clients that lost the stream should come back, in milliseconds: not all at once.
const RETRY_MILLIS: RangeInclusive<u64> = 1_000..=3_000;

/// A stream of events.
pub struct EventStream {
    subscription: Subscription,
    service: TodoService,
    user: UserId,
    /// What the client knows.
    known: SyncToken,
    next_comment: Instant,
    /// When the database is asked again after it failed.
    retry_at: Option<Instant>,
    may_send_at: Instant,
    ends_at: Instant,
}

impl EventStream {
    /// A stream for a client that knows the state of this clock.
    #[must_use]
    pub fn new(
        subscription: Subscription,
        service: TodoService,
        user: UserId,
        clock: &OwnerClock,
        max_age: Option<Duration>,
    ) -> Self {
        let now = Instant::now();
        let age = Duration::from_secs(fastrand::u64(MIN_MAX_AGE.as_secs()..=MAX_AGE.as_secs()));
        Self {
            subscription,
            service,
            user,
            known: clock.token(),
            next_comment: now + COMMENT_INTERVAL,
            retry_at: None,
            may_send_at: now,
            ends_at: now + max_age.map_or(age, |it| it.min(age)),
        }
    }

    /// The start of the body: when to come back, and, if the client `is_behind`, an event.
    #[must_use]
    pub fn start(&self, is_behind: bool) -> Bytes {
        let retry = fastrand::u64(RETRY_MILLIS);
        let event = if is_behind { event(self.user, self.known) } else { String::new() };
        format!("retry: {retry}\n\n{event}").into()
    }

    /// The rest of the body.
    pub fn rest(self) -> impl Stream<Item = Result<Bytes, ApiError>> {
        stream::unfold(self, |mut stream| async move {
            let text = stream.next().await?;
            Some((Ok(text.into()), stream))
        })
    }

    /// The next event or comment; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            let due =
                self.retry_at.unwrap_or(self.ends_at).min(self.next_comment).min(self.ends_at);
            let is_news = tokio::select! {
                notified = self.subscription.notified() => {
                    notified.ok()?;
                    true
                }
                () = sleep_until(due) => self.retry_at.is_some_and(|it| it <= due),
            };
            let now = Instant::now();
            if now >= self.ends_at {
                return None;
            }
            if is_news && let Some(event) = self.news().await {
                return Some(event);
            }
            if now >= self.next_comment {
                self.next_comment = now + COMMENT_INTERVAL;
                return Some(":\n\n".to_owned());
            }
        }
    }

    /// The event, if the client does not know the present state.
    async fn news(&mut self) -> Option<String> {
        sleep_until(self.may_send_at).await;
        let clock = self.subscription.noticed_clock(&self.service).await;
        let Ok(clock) = clock else {
            self.retry_at = Some(Instant::now() + RETRY_INTERVAL);
            return None;
        };
        self.retry_at = None;
        let token = clock.token();
        if token == self.known {
            return None;
        }
        self.known = token;
        self.may_send_at = Instant::now() + MIN_EVENT_INTERVAL;
        Some(event(self.user, token))
    }
}

/// An event whose id and data are the token.
#[must_use]
pub fn event(user: UserId, token: SyncToken) -> String {
    let token = sync_token::encode(user, token);
    format!("event: change\nid: {token}\ndata: {{\"next\":\"{token}\"}}\n\n")
}
