//! The way back from a thread to the request that waits: at most one answer, and only until the deadline.

use std::time::{Duration, Instant};

use todo_domain::RepositoryError;
use tokio::sync::oneshot;

/// A job that waits for longer than this may need another thread. The timer's own precision.
const SOON: Duration = Duration::from_millis(1);

/// The end that a job answers into.
pub(crate) struct ReplyTo<T> {
    sender: oneshot::Sender<Result<T, RepositoryError>>,
    deadline: Instant,
}

/// The end that the request waits at.
pub(crate) struct Reply<T> {
    receiver: oneshot::Receiver<Result<T, RepositoryError>>,
    deadline: Instant,
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoReply {
    /// It was not there in time.
    #[error("the database did not answer before the deadline")]
    DeadlinePassed,
    /// The job was dropped, because its deadline passed before it could be started.
    #[error("the call was given up before it reached the database")]
    Abandoned,
}

/// Both ends, for an answer that is due within `timeout` from now.
pub(crate) fn reply<T>(timeout: Duration) -> (ReplyTo<T>, Reply<T>) {
    let (sender, receiver) = oneshot::channel();
    let deadline = Instant::now() + timeout;
    (ReplyTo { sender, deadline }, Reply { receiver, deadline })
}

impl<T> ReplyTo<T> {
    /// Gives the answer. That nobody waits for it any more is no error.
    pub(crate) fn send(self, answer: Result<T, RepositoryError>) {
        drop(self.sender.send(answer));
    }

    /// When the answer is due.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether nobody waits any more, so that the job must not be started.
    pub(crate) fn is_expired(&self) -> bool {
        self.sender.is_closed() || Instant::now() >= self.deadline
    }
}

impl<T> Reply<T> {
    /// Waits for the answer, until the deadline. While it is not there, calls `still_waiting`: soon, and then each
    /// time that as much time again has passed.
    pub(crate) async fn wait(mut self, still_waiting: impl Fn()) -> Result<T, RepositoryError> {
        let mut pause = SOON;
        let mut next = Instant::now() + pause;
        loop {
            let until = next.min(self.deadline);
            match tokio::time::timeout_at(until.into(), &mut self.receiver).await {
                Ok(answer) => {
                    return answer
                        .unwrap_or_else(|_| Err(RepositoryError::unavailable(NoReply::Abandoned)));
                }
                Err(_) if until == self.deadline => {
                    return Err(RepositoryError::unavailable(NoReply::DeadlinePassed));
                }
                Err(_) => still_waiting(),
            }
            next += pause;
            pause *= 2;
        }
    }
}
