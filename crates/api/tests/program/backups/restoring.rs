//! Restoring: what is refused, and what is kept.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use todo_test_support::clients::http::HANG_TIMEOUT;
use todo_test_support::server::Server;

use super::{Place, client, create, titles};

#[test]
fn a_database_is_only_replaced_if_asked_to_and_kept() {
    let place = Place::new();
    place.fill("todos.db", &["Old"]);
    place.back_up("todos.db", "backup.db").succeeded();
    place.fill("todos.db", &["New"]);
    fs::set_permissions(place.path("todos.db"), fs::Permissions::from_mode(0o640)).unwrap();
    place.restore("todos.db", "backup.db").failed(1, &["todos.db", "already exists", "--force"]);
    assert_eq!(place.titles("todos.db"), ["New", "Old"]);

    let force = ["restore", "--force"];
    let output = place.run(&force, "todos.db", "backup.db");
    assert!(output.succeeded().contains("1 todo\n"), "{output:?}");
    assert!(output.succeeded().ends_with("todos.db.old-1\n"), "{output:?}");
    let mode = fs::metadata(place.path("todos.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(place.titles("todos.db"), ["Old"]);
    // Another replaced database does not overwrite the first.
    place.run(&force, "todos.db", "todos.db.old-1").succeeded();
    assert_eq!(place.titles("todos.db"), ["New", "Old"]);
    assert_eq!(place.titles("todos.db.old-2"), ["Old"]);
    assert_eq!(place.titles("todos.db.old-1"), ["New", "Old"]);
}

#[test]
fn a_database_that_a_server_uses_is_not_replaced() {
    let place = Place::new();
    place.fill("todos.db", &["Old"]);
    place.back_up("todos.db", "backup.db").succeeded();
    let server = place.serve("todos.db");
    create(&server, "New");
    let force = ["restore", "--force"];
    place.run(&force, "todos.db", "backup.db").failed(1, &["todos.db", "in use"]);
    create(&server, "Newer");
    assert_eq!(titles(&server), ["New", "Newer", "Old"]);
    assert!(!place.files().iter().any(|it| it.contains("old") || it.contains("partial")));
    server.terminate();
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
    place.run(&force, "todos.db", "backup.db").succeeded();
    assert_eq!(place.titles("todos.db"), ["Old"]);
    assert_eq!(place.titles("todos.db.old-1"), ["New", "Newer", "Old"]);
}

#[test]
fn the_last_writes_of_a_killed_server_are_kept_with_the_replaced_database() {
    let place = Place::new();
    place.fill("todos.db", &["Old"]);
    place.back_up("todos.db", "backup.db").succeeded();
    // `fill` kills its server, so this is only in the write-ahead log.
    place.fill("todos.db", &["New"]);
    assert!(place.files().contains(&"todos.db-wal".to_owned()));
    place.run(&["restore", "--force"], "todos.db", "backup.db").succeeded();
    assert_eq!(place.titles("todos.db"), ["Old"]);
    assert_eq!(place.titles("todos.db.old-1"), ["New", "Old"]);
}

#[test]
fn a_damaged_or_foreign_backup_is_refused_and_the_database_stays() {
    let place = Place::new();
    place.fill("todos.db", &["One"]);
    place.sql("todos.db", "CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000) SELECT i, hex(randomblob(20)) AS text FROM n; CREATE INDEX filler_text ON filler (text)");
    place.back_up("todos.db", "backup.db").succeeded();
    let backup = place.read("backup.db");
    let restore = |expected: &[&str]| {
        place.run(&["restore", "--force"], "todos.db", "bad.db").failed(1, expected);
        assert_eq!(place.titles("todos.db"), ["One"]);
        assert!(!place.files().iter().any(|it| it.contains("old") || it.contains("partial")));
    };
    restore(&["bad.db", "does not exist"]);
    let middle = backup.len() / 2;
    place.write("bad.db", &[&backup[..middle], &[0xA5; 64], &backup[middle + 64..]].concat());
    restore(&["bad.db", "damaged"]);
    place.write("bad.db", &backup[..middle]);
    restore(&["bad.db", "damaged"]);
    place.write("bad.db", b"Dear Bob, this is no database.");
    restore(&["bad.db", "damaged"]);
    place.write("bad.db", b"");
    restore(&["bad.db", "not a database of this program"]);
    place.write("bad.db", &backup);
    place.sql("bad.db", "INSERT INTO __diesel_schema_migrations VALUES ('29990101000000', 0)");
    restore(&["bad.db", "later version", "29990101000000"]);
    // Part of this one is in a file that is not restored with it.
    place.write("bad.db", &backup);
    place.write("bad.db-wal", b"the latest writes");
    restore(&["bad.db-wal", "not closed"]);
    place.run(&["restore", "--force"], "todos.db", "todos.db").failed(1, &["the database itself"]);
}

#[test]
fn a_link_to_the_database_stays_a_link() {
    let place = Place::new();
    place.fill("real.db", &["One"]);
    place.back_up("real.db", "backup.db").succeeded();
    std::os::unix::fs::symlink("real.db", place.path("todos.db")).unwrap();
    place.run(&["restore", "--force"], "todos.db", "backup.db").succeeded();
    assert!(place.path("todos.db").is_symlink());
    assert!(place.path("real.db.old-1").exists());
    assert_eq!(place.titles("real.db"), ["One"]);
}

#[test]
fn a_backup_of_an_earlier_version_is_migrated_by_the_next_server() {
    let place = Place::new();
    place.fill("todos.db", &["One"]);
    place.back_up("todos.db", "backup.db").succeeded();
    place.run(&["migrate"], "backup.db", "down").failed(2, &[]);
    let settings = [("DATABASE_URL", &*place.url("backup.db"))];
    crate::support::run(&["migrate", "down"], &settings).succeeded();
    let output = place.restore("restored.db", "backup.db");
    assert!(output.succeeded().contains("1 todo, pending migrations: 20"), "{output:?}");
    assert_eq!(place.titles("restored.db"), ["One"]);
}

#[test]
fn a_journal_that_would_change_the_restored_database_is_refused() {
    let place = Place::new();
    place.fill("todos.db", &["One"]);
    place.back_up("todos.db", "backup.db").succeeded();
    place.fill("todos.db", &["Two"]);
    fs::remove_file(place.path("todos.db")).unwrap();
    place.restore("todos.db", "backup.db").failed(1, &["todos.db-wal", "not closed"]);
    assert!(!place.path("todos.db").exists());
}

/// The client may have seen changes that the backup lacks.
#[test]
fn after_a_restore_a_client_has_to_synchronize_anew() {
    let changes = |server: &Server, since: &str| {
        client(server).get(&format!("/api/v1/todos/changes{since}")).unwrap()
    };
    let place = Place::new();
    place.fill("todos.db", &["Old"]);
    place.back_up("todos.db", "backup.db").succeeded();
    let server = place.serve("todos.db");
    let next = changes(&server, "").json()["next"].as_str().unwrap().to_owned();
    let since = format!("?since={next}");
    assert_eq!(changes(&server, &since).status, 200);
    server.terminate();
    assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
    place.run(&["restore", "--force"], "todos.db", "backup.db").succeeded();
    let server = place.serve("todos.db");
    let expired = changes(&server, &since);
    assert_eq!(expired.json()["error_code"], "SYNC_TOKEN_EXPIRED");
    let whole = changes(&server, "").json();
    assert_eq!(whole["items"].as_array().unwrap().len(), 1);
}
