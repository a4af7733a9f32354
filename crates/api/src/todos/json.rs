//! Writes todos as JSON, in the form that [`TodoRead`] and [`TodoList`] define.

use std::io::{self, Write};

use actix_web::http::header::{ContentType, ETAG};
use actix_web::{HttpResponse, HttpResponseBuilder};
use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};
use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;
use todo_domain::{Due, Tags, Todo};
use uuid::Uuid;

use super::dto::{TodoList, TodoRead};
use crate::http::etag::etag;

/// The usual length of a todo in bytes, with a short title and description.
const USUAL_LENGTH: usize = 500;

/// An upper bound for the length of a todo, in bytes: a title of 255 and a description of 2,000 characters, and 20 tags
/// of 50, all of them escaped as `\u0001`.
pub const MAX_TODO_LENGTH: usize = 20 * 1024;

/// The start of a [`TodoList`].
const LIST_START: &[u8] = b"{\"items\":[";

/// Completes a response with a todo and its `ETag`.
pub fn respond(mut response: HttpResponseBuilder, todo: &Todo) -> HttpResponse {
    let todo_json = to_string(&TodoRead::from(todo));
    let response = response.insert_header((ETAG, etag(todo.version)));
    response.content_type(ContentType::json()).body(todo_json)
}

/// Serializes a todo, or a list of them.
#[must_use]
pub fn to_string(value: &impl Serialize) -> String {
    let mut text = Vec::with_capacity(USUAL_LENGTH);
    push(&mut text, value);
    // JSON is UTF-8.
    String::from_utf8(text).unwrap_or_default()
}

/// Appends todos to a list that already contains `before` todos, until the text is at least `limit` bytes long. Returns
/// how many were written: at least one, if there is one.
pub fn push_todos(to: &mut Vec<u8>, todos: &[Todo], before: usize, limit: usize) -> usize {
    to.reserve((USUAL_LENGTH * (todos.len() + 1)).min(limit));
    if before == 0 {
        to.extend_from_slice(LIST_START);
    }
    let mut written = 0;
    for todo in todos {
        if written > 0 && to.len() >= limit {
            break;
        }
        if before + written > 0 {
            to.push(b',');
        }
        push(to, &TodoRead::from(todo));
        written += 1;
    }
    written
}

/// Appends the end of a list of `count` todos.
pub fn end_list(to: &mut Vec<u8>, count: usize, next_cursor: Option<&str>) {
    let list = to_string(&TodoList { items: Vec::new(), count, next_cursor });
    to.extend_from_slice(&list.as_bytes()[LIST_START.len()..]);
}

fn push(to: &mut Vec<u8>, value: &impl Serialize) {
    // Writing into memory cannot fail.
    let _ = value.serialize(&mut serde_json::Serializer::with_formatter(to, PlainBytes));
}

/// Writes bytes as a string without looking for characters to escape, which for ids and times would be half of the cost
/// of a todo.
struct PlainBytes;

impl Formatter for PlainBytes {
    fn write_byte_array<W: ?Sized + Write>(&mut self, to: &mut W, text: &[u8]) -> io::Result<()> {
        to.write_all(b"\"")?;
        to.write_all(text)?;
        to.write_all(b"\"")
    }
}

/// Serializes a text or null for `PlainBytes`, if it has no characters to escape.
///
/// # Errors
/// Only errors of the serializer.
pub fn text<'a, S>(text: &(impl Copy + Into<Option<&'a str>>), to: S) -> Result<S::Ok, S::Error>
where
    S: Serializer,
{
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    match (*text).into() {
        // Without an early exit, so that the compiler vectorizes the loop.
        Some(text) if text.bytes().fold(true, |all, byte| all & is_plain(byte)) => {
            to.serialize_bytes(text.as_bytes())
        }
        text => text.serialize(to),
    }
}

/// Serializes an id for `PlainBytes`.
///
/// # Errors
/// Only errors of the serializer.
pub fn uuid<S: Serializer>(id: &Uuid, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes())
}

/// Serializes a time or null for `PlainBytes`, in UTC with microseconds and `Z`.
///
/// # Errors
/// Only errors of the serializer.
pub fn moment<S: Serializer>(
    moment: &(impl Copy + Into<Option<DateTime<Utc>>>),
    to: S,
) -> Result<S::Ok, S::Error> {
    let Some(moment): Option<DateTime<Utc>> = (*moment).into() else { return to.serialize_none() };
    match digits(moment) {
        Some(text) => to.serialize_bytes(&text),
        None => to.serialize_str(&moment.to_rfc3339_opts(SecondsFormat::Micros, true)),
    }
}

/// Serializes a due time or null for `PlainBytes`, as its `Display` writes it.
///
/// # Errors
/// Only errors of the serializer.
pub fn due<S: Serializer>(due: &Option<Due>, to: S) -> Result<S::Ok, S::Error> {
    match due.map(|due| (due, digits(due.order()))) {
        None => to.serialize_none(),
        Some((due, Some(text))) if due.is_date() => to.serialize_bytes(&text[..10]),
        Some((_, Some(text))) => to.serialize_bytes(&text),
        Some((due, None)) => to.collect_str(&due),
    }
}

/// Serializes tags for `PlainBytes`.
///
/// # Errors
/// Only errors of the serializer.
pub fn tags<S: Serializer>(tags: &Tags, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(tags.iter().map(Text))
}

/// A text for `PlainBytes`.
struct Text<'a>(&'a str);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        text(&self.0, to)
    }
}

/// A time in UTC with microseconds and `Z`, if its year has four digits.
fn digits(moment: DateTime<Utc>) -> Option<[u8; 27]> {
    let year = u32::try_from(moment.year()).ok().filter(|year| *year <= 9_999)?;
    // By hand, because chrono's formatting takes about ten times as long. Without the offset, which each part would add.
    let moment = moment.naive_utc();
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    for (range, number) in [
        (0..4, year),
        (5..7, moment.month()),
        (8..10, moment.day()),
        (11..13, moment.hour()),
        (14..16, moment.minute()),
        (17..19, moment.second()),
        (20..26, moment.nanosecond() / 1_000),
    ] {
        write_digits(&mut text[range], number);
    }
    Some(text)
}

/// Writes a decimal number with leading zeros over these digits, all of which are `0`.
fn write_digits(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests;
