//! The migrations: they can be taken back, they match what the code believes, and many copies of the program
//! can start at once. Also what `open` refuses at start-up.

#![expect(clippy::unwrap_used, reason = "what fails here is a test")]

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use todo_domain::{PageQuery, SearchTerm, Sort, TodoFilter, UserId};
use todo_infrastructure::{
    DatabaseOptions, DatabaseUrl, MigrationCommand, OpenError, StatementCache, migrate, open,
};
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

/// How long migrations may wait for each other.
const PATIENCE: Duration = Duration::from_secs(60);

const OPTIONS: DatabaseOptions = DatabaseOptions {
    pool_size: 1,
    timeout: Duration::from_secs(60),
    bulk_timeout: Duration::from_secs(60),
    queue_capacity: 10,
    statement_cache: StatementCache::Auto,
    migrate_on_start: true,
    migrate_timeout: Duration::from_secs(60),
};

/// All that the catalog knows of the application's table: columns, constraints, indexes.
const POSTGRES_SCHEMA: &str = "
    SELECT concat_ws(' ', 'column', ordinal_position, column_name, data_type, is_nullable, column_default,
        collation_name) AS line
    FROM information_schema.columns WHERE table_name = 'todos'
    UNION ALL SELECT concat_ws(' ', 'constraint', conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE conrelid = to_regclass('todos')
    UNION ALL SELECT indexdef FROM pg_indexes WHERE tablename = 'todos'
    UNION ALL SELECT concat_ws(' ', 'relation', relname, relkind::text) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
    ORDER BY 1";

const SQLITE_SCHEMA: &str =
    "SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS line FROM sqlite_master ORDER BY 1";

/// A column as `name type nullable`, in the table's order.
const POSTGRES_COLUMNS: &str = "
    SELECT concat_ws(' ', column_name, is_nullable, data_type) AS line
    FROM information_schema.columns WHERE table_name = 'todos' ORDER BY ordinal_position";

const SQLITE_COLUMNS: &str = "
    SELECT name || ' ' || iif(\"notnull\", 'NO', 'YES') || ' ' || lower(type) AS line
    FROM pragma_table_info('todos') ORDER BY cid";

/// The columns of the primary key, in its order.
const POSTGRES_KEY: &str = "
    SELECT column_name AS line FROM information_schema.key_column_usage
    WHERE table_name = 'todos' ORDER BY ordinal_position";

const SQLITE_KEY: &str =
    "SELECT name AS line FROM pragma_table_info('todos') WHERE pk > 0 ORDER BY pk";

/// The types of the two databases, as Diesel names them.
const TYPES: [(&str, &str); 8] = [
    ("uuid", "Uuid"),
    ("blob", "Binary"),
    ("text", "Text"),
    ("boolean", "Bool"),
    ("bigint", "BigInt"),
    ("timestamp with time zone", "Timestamptz"),
    ("integer", "Integer"),
    ("bytea", "Binary"),
];

fn url(database: &TestDatabase) -> DatabaseUrl {
    database.url().parse().unwrap()
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The lines that a question to a database has for an answer, past the code under test.
fn lines(database: &TestDatabase, sql: &str) -> Vec<String> {
    let query = diesel::sql_query(sql);
    let lines: Vec<Line> = match database.url().strip_prefix("sqlite://") {
        Some(path) => query.load(&mut SqliteConnection::establish(path).unwrap()),
        None => query.load(&mut PgConnection::establish(database.url()).unwrap()),
    }
    .unwrap();
    lines.into_iter().map(|line| line.line).collect()
}

fn assert_reversible(database: &TestDatabase, schema: &str) {
    let url = url(database);
    let is_applied = |command| -> Vec<bool> {
        migrate(&url, command, PATIENCE).unwrap().iter().map(|it| it.is_applied).collect()
    };
    assert!(is_applied(MigrationCommand::Status).iter().all(|it| !it));
    assert!(is_applied(MigrationCommand::Up).iter().all(|it| *it));
    let first = lines(database, schema);
    let shows = |name| first.iter().any(|line| line.contains(name));
    assert!(shows("todos_by_update") && shows("length(title)"), "{first:#?}");

    // More than there are reverts all.
    assert!(is_applied(MigrationCommand::Down(1_000)).iter().all(|it| !it));
    let left = lines(database, schema);
    assert!(left.iter().all(|line| line.contains("__diesel_schema_migrations")), "{left:#?}");

    assert!(is_applied(MigrationCommand::Up).iter().all(|it| *it));
    assert_eq!(lines(database, schema), first);
    // Nothing is pending, nothing happens.
    assert!(is_applied(MigrationCommand::Up).iter().all(|it| *it));
    assert_eq!(lines(database, schema), first);
}

#[test]
fn up_down_and_up_again_leaves_the_same_postgres_schema() {
    let Some(database) = TestDatabase::postgres() else { return };
    assert_reversible(&database, POSTGRES_SCHEMA);
}

#[test]
fn up_down_and_up_again_leaves_the_same_sqlite_schema() {
    assert_reversible(&TestDatabase::sqlite(), SQLITE_SCHEMA);
}

/// Compares a committed `schema.rs` with the catalog of a migrated database.
fn assert_matches(schema: &str, database: &TestDatabase, columns: &str, key: &str) {
    migrate(&url(database), MigrationCommand::Up, PATIENCE).unwrap();
    let believed: Vec<_> = schema
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" -> "))
        .map(|(column, definition)| (column.to_owned(), definition.to_owned()))
        .collect();
    let actual: Vec<_> = lines(database, columns)
        .iter()
        .map(|line| {
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().unwrap();
            let (column, nullable, database_type) = (word(), word(), word());
            let known = TYPES.iter().find(|(name, _)| *name == database_type);
            let (_, diesel_type) = known.unwrap_or_else(|| panic!("no type for {line}"));
            let definition = match nullable {
                "YES" => format!("Nullable<{diesel_type}>"),
                _ => (*diesel_type).to_owned(),
            };
            (column.to_owned(), definition)
        })
        .collect();
    assert_eq!(believed, actual);
    let head = format!("todos ({}) {{", lines(database, key).join(", "));
    assert!(schema.lines().any(|line| line.trim() == head), "not found in schema.rs: {head}");
}

#[test]
fn the_postgres_wing_believes_what_is_so() {
    let Some(database) = TestDatabase::postgres() else { return };
    let schema = include_str!("../src/postgres/schema.rs");
    assert_matches(schema, &database, POSTGRES_COLUMNS, POSTGRES_KEY);
}

#[test]
fn the_sqlite_wing_believes_what_is_so() {
    let schema = include_str!("../src/sqlite/schema.rs");
    assert_matches(schema, &TestDatabase::sqlite(), SQLITE_COLUMNS, SQLITE_KEY);
}

/// Several rounds, each on an empty database, because the moment is short in which it can go wrong.
fn assert_opened_at_once(database: impl Fn() -> Option<TestDatabase>) {
    const COPIES: usize = 8;
    for _ in 0..10 {
        let Some(database) = database() else { return };
        let (url, barrier) = (url(&database), Barrier::new(COPIES));
        let opened: Vec<_> = thread::scope(|scope| {
            let copy = || {
                barrier.wait();
                // Kept open, so that none finds the database as the last has left it.
                open(&url, &OPTIONS)
            };
            let threads: Vec<_> = (0..COPIES).map(|_| scope.spawn(copy)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for result in opened {
            assert!(result.is_ok(), "{:?}", result.err());
        }
    }
}

#[test]
fn eight_copies_open_an_empty_postgres_database_at_once() {
    assert_opened_at_once(TestDatabase::postgres);
}

#[test]
fn eight_copies_open_an_empty_sqlite_file_at_once() {
    assert_opened_at_once(|| Some(TestDatabase::sqlite()));
}

fn assert_pending(url: &DatabaseUrl) {
    let options = DatabaseOptions { migrate_on_start: false, ..OPTIONS };
    let Some(OpenError::PendingMigrations(names)) = open(url, &options).err() else {
        panic!("{url} was opened, or refused for another reason")
    };
    let known = migrate(url, MigrationCommand::Status, PATIENCE).unwrap();
    assert_eq!(names, known.into_iter().map(|it| it.name).collect::<Vec<_>>());
    if *url != DatabaseUrl::SqliteMemory {
        migrate(url, MigrationCommand::Up, PATIENCE).unwrap();
        assert!(open(url, &options).is_ok());
    }
}

#[test]
fn a_database_without_its_migrations_is_refused_where_it_must_not_be_migrated() {
    assert_pending(&DatabaseUrl::SqliteMemory);
    assert_pending(&url(&TestDatabase::sqlite()));
    if let Some(database) = TestDatabase::postgres() {
        assert_pending(&url(&database));
    }
}

#[test]
fn a_postgres_database_that_does_not_keep_unicode_is_refused() {
    let Some(database) = TestDatabase::postgres() else { return };
    let name = database.psql("SELECT current_database()");
    let ascii = format!("{name}_ascii");
    let url = database.url().replacen(&name, &ascii, 1);
    database.psql(&format!(
        "CREATE DATABASE \"{ascii}\" ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    ));
    let result = open(&url.parse().unwrap(), &OPTIONS);
    database.psql(&format!("DROP DATABASE \"{ascii}\" WITH (FORCE)"));
    let error = result.err();
    assert!(matches!(&error, Some(OpenError::Encoding(name)) if name == "SQL_ASCII"), "{error:?}");
}

/// What is not ASCII is read, and of that what is folded otherwise now is written.
async fn assert_found_after_migration(database: &TestDatabase, user: UserId, fill: &str) {
    let url = url(database);
    migrate(&url, MigrationCommand::Up, PATIENCE).unwrap();
    migrate(&url, MigrationCommand::Down(1), PATIENCE).unwrap();
    execute(database, fill);
    let versions =
        || lines(database, "SELECT title || version || updated_at AS line FROM todos ORDER BY 1");
    let before = versions();

    let repository = open(&url, &OPTIONS).unwrap();
    for (text, expected) in
        [("caf\u{e9}", 2), ("CAFE\u{301}", 2), ("stra\u{df}e", 700), ("milk", 1)]
    {
        let filter = TodoFilter { search: SearchTerm::new(text).unwrap(), ..TodoFilter::default() };
        let counts = repository.count(user, filter.clone()).await.unwrap();
        assert_eq!(counts.total, expected, "{text}");
        let query = PageQuery { filter, sort: Sort::default(), after: None, limit: 1_000 };
        assert_eq!(repository.list(user, query).await.unwrap().len() as u64, expected, "{text}");
    }
    // It is no change of the todos.
    assert_eq!(versions(), before);
    // Again, it finds nothing to do.
    migrate(&url, MigrationCommand::Down(1), PATIENCE).unwrap();
    migrate(&url, MigrationCommand::Up, PATIENCE).unwrap();
    assert_eq!(versions(), before);
}

fn execute(database: &TestDatabase, sql: &str) {
    match database.url().strip_prefix("sqlite://") {
        Some(path) => SqliteConnection::establish(path).unwrap().batch_execute(sql).unwrap(),
        None => PgConnection::establish(database.url()).unwrap().batch_execute(sql).unwrap(),
    }
}

const TEXTS: [(&str, &str, usize); 4] = [
    ("Caf\u{e9}", "caf\u{e9}", 1),
    ("Stra\u{df}e", "strasse", 700),
    ("Cafe\u{301}", "cafe\u{301}", 1),
    ("Milk", "milk", 1),
];

#[tokio::test]
async fn old_todos_are_found_by_either_form_of_a_letter_in_postgres() {
    let Some(database) = TestDatabase::postgres() else { return };
    let user = UserId(Uuid::new_v4());
    let fill = TEXTS.map(|(text, folded, count)| {
        format!(
            "INSERT INTO todos SELECT '{user}', gen_random_uuid(), '{text}', '{text}', false, now(), now(), 1,
             '{folded}', '{folded}' FROM generate_series(1, {count});"
        )
    });
    assert_found_after_migration(&database, user, &fill.concat()).await;
}

#[tokio::test]
async fn old_todos_are_found_by_either_form_of_a_letter_in_sqlite() {
    let user = UserId(Uuid::new_v4());
    let blob = user.0.simple();
    let fill = TEXTS.map(|(text, folded, count)| {
        format!(
            "WITH RECURSIVE series (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {count})
             INSERT INTO todos SELECT x'{blob}', randomblob(16), '{text}', '{text}', false, 0, 0, 1,
             '{folded}', '{folded}' FROM series;"
        )
    });
    assert_found_after_migration(&TestDatabase::sqlite(), user, &fill.concat()).await;
}
