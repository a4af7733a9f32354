//! Test data created with SQL, and database sessions.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

const COLUMNS: &str = "user_id, id, title, description, is_completed, created_at, updated_at, version, \
                       title_folded, description_folded";

/// A direct database session, on either database.
pub(crate) enum Session {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Session {
    /// Connects to a URL, as in `DATABASE_URL`.
    pub(crate) fn open(url: &str) -> Self {
        if let Some(path) = url.strip_prefix("sqlite://") {
            let mut session =
                Self::Sqlite(SqliteConnection::establish(path).expect("a SQLite file"));
            session.run("PRAGMA busy_timeout = 10000");
            session
        } else {
            Self::Postgres(PgConnection::establish(url).expect("Postgres"))
        }
    }

    /// Runs statements and ignores their results.
    pub(crate) fn run(&mut self, sql: &str) {
        let done = match self {
            Self::Sqlite(connection) => connection.batch_execute(sql),
            Self::Postgres(connection) => connection.batch_execute(sql),
        };
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The median duration of a statement over a hundred executions.
    pub(crate) fn time(&mut self, sql: &str) -> Duration {
        let mut times: Vec<_> = (0..100)
            .map(|_| {
                let start = Instant::now();
                self.run(sql);
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[times.len() / 2]
    }

    /// Gives each of the users `users` this many todos, with the ids of [`super::data`]. A third of them is completed.
    /// User numbers are below 65,536.
    pub(crate) fn create_todos(&mut self, users: std::ops::Range<u64>, todos: u64) {
        let (first, end) = (users.start, users.end);
        let sql = match self {
            Self::Sqlite(_) => format!(
                "INSERT INTO todos ({COLUMNS}) \
                 WITH RECURSIVE u(u) AS (SELECT {first} UNION ALL SELECT u + 1 FROM u WHERE u + 1 < {end}), \
                 t(t) AS (SELECT 0 UNION ALL SELECT t + 1 FROM t WHERE t + 1 < {todos}) \
                 SELECT unhex(printf('%032x', u)), unhex(printf('%016x%04x%012x', 0, u, t)), 'Buy groceries ' || t, \
                 'Milk, eggs, bread', t % 3 = 0, 1768000000000000 + t, 1768000000000000 + t, 1, 'buy groceries ' || t, \
                 'milk, eggs, bread' FROM u, t"
            ),
            Self::Postgres(_) => format!(
                "INSERT INTO todos ({COLUMNS}) \
                 SELECT lpad(to_hex(u), 32, '0')::uuid, lpad(to_hex(u) || lpad(to_hex(t), 12, '0'), 32, '0')::uuid, \
                 'Buy groceries ' || t, 'Milk, eggs, bread', t % 3 = 0, at, at, 1, 'buy groceries ' || t, \
                 'milk, eggs, bread' \
                 FROM generate_series({first}, {end} - 1) u, generate_series(0, {todos} - 1) t, \
                 LATERAL (SELECT timestamptz '2026-01-10' + t * interval '1 us' AS at) a"
            ),
        };
        self.run(&sql);
        self.clean_up();
    }

    /// Vacuums and analyzes the table, as autovacuum does occasionally.
    pub(crate) fn clean_up(&mut self) {
        if let Self::Postgres(_) = self {
            self.run("VACUUM ANALYZE todos");
        }
    }
}
