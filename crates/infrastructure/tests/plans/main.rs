//! The query plans: each page of each list is one descent into one index, however deep it lies; nothing is
//! sorted, and no more rows are read than are shown.
//!
//! What is explained are the statements that the adapters send, on a database in which one user has 20,000
//! todos and others a few.

#![expect(clippy::unwrap_used, reason = "what fails here is a test")]

mod capture;
#[path = "../common/mod.rs"]
mod common;
mod explain;
mod statements;

use todo_test_support::database::TestDatabase;

use crate::explain::{Explain, Postgres, Sqlite};
use crate::statements::{
    Statement, counts, many_of_ids, of_one_todo, pages, pages_of_ids, shared_finds, shared_pages,
};

/// The rows that pages ask for.
const LIMIT: u32 = 51;

/// Has a database look like one with the extension.
const CITUS: &str = "
    INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    VALUES (99999, 'citus', 10, 11, false, '13.0')";

/// The index that serves a page.
fn index_of(page: &Statement) -> String {
    let key = if page.text.contains("ORDER BY \"todos\".\"updated_at\"")
        || page.text.contains("ORDER BY `todos`.`updated_at`")
    {
        "update"
    } else {
        "creation"
    };
    let completion = if page.is_filtered { "completion_and_" } else { "" };
    format!("todos_by_{completion}{key}")
}

#[tokio::test]
async fn every_page_is_read_from_a_postgres_index_in_order() {
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    for page in pages(&postgres.repository()).await {
        let index = index_of(&page);
        // As it is planned at first for each call's values, and later once and for all.
        for plan in postgres.plans(&page) {
            let told = format!("{}\n{plan}", page.text);
            let scan = plan.lines().find(|line| line.contains(" Scan")).unwrap();
            assert!(scan.contains("Index Scan "), "{told}");
            assert!(scan.contains(&format!(" using {index} on ")), "{told}");
            // Postgres 18 says `51.00`.
            let rows = |end: &str| scan.contains(&format!("rows={LIMIT}{end}"));
            assert!(rows(" ") || rows(".00 "), "{told}");
            for word in ["Sort", "Seq Scan", "Bitmap", "Filter: (", "Rows Removed"] {
                assert!(!plan.contains(word), "{word}: {told}");
            }
            let condition = plan.lines().find(|line| line.contains("Index Cond:")).unwrap();
            assert_eq!(condition.contains("ROW("), page.is_deep, "{told}");
            assert_eq!(condition.contains("is_completed"), page.is_filtered, "{told}");
        }
    }
}

#[tokio::test]
async fn postgres_plans_each_statement_once() {
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    assert_eq!(postgres.mode_of_sessions().await, "force_generic_plan");
}

#[tokio::test]
async fn citus_plans_as_it_likes() {
    let Some(database) = TestDatabase::postgres() else { return };
    database.psql(CITUS);
    assert_eq!(Postgres::new(database).mode_of_sessions().await, "auto");
}

/// One scan of the index for each of the callers.
#[tokio::test]
async fn pages_that_share_a_statement_are_read_from_a_postgres_index_in_order() {
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    for page in shared_pages(&postgres.repository()).await {
        let index = index_of(&page);
        for plan in postgres.plans(&page) {
            let told = format!("{}\n{plan}", page.text);
            assert!(plan.starts_with("Nested Loop"), "{told}");
            let scans: Vec<_> = plan.lines().filter(|line| line.contains(" Scan ")).collect();
            let [wanted, scan] = scans[..] else { panic!("{told}") };
            assert!(wanted.contains("Function Scan on "), "{told}");
            assert!(
                scan.contains(&format!("Index Scan using {index} on "))
                    || scan.contains(&format!("Index Scan Backward using {index} on ")),
                "{told}"
            );
            assert!(scan.contains(" loops=6"), "{told}");
            for word in ["Sort", "Seq Scan", "Bitmap", "Gather", "Filter: (", "Rows Removed"] {
                assert!(!plan.contains(word), "{word}: {told}");
            }
            let condition = plan.lines().find(|line| line.contains("Index Cond:")).unwrap();
            assert_eq!(condition.contains("is_completed"), page.is_filtered, "{told}");
        }
    }
}

#[tokio::test]
async fn todos_found_by_one_postgres_statement_are_reached_by_their_keys() {
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    let statement = shared_finds(&postgres.repository()).await;
    for plan in postgres.plans(&statement) {
        let told = format!("{}\n{plan}", statement.text);
        assert!(plan.starts_with("Nested Loop"), "{told}");
        assert!(plan.contains("Index Scan using todos_pkey on todos"), "{told}");
        assert!(
            plan.contains("Index Cond: ((user_id = wanted.user_id) AND (id = wanted.id))"),
            "{told}"
        );
        assert!(!plan.contains("Seq Scan"), "{told}");
    }
}

#[tokio::test]
async fn citus_gets_a_statement_for_each_call() {
    let Some(database) = TestDatabase::postgres() else { return };
    database.psql(CITUS);
    let postgres = Postgres::new(database);
    let statement = shared_finds(&postgres.repository()).await;
    assert!(!statement.text.contains("unnest"), "{}", statement.text);
}

#[tokio::test]
async fn every_page_is_read_from_an_sqlite_index_in_order() {
    let sqlite = Sqlite::new(TestDatabase::sqlite());
    for page in pages(&sqlite.repository()).await {
        let index = index_of(&page);
        // Without statistics, as usual, and with them.
        for plan in sqlite.plans(&page) {
            let told = format!("{}\n{plan}", page.text);
            assert_eq!(plan.lines().count(), 1, "{told}");
            let start = format!("SEARCH todos USING INDEX {index} (user_id=?");
            assert!(plan.starts_with(&start), "{told}");
            assert!(!plan.contains("TEMP B-TREE"), "{told}");
            assert_eq!(plan.contains(",id)"), page.is_deep, "{told}");
            assert_eq!(plan.contains("is_completed=?"), page.is_filtered, "{told}");
        }
    }
}

#[tokio::test]
async fn postgres_counts_without_reading_the_table() {
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    let statement = counts(&postgres.repository()).await;
    for plan in postgres.plans(&statement) {
        assert!(plan.contains("Index Only Scan using "), "{plan}");
        assert!(plan.contains("Heap Fetches: 0"), "{plan}");
        assert!(plan.contains("Index Cond: (user_id = "), "{plan}");
    }
}

#[tokio::test]
async fn sqlite_counts_without_reading_the_table() {
    let sqlite = Sqlite::new(TestDatabase::sqlite());
    let statement = counts(&sqlite.repository()).await;
    for plan in sqlite.plans(&statement) {
        assert!(plan.starts_with("SEARCH todos USING COVERING INDEX "), "{plan}");
        assert!(plan.ends_with("(user_id=?)"), "{plan}");
    }
}

#[tokio::test]
async fn postgres_reaches_one_todo_by_its_key() {
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    for statement in of_one_todo(&postgres.repository()).await {
        for plan in postgres.plans(&statement) {
            assert!(plan.contains("Index Scan using todos_pkey on todos"), "{plan}");
            assert!(plan.contains("Index Cond: ((user_id = "), "{plan}");
            assert!(plan.contains(" AND (id = "), "{plan}");
        }
    }
}

#[tokio::test]
async fn sqlite_reaches_one_todo_by_its_key() {
    let sqlite = Sqlite::new(TestDatabase::sqlite());
    for statement in of_one_todo(&sqlite.repository()).await {
        for plan in sqlite.plans(&statement) {
            assert_eq!(plan, "SEARCH todos USING PRIMARY KEY (user_id=? AND id=?)");
        }
    }
}

/// However many todos the user has besides.
#[tokio::test]
async fn postgres_reaches_todos_of_some_ids_by_their_keys() {
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    let repository = postgres.repository();
    let mut statements = pages_of_ids(&repository).await;
    statements.extend(many_of_ids(&repository).await);
    for statement in statements {
        for plan in postgres.plans(&statement) {
            let told = format!("{}\n{plan}", statement.text);
            assert!(plan.contains("todos_pkey"), "{told}");
            assert!(plan.contains("AND (id = ANY ("), "{told}");
            assert!(!plan.contains("Seq Scan") && !plan.contains("Rows Removed"), "{told}");
        }
    }
}

#[tokio::test]
async fn sqlite_reaches_todos_of_some_ids_by_their_keys() {
    let sqlite = Sqlite::new(TestDatabase::sqlite());
    let repository = sqlite.repository();
    let mut statements = pages_of_ids(&repository).await;
    statements.extend(many_of_ids(&repository).await);
    for statement in statements {
        for plan in sqlite.plans(&statement) {
            let told = format!("{}\n{plan}", statement.text);
            assert!(
                plan.starts_with("SEARCH todos USING PRIMARY KEY (user_id=? AND id=?)"),
                "{told}"
            );
        }
    }
}
