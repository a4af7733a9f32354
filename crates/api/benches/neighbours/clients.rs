//! The calls of the clients.

use std::time::Duration;

use todo_test_support::clients::http::Request;

use crate::common::calls::Random;
use crate::common::data::{self, TODOS_PER_USER};
use crate::common::load::Clients;

/// The title of the todos that clients create.
pub(crate) const CREATED: &str = "Created by the neighbours benchmark";

/// The calls that a client repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    /// GET of a todo (60 %), a page of 20 (20 %), a create (10 %), a PATCH (10 %).
    Mix,
    /// A search without matches.
    Search,
    /// The counters.
    Count,
    /// All todos completed and reopened, alternately.
    Bulk,
    /// A PATCH of the user's first todo.
    Row,
}

impl Calls {
    const ALL: [Self; 5] = [Self::Mix, Self::Search, Self::Count, Self::Bulk, Self::Row];

    /// Starts a client for each of the users, who may occur more than once. Returns when all are connected.
    pub(crate) fn start(self, port: u16, time: Duration, users: &[u64]) -> Clients {
        Clients::start(port, time, &[&format!("{self:?}"), ""], users)
    }

    /// The requests of a client, by its number. The first word is the name of the calls.
    pub(crate) fn requests(
        [name, _]: [&str; 2],
        number: u64,
        user: u64,
    ) -> impl FnMut(&mut Request) + Send + use<> {
        let is_it = |it: &Self| format!("{it:?}") == *name;
        let calls = Self::ALL.into_iter().find(is_it).expect("known calls");
        let mut random = Random((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // So that the clients of one user do not alternate in step.
        let mut turn = random.below(2);
        move |to| {
            calls.set_request(user, turn, &mut random, to);
            turn += 1;
        }
    }

    fn set_request(self, user: u64, turn: u64, random: &mut Random, to: &mut Request) {
        let caller = data::user_id(user);
        let todo = |number| format!("/api/v1/todos/{}", data::todo_id(user, number));
        match self {
            Self::Mix => match random.below(10) {
                0..6 => to.set_json("GET", &todo(random.below(TODOS_PER_USER)), caller, None),
                6..8 => to.set_json("GET", "/api/v1/todos?limit=20", caller, None),
                8 => {
                    let body = format!("{{\"title\":\"{CREATED}\"}}");
                    to.set_json("POST", "/api/v1/todos", caller, Some(&body));
                }
                _ => {
                    let body = format!("{{\"title\":\"Buy groceries {turn}\"}}");
                    let target = todo(random.below(TODOS_PER_USER));
                    to.set_json("PATCH", &target, caller, Some(&body));
                }
            },
            Self::Search => {
                to.set_json("GET", "/api/v1/todos?limit=20&q=nowhere+to+be+found", caller, None);
            }
            Self::Count => to.set_json("GET", "/api/v1/todos/stats", caller, None),
            Self::Bulk => {
                let into = turn.is_multiple_of(2);
                let from = !into;
                let target = format!("/api/v1/todos?is_completed={from}");
                to.set_json(
                    "PATCH",
                    &target,
                    caller,
                    Some(&format!("{{\"is_completed\":{into}}}")),
                );
            }
            Self::Row => {
                let body = format!("{{\"title\":\"Buy groceries {turn}\"}}");
                to.set_json("PATCH", &todo(0), caller, Some(&body));
            }
        }
    }
}
