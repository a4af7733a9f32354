//! The release before and this one, on the same database. `.ci/previous-release` builds the former.

use std::env;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};
use todo_test_support::clients::http::{Client, HANG_TIMEOUT};
use todo_test_support::database::TestDatabase;
use todo_test_support::server::Server;

use crate::support::{PROGRAM, run};

const USER: &str = "550e8400-e29b-41d4-a716-446655440000";
const TODOS: &str = "/api/v1/todos";
/// Long enough that a busy machine causes no 503.
const GENEROUS_TIMEOUT: (&str, &str) = ("DATABASE_TIMEOUT", "30s");

/// The migrations that the release before does not know.
const NEW: [&str; 2] = [
    "2026-11-23-000000_add_priority_due_and_tags",
    "2026-11-23-000001_index_priority_due_and_title",
];

/// The binary that `PREVIOUS_RELEASE` names. Without it, prints that the test is skipped, also in CI: a shallow clone
/// lacks its source.
fn previous_release() -> Option<PathBuf> {
    let Some(path) = env::var_os("PREVIOUS_RELEASE").map(PathBuf::from) else {
        // Not `eprintln!`, because the test harness captures that.
        let _ = writeln!(std::io::stderr(), "note: upgrade skipped: run .ci/previous-release");
        return None;
    };
    assert!(path.is_file(), "there is no {}", path.display());
    Some(path)
}

/// Both releases on a database. On Postgres they run at the same time, on SQLite one at a time.
struct Site {
    database: TestDatabase,
    previous: PathBuf,
    /// The release before, and this one.
    servers: Option<[Server; 2]>,
}

#[derive(Clone, Copy)]
enum By {
    Old,
    New,
}

impl Site {
    fn start(&self, by: By) -> Server {
        let binary = match by {
            By::Old => self.previous.clone(),
            By::New => PROGRAM.into(),
        };
        Server::start(binary, self.database.url(), &[GENEROUS_TIMEOUT])
    }

    fn call(&self, by: By, call: &str, body: Value, status: u16) -> Value {
        let (method, path) = call.split_once(' ').unwrap();
        let body = Some(body).filter(|body| !body.is_null());
        let call = |server: &Server| {
            let mut client = Client::new(server.port(), USER);
            client.call(method, &format!("{TODOS}{path}"), body.as_ref()).unwrap().expect(status)
        };
        if let Some(servers) = &self.servers {
            return call(&servers[by as usize]);
        }
        let server = self.start(by);
        let answer = call(&server);
        server.terminate();
        assert_eq!(server.wait_exit(HANG_TIMEOUT).code(), Some(0));
        answer
    }
}

/// The new fields of a todo.
fn fields(todo: &Value) -> [&Value; 3] {
    ["priority", "due", "tags"].map(|name| &todo[name])
}

fn assert_both_serve(site: &Site) {
    use By::{New, Old};
    let filled = json!({"priority": "high", "due": "2026-03-01", "tags": ["Home", "urgent"]});
    let todo = json!({"title": "new", "priority": "high", "due": "2026-03-01", "tags": ["Home", "urgent"]});
    let id = site.call(New, "POST ", todo, 201)["id"].as_str().unwrap().to_owned();
    let path = format!("/{id}");
    let assert_kept = |title: &str, is_completed: bool| {
        let todo = site.call(New, &format!("GET {path}"), Value::Null, 200);
        assert_eq!((&todo["title"], &todo["is_completed"]), (&json!(title), &json!(is_completed)));
        assert_eq!(fields(&todo), fields(&filled), "{todo}");
    };
    // Calls of the release before: the fields that it does not know stay.
    let seen = site.call(Old, &format!("GET {path}"), Value::Null, 200);
    assert_eq!((&seen["title"], seen.get("tags")), (&json!("new"), None));
    site.call(Old, &format!("PATCH {path}"), json!({"title": "patched"}), 200);
    assert_kept("patched", false);
    let put = json!({"title": "put", "description": null, "is_completed": false});
    site.call(Old, &format!("PUT {path}"), put, 200);
    assert_kept("put", false);
    let completed = json!({"is_completed": true});
    let bulk = site.call(Old, "PATCH ?q=PUT", completed, 200);
    assert_eq!(bulk["affected"], 1);
    assert_kept("put", true);

    // A todo that it made has the defaults, also after this release changed it.
    let old =
        site.call(Old, "POST ", json!({"title": "old"}), 201)["id"].as_str().unwrap().to_owned();
    let path = format!("/{old}");
    let todo = site.call(New, &format!("PATCH {path}"), json!({"title": "Old"}), 200);
    assert_eq!(fields(&todo), fields(&json!({"priority": "medium", "due": null, "tags": []})));
    for sort in ["-priority", "due", "title"] {
        let list = site.call(New, &format!("GET ?q=o&sort={sort}"), Value::Null, 200);
        assert!(list["items"].as_array().unwrap().iter().any(|it| it["id"] == old), "{list}");
    }
    for by in [Old, New] {
        assert_eq!(site.call(by, "GET /stats?is_completed=true", Value::Null, 200)["total"], 1);
        assert_eq!(site.call(by, "GET ?q=old&limit=5", Value::Null, 200)["count"], 1);
        assert!(site.call(by, "GET /changes", Value::Null, 200)["items"].is_array());
    }
    // Each finds what the other deletes, and what it puts back.
    site.call(Old, &format!("DELETE {path}"), Value::Null, 204);
    site.call(New, &format!("GET {path}"), Value::Null, 404);
    let put =
        json!({"title": "back", "description": null, "is_completed": false, "tags": ["again"]});
    site.call(New, &format!("PUT {path}"), put, 201);
    assert_eq!(site.call(New, "DELETE ?tag=AGAIN", Value::Null, 200)["affected"], 1);
    site.call(Old, &format!("GET {path}"), Value::Null, 404);
    site.call(Old, "DELETE ?is_completed=true", Value::Null, 200);
    site.call(New, &format!("GET /{id}"), Value::Null, 404);
}

#[test]
fn both_releases_serve_a_postgres_database_while_and_after_this_one_migrates_it() {
    let (Some(previous), Some(database)) = (previous_release(), TestDatabase::postgres()) else {
        return;
    };
    let mut site = Site { database, previous, servers: None };
    let old = site.start(By::Old);
    let mut client = Client::new(old.port(), USER);
    let migrated = AtomicBool::new(false);
    let new = thread::scope(|scope| {
        let calls = scope.spawn(|| {
            let mut calls = 0;
            while !migrated.load(Ordering::SeqCst) || calls == 0 {
                let body = json!({"title": "during the update"});
                let todo = client.call("POST", TODOS, Some(&body)).unwrap().expect(201);
                let path = format!("{TODOS}/{}", todo["id"].as_str().unwrap());
                client.call("PATCH", &path, Some(&json!({"title": "o"}))).unwrap().expect(200);
                client.get(&path).unwrap().expect(200);
                client.call("DELETE", &path, None).unwrap().expect(204);
                calls += 1;
            }
        });
        let new = site.start(By::New);
        migrated.store(true, Ordering::SeqCst);
        calls.join().unwrap();
        new
    });
    site.servers = Some([old, new]);
    assert_both_serve(&site);
    // A server of the release before that starts now does not mind the migrations, and leaves them.
    let [_, new] = site.servers.take().unwrap();
    site.servers = Some([site.start(By::Old), new]);
    assert_both_serve(&site);
}

#[test]
fn either_release_can_follow_the_other_on_a_sqlite_file() {
    let Some(previous) = previous_release() else { return };
    let site = Site { database: TestDatabase::sqlite(), previous, servers: None };
    site.call(By::Old, "POST ", json!({"title": "before"}), 201);
    assert_both_serve(&site);
}

#[test]
fn a_schema_of_the_release_before_is_refused_if_it_may_not_be_migrated() {
    for database in [Some(TestDatabase::sqlite()), TestDatabase::postgres()].into_iter().flatten() {
        let url = ("DATABASE_URL", database.url());
        run(&["migrate", "up"], &[url]).succeeded();
        run(&["migrate", "down", "2"], &[url]).succeeded();
        let output = run(&[], &[url, ("MIGRATE_ON_START", "false")]);
        let line = output.failed(1, &["DATABASE_URL", NEW[0], NEW[1], "migrate up"]);
        assert!(line.contains("MIGRATE_ON_START=true") && !line.contains("2026-11-22"), "{line}");
        // Nothing was migrated.
        let status = run(&["migrate", "status"], &[url]);
        let pending: Vec<_> =
            status.succeeded().lines().filter_map(|line| line.strip_prefix("pending ")).collect();
        assert_eq!(pending, NEW);
    }
}
