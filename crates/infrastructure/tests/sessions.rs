//! Calls do not fail when Postgres sessions, or the prepared statements in them, become unusable.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is a failure")]

mod common;

use std::sync::Arc;

use chrono::DateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use futures_util::future::join_all;
use todo_domain::{
    BulkOutcome, DueBound, NewTodo, PageQuery, PutCondition, PutOutcome, RepositoryError, Sort,
    Title, TodoFilter, TodoId, TodoPatch, TodoRepository, UpdateOutcome, UserId, VersionMatch,
};
use todo_infrastructure::open;
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::common::OPTIONS;

const CLIENTS: u128 = 8;

/// The message of a Citus coordinator that cannot reach a worker.
const UNREACHABLE_WORKER: &str =
    "connection to the remote node worker:5432 failed with the following error: Connection refused";

fn repository(database: &TestDatabase) -> Arc<dyn TodoRepository> {
    open(&database.url().parse().unwrap(), &OPTIONS).unwrap()
}

fn todo(id: u128) -> NewTodo {
    let others = TodoPatch { is_completed: Some(false), ..TodoPatch::default() };
    NewTodo::new(TodoId(Uuid::from_u128(id)), Title::new("title").unwrap(), others)
}

fn first_page() -> PageQuery {
    PageQuery { filter: TodoFilter::default(), sort: Sort::default(), after: None, limit: 20 }
}

/// Runs a call of each kind for one user.
async fn call_everything(
    repository: &dyn TodoRepository,
    user: u128,
) -> Result<(), RepositoryError> {
    let (user, now) = (UserId(Uuid::from_u128(user)), DateTime::UNIX_EPOCH);
    let number = Uuid::now_v7().as_u128();
    let id = todo(number).id();
    repository.insert(user, todo(number), None, now).await?;
    assert!(repository.find(user, id).await?.is_some());
    assert!(!repository.list(user, first_page()).await?.todos.is_empty());
    let counts =
        repository.count(user, TodoFilter::default(), DueBound::before(now.into())).await?;
    assert!(counts.total > 0);
    assert_eq!(repository.tags(user).await?, []);
    let patch = TodoPatch { is_completed: Some(true), ..TodoPatch::default() };
    let outcome = repository.update(user, id, patch.clone(), VersionMatch::Any, now).await?;
    assert!(matches!(outcome, UpdateOutcome::Updated(todo) if todo.version == 2));
    let outcome = repository.put(user, todo(number), PutCondition::Always, None, now).await?;
    assert!(matches!(outcome, PutOutcome::Replaced(todo) if todo.version == 3));
    let all = TodoFilter::default;
    let changed = repository.update_matching(user, all(), patch, now).await?;
    assert_eq!(changed, BulkOutcome::Changed(1));
    repository.delete(user, id, VersionMatch::Any, now).await?;
    assert_eq!(repository.delete_matching(user, all(), now).await?, BulkOutcome::Changed(0));
    repository.ping().await
}

/// Runs calls of all kinds for several users at once.
async fn call_everything_at_once(repository: &dyn TodoRepository) {
    for result in join_all((1..=CLIENTS).map(|user| call_everything(repository, user))).await {
        result.unwrap();
    }
}

/// The process ids of the repository's sessions.
fn sessions(database: &TestDatabase) -> String {
    database.psql(
        "SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'todo-api'",
    )
}

#[tokio::test]
async fn a_migration_that_changes_what_statements_return_fails_no_call() {
    let Some(database) = TestDatabase::postgres() else { return };
    let repository = repository(&database);
    for change in ["varchar(300)", "text", "varchar"] {
        call_everything_at_once(&*repository).await;
        database.psql(&format!(
            "ALTER TABLE todos ALTER COLUMN title TYPE {change}, ALTER COLUMN description TYPE {change}"
        ));
        call_everything_at_once(&*repository).await;
        database.psql("ALTER TABLE todos ADD COLUMN IF NOT EXISTS colour text");
    }
}

/// As happens if a pooler is put in front of Postgres while the server runs.
#[tokio::test]
async fn the_statement_cache_is_disabled_when_prepared_statements_get_lost() {
    let Some(database) = TestDatabase::postgres() else { return };
    let repository = repository(&database);
    call_everything_at_once(&*repository).await;
    database.psql(
        "CREATE TABLE cached (statements bigint);
         CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO cached SELECT count(*) FROM pg_prepared_statements;
             EXECUTE 'DEALLOCATE ALL';
             RETURN NEW;
         END $$;
         CREATE TRIGGER lose BEFORE INSERT ON todos FOR EACH ROW EXECUTE FUNCTION lose()",
    );
    for _ in 0..4 {
        call_everything_at_once(&*repository).await;
    }
    assert!(database.psql("SELECT max(statements) FROM cached").parse::<u32>().unwrap() > 0);
    database.psql("TRUNCATE cached");
    call_everything_at_once(&*repository).await;
    assert_eq!(database.psql("SELECT max(statements) FROM cached"), "0");
}

#[tokio::test]
async fn an_unreachable_citus_worker_costs_no_session_and_no_retry() {
    let Some(database) = TestDatabase::postgres() else { return };
    let repository = repository(&database);
    call_everything_at_once(&*repository).await;
    database.psql(&format!(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM nextval('tries');
             RAISE EXCEPTION '{UNREACHABLE_WORKER}' USING ERRCODE = 'connection_failure';
         END $$;
         CREATE TRIGGER fail BEFORE INSERT ON todos FOR EACH ROW EXECUTE FUNCTION fail()"
    ));
    let before = sessions(&database);
    let user = UserId(Uuid::from_u128(1));
    for number in 1..=20 {
        let result = repository.insert(user, todo(number), None, DateTime::UNIX_EPOCH).await;
        let Err(RepositoryError::Unavailable(cause)) = result else { panic!("{result:?}") };
        assert!(cause.to_string().contains("remote node"), "{cause}");
        assert_eq!(database.psql("SELECT last_value FROM tries"), number.to_string());
    }
    // More sessions may have been opened.
    let after = sessions(&database);
    let lost = before.split(' ').find(|session| !after.split(' ').any(|it| it == *session));
    assert_eq!(lost, None, "{before} became {after}");
}

/// One partition is locked. Users of the other are served while users of the first wait.
#[tokio::test]
async fn users_of_one_partition_do_not_wait_for_another() {
    let Some(database) = TestDatabase::postgres() else { return };
    drop(repository(&database));
    database.psql(
        "ALTER TABLE todos RENAME TO whole;
         CREATE TABLE todos (LIKE whole INCLUDING ALL) PARTITION BY HASH (user_id);
         CREATE TABLE todos_0 PARTITION OF todos FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE todos_1 PARTITION OF todos FOR VALUES WITH (MODULUS 2, REMAINDER 1);
         DROP TABLE whole",
    );
    let repository = repository(&database);
    call_everything_at_once(&*repository).await;
    let mut owner = PgConnection::establish(database.url()).unwrap();
    owner.batch_execute("BEGIN; LOCK TABLE todos_0 IN ACCESS EXCLUSIVE MODE").unwrap();
    let is_in = |user: &u128, partition: &str| {
        let user = Uuid::from_u128(*user);
        let sql = format!(
            "SELECT satisfies_hash_partition('todos'::regclass, 2, {partition}, '{user}'::uuid)"
        );
        database.psql(&sql) == "t"
    };
    let (blocked, served): (Vec<u128>, Vec<u128>) = (1..=12).partition(|user| is_in(user, "0"));
    assert!(!blocked.is_empty() && served.iter().all(|user| is_in(user, "1")));

    let waiting = UserId(Uuid::from_u128(blocked[0]));
    let waits = repository.find(waiting, TodoId(Uuid::nil()));
    let others = async {
        for _ in 0..4 {
            let calls = served.iter().map(|user| call_everything(&*repository, *user));
            join_all(calls).await.into_iter().collect::<Result<Vec<_>, _>>().unwrap();
        }
        owner.batch_execute("ROLLBACK").unwrap();
    };
    let (waited, ()) = tokio::join!(waits, others);
    assert!(waited.unwrap().is_none());
}
