//! Captures the SQL that the adapters send, by instrumenting their connections.

use std::sync::{Mutex, Once, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use todo_domain::UserId;
use uuid::Uuid;

static CAPTURED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Instruments connections that are opened from now on.
pub(crate) fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| set_default_instrumentation(instrumentation).unwrap());
}

#[expect(clippy::unnecessary_wraps, reason = "the signature is Diesel's")]
fn instrumentation() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(|event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            CAPTURED.lock().unwrap_or_else(PoisonError::into_inner).push(query.to_string());
        }
    }))
}

/// The single statement that a call sends.
pub(crate) async fn statement(call: impl AsyncFnOnce(UserId)) -> String {
    let mut captured = statements(call).await;
    assert_eq!(captured.len(), 1, "not one statement: {captured:#?}");
    captured.remove(0)
}

/// The statement by which concurrent calls are batched: the longest one.
pub(crate) async fn batched_statement(calls: impl AsyncFnOnce(UserId)) -> String {
    statements(calls).await.into_iter().max_by_key(String::len).unwrap()
}

/// All statements that calls send. The user id distinguishes them from those of other tests.
pub(crate) async fn statements(calls: impl AsyncFnOnce(UserId)) -> Vec<String> {
    let user = Uuid::new_v4();
    calls(UserId(user)).await;
    let captured = CAPTURED.lock().unwrap_or_else(PoisonError::into_inner);
    let own = captured.iter().filter(|statement| statement.contains(&user.to_string()));
    own.map(|statement| statement.split_once(" -- binds:").unwrap().0.to_owned()).collect()
}
