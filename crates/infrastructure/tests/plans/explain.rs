//! Fills both databases, and explains statements on them.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use todo_domain::{NewTodo, Title, TodoId, TodoPatch, TodoRepository, UserId};
use todo_infrastructure::{DatabaseOptions, MigrationCommand, migrate, open};
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::capture;
use crate::common;
use crate::statements::{BUSY, Statement};

/// One thread, so that calls at the same time are batched. The deadlines in captured writes must not pass.
const OPTIONS: DatabaseOptions =
    DatabaseOptions { pool_size: 1, timeout: HOUR, bulk_timeout: HOUR, ..common::OPTIONS };

const HOUR: Duration = Duration::from_secs(3_600);

/// A user with 20,000 todos, a second apart, and four users with 50 each.
const FILL_POSTGRES: &str = "
    SET synchronous_commit = on;
    INSERT INTO todos
    SELECT CASE WHEN n % 101 < 100 THEN '{BUSY}'::uuid ELSE overlay('{BUSY}' PLACING '1' || n % 4 FROM 1)::uuid END,
        gen_random_uuid(), 'title ' || n, repeat('text ', n % 40), n % 3 = 0,
        '2026-01-01 00:00:00Z'::timestamptz + n * interval '1 second',
        '2026-01-01 00:00:00Z'::timestamptz + n * interval '1 second',
        1, 'title ' || n, repeat('text ', n % 40), NULL, 1 + n % 3,
        CASE WHEN n % 2 = 0 THEN '2026-01-01 00:00:00Z'::timestamptz + n * interval '1 second' END, false,
        'Home,T' || n % 50, ',home,t' || n % 50 || ','
    FROM generate_series(0, 20199) n;
    INSERT INTO tombstones SELECT user_id, gen_random_uuid(), 1, created_at, updated_at FROM todos;
    INSERT INTO user_clocks SELECT user_id, max(updated_at) FROM todos GROUP BY user_id;
    INSERT INTO user_clocks SELECT gen_random_uuid(), now() FROM generate_series(1, 5000)";

/// Index-only scans require that the visibility map is complete.
const ARE_VISIBLE: &str =
    "SELECT relallvisible = relpages FROM pg_class WHERE oid = 'todos'::regclass";

const FILL_SQLITE: &str = "
    WITH RECURSIVE series (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n < 20199)
    INSERT INTO todos (user_id, id, title, description, is_completed, created_at, updated_at, version, title_folded,
        description_folded, priority, due_at, due_is_date, tags, tags_folded)
    SELECT CASE WHEN n % 101 < 100 THEN zeroblob(16) ELSE randomblob(16) END,
        randomblob(16), 'title ' || n, 'text ' || n, n % 3 = 0,
        (1767225600 + n) * 1000000, (1767225600 + n) * 1000000,
        1, 'title ' || n, 'text ' || n, 1 + n % 3,
        iif(n % 2 = 0, (1767225600 + n) * 1000000, NULL), false,
        'Home,T' || n % 50, ',home,t' || n % 50 || ','
    FROM series;
    INSERT INTO tombstones SELECT user_id, randomblob(16), 1, created_at, updated_at FROM todos;
    INSERT INTO user_clocks SELECT user_id, max(updated_at), NULL FROM todos GROUP BY user_id";

/// A database that can explain statements.
pub(crate) trait Explain {
    /// A repository on it, whose statements [`capture`] captures.
    fn repository(&self) -> Arc<dyn TodoRepository>;
    /// The plans that it may use.
    fn plans(&self, statement: &Statement) -> [String; 2];
}

pub(crate) struct Postgres(TestDatabase);

impl Postgres {
    pub(crate) fn new(database: TestDatabase) -> Self {
        migrate(&database.url().parse().unwrap(), MigrationCommand::Up, OPTIONS.migrate_timeout)
            .unwrap();
        database.psql(&FILL_POSTGRES.replace("{BUSY}", BUSY));
        // Once is enough, unless another session has a snapshot.
        for _ in 0..100 {
            database.psql("VACUUM ANALYZE");
            if database.psql(ARE_VISIBLE) == "t" {
                return Self(database);
            }
        }
        panic!("VACUUM did not complete the visibility map");
    }
}

impl Postgres {
    /// The `plan_cache_mode` of the adapter's sessions, which an insert stores by a column default.
    pub(crate) async fn plan_cache_mode(&self) -> String {
        let repository = self.repository();
        self.0.psql("ALTER TABLE todos ADD mode TEXT DEFAULT current_setting('plan_cache_mode')");
        let id = TodoId(Uuid::from_u128(1));
        let todo = NewTodo::new(id, Title::new("Tell").unwrap(), TodoPatch::default());
        let user = UserId(Uuid::from_u128(7));
        repository.insert(user, todo, None, DateTime::UNIX_EPOCH).await.unwrap();
        self.0.psql("SELECT mode FROM todos WHERE title = 'Tell'")
    }
}

impl Explain for Postgres {
    fn repository(&self) -> Arc<dyn TodoRepository> {
        capture::start();
        open(&self.0.url().parse().unwrap(), &OPTIONS).unwrap()
    }

    fn plans(&self, statement: &Statement) -> [String; 2] {
        self.plans_with("", statement)
    }
}

impl Postgres {
    /// The plans for a user with few todos, if there were very many users: here, four have nearly all todos.
    pub(crate) fn plans_of_many_users(&self, statement: &Statement) -> [String; 2] {
        self.plans_with("SET enable_seqscan = off;", statement)
    }

    fn plans_with(&self, settings: &str, statement: &Statement) -> [String; 2] {
        let Statement { text, values, .. } = statement;
        let types: Vec<_> = values.iter().map(|it| it.sql_type.as_str()).collect();
        let literals: Vec<_> = values.iter().map(|it| it.literal.as_str()).collect();
        let (types, literals) = (types.join(", "), literals.join(", "));
        // The only parameters of type integer.
        let text = text.replace("int4div(", "int8div(");
        ["force_custom_plan", "force_generic_plan"].map(|mode| {
            self.0.psql(&format!(
                "{settings} SET plan_cache_mode = {mode}; PREPARE statement ({types}) AS {text};
                 BEGIN;
                 EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE statement ({literals});
                 ROLLBACK"
            ))
        })
    }
}

pub(crate) struct Sqlite(TestDatabase);

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

impl Sqlite {
    pub(crate) fn new(database: TestDatabase) -> Self {
        migrate(&database.url().parse().unwrap(), MigrationCommand::Up, OPTIONS.migrate_timeout)
            .unwrap();
        let this = Self(database);
        this.connect().batch_execute(FILL_SQLITE).unwrap();
        this
    }

    fn connect(&self) -> SqliteConnection {
        SqliteConnection::establish(self.0.url().strip_prefix("sqlite://").unwrap()).unwrap()
    }
}

impl Explain for Sqlite {
    fn repository(&self) -> Arc<dyn TodoRepository> {
        capture::start();
        open(&self.0.url().parse().unwrap(), &OPTIONS).unwrap()
    }

    fn plans(&self, statement: &Statement) -> [String; 2] {
        let mut connection = self.connect();
        connection.batch_execute("BEGIN").unwrap();
        // An SQL function that only the adapter's connections have.
        let text = statement.text.replace("is_in_time()", "true");
        ["SELECT 1", "ANALYZE"].map(|preparation| {
            connection.batch_execute(preparation).unwrap();
            let explain = diesel::sql_query(format!("EXPLAIN QUERY PLAN {text}"));
            let steps: Vec<Step> = explain.load(&mut connection).unwrap();
            steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("\n")
        })
    }
}
