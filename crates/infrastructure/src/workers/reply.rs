//! The one-shot channel by which a job replies to its caller, with a deadline.

use std::time::{Duration, Instant};

use todo_domain::RepositoryError;
use tokio::sync::oneshot;

use super::trace::CallMarks;

/// After this time the caller first checks whether its job needs another thread. It is the precision of the timer.
const FIRST_CHECK: Duration = Duration::from_millis(1);

/// The sender, which the job owns.
pub(crate) struct ReplyTo<T> {
    sender: oneshot::Sender<Result<T, RepositoryError>>,
    deadline: Instant,
    /// Notes when it is sent, if the call is traced.
    marks: CallMarks,
}

/// The receiver, on which the caller waits.
pub(crate) struct Reply<T> {
    receiver: oneshot::Receiver<Result<T, RepositoryError>>,
    deadline: Instant,
}

/// Why there was no reply.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoReply {
    /// The job was not done by the deadline.
    #[error("the database did not answer before the deadline")]
    DeadlinePassed,
    /// The job was dropped, because its deadline passed before it could start.
    #[error("the call expired before it reached the database")]
    Dropped,
}

/// A channel for a reply that is due within `timeout` from now.
pub(crate) fn reply<T>(timeout: Duration, marks: CallMarks) -> (ReplyTo<T>, Reply<T>) {
    let (sender, receiver) = oneshot::channel();
    let deadline = Instant::now() + timeout;
    (ReplyTo { sender, deadline, marks }, Reply { receiver, deadline })
}

impl<T> ReplyTo<T> {
    /// Sends the reply. It is dropped if the caller has stopped waiting.
    pub(crate) fn send(self, result: Result<T, RepositoryError>) {
        if let Some(marks) = &self.marks {
            marks.reply();
        }
        drop(self.sender.send(result));
    }

    /// When the caller stops waiting.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the caller has stopped waiting. The job must not start then.
    pub(crate) fn is_expired(&self) -> bool {
        self.sender.is_closed() || Instant::now() >= self.deadline
    }
}

impl<T> Reply<T> {
    /// Waits for the reply until the deadline. Calls `on_delay` after a millisecond, and then at intervals that double.
    pub(crate) async fn wait(mut self, on_delay: impl Fn()) -> Result<T, RepositoryError> {
        let mut interval = FIRST_CHECK;
        let mut next = Instant::now() + interval;
        loop {
            let until = next.min(self.deadline);
            match tokio::time::timeout_at(until.into(), &mut self.receiver).await {
                Ok(reply) => {
                    return reply
                        .unwrap_or_else(|_| Err(RepositoryError::unavailable(NoReply::Dropped)));
                }
                Err(_) if until == self.deadline => {
                    return Err(RepositoryError::unavailable(NoReply::DeadlinePassed));
                }
                Err(_) => on_delay(),
            }
            next += interval;
            interval *= 2;
        }
    }
}
