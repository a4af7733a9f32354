//! Migrating a database that is in use: nobody is stopped, and nothing waits for ever.

#![expect(clippy::unwrap_used, reason = "what fails here is a test")]

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use chrono::DateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use todo_domain::{NewTodo, Title, TodoId, TodoRepository, UserId};
use todo_infrastructure::{
    DatabaseOptions, DatabaseUrl, Migration, MigrationCommand, MigrationStatus, Migrations,
    OpenError, StatementCache, migrate, migrate_with, open,
};
use todo_test_support::database::TestDatabase;
use tracing_subscriber::fmt::MakeWriter;
use uuid::Uuid;

/// How long is waited for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long is waited for what must not.
const SHORT: Duration = Duration::from_millis(300);

const USER: UserId = UserId(Uuid::from_u128(1));

const OPTIONS: DatabaseOptions = DatabaseOptions {
    pool_size: 2,
    timeout: Duration::from_secs(10),
    bulk_timeout: Duration::from_secs(10),
    queue_capacity: 100,
    statement_cache: StatementCache::Auto,
    migrate_on_start: true,
    migrate_timeout: SHORT,
};

fn url(database: &TestDatabase) -> DatabaseUrl {
    database.url().parse().unwrap()
}

/// A migrated Postgres, and a repository on it that has a todo.
fn in_use() -> Option<(TestDatabase, Arc<dyn TodoRepository>)> {
    let database = TestDatabase::postgres()?;
    let options = DatabaseOptions { migrate_timeout: PATIENCE, ..OPTIONS };
    let repository = open(&url(&database), &options).unwrap();
    block_on(repository.insert(USER, todo(1), DateTime::UNIX_EPOCH)).unwrap();
    Some((database, repository))
}

fn todo(id: u128) -> NewTodo {
    NewTodo {
        id: TodoId(Uuid::from_u128(id)),
        title: Title::new("title").unwrap(),
        description: None,
        is_completed: false,
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

fn wait_for(what: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !what() {
        assert!(Instant::now() < deadline, "it does not happen");
        thread::sleep(Duration::from_millis(5));
    }
}

fn is_applied(status: &[MigrationStatus]) -> bool {
    status.iter().all(|it| it.is_applied)
}

/// The migration waits behind a reader that keeps its transaction open; all other calls go on.
fn assert_calls_go_on(migrations: &Migrations, prepare: &str) {
    let Some((database, repository)) = in_use() else { return };
    database.psql(prepare);
    let mut reader = PgConnection::establish(database.url()).unwrap();
    reader.batch_execute("BEGIN; SELECT * FROM todos").unwrap();
    let (done, attempts) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let migration = scope.spawn(|| {
            let status = migrate_with(&url(&database), migrations, MigrationCommand::Up, PATIENCE);
            done.store(true, Ordering::SeqCst);
            status
        });
        // It has asked for its lock, and was refused, several times.
        let watcher = scope.spawn(|| {
            let waiting =
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            while !done.load(Ordering::SeqCst) {
                let is_waiting = || database.psql(waiting) != "0";
                wait_for(|| is_waiting() || done.load(Ordering::SeqCst));
                wait_for(|| !is_waiting());
                attempts.fetch_add(1, Ordering::SeqCst);
            }
        });
        while attempts.load(Ordering::SeqCst) < 3 {
            let found = block_on(repository.find(USER, TodoId(Uuid::from_u128(1))));
            assert!(found.unwrap().is_some());
            let id = Uuid::now_v7().as_u128();
            block_on(repository.insert(USER, todo(id), DateTime::UNIX_EPOCH)).unwrap();
            assert!(!done.load(Ordering::SeqCst), "the reader is in its way");
        }
        reader.batch_execute("COMMIT").unwrap();
        assert!(is_applied(&migration.join().unwrap().unwrap()));
        watcher.join().unwrap();
    });
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'todos' AND column_name = 'colour'";
    assert_eq!(database.psql(columns), "1");
}

fn add_column() -> Migrations {
    Migrations::new(vec![Migration::sql(
        "2999-01-01-000000_add_colour",
        "ALTER TABLE todos ADD COLUMN colour text;",
        "ALTER TABLE todos DROP COLUMN colour;",
        true,
    )])
}

#[test]
fn a_migration_behind_a_long_reader_stops_no_call() {
    assert_calls_go_on(&add_column(), "");
}

#[test]
fn a_migration_of_a_distributed_table_behind_a_long_reader_stops_no_call() {
    assert_calls_go_on(&add_column(), DISTRIBUTED);
}

#[test]
fn a_migration_that_cannot_lock_its_table_is_given_up_and_leaves_nothing() {
    let Some((database, _repository)) = in_use() else { return };
    let mut reader = PgConnection::establish(database.url()).unwrap();
    reader.batch_execute("BEGIN; SELECT * FROM todos").unwrap();
    let migrations = Migrations::new(vec![Migration::sql(
        "2999-01-01-000000_two_things",
        "CREATE TABLE thing (); ALTER TABLE todos ADD COLUMN colour text;",
        "DROP TABLE thing; ALTER TABLE todos DROP COLUMN colour;",
        true,
    )]);
    let error =
        migrate_with(&url(&database), &migrations, MigrationCommand::Up, SHORT).unwrap_err();
    assert!(matches!(error, OpenError::MigrationTimeout { .. }), "{error:?}");
    assert!(error.to_string().contains("MIGRATE_TIMEOUT"), "{error}");
    assert_eq!(database.psql("SELECT to_regclass('thing') IS NULL"), "t");
}

/// As Citus has it.
const DISTRIBUTED: &str = "CREATE TABLE pg_dist_partition (logicalrelid regclass);
    INSERT INTO pg_dist_partition VALUES ('todos')";

/// Citus takes the text of a change for one statement.
#[test]
fn a_distributed_table_is_changed_a_statement_at_a_time() {
    let Some((database, _repository)) = in_use() else { return };
    database.psql("CREATE TABLE seen (number serial, query text, xid bigint)");
    database.psql(DISTRIBUTED);
    let note = "INSERT INTO seen (query, xid) VALUES (current_query(), txid_current());";
    let up = format!("-- two; things\n{note}\n{note} DO $$ BEGIN PERFORM 1; END $$;");
    let migration = Migration::sql("2999-01-01-000000_note", &up, "TRUNCATE seen;", true);
    let migrations = Migrations::new(vec![migration]);
    let migrate = |command| migrate_with(&url(&database), &migrations, command, PATIENCE).unwrap();
    assert!(is_applied(&migrate(MigrationCommand::Up)));
    let note = note.trim_end_matches(';');
    let seen = format!("-- two; things\n{note}\n{note}");
    assert_eq!(database.psql("SELECT query FROM seen ORDER BY number"), seen);
    assert_eq!(database.psql("SELECT count(DISTINCT xid) FROM seen"), "2");
    assert!(!is_applied(&migrate(MigrationCommand::Down(1))));
    assert_eq!(database.psql("SELECT count(*) FROM seen"), "0");
    // The program's own, of which the latest is code.
    migrate_own(&database, MigrationCommand::Down(1));
    assert!(is_applied(&migrate_own(&database, MigrationCommand::Up)));
}

fn migrate_own(database: &TestDatabase, command: MigrationCommand) -> Vec<MigrationStatus> {
    migrate(&url(database), command, PATIENCE).unwrap()
}

fn concurrently() -> Migrations {
    Migrations::new(vec![
        Migration::sql(
            "2999-01-01-000000_add_colour",
            "ALTER TABLE todos ADD COLUMN colour text;",
            "ALTER TABLE todos DROP COLUMN colour;",
            true,
        ),
        Migration::sql(
            "2999-01-02-000000_index_colour",
            "DROP INDEX CONCURRENTLY IF EXISTS todos_by_colour;
             CREATE INDEX CONCURRENTLY todos_by_colour ON todos (user_id, colour);",
            "DROP INDEX CONCURRENTLY todos_by_colour;",
            false,
        ),
    ])
}

const HAS_INDEX: &str = "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('todos_by_colour') AND indisvalid";

/// Also while others wait for the lock, and with the role's sessions set up in the worst way.
#[test]
fn an_index_can_be_made_concurrently_under_the_lock() {
    let Some((database, _repository)) = in_use() else { return };
    let name = database.psql("SELECT current_database()");
    database.psql(&format!(
        "ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'repeatable read';
         ALTER DATABASE \"{name}\" SET idle_in_transaction_session_timeout = '200ms'"
    ));
    let migrations = concurrently();
    thread::scope(|scope| {
        let copies: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    migrate_with(&url(&database), &migrations, MigrationCommand::Up, PATIENCE)
                })
            })
            .collect();
        for copy in copies {
            assert!(is_applied(&copy.join().unwrap().unwrap()));
        }
    });
    assert_eq!(database.psql(HAS_INDEX), "1");
    let down = migrate_with(&url(&database), &migrations, MigrationCommand::Down(2), PATIENCE);
    assert!(down.unwrap().iter().all(|it| !it.is_applied));
    assert_eq!(database.psql(HAS_INDEX), "0");
}

/// It waits for a transaction that was there before, longer than any session may be idle, and holds the lock all along.
#[test]
fn the_lock_is_held_while_an_index_is_made_behind_a_long_reader() {
    let Some((database, repository)) = in_use() else { return };
    let mut reader = PgConnection::establish(database.url()).unwrap();
    reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").unwrap();
    let migrations = concurrently();
    thread::scope(|scope| {
        let migration = scope
            .spawn(|| migrate_with(&url(&database), &migrations, MigrationCommand::Up, PATIENCE));
        let making =
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%CREATE INDEX CONCURRENTLY%'
            AND wait_event = 'virtualxid' AND datname = current_database()";
        wait_for(|| database.psql(making) == "1");
        let other = migrate(&url(&database), MigrationCommand::Up, SHORT).unwrap_err();
        assert!(matches!(other, OpenError::MigrationTimeout { .. }), "{other:?}");
        block_on(repository.insert(USER, todo(2), DateTime::UNIX_EPOCH)).unwrap();
        reader.batch_execute("COMMIT").unwrap();
        assert!(is_applied(&migration.join().unwrap().unwrap()));
    });
    assert_eq!(database.psql(HAS_INDEX), "1");
}

/// Opens the database while another has the lock; what is logged, and what comes of it.
fn open_locked(url: &DatabaseUrl) -> (String, OpenError) {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
    let result = tracing::subscriber::with_default(subscriber, || open(url, &OPTIONS));
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    (log, result.err().unwrap())
}

fn assert_given_up(log: &str, error: &OpenError, cause: &str) {
    assert!(matches!(error, OpenError::MigrationTimeout { .. }), "{error:?}");
    assert!(error.to_string().contains(cause), "{error}");
    assert_eq!(log.matches("waiting to migrate").count(), 1, "{log}");
    assert!(log.contains(cause), "{log}");
}

#[test]
fn a_start_says_that_it_waits_for_another_that_migrates_postgres_and_gives_up() {
    let Some(database) = TestDatabase::postgres() else { return };
    let mut other = PgConnection::establish(database.url()).unwrap();
    other.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(1953457263)").unwrap();
    let (log, error) = open_locked(&url(&database));
    assert_given_up(&log, &error, "another copy of the program is migrating the database");
    other.batch_execute("COMMIT").unwrap();
    assert!(open(&url(&database), &OPTIONS).is_ok());
}

#[test]
fn a_start_says_that_it_waits_for_another_that_writes_to_sqlite_and_gives_up() {
    let database = TestDatabase::sqlite();
    let path = database.url().strip_prefix("sqlite://").unwrap();
    let mut other = SqliteConnection::establish(path).unwrap();
    other.batch_execute("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE").unwrap();
    let (log, error) = open_locked(&url(&database));
    assert_given_up(&log, &error, "another process is writing to the database");
    other.batch_execute("COMMIT").unwrap();
    assert!(open(&url(&database), &OPTIONS).is_ok());
}

#[test]
fn a_migration_that_this_program_does_not_know_is_not_taken_back() {
    let Some((database, _repository)) = in_use() else { return };
    let known = add_column();
    migrate_with(&url(&database), &known, MigrationCommand::Up, PATIENCE).unwrap();
    let error = migrate(&url(&database), MigrationCommand::Down(1), PATIENCE).unwrap_err();
    assert!(format!("{error:?}").contains("29990101000000"), "{error:?}");
}

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
