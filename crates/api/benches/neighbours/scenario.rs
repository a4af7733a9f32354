//! The disturbances.

use std::time::Duration;

use todo_test_support::server::Server;

use crate::clients::Calls;
use crate::common::load::{Clients, Sample};
use crate::common::sql::Session;
use crate::environment::{DISTURBING_USER, Layout};

/// One kind of disturbance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    Search,
    Count,
    Bulk,
    Row,
    Part,
    Shard,
}

/// A running disturbance, until it is dropped or waited for.
pub(crate) enum Disturbance {
    Clients(Clients),
    /// A forgotten session, and clients that wait for its lock.
    ClientsAndLock(Clients, #[expect(dead_code, reason = "it holds its lock")] Session),
    Lock(#[expect(dead_code, reason = "it holds its lock")] Session),
}

/// The number of clients of the disturbing user.
const DISTURBING_CLIENTS: usize = 16;

impl Scenario {
    pub(crate) const ALL: [Self; 6] =
        [Self::Search, Self::Count, Self::Bulk, Self::Row, Self::Part, Self::Shard];

    /// Its name in `BENCH_SCENARIOS`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Count => "count",
            Self::Bulk => "bulk",
            Self::Row => "row",
            Self::Part => "part",
            Self::Shard => "shard",
        }
    }

    /// Its name in the table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Search => "a user searches 300,000 todos, 16 clients",
            Self::Count => "a user counts 300,000 todos, 16 clients",
            Self::Bulk => "a user changes 300,000 todos in bulk, 16 clients",
            Self::Row => "a user PATCHes a locked todo, 16 clients",
            Self::Part => "a partition is locked",
            Self::Shard => "a partition is locked; the server treats the table as sharded",
        }
    }

    /// How the todos are stored.
    pub(crate) fn layout(self) -> Layout {
        match self {
            Self::Search | Self::Count | Self::Bulk | Self::Row => Layout::Whole,
            Self::Part => Layout::Partitioned,
            Self::Shard => Layout::Sharded,
        }
    }

    /// SQLite has neither row locks nor partitions.
    pub(crate) fn is_for_sqlite(self) -> bool {
        matches!(self, Self::Search | Self::Count | Self::Bulk)
    }

    /// The share of their throughput that the other users should keep, and whether calls sent in the first second may
    /// be lost.
    pub(crate) fn target(self) -> (Option<f64>, bool) {
        match self {
            Self::Search | Self::Count | Self::Bulk => (Some(1.0 / 3.0), false),
            Self::Row => (Some(0.9), false),
            Self::Part | Self::Shard => (None, true),
        }
    }

    /// Starts the disturbance, for at most this time. `session` is a direct session; `part` is the partition to lock.
    pub(crate) fn start(
        self,
        server: &Server,
        time: Duration,
        mut session: Session,
        part: &str,
    ) -> Disturbance {
        let clients =
            |calls: Calls| calls.start(server.port(), time, &[DISTURBING_USER; DISTURBING_CLIENTS]);
        match self {
            Self::Search => Disturbance::Clients(clients(Calls::Search)),
            Self::Count => Disturbance::Clients(clients(Calls::Count)),
            Self::Bulk => Disturbance::Clients(clients(Calls::Bulk)),
            Self::Row => {
                session.run(&format!(
                    "BEGIN; SELECT FROM todos WHERE user_id = '{}' AND id = '{}' FOR UPDATE",
                    crate::common::data::user_id(DISTURBING_USER),
                    crate::common::data::todo_id(DISTURBING_USER, 0)
                ));
                Disturbance::ClientsAndLock(clients(Calls::Row), session)
            }
            Self::Part | Self::Shard => {
                session.run(&format!("BEGIN; LOCK TABLE {part} IN ACCESS EXCLUSIVE MODE"));
                Disturbance::Lock(session)
            }
        }
    }
}

impl Disturbance {
    /// Waits for the disturbing user's clients, and returns their calls.
    pub(crate) fn end(self) -> Vec<Sample> {
        match self {
            Self::Clients(clients) | Self::ClientsAndLock(clients, _) => clients.wait(),
            Self::Lock(_) => Vec::new(),
        }
    }
}
