//! Backups: what is in them, and when none is made.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use todo_test_support::database::TestDatabase;

use super::{Place, create, titles};
use crate::support::run;

#[test]
fn a_backup_has_every_todo_that_was_acknowledged_before_it_began_while_others_write() {
    let place = Place::new();
    let server = place.serve("todos.db");
    let acknowledged = Mutex::new(Vec::new());
    let stop = AtomicBool::new(false);
    let before = thread::scope(|scope| {
        for writer in 0..4 {
            let (server, acknowledged, stop) = (&server, &acknowledged, &stop);
            scope.spawn(move || {
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let title = format!("{number} of {writer}");
                    create(server, &title);
                    acknowledged.lock().unwrap().push(title);
                }
            });
        }
        let mut before = Vec::new();
        for round in 0..3 {
            while acknowledged.lock().unwrap().len() < (round + 1) * 50 {
                thread::sleep(Duration::from_millis(1));
            }
            before.push(acknowledged.lock().unwrap().clone());
            let output = place.back_up("todos.db", &format!("backup-{round}.db"));
            assert!(output.succeeded().contains(" todos\n"), "{output:?}");
        }
        stop.store(true, Ordering::Relaxed);
        before
    });
    let all = titles(&server);
    assert_eq!(all.len(), acknowledged.lock().unwrap().len());
    for (round, before) in before.iter().enumerate() {
        let restored = format!("restored-{round}.db");
        place.restore(&restored, &format!("backup-{round}.db")).succeeded();
        let titles = place.titles(&restored);
        assert!(before.iter().all(|title| titles.binary_search(title).is_ok()));
        assert!(titles.iter().all(|title| all.binary_search(title).is_ok()));
    }
}

#[test]
fn a_backup_is_one_file_for_its_owner_only() {
    let place = Place::new();
    place.fill("todos.db", &["One", "Two"]);
    let server = place.serve("todos.db");
    let output = place.back_up("todos.db", "backup.db");
    assert!(output.succeeded().ends_with("/backup.db: 2 todos\n"), "{output:?}");
    let names = ["backup.db", "todos.db", "todos.db-shm", "todos.db-wal"];
    assert_eq!(place.files(), names);
    let mode = fs::metadata(place.path("backup.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Bytes 18 and 19 of the file say whether it needs a write-ahead log.
    assert_eq!(place.read("backup.db")[18..20], [1, 1]);
    drop(server);
    // The server was killed: its last writes are still in the write-ahead log.
    place.back_up("todos.db", "another.db").succeeded();
    assert_eq!(place.titles("another.db"), ["One", "Two"]);
}

#[test]
fn a_file_is_never_overwritten() {
    let place = Place::new();
    place.fill("todos.db", &["One"]);
    place.write("backup.db", b"yesterday's");
    place.back_up("todos.db", "backup.db").failed(1, &["backup.db", "already exists"]);
    assert_eq!(place.read("backup.db"), b"yesterday's");
    place.back_up("todos.db", "todos.db").failed(1, &["todos.db", "already exists"]);
}

#[test]
fn what_cannot_be_backed_up_is_reported_and_leaves_no_file() {
    let place = Place::new();
    place.back_up("absent.db", "backup.db").failed(1, &["absent.db", "does not exist"]);
    assert_eq!(place.files(), Vec::<String>::new());
    place.write("letter.txt", "Dear Bob, this is no database. ".repeat(99).as_bytes());
    place.back_up("letter.txt", "backup.db").failed(1, &["letter.txt", "not a database"]);
    place.sql("other.db", "CREATE TABLE other (id INTEGER)");
    place.back_up("other.db", "backup.db").failed(1, &["not a database of this program"]);
    place.fill("todos.db", &["One"]);
    place.back_up("todos.db", "absent/backup.db").failed(1, &["absent"]);
    assert!(!place.files().iter().any(|name| name.contains("backup")), "{:?}", place.files());
}

#[test]
fn postgres_and_memory_are_referred_to_their_own_tools() {
    for command in ["backup", "restore"] {
        run(&[command, "x.db"], &[("DATABASE_URL", "sqlite::memory:")]).failed(1, &["memory"]);
        let url = "postgres://me:geheim@localhost/todos";
        run(&[command, "x.db"], &[("DATABASE_URL", url)]).failed(1, &["pg_dump"]);
    }
    // Also if there is one that responds.
    let Some(database) = TestDatabase::postgres() else { return };
    run(&["backup", "x.db"], &[("DATABASE_URL", database.url())]).failed(1, &["pg_dump"]);
}
