//! The query plans: each page of each list is read by one index seek, however deep it is; nothing is sorted, and no more
//! rows are read than returned.
//!
//! The tests explain the statements that the adapters send, in a database in which one user has 20,000 todos, and others
//! have a few.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is a failure")]

mod capture;
mod clocks;
#[path = "../common/mod.rs"]
mod common;
mod explain;
mod fields;
mod statements;

use todo_test_support::database::TestDatabase;

use crate::explain::{Explain, Postgres, Sqlite};
use crate::statements::{
    Statement, batched_finds, batched_pages, counts, many_of_ids, of_one_todo, pages, pages_of_ids,
};

/// The limit of the pages.
const LIMIT: u32 = 51;

/// Makes a database look as if the Citus extension were installed.
const CITUS: &str = "
    INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    VALUES (99999, 'citus', 10, 11, false, '13.0')";

/// The index that serves a page.
fn index_of(page: &Statement) -> String {
    let text = page.text.replace(['"', '`'], "");
    let order = text.split_once("ORDER BY todos.").unwrap().1;
    let key = match order.split_once(' ').unwrap().0 {
        "created_at" => "creation",
        "updated_at" => "update",
        "due_at" => "due",
        "priority" => "priority",
        "title_folded" => "title",
        key => panic!("{key}"),
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
        // Custom and generic plans.
        for plan in postgres.plans(&page) {
            let context = format!("{}\n{plan}", page.text);
            let plan = without_clock(&plan);
            let scan = plan.lines().find(|line| line.contains(" Scan")).unwrap();
            assert!(scan.contains("Index Scan "), "{context}");
            assert!(scan.contains(&format!(" using {index} on ")), "{context}");
            // Postgres 18 says `51.00`.
            let rows = |end: &str| scan.contains(&format!("rows={LIMIT}{end}"));
            assert!(rows(" ") || rows(".00 "), "{context}");
            for word in ["Sort", "Seq Scan", "Bitmap", "Filter: (", "Rows Removed"] {
                assert!(!plan.contains(word), "{word}: {context}");
            }
            let mut of_todos = plan.lines().skip_while(|line| !line.contains(" on todos"));
            let condition = of_todos.find(|line| line.contains("Index Cond:")).unwrap();
            assert_eq!(condition.contains("ROW("), page.is_deep, "{context}");
            assert_eq!(condition.contains("is_completed"), page.is_filtered, "{context}");
        }
    }
}

#[tokio::test]
async fn postgres_sessions_use_generic_plans() {
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    assert_eq!(postgres.plan_cache_mode().await, "force_generic_plan");
}

#[tokio::test]
async fn the_plan_mode_is_unchanged_on_citus() {
    let Some(database) = TestDatabase::postgres() else { return };
    database.psql(CITUS);
    assert_eq!(Postgres::new(database).plan_cache_mode().await, "auto");
}

/// One index scan for each call of the batch.
#[tokio::test]
async fn batched_pages_are_read_from_a_postgres_index_in_order() {
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    for page in batched_pages(&postgres.repository()).await {
        let index = index_of(&page);
        for plan in postgres.plans(&page) {
            let context = format!("{}\n{plan}", page.text);
            assert!(plan.starts_with("Nested Loop"), "{context}");
            let plan = without_clock(&plan);
            let scans: Vec<_> = plan.lines().filter(|line| line.contains(" Scan ")).collect();
            let [wanted, scan] = scans[..] else { panic!("{context}") };
            assert!(wanted.contains("Function Scan on "), "{context}");
            assert!(
                scan.contains(&format!("Index Scan using {index} on "))
                    || scan.contains(&format!("Index Scan Backward using {index} on ")),
                "{context}"
            );
            assert!(scan.contains(" loops=6"), "{context}");
            for word in ["Sort", "Seq Scan", "Bitmap", "Gather", "Filter: (", "Rows Removed"] {
                assert!(!plan.contains(word), "{word}: {context}");
            }
            let mut of_todos = plan.lines().skip_while(|line| !line.contains(" on todos"));
            let condition = of_todos.find(|line| line.contains("Index Cond:")).unwrap();
            assert_eq!(condition.contains("is_completed"), page.is_filtered, "{context}");
        }
    }
}

#[tokio::test]
async fn batched_finds_in_postgres_use_the_primary_key() {
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    let statement = batched_finds(&postgres.repository()).await;
    for plan in postgres.plans(&statement) {
        let context = format!("{}\n{plan}", statement.text);
        assert!(plan.starts_with("Nested Loop"), "{context}");
        assert!(plan.contains("Index Scan using todos_pkey on todos"), "{context}");
        assert!(
            plan.contains("Index Cond: ((user_id = wanted.user_id) AND (id = wanted.id))"),
            "{context}"
        );
        assert!(!plan.contains("Seq Scan"), "{context}");
    }
}

#[tokio::test]
async fn calls_are_not_batched_on_citus() {
    let Some(database) = TestDatabase::postgres() else { return };
    database.psql(CITUS);
    let postgres = Postgres::new(database);
    let statement = batched_finds(&postgres.repository()).await;
    assert!(!statement.text.contains("unnest"), "{}", statement.text);
}

#[tokio::test]
async fn every_page_is_read_from_an_sqlite_index_in_order() {
    let sqlite = Sqlite::new(TestDatabase::sqlite());
    for page in pages(&sqlite.repository()).await {
        let index = index_of(&page);
        // Without statistics, as usual, and with them.
        for plan in sqlite.plans(&page) {
            let context = format!("{}\n{plan}", page.text);
            let [plan, clock] = [0, 2].map(|line| plan.lines().nth(line).unwrap());
            assert_eq!(clock, "SEARCH user_clocks USING PRIMARY KEY (user_id=?)", "{context}");
            let start = format!("SEARCH todos USING INDEX {index} (user_id=?");
            assert!(plan.starts_with(&start), "{context}");
            assert!(!plan.contains("TEMP B-TREE"), "{context}");
            assert_eq!(plan.contains(",id)"), page.is_deep, "{context}");
            assert_eq!(plan.contains("is_completed=?"), page.is_filtered, "{context}");
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

/// The plan without the look-up of the owner's clock, which must be by its primary key.
fn without_clock(plan: &str) -> String {
    let (clock, others): (Vec<_>, Vec<_>) =
        plan.lines().partition(|line| line.contains("user_clocks") || line.contains("changed_at"));
    assert!(clock[0].contains("Index Scan using user_clocks_pkey on user_clocks"), "{plan}");
    others.join("\n")
}

/// Rows are read only by keys that begin with the owner, and none is read in vain.
fn assert_reads_by_key(statement: &Statement, plan: &str) {
    let context = format!("{}\n{plan}", statement.text);
    for word in ["Seq Scan", "Sort", "Rows Removed", "Gather"] {
        assert!(!plan.contains(word), "{word}: {context}");
    }
    for condition in plan.lines().filter(|line| line.contains("Index Cond:")) {
        assert!(
            condition.contains("Cond: (user_id ") || condition.contains("((user_id "),
            "{context}"
        );
    }
}

#[tokio::test]
async fn postgres_uses_the_primary_key_for_one_todo() {
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    for statement in of_one_todo(&postgres.repository()).await {
        for plan in postgres.plans(&statement) {
            assert_reads_by_key(&statement, &plan);
            assert!(plan.contains("using todos_pkey on todos"), "{plan}");
            assert!(plan.contains(" AND (id = "), "{plan}");
        }
    }
}

#[tokio::test]
async fn sqlite_uses_the_primary_key_for_one_todo() {
    let sqlite = Sqlite::new(TestDatabase::sqlite());
    for statement in of_one_todo(&sqlite.repository()).await {
        for plan in sqlite.plans(&statement) {
            assert_eq!(plan, "SEARCH todos USING PRIMARY KEY (user_id=? AND id=?)");
        }
    }
}

/// However many todos the user has.
#[tokio::test]
async fn postgres_uses_the_primary_key_for_a_filter_by_id() {
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    let repository = postgres.repository();
    let mut statements = pages_of_ids(&repository).await;
    statements.extend(many_of_ids(&repository).await);
    for statement in statements {
        for plan in postgres.plans(&statement) {
            let context = format!("{}\n{plan}", statement.text);
            assert!(plan.contains("todos_pkey"), "{context}");
            assert!(plan.contains("AND (id = ANY ("), "{context}");
            assert!(!plan.contains("Seq Scan") && !plan.contains("Rows Removed"), "{context}");
        }
    }
}

#[tokio::test]
async fn sqlite_uses_the_primary_key_for_a_filter_by_id() {
    let sqlite = Sqlite::new(TestDatabase::sqlite());
    let repository = sqlite.repository();
    let mut statements = pages_of_ids(&repository).await;
    statements.extend(many_of_ids(&repository).await);
    for statement in statements {
        for plan in sqlite.plans(&statement) {
            let context = format!("{}\n{plan}", statement.text);
            let first = plan.lines().find(|line| line.contains(" todos ")).unwrap();
            assert_eq!(first, "SEARCH todos USING PRIMARY KEY (user_id=? AND id=?)", "{context}");
        }
    }
}
