//! The plans of statements on owners' clocks and tombstones: of writes, of the change feed, of purges.

use todo_test_support::database::TestDatabase;

use crate::explain::{Explain, Postgres, Sqlite};
use crate::statements::{Statement, changes, clocks, purge, writes};
use crate::{LIMIT, assert_reads_by_key};

/// Also to set the owner's clock, to look for a tombstone, and to leave one.
#[tokio::test]
async fn every_write_in_postgres_uses_primary_keys() {
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    let statements = writes(&postgres.repository()).await;
    let is_ticking = |it: &&Statement| it.text.contains("WITH ticks");
    assert_eq!(statements.iter().filter(is_ticking).count(), 5, "{statements:#?}");
    for statement in statements {
        for plan in postgres.plans(&statement) {
            assert_reads_by_key(&statement, &plan);
            assert!(plan.contains("_pkey"), "{plan}");
        }
    }
}

#[tokio::test]
async fn every_write_in_sqlite_uses_primary_keys() {
    let sqlite = Sqlite::new(TestDatabase::sqlite());
    for statement in writes(&sqlite.repository()).await {
        for plan in sqlite.plans(&statement) {
            let is_keyed = |line: &str| {
                line.contains("USING PRIMARY KEY (user_id=?")
                    // The quota.
                    || line.contains("USING COVERING INDEX ") && line.ends_with("(user_id=?)")
            };
            assert!(plan.lines().all(is_keyed), "{}\n{plan}", statement.text);
        }
    }
}

#[tokio::test]
async fn clocks_are_looked_up_by_their_primary_key() {
    let sqlite = Sqlite::new(TestDatabase::sqlite());
    for statement in clocks(&sqlite.repository()).await {
        for plan in sqlite.plans(&statement) {
            assert_eq!(plan, "SEARCH user_clocks USING PRIMARY KEY (user_id=?)");
        }
    }
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    for statement in clocks(&postgres.repository()).await {
        for plan in postgres.plans(&statement) {
            assert_reads_by_key(&statement, &plan);
            assert!(plan.contains("user_clocks_pkey"), "{plan}");
        }
    }
}

#[tokio::test]
async fn a_page_of_changes_is_read_from_two_indexes_in_order() {
    const INDEXES: [&str; 2] = ["todos_by_update", "tombstones_by_deletion"];
    let sqlite = Sqlite::new(TestDatabase::sqlite());
    let pages = changes(&sqlite.repository()).await;
    assert_eq!(pages.len(), 2);
    for (page, index) in pages.iter().zip(INDEXES) {
        for plan in sqlite.plans(page) {
            let rest = plan.split_once(&format!(" INDEX {index} (user_id=? AND (")).unwrap().1;
            assert!(rest.contains(",id)>(?,?))") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    let pages = changes(&postgres.repository()).await;
    assert_eq!(pages.len(), 2);
    for (page, index) in pages.iter().zip(INDEXES) {
        for plan in postgres.plans(page) {
            assert_reads_by_key(page, &plan);
            let scan = plan.lines().find(|line| line.contains(index)).unwrap();
            assert!(scan.contains("Index Scan using "), "{plan}");
            assert!(scan.contains(&format!("rows={LIMIT}")), "{plan}");
            assert!(plan.contains(" AND (ROW("), "{plan}");
        }
    }
}

/// However many tombstones stay.
#[tokio::test]
async fn a_step_of_a_purge_reads_only_what_it_removes() {
    let sqlite = Sqlite::new(TestDatabase::sqlite());
    let [owners, tombstones] = &purge(&sqlite.repository()).await[..] else { panic!() };
    for plan in sqlite.plans(owners) {
        assert_eq!(plan, "SEARCH user_clocks USING PRIMARY KEY (user_id>?)");
    }
    for plan in sqlite.plans(tombstones) {
        let expected = "SEARCH tombstones USING COVERING INDEX tombstones_by_deletion (user_id=? AND deleted_at<?)";
        assert_eq!(plan, expected);
    }
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    let [owners, tombstones] = &purge(&postgres.repository()).await[..] else { panic!() };
    // The generic plans, which the sessions use. A custom one may scan a table as small as this.
    for (statement, index) in [(owners, "user_clocks_pkey"), (tombstones, "tombstones_by_deletion")]
    {
        let [_, plan] = postgres.plans(statement);
        assert_reads_by_key(statement, &plan);
        assert!(plan.contains(&format!("using {index} on ")), "{plan}");
        assert!(!plan.contains("Filter"), "{plan}");
    }
}
