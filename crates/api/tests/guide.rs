//! The guide, `docs/api.md`, is correct: its requests are sent in order, and must get the responses that it shows.
//!
//! A fenced `http` block is a request, and the next one is its response, which begins with `HTTP/`.
//!
//! - `{name}` in a response is a placeholder for a value that the server generates. Its first occurrence sets it; later
//!   ones, in requests and responses, must be the same value.
//! - `…` stands for any text, `"…": "…"` for all fields of an object that are not shown.
//! - Only the headers that are shown are compared. If no body is shown, there must be none.
//! - The comment `<!-- The next request is sent to a server … -->` selects a server on which every database call fails.

#![expect(clippy::unwrap_used, reason = "what fails here is a test")]

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use todo_test_support::clients::http::{Connection, Response};
use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

const GUIDE: &str = include_str!("../../../docs/api.md");
const TIMES_OUT: &str =
    "<!-- The next request is sent to a server whose database calls time out. -->";

#[test]
fn the_guide_is_correct_on_sqlite() {
    replay(&TestDatabase::sqlite());
}

#[test]
fn the_guide_is_correct_on_postgres() {
    // If Postgres is not available, a note has been printed.
    if let Some(database) = TestDatabase::postgres() {
        replay(&database);
    }
}

fn replay(database: &TestDatabase) {
    let start = |timeout| {
        let settings = [("DATABASE_TIMEOUT", timeout), ("HTTP_WORKERS", "1")];
        Server::start(env!("CARGO_BIN_EXE_todo-api"), database.url(), &settings)
    };
    let mut guide = Guide::default();
    let (servers, steps) = ([start("60s"), start("1ns")], steps());
    assert!(steps.len() > 20, "only {} requests were found", steps.len());
    for step in steps {
        let request = guide.fill(step.request);
        let response = send(&servers[usize::from(step.times_out)], &request);
        if let Err(difference) = guide.compare(step.response, &response) {
            panic!("docs/api.md, line {}: {difference}\n\n{request}\n\n{response:#?}", step.line);
        }
    }
}

/// A request of the guide, and the response that the guide shows.
struct Step {
    line: usize,
    times_out: bool,
    request: &'static str,
    response: &'static str,
}

fn steps() -> Vec<Step> {
    let blocks: Vec<_> = GUIDE
        .match_indices("```http\n")
        .map(|(index, fence)| {
            let (before, block) = GUIDE.split_at(index + fence.len());
            let times_out = before.trim_end_matches("```http\n").trim_end().ends_with(TIMES_OUT);
            (before.lines().count(), times_out, block.split_once("\n```").unwrap().0)
        })
        .collect();
    let step = |pair: &[(usize, bool, &'static str)]| {
        let [(line, times_out, request), (_, _, response)] = pair else {
            panic!("no response: {pair:?}")
        };
        let is_in_order = !request.starts_with("HTTP/") && response.starts_with("HTTP/1.1 ");
        assert!(is_in_order, "line {line}: a request and its response are expected");
        Step { line: *line, times_out: *times_out, request, response }
    };
    blocks.chunks(2).map(step).collect()
}

/// Sends a request as written.
fn send(server: &Server, request: &str) -> Response {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let (line, headers) = head.split_once('\n').unwrap_or((head, ""));
    let mut lines = vec![format!("{line} HTTP/1.1"), "Host: 127.0.0.1".to_owned()];
    lines.extend(headers.lines().map(str::to_owned));
    if !body.is_empty() {
        lines.push(format!("Content-Length: {}", body.len()));
    }
    lines.push("Connection: close".to_owned());
    let mut connection = Connection::open(server.port()).unwrap();
    connection.send(format!("{}\r\n\r\n{body}", lines.join("\r\n")).as_bytes()).unwrap();
    let response = connection.receive(line.starts_with("HEAD ")).unwrap();
    assert_eq!(connection.rest(), b"", "after {response:?}");
    response
}

/// The values of the placeholders so far.
#[derive(Default)]
struct Guide {
    values: BTreeMap<String, String>,
}

impl Guide {
    fn fill(&self, text: &str) -> String {
        let fill = |text: String, (name, value): (&String, &String)| {
            text.replace(&format!("{{{name}}}"), value)
        };
        self.values.iter().fold(text.to_owned(), fill)
    }

    fn compare(&mut self, expected: &str, actual: &Response) -> Result<(), String> {
        let (expected_head, expected_body) = expected.split_once("\n\n").unwrap_or((expected, ""));
        let mut expected_lines = expected_head.lines();
        let status = format!("HTTP/1.1 {} {}", actual.status, actual.reason);
        if expected_lines.next() != Some(&status) {
            return Err("the status is another".to_owned());
        }
        for line in expected_lines {
            let (name, expected) = line.split_once(": ").ok_or("this is no header")?;
            let actual = actual.header(name).ok_or_else(|| format!("{name} is missing"))?;
            self.compare_text(name, expected, actual)?;
        }
        match (expected_body.is_empty(), actual.body.is_empty()) {
            (true, true) => Ok(()),
            (false, false) => {
                self.compare_json("the body", &json(expected_body)?, &json(&actual.text())?)
            }
            (is_empty, _) => Err(format!("there is {} body", if is_empty { "a" } else { "no" })),
        }
    }

    fn compare_json(
        &mut self,
        place: &str,
        expected: &Value,
        actual: &Value,
    ) -> Result<(), String> {
        match (expected, actual) {
            (Value::String(expected), Value::String(actual)) => {
                self.compare_text(place, expected, actual)
            }
            (Value::Object(expected), Value::Object(actual)) => {
                self.compare_fields(place, expected, actual)
            }
            (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
                let mut pairs = expected.iter().zip(actual).enumerate();
                pairs.try_for_each(|(index, (expected, actual))| {
                    self.compare_json(&format!("{place}[{index}]"), expected, actual)
                })
            }
            _ if expected == actual => Ok(()),
            _ => Err(format!("{place} is {actual}, not {expected}")),
        }
    }

    fn compare_fields(
        &mut self,
        place: &str,
        expected: &Map<String, Value>,
        actual: &Map<String, Value>,
    ) -> Result<(), String> {
        if !expected.contains_key("…")
            && let Some(name) = actual.keys().find(|name| !expected.contains_key(*name))
        {
            return Err(format!("{place}.{name} is not shown"));
        }
        expected.iter().filter(|(name, _)| *name != "…").try_for_each(|(name, expected)| {
            let actual = actual.get(name).ok_or_else(|| format!("{place}.{name} is missing"))?;
            self.compare_json(&format!("{place}.{name}"), expected, actual)
        })
    }

    /// Compares the text around the first unknown placeholder, and sets the placeholder to the rest.
    fn compare_text(&mut self, place: &str, expected: &str, actual: &str) -> Result<(), String> {
        let filled = self.fill(&expected.replace('…', "{…}"));
        let unknown = filled.split_once('{').and_then(|(before, rest)| {
            let (name, after) = rest.split_once('}')?;
            let value = actual.strip_prefix(before)?.strip_suffix(after)?;
            (!value.is_empty()).then_some((name, value))
        });
        match unknown {
            Some(("…", _)) => Ok(()),
            Some((name, value)) => {
                self.values.insert(name.to_owned(), value.to_owned());
                Ok(())
            }
            None if filled == actual => Ok(()),
            None => Err(format!("{place} is {actual:?}, not {filled:?}")),
        }
    }
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("{error} in {text}"))
}
