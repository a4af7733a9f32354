//! Commands that are killed halfway: what is there afterwards is usable.

use super::{Place, create, titles};
use crate::support::{PROGRAM, shell};

/// Enough that copying and verifying them takes longer than noticing that it has begun.
const FILLER: &str = "CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n \
    LIMIT 200000) SELECT i, hex(randomblob(100)) AS text FROM n; CREATE INDEX filler_text ON filler (text)";

/// Runs a command, and kills it as soon as its temporary file is there. It may have ended before.
fn kill(place: &Place, arguments: &[&str]) {
    let script = r#"cd "$0"; program="$1"; shift; "$program" "$@" & pid=$!
        while kill -0 $pid && ! ls | grep -q partial; do :; done 2>/dev/null
        kill -9 $pid 2>/dev/null; wait $pid; exit 0"#;
    let directory = place.path("").display().to_string();
    let line = [&[script, &directory, PROGRAM], arguments].concat();
    let output = shell(&line, &[("DATABASE_URL", "sqlite://todos.db")]);
    assert_eq!(output.code, Some(0), "{output:?}");
}

#[test]
fn a_killed_backup_leaves_no_file_under_its_name_or_a_complete_one() {
    let place = Place::new();
    place.fill("todos.db", &["One"]);
    place.sql("todos.db", FILLER);
    let server = place.serve("todos.db");
    kill(&place, &["backup", "backup.db"]);
    create(&server, "Two");
    assert_eq!(titles(&server), ["One", "Two"]);
    if place.path("backup.db").exists() {
        place.restore("restored.db", "backup.db").succeeded();
    } else {
        assert!(place.files().iter().any(|it| it.ends_with(".partial")), "{:?}", place.files());
        // What it left does not prevent the next one.
        place.back_up("todos.db", "backup.db").succeeded();
    }
}

#[test]
fn a_killed_restore_leaves_the_old_database_or_the_new_one() {
    let place = Place::new();
    place.fill("todos.db", &["Old"]);
    place.sql("todos.db", FILLER);
    place.back_up("todos.db", "backup.db").succeeded();
    place.fill("todos.db", &["New"]);
    kill(&place, &["restore", "--force", "backup.db"]);
    let titles = place.titles("todos.db");
    assert!(titles == ["New", "Old"] || titles == ["Old"], "{titles:?}");
    place.run(&["restore", "--force"], "todos.db", "backup.db").succeeded();
    assert_eq!(place.titles("todos.db"), ["Old"]);
}
