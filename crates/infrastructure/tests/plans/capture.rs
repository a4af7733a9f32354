//! The SQL that the adapters really send, overheard at their connections.

use std::sync::{Mutex, Once, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use todo_domain::UserId;
use uuid::Uuid;

static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Begins to listen at connections that are opened from now on.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| set_default_instrumentation(listener).unwrap());
}

#[expect(clippy::unnecessary_wraps, reason = "the signature is Diesel's")]
fn listener() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(|event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            HEARD.lock().unwrap_or_else(PoisonError::into_inner).push(query.to_string());
        }
    }))
}

/// The one statement that a call sends. It is told from those of other tests by its user.
pub(crate) async fn statement(call: impl AsyncFnOnce(UserId)) -> String {
    let user = Uuid::new_v4();
    call(UserId(user)).await;
    let heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    let mut own = heard.iter().filter(|statement| statement.contains(&user.to_string()));
    let (Some(only), None) = (own.next(), own.next()) else {
        panic!("not one statement: {heard:#?}")
    };
    let (statement, _values) = only.split_once(" -- binds:").unwrap();
    statement.to_owned()
}

/// The statement that most of many calls at once share. It is told from those of other tests by their user.
pub(crate) async fn shared_statement(calls: impl AsyncFnOnce(UserId)) -> String {
    let user = Uuid::new_v4();
    calls(UserId(user)).await;
    let heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    let own = heard.iter().filter(|statement| statement.contains(&user.to_string()));
    let longest = own.max_by_key(|statement| statement.len()).unwrap();
    let (statement, _values) = longest.split_once(" -- binds:").unwrap();
    statement.to_owned()
}
