//! The measured calls, as bytes on the wire and as SQL.

use std::fmt::Display;

use todo_test_support::clients::http::Request;
use uuid::Uuid;

use super::data::{self, BIG_USER, TODOS_PER_USER, USERS};

/// A call of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// `GET /health`: the upper limit of HTTP alone.
    Health,
    /// Gets one todo.
    Get,
    /// Lists all 20 todos of a user.
    List,
    /// The same, by a client that has the list: the response is a 304.
    Unchanged,
    /// Gets a page of 20 of a user with 100,000.
    Page,
    /// The same, 90,000 todos deep.
    DeepPage,
    /// Gets the todos with a tag that 10 of 100,000 have.
    Tagged,
    /// Counts 100,000 todos.
    Count,
    /// Searches 20 todos.
    Search,
    /// Creates a todo.
    Create,
    /// Changes a todo.
    Patch,
    /// Replaces a todo.
    Put,
    /// Alternately puts and deletes a todo.
    PutDelete,
}

/// A fast random number generator: an LCG is good enough to spread keys.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A random number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

impl Call {
    /// In the order of measurement and display.
    pub(crate) const ALL: [Self; 13] = [
        Self::Health,
        Self::Get,
        Self::List,
        Self::Unchanged,
        Self::Page,
        Self::DeepPage,
        Self::Tagged,
        Self::Count,
        Self::Search,
        Self::Create,
        Self::Patch,
        Self::Put,
        Self::PutDelete,
    ];

    /// Its name in the report and in arguments.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Health => "/health",
            Self::Get => "GET one",
            Self::List => "list of 20",
            Self::Unchanged => "the same, unchanged (304)",
            Self::Page => "page of 20 from 100,000",
            Self::DeepPage => "the same, 90,000 deep",
            Self::Tagged => "page by tag, 10 of 100,000 (2 connections)",
            Self::Count => "counters of 100,000 (2 connections)",
            Self::Search => "search in 20",
            Self::Create => "create",
            Self::Patch => "PATCH",
            Self::Put => "PUT (replace)",
            Self::PutDelete => "PUT, then DELETE",
        }
    }

    /// The maximum number of connections: of calls that read all of 100,000 todos, more would only wait for each other.
    pub(crate) fn max_connections(self) -> usize {
        if matches!(self, Self::Tagged | Self::Count) { 2 } else { usize::MAX }
    }

    /// The call with this name.
    pub(crate) fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|call| call.name() == name).expect("a known call")
    }

    /// The requests of a connection, by its number. The words are the name of the call and the cursor of the deep page.
    pub(crate) fn requests(
        [name, cursor]: [&str; 2],
        number: u64,
        _user: u64,
    ) -> impl FnMut(&mut Request) + Send + use<> {
        let call = Self::from_name(name);
        let mut random = Random(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let own = (u64::from(std::process::id()) << 16) | number;
        let (mut turn, cursor) = (0, cursor.to_owned());
        move |to| {
            call.set_request(&mut random, turn, own, &cursor, to);
            turn += 1;
        }
    }

    /// Sets the next request of a connection. `turn` counts the requests; `own` is unique to the connection.
    fn set_request(self, random: &mut Random, turn: u64, own: u64, cursor: &str, to: &mut Request) {
        let user = random.below(USERS);
        let (todo, n) = (random.below(TODOS_PER_USER), random.below(1_000_000_000));
        let id = data::todo_id(user, todo);
        let caller = data::user_id(user);
        let big = data::user_id(BIG_USER);
        let own = Uuid::from_u128((u128::from(own) << 64) | u128::from(turn / 2));
        match self {
            Self::Health => to.set_json("GET", "/health", caller, None),
            Self::Get => to.set_json("GET", &format!("/api/v1/todos/{id}"), caller, None),
            Self::List => to.set_json("GET", "/api/v1/todos?limit=20", caller, None),
            Self::Unchanged => {
                // Any tag of the list matches, so the server looks up the clock, and nothing else.
                let headers: [(&str, &dyn Display); 2] =
                    [("X-User-ID", &caller), ("If-None-Match", &"*")];
                to.set("GET", "/api/v1/todos?limit=20", &headers, None);
            }
            Self::Page => to.set_json("GET", "/api/v1/todos?limit=20", big, None),
            Self::DeepPage => {
                to.set_json("GET", &format!("/api/v1/todos?limit=20&cursor={cursor}"), big, None);
            }
            Self::Tagged => {
                let target = format!("/api/v1/todos?limit=20&tag={}", data::RARE_TAG);
                to.set_json("GET", &target, big, None);
            }
            Self::Count => to.set_json("GET", "/api/v1/todos/stats", big, None),
            Self::Search => to.set_json("GET", "/api/v1/todos?limit=20&q=GROCERIES", caller, None),
            Self::Create => {
                let body = format!("{{\"title\":\"Buy groceries {n}\",\"description\":\"Milk\"}}");
                to.set_json("POST", "/api/v1/todos", data::user_id(USERS + user), Some(&body));
            }
            Self::Patch => {
                let body = format!("{{\"title\":\"Buy groceries {n}\"}}");
                to.set_json("PATCH", &format!("/api/v1/todos/{id}"), caller, Some(&body));
            }
            Self::Put => {
                to.set_json("PUT", &format!("/api/v1/todos/{id}"), caller, Some(&complete_todo(n)));
            }
            Self::PutDelete if turn.is_multiple_of(2) => {
                to.set_json("PUT", &format!("/api/v1/todos/{own}"), big, Some(&complete_todo(n)));
            }
            Self::PutDelete => to.set_json("DELETE", &format!("/api/v1/todos/{own}"), big, None),
        }
    }

    /// A `pgbench` script for the same call, if it is a single statement of the same shape. With `sets_clock`, a
    /// write also sets the clock of the owner, in the same statement, as the server does.
    pub(crate) fn pgbench_script(self, sets_clock: bool) -> Option<String> {
        let uuid = |high: &str, low: &str| {
            format!(
                "('00000000-0000-0000-' || lpad(to_hex({high}), 4, '0') || '-' || lpad(to_hex({low}), 12, '0'))::uuid"
            )
        };
        let columns =
            "user_id, id, title, description, is_completed, created_at, updated_at, version";
        let users = USERS - 1;
        let todos = TODOS_PER_USER - 1;
        let user = uuid("0", ":u::int");
        let id = uuid(":u::int", ":t::int");
        match self {
            Self::Get if !sets_clock => Some(format!(
                "\\set u random(0, {users})\n\\set t random(0, {todos})\n\
                 SELECT {columns} FROM todos WHERE user_id = {user} AND id = {id} LIMIT 1;\n"
            )),
            Self::List if !sets_clock => Some(format!(
                "\\set u random(0, {users})\n\
                 SELECT {columns} FROM todos WHERE user_id = {user} AND true \
                 ORDER BY created_at DESC, id DESC LIMIT 21;\n"
            )),
            Self::Create => {
                let user = uuid("1", ":u::int");
                let insert =
                    format!("INSERT INTO todos ({columns}, title_folded, description_folded)");
                let others = |time: &str| {
                    format!(
                        "gen_random_uuid(), 'Buy groceries ' || :n::int, 'Milk', false, {time}, {time}, 1, \
                         'buy groceries ' || :n::int, 'milk'"
                    )
                };
                let statement = if sets_clock {
                    format!(
                        "WITH ticks AS (INSERT INTO user_clocks AS clock (user_id, changed_at) \
                         VALUES ({user}, clock_timestamp()) ON CONFLICT (user_id) DO UPDATE SET changed_at = \
                         greatest(excluded.changed_at, clock.changed_at + interval '1 microsecond') \
                         RETURNING user_id, changed_at) {insert} SELECT user_id, {} FROM ticks",
                        others("changed_at")
                    )
                } else {
                    format!("{insert} VALUES ({user}, {})", others("now()"))
                };
                Some(format!(
                    "\\set u random(0, {users})\n\\set n random(0, 1000000000)\n{statement};\n"
                ))
            }
            _ => None,
        }
    }
}

fn complete_todo(n: u64) -> String {
    format!("{{\"title\":\"Buy groceries {n}\",\"description\":null,\"is_completed\":false}}")
}
