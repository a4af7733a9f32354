//! The expected state of one user's todos, according to the responses that the user has received.

use std::collections::{HashMap, HashSet};

use super::http::{Client, Request, Response};
use crate::directory::random;
use serde_json::{Value, json};

/// The path of the todos.
pub const TODOS: &str = "/api/v1/todos";

/// A new unique id of a user or a todo.
#[must_use]
pub fn new_id() -> String {
    let (high, low) = (random(), random());
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        (low >> 48) & 0xfff,
        low & 0xffff_ffff_ffff
    )
}

/// The expected title and version of a todo; `None` after a change that may or may not have been carried out.
type TitleAndVersion = Option<(String, u64)>;

/// The todos of one user, as far as the server has acknowledged them.
#[derive(Debug, Default)]
pub struct Ledger {
    known: HashMap<String, TitleAndVersion>,
    order: Vec<String>,
    deleted: HashSet<String>,
    created: usize,
}

/// A call whose response the ledger can check.
#[derive(Debug, Clone)]
pub enum Call {
    /// Creates a todo with this title.
    Create(String),
    /// Creates a todo with this id and title.
    Put(String, String),
    /// Gets the todo with this id.
    Get(String),
    /// Lists the newest todos.
    List,
    /// Gets the counters.
    Stats,
    /// Changes the title of the todo with this id.
    Patch(String, String),
    /// Deletes the todo with this id.
    Delete(String),
}

impl Ledger {
    /// The next call of a mixed load: half reads, half writes, with about twenty todos.
    #[must_use]
    pub fn next_call(&self, turn: usize) -> Call {
        let title = format!("turn {turn}");
        let any = || self.order.get(turn.wrapping_mul(7) % self.order.len().max(1)).cloned();
        match (turn % 10, any()) {
            (_, None) | (0 | 5, _) => Call::Create(title),
            (1, Some(_)) => Call::List,
            (2, Some(_)) if self.order.len() > 20 => Call::Delete(self.order[0].clone()),
            (3 | 8, Some(id)) => Call::Patch(id, title),
            (4, Some(_)) => Call::Put(new_id(), title),
            (6, Some(_)) => Call::Stats,
            (7, Some(_)) if self.order.len() > 20 => Call::Delete(self.order[1].clone()),
            (_, Some(id)) => Call::Get(id),
        }
    }

    /// The next call of a load that only creates todos.
    #[must_use]
    pub fn next_write(turn: usize) -> Call {
        Call::Create(format!("turn {turn}"))
    }

    /// Checks a response and updates the expected state; `None` if there was no response.
    ///
    /// # Errors
    /// If the response is neither as expected nor a well-formed 503.
    pub fn record(&mut self, call: &Call, response: Option<&Response>) -> Result<(), String> {
        let Some(response) = response.filter(|it| it.status != 503) else {
            self.set_unknown(call);
            return match response {
                Some(response) if !response.is_unavailable() => {
                    Err(format!("{call:?}: {response:?}"))
                }
                _ => Ok(()),
            };
        };
        let value = response.json_or_null();
        let reported = value["title"].as_str().map(str::to_owned).zip(value["version"].as_u64());
        let is_expected = match call {
            Call::Create(title) | Call::Put(_, title) => {
                response.status == 201 && reported == Some((title.clone(), 1))
            }
            Call::Get(id) => {
                let expected = &self.known[id];
                response.status == 200
                    && value["id"] == **id
                    && (expected.is_none() || *expected == reported)
            }
            Call::List => response.status == 200 && self.is_consistent(&value),
            Call::Stats => response.status == 200 && value["total"].is_u64(),
            Call::Patch(id, title) => {
                let is_next = |(old, version): &(String, u64)| {
                    value["version"] == version + u64::from(old != title)
                };
                response.status == 200
                    && value["id"] == **id
                    && value["title"] == **title
                    && self.known[id].as_ref().is_none_or(is_next)
            }
            Call::Delete(_) => response.status == 204,
        };
        if !is_expected {
            self.set_unknown(call);
            return Err(format!("{call:?}: {response:?}"));
        }
        match call {
            Call::Create(_) | Call::Put(..) => {
                let id = value["id"].as_str().unwrap_or_default().to_owned();
                self.created += 1;
                self.order.push(id.clone());
                self.known.insert(id, reported);
            }
            Call::Patch(id, _) => {
                // After a call without a response, which may still be carried out, the state stays unknown.
                if let Some(expected @ Some(_)) = self.known.get_mut(id) {
                    *expected = reported;
                }
            }
            Call::Delete(id) => {
                self.set_unknown(call);
                self.deleted.insert(id.clone());
            }
            Call::Get(_) | Call::List | Call::Stats => {}
        }
        Ok(())
    }

    /// The change may or may not have been carried out.
    fn set_unknown(&mut self, call: &Call) {
        match call {
            Call::Patch(id, _) => {
                self.known.insert(id.clone(), None);
            }
            Call::Delete(id) => {
                self.known.remove(id);
                self.order.retain(|it| it != id);
            }
            Call::Create(_) | Call::Put(..) | Call::Get(_) | Call::List | Call::Stats => {}
        }
    }

    /// How many todos were acknowledged.
    #[must_use]
    pub fn created(&self) -> usize {
        self.created
    }

    /// Checks that every acknowledged todo has its last reported state, and that every deleted one is absent.
    #[track_caller]
    pub fn verify(&self, client: &mut Client) {
        let response = client.get(TODOS).expect("the server responds");
        assert_eq!(response.status, 200, "{response:?}");
        assert!(self.is_complete(&response.json()), "{self:#?}\n{}", response.json());
    }

    fn is_complete(&self, list: &Value) -> bool {
        let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
        let ids: HashSet<_> = items.iter().filter_map(|it| it["id"].as_str()).collect();
        self.is_consistent(list) && self.known.keys().all(|id| ids.contains(id.as_str()))
    }

    /// Whether no item contradicts the expected state.
    fn is_consistent(&self, list: &Value) -> bool {
        list["items"].as_array().is_some_and(|items| {
            items.iter().all(|it| {
                let id = it["id"].as_str().unwrap_or_default();
                let expected = self.known.get(id).cloned().flatten();
                !self.deleted.contains(id)
                    && expected.is_none_or(|(title, version)| {
                        it["title"] == title && it["version"] == version
                    })
            })
        })
    }
}

impl Call {
    /// Sets `request` to the call of this user.
    pub fn write(&self, request: &mut Request, user: &str) {
        let at = |id: &str| format!("{TODOS}/{id}");
        let title = |title: &str| Some(json!({"title": title}));
        let (method, target, body) = match self {
            Self::Create(text) => ("POST", TODOS.to_owned(), title(text)),
            Self::Put(id, text) => {
                let todo = json!({"title": text, "description": null, "is_completed": false});
                ("PUT", at(id), Some(todo))
            }
            Self::Get(id) => ("GET", at(id), None),
            Self::List => ("GET", format!("{TODOS}?limit=50"), None),
            Self::Stats => ("GET", format!("{TODOS}/stats"), None),
            Self::Patch(id, text) => ("PATCH", at(id), title(text)),
            Self::Delete(id) => ("DELETE", at(id), None),
        };
        let body = body.map(|it| it.to_string());
        request.set_json(method, &target, user, body.as_deref());
    }
}
