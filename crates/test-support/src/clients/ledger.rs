//! What one user was told about their todos, and so what must be true of them.

use std::collections::{HashMap, HashSet};

use super::http::{Answer, Client};
use crate::directory::random;
use serde_json::{Value, json};

/// The path of the todos.
pub const TODOS: &str = "/api/v1/todos";

/// A user id, or a todo's, that nobody else has.
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

/// What is known of a todo: `None` after a change of which nobody knows whether it was made.
type Known = Option<(String, u64)>;

/// The todos of one user, as far as the server has acknowledged them.
#[derive(Debug, Default)]
pub struct Ledger {
    kept: HashMap<String, Known>,
    order: Vec<String>,
    deleted: HashSet<String>,
    created: usize,
}

/// A call of which the ledger understands the answer.
#[derive(Debug, Clone)]
pub enum Call {
    /// A new todo of this title.
    Create(String),
    /// A new todo under this id, of this title.
    Put(String, String),
    /// The todo of this id.
    Get(String),
    /// The newest todos.
    List,
    /// How many there are.
    Stats,
    /// Another title for the todo of this id.
    Patch(String, String),
    /// No todo of this id any more.
    Delete(String),
}

impl Ledger {
    /// The next call of a mixed load: half of it reads, half writes, and there are about twenty todos.
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

    /// The next call of a load that only makes todos.
    #[must_use]
    pub fn next_write(turn: usize) -> Call {
        Call::Create(format!("turn {turn}"))
    }

    /// Learns from the answer; `None` is none.
    ///
    /// # Errors
    /// What is wrong with an answer that is neither right nor an honest "try again".
    pub fn learn(&mut self, call: &Call, answer: Option<&Answer>) -> Result<(), String> {
        let Some(answer) = answer.filter(|it| it.status != 503) else {
            self.forget(call);
            return match answer {
                Some(answer) if !answer.is_unavailable() => Err(format!("{call:?}: {answer:?}")),
                _ => Ok(()),
            };
        };
        let value = answer.json();
        let told = value["title"].as_str().map(str::to_owned).zip(value["version"].as_u64());
        let is_right = match call {
            Call::Create(title) | Call::Put(_, title) => {
                answer.status == 201 && told == Some((title.clone(), 1))
            }
            Call::Get(id) => {
                let known = &self.kept[id];
                answer.status == 200 && value["id"] == **id && (known.is_none() || *known == told)
            }
            Call::List => answer.status == 200 && self.is_right_list(&value),
            Call::Stats => answer.status == 200 && value["total"].is_u64(),
            Call::Patch(id, title) => {
                let is_next = |(old, version): &(String, u64)| {
                    value["version"] == version + u64::from(old != title)
                };
                answer.status == 200
                    && value["id"] == **id
                    && value["title"] == **title
                    && self.kept[id].as_ref().is_none_or(is_next)
            }
            Call::Delete(_) => answer.status == 204,
        };
        if !is_right {
            self.forget(call);
            return Err(format!("{call:?}: {answer:?}"));
        }
        match call {
            Call::Create(_) | Call::Put(..) => {
                let id = value["id"].as_str().unwrap_or_default().to_owned();
                self.created += 1;
                self.order.push(id.clone());
                self.kept.insert(id, told);
            }
            Call::Patch(id, _) => {
                // What an earlier call, given up, may still do is never known again.
                if let Some(known @ Some(_)) = self.kept.get_mut(id) {
                    *known = told;
                }
            }
            Call::Delete(id) => {
                self.forget(call);
                self.deleted.insert(id.clone());
            }
            Call::Get(_) | Call::List | Call::Stats => {}
        }
        Ok(())
    }

    /// Nobody knows whether the change was made.
    fn forget(&mut self, call: &Call) {
        match call {
            Call::Patch(id, _) => {
                self.kept.insert(id.clone(), None);
            }
            Call::Delete(id) => {
                self.kept.remove(id);
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

    /// Checks that every acknowledged todo is there as it was told, and every deleted one gone.
    #[track_caller]
    pub fn verify(&self, client: &mut Client) {
        let answer = client.get(TODOS).expect("the server answers");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(self.is_right_list_of_all(&answer.json()), "{self:#?}\n{}", answer.json());
    }

    fn is_right_list_of_all(&self, list: &Value) -> bool {
        let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
        let ids: HashSet<_> = items.iter().filter_map(|it| it["id"].as_str()).collect();
        self.is_right_list(list) && self.kept.keys().all(|id| ids.contains(id.as_str()))
    }

    /// Whether nothing in it contradicts what is known.
    fn is_right_list(&self, list: &Value) -> bool {
        list["items"].as_array().is_some_and(|items| {
            items.iter().all(|it| {
                let id = it["id"].as_str().unwrap_or_default();
                let known = self.kept.get(id).cloned().flatten();
                !self.deleted.contains(id)
                    && known.is_none_or(|(title, version)| {
                        it["title"] == title && it["version"] == version
                    })
            })
        })
    }
}

impl Call {
    /// Sends it.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn send(&self, client: &mut Client) -> std::io::Result<Answer> {
        let at = |id: &str| format!("{TODOS}/{id}");
        match self {
            Self::Create(title) => client.call("POST", TODOS, Some(&json!({"title": title}))),
            Self::Put(id, title) => {
                let todo = json!({"title": title, "description": null, "is_completed": false});
                client.call("PUT", &at(id), Some(&todo))
            }
            Self::Get(id) => client.get(&at(id)),
            Self::List => client.get(&format!("{TODOS}?limit=50")),
            Self::Stats => client.get(&format!("{TODOS}/stats")),
            Self::Patch(id, title) => client.call("PATCH", &at(id), Some(&json!({"title": title}))),
            Self::Delete(id) => client.call("DELETE", &at(id), None),
        }
    }
}
