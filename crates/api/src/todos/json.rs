//! Serializes todos as JSON directly into the body of a response.
//!
//! The result is the same as that of `serde_json` for [`TodoRead`](super::dto::TodoRead) and
//! [`TodoList`](super::dto::TodoList), but takes a quarter of the instructions. In our own code, serialization is the
//! largest part of the cost of a list.

use actix_web::http::header::{ContentType, ETAG};
use actix_web::{HttpResponse, HttpResponseBuilder};
use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};
use serde::Serialize;
use todo_domain::{Description, Todo};
use uuid::Uuid;

use crate::http::etag::etag;

/// The usual length of a todo in bytes, with a short title and description.
const USUAL_LENGTH: usize = 400;

/// An upper bound for the length of a todo, in bytes: a title of 255 and a description of 2,000 characters, all of them
/// escaped as `\u0001`.
pub const MAX_TODO_LENGTH: usize = 14 * 1024;

/// Completes a response with a todo and its `ETag`.
pub fn respond(mut response: HttpResponseBuilder, todo: &Todo) -> HttpResponse {
    let mut body = Vec::with_capacity(USUAL_LENGTH);
    push_todo(&mut body, todo);
    response.insert_header((ETAG, etag(todo.version))).content_type(ContentType::json()).body(body)
}

/// Serializes a todo.
#[must_use]
pub fn to_string(todo: &Todo) -> String {
    let mut text = Vec::with_capacity(USUAL_LENGTH);
    push_todo(&mut text, todo);
    String::from_utf8_lossy(&text).into_owned()
}

/// Appends todos to a list that already contains `before` todos, until the text is at least `limit` bytes long. Returns
/// how many were written: at least one, if there is one.
pub fn push_todos(to: &mut Vec<u8>, todos: &[Todo], before: usize, limit: usize) -> usize {
    to.reserve((USUAL_LENGTH * (todos.len() + 1)).min(limit));
    if before == 0 {
        to.extend_from_slice(b"{\"items\":[");
    }
    let mut written = 0;
    for todo in todos {
        if written > 0 && to.len() >= limit {
            break;
        }
        if before + written > 0 {
            to.push(b',');
        }
        push_todo(to, todo);
        written += 1;
    }
    written
}

/// Appends the end of a list of `count` todos.
pub fn end_list(to: &mut Vec<u8>, count: usize, next_cursor: Option<&str>) {
    to.extend_from_slice(b"],\"count\":");
    push_number(to, count);
    to.extend_from_slice(b",\"next_cursor\":");
    push_text(to, next_cursor);
    to.push(b'}');
}

fn push_todo(to: &mut Vec<u8>, todo: &Todo) {
    to.extend_from_slice(b"{\"id\":");
    push_uuid(to, todo.id.0);
    to.extend_from_slice(b",\"title\":");
    push_text(to, Some(todo.title.as_str()));
    to.extend_from_slice(b",\"description\":");
    push_text(to, todo.description.as_ref().map(Description::as_str));
    to.extend_from_slice(b",\"is_completed\":");
    to.extend_from_slice(if todo.is_completed { b"true" } else { b"false" });
    to.extend_from_slice(b",\"created_at\":");
    push_moment(to, todo.created_at);
    to.extend_from_slice(b",\"updated_at\":");
    push_moment(to, todo.updated_at);
    to.extend_from_slice(b",\"version\":");
    push_number(to, todo.version);
    to.extend_from_slice(b",\"user_id\":");
    push_uuid(to, todo.user_id.0);
    to.push(b'}');
}

/// Appends a string, or null.
fn push_text(to: &mut Vec<u8>, text: Option<&str>) {
    let Some(text) = text else { return to.extend_from_slice(b"null") };
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    // Without an early exit, so that the compiler vectorizes the loop.
    if text.bytes().fold(true, |all, byte| all & is_plain(byte)) {
        to.push(b'"');
        to.extend_from_slice(text.as_bytes());
        to.push(b'"');
    } else {
        // Writing a string into memory cannot fail.
        let _ = serde_json::to_writer(to, text);
    }
}

fn push_number(to: &mut Vec<u8>, number: impl Serialize) {
    // Writing a number into memory cannot fail.
    let _ = serde_json::to_writer(to, &number);
}

fn push_uuid(to: &mut Vec<u8>, id: Uuid) {
    let mut text = Uuid::encode_buffer();
    to.push(b'"');
    to.extend_from_slice(id.hyphenated().encode_lower(&mut text).as_bytes());
    to.push(b'"');
}

/// Appends a time in UTC with microseconds and `Z`.
fn push_moment(to: &mut Vec<u8>, moment: DateTime<Utc>) {
    let Some(year) = u32::try_from(moment.year()).ok().filter(|year| *year <= 9_999) else {
        let text = moment.to_rfc3339_opts(SecondsFormat::Micros, true);
        return push_text(to, Some(&text));
    };
    let mut text = *b"\"0000-00-00T00:00:00.000000Z\"";
    for (range, number) in [
        (1..5, year),
        (6..8, moment.month()),
        (9..11, moment.day()),
        (12..14, moment.hour()),
        (15..17, moment.minute()),
        (18..20, moment.second()),
        (21..27, moment.timestamp_subsec_micros()),
    ] {
        write_digits(&mut text[range], number);
    }
    to.extend_from_slice(&text);
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
