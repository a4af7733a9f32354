//! Captures the SQL that the adapters send, by instrumenting their connections.

use std::sync::{Mutex, Once, PoisonError};

use chrono::DateTime;
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use todo_domain::UserId;
use uuid::Uuid;

use crate::statements::{BUSY, Statement};

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

/// The first statement that a call sends.
pub(crate) async fn statement(call: impl AsyncFnOnce(UserId)) -> Statement {
    statements(call).await.remove(0)
}

/// The statement by which concurrent calls are batched: the longest one.
pub(crate) async fn batched_statement(calls: impl AsyncFnOnce(UserId)) -> Statement {
    statements(calls).await.into_iter().max_by_key(|it| it.text.len()).unwrap()
}

/// All statements that calls send, with the busy user's id for that of the caller, which distinguishes them from those
/// of other tests.
pub(crate) async fn statements(calls: impl AsyncFnOnce(UserId)) -> Vec<Statement> {
    let user = Uuid::new_v4();
    calls(UserId(user)).await;
    let captured = CAPTURED.lock().unwrap_or_else(PoisonError::into_inner);
    let own = captured.iter().filter(|statement| statement.contains(&user.to_string()));
    own.map(|statement| {
        let (text, values) = statement.split_once(" -- binds: ").unwrap();
        let values = split_values(&values.replace(&user.to_string(), BUSY));
        Statement { text: text.to_owned(), values, ..Statement::default() }
    })
    .collect()
}

/// The values of a list as Diesel shows it, which may contain lists.
fn split_values(list: &str) -> Vec<Value> {
    let inner = list.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap();
    let (mut values, mut depth, mut is_quoted) = (vec![String::new()], 0, false);
    for character in inner.chars() {
        depth += i32::from(character == '[') - i32::from(character == ']');
        is_quoted ^= character == '"';
        match (character, depth) {
            (',', 0) if !is_quoted => values.push(String::new()),
            _ => values.last_mut().unwrap().push(character),
        }
    }
    values.iter().map(|it| it.trim()).filter(|it| !it.is_empty()).map(Value::parse).collect()
}

/// A value of a parameter, for Postgres.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    /// Unknown if Postgres can tell.
    pub(crate) sql_type: String,
    pub(crate) literal: String,
}

impl Value {
    fn parse(shown: &str) -> Self {
        if let Some(list) = shown.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            let first = Self::parse(list.split(", ").next().unwrap());
            let sql_type = match first.sql_type.as_str() {
                "unknown" => first.sql_type,
                known => format!("{known}[]"),
            };
            return Self { sql_type, literal: format!("'{{{list}}}'") };
        }
        let shown =
            shown.strip_prefix("Some(").and_then(|it| it.strip_suffix(')')).unwrap_or(shown);
        let (sql_type, shown) = if let Some(text) = shown.strip_prefix('"') {
            ("text", text.trim_end_matches('"'))
        } else if shown.parse::<bool>().is_ok() {
            ("boolean", shown)
        } else if shown.parse::<i64>().is_ok() {
            ("bigint", shown)
        } else if shown.parse::<Uuid>().is_ok() {
            ("uuid", shown)
        } else if DateTime::parse_from_rfc3339(shown).is_ok() {
            ("timestamptz", shown)
        } else {
            ("unknown", shown)
        };
        let literal = if shown == "None" { "NULL".to_owned() } else { format!("'{shown}'") };
        Self { sql_type: sql_type.to_owned(), literal }
    }
}
