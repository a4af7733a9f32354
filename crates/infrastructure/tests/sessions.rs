//! What happens to the sessions of Postgres, and to what is prepared in them, is noticed by no call.

#![expect(clippy::unwrap_used, reason = "what fails here is a test")]

mod common;

use std::sync::Arc;

use chrono::DateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use futures_util::future::join_all;
use todo_domain::{
    BulkOutcome, NewTodo, PageQuery, PutCondition, PutOutcome, RepositoryError, Sort, Title,
    TodoFilter, TodoId, TodoPatch, TodoRepository, UpdateOutcome, UserId, VersionMatch,
};
use todo_infrastructure::open;
use todo_test_support::database::TestDatabase;
use uuid::Uuid;

use crate::common::OPTIONS;

const CLIENTS: u128 = 8;

/// What a worker of Citus that is away has the coordinator say.
const REMOTE: &str =
    "connection to the remote node worker:5432 failed with the following error: Connection refused";

fn repository(database: &TestDatabase) -> Arc<dyn TodoRepository> {
    open(&database.url().parse().unwrap(), &OPTIONS).unwrap()
}

fn todo(id: u128) -> NewTodo {
    NewTodo {
        id: TodoId(Uuid::from_u128(id)),
        title: Title::new("title").unwrap(),
        description: None,
        is_completed: false,
    }
}

fn pages() -> PageQuery {
    PageQuery { filter: TodoFilter::default(), sort: Sort::default(), after: None, limit: 20 }
}

/// A call of each kind, as a user of one's own.
async fn call_everything(
    repository: &dyn TodoRepository,
    user: u128,
) -> Result<(), RepositoryError> {
    let (user, now) = (UserId(Uuid::from_u128(user)), DateTime::UNIX_EPOCH);
    let made = Uuid::now_v7().as_u128();
    let id = repository.insert(user, todo(made), now).await?.id;
    assert!(repository.find(user, id).await?.is_some());
    assert!(!repository.list(user, pages()).await?.is_empty());
    assert!(repository.count(user, TodoFilter::default()).await?.total > 0);
    let patch = TodoPatch { is_completed: Some(true), ..TodoPatch::default() };
    let outcome = repository.update(user, id, patch, VersionMatch::Any, now).await?;
    assert!(matches!(outcome, UpdateOutcome::Updated(todo) if todo.version == 2));
    let outcome = repository.put(user, todo(made), PutCondition::Always, now).await?;
    assert!(matches!(outcome, PutOutcome::Replaced(todo) if todo.version == 3));
    let all = TodoFilter::default;
    let changed = repository.update_matching(user, all(), true, now).await?;
    assert_eq!(changed, BulkOutcome::Changed(1));
    repository.delete(user, id, VersionMatch::Any).await?;
    assert_eq!(repository.delete_matching(user, all()).await?, BulkOutcome::Changed(0));
    repository.ping().await
}

async fn calls_of_all_kinds(repository: &dyn TodoRepository) {
    for result in join_all((1..=CLIENTS).map(|user| call_everything(repository, user))).await {
        result.unwrap();
    }
}

/// The sessions of the repository.
fn sessions(database: &TestDatabase) -> String {
    database.psql(
        "SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'todo-api'",
    )
}

#[tokio::test]
async fn a_migration_that_changes_what_statements_return_is_noticed_by_no_call() {
    let Some(database) = TestDatabase::postgres() else { return };
    let repository = repository(&database);
    for change in ["varchar(300)", "text", "varchar"] {
        calls_of_all_kinds(&*repository).await;
        database.psql(&format!(
            "ALTER TABLE todos ALTER COLUMN title TYPE {change}, ALTER COLUMN description TYPE {change}"
        ));
        calls_of_all_kinds(&*repository).await;
        database.psql("ALTER TABLE todos ADD COLUMN IF NOT EXISTS colour text");
    }
}

/// As a pooler loses them that has come between the server and Postgres since the start.
#[tokio::test]
async fn prepared_statements_that_get_lost_are_kept_no_longer() {
    let Some(database) = TestDatabase::postgres() else { return };
    let repository = repository(&database);
    calls_of_all_kinds(&*repository).await;
    database.psql(
        "CREATE TABLE kept (statements bigint);
         CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO kept SELECT count(*) FROM pg_prepared_statements;
             EXECUTE 'DEALLOCATE ALL';
             RETURN NEW;
         END $$;
         CREATE TRIGGER lose BEFORE INSERT ON todos FOR EACH ROW EXECUTE FUNCTION lose()",
    );
    for _ in 0..4 {
        calls_of_all_kinds(&*repository).await;
    }
    assert!(database.psql("SELECT max(statements) FROM kept").parse::<u32>().unwrap() > 0);
    database.psql("TRUNCATE kept");
    calls_of_all_kinds(&*repository).await;
    assert_eq!(database.psql("SELECT max(statements) FROM kept"), "0");
}

#[tokio::test]
async fn a_worker_that_the_database_cannot_reach_costs_no_session_and_no_second_try() {
    let Some(database) = TestDatabase::postgres() else { return };
    let repository = repository(&database);
    calls_of_all_kinds(&*repository).await;
    database.psql(&format!(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM nextval('tries');
             RAISE EXCEPTION '{REMOTE}' USING ERRCODE = 'connection_failure';
         END $$;
         CREATE TRIGGER fail BEFORE INSERT ON todos FOR EACH ROW EXECUTE FUNCTION fail()"
    ));
    let before = sessions(&database);
    let user = UserId(Uuid::from_u128(1));
    for number in 1..=20 {
        let result = repository.insert(user, todo(number), DateTime::UNIX_EPOCH).await;
        let Err(RepositoryError::Unavailable(cause)) = result else { panic!("{result:?}") };
        assert!(cause.to_string().contains("remote node"), "{cause}");
        assert_eq!(database.psql("SELECT last_value FROM tries"), number.to_string());
    }
    // Others may have been opened.
    let after = sessions(&database);
    let lost = before.split(' ').find(|session| !after.split(' ').any(|it| it == *session));
    assert_eq!(lost, None, "{before} became {after}");
}

/// One partition is locked: the users of the other are served, also while others wait.
#[tokio::test]
async fn the_users_of_one_partition_do_not_wait_for_another() {
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
    calls_of_all_kinds(&*repository).await;
    let mut owner = PgConnection::establish(database.url()).unwrap();
    owner.batch_execute("BEGIN; LOCK TABLE todos_0 IN ACCESS EXCLUSIVE MODE").unwrap();
    let is_in = |user: &u128, partition: &str| {
        let user = Uuid::from_u128(*user);
        let sql = format!(
            "SELECT satisfies_hash_partition('todos'::regclass, 2, {partition}, '{user}'::uuid)"
        );
        database.psql(&sql) == "t"
    };
    let (locked, served): (Vec<u128>, Vec<u128>) = (1..=12).partition(|user| is_in(user, "0"));
    assert!(!locked.is_empty() && served.iter().all(|user| is_in(user, "1")));

    let waiting = UserId(Uuid::from_u128(locked[0]));
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
