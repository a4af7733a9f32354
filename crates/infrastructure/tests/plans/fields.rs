//! The plans of pages by due time, of filters without an index of their own, and of tags.

use todo_test_support::database::TestDatabase;

use crate::LIMIT;
use crate::explain::{Explain, Postgres, Sqlite};
use crate::statements::{pages_by_due, scans};

/// Also of the part without due times. At the border of the due times that are before a moment, the rows of a day may be
/// read in vain, of which there are none here.
#[tokio::test]
async fn every_page_by_due_time_is_read_from_a_postgres_index_in_order() {
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    let parts = pages_by_due(&postgres.repository()).await;
    assert_eq!(parts.len(), 14, "{parts:#?}");
    for part in parts {
        for plan in postgres.plans(&part) {
            let context = format!("{}\n{plan}", part.text);
            let scan = plan.lines().find(|line| line.contains(" on todos")).unwrap();
            assert!(scan.contains(" using todos_by_due on "), "{context}");
            let rows = |end: &str| scan.contains(&format!("rows={LIMIT}{end}"));
            assert!(rows(" ") || rows(".00 "), "{context}");
            for word in ["Sort", "Seq Scan", "Bitmap", "Rows Removed"] {
                assert!(!plan.contains(word), "{word}: {context}");
            }
        }
    }
}

#[tokio::test]
async fn every_page_by_due_time_is_read_from_an_sqlite_index_in_order() {
    let sqlite = Sqlite::new(TestDatabase::sqlite());
    let parts = pages_by_due(&sqlite.repository()).await;
    assert_eq!(parts.len(), 14, "{parts:#?}");
    for part in parts {
        for plan in sqlite.plans(&part) {
            let context = format!("{}\n{plan}", part.text);
            assert!(
                plan.starts_with("SEARCH todos USING INDEX todos_by_due (user_id=?"),
                "{context}"
            );
            assert!(!plan.contains("TEMP B-TREE"), "{context}");
        }
    }
}

/// On Citus, a statement with the owner goes to one server.
#[tokio::test]
async fn whatever_the_filter_only_the_owners_rows_are_read_in_postgres() {
    let Some(database) = TestDatabase::postgres() else { return };
    let postgres = Postgres::new(database);
    for statement in scans(&postgres.repository()).await {
        for plan in postgres.plans_of_many_users(&statement) {
            let context = format!("{}\n{plan}", statement.text);
            assert!(!plan.contains("Seq Scan"), "{context}");
            let conditions = plan.lines().filter(|line| line.contains("Index Cond:"));
            for condition in conditions {
                assert!(condition.contains("(user_id = "), "{context}");
            }
        }
    }
}

#[tokio::test]
async fn whatever_the_filter_only_the_owners_rows_are_read_in_sqlite() {
    let sqlite = Sqlite::new(TestDatabase::sqlite());
    for statement in scans(&sqlite.repository()).await {
        for plan in sqlite.plans(&statement) {
            let of_tables = |line: &&str| line.starts_with("SEARCH") || line.starts_with("SCAN");
            for line in plan.lines().filter(of_tables) {
                assert!(line.contains("(user_id=?"), "{}\n{plan}", statement.text);
            }
        }
    }
}
