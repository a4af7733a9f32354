//! Who has todos in a sandbox, which ones, and where that is said.

use std::collections::BTreeSet;

use serde_json::Value;
use todo_test_support::server::Server;

use super::{ADA, GRACE, LINUS, ORIGIN, SPARED, Sandbox, TODOS, call};
use crate::support::PROGRAM;

/// Name, id, how many todos, and how that is said.
pub(crate) const USERS: [(&str, &str, u64, &str); 3] = [
    ("Ada", ADA, 12, "12 todos"),
    ("Grace", GRACE, 1_000, "1000 todos"),
    ("Linus", LINUS, 0, "no todos"),
];

/// What was printed at start, before the log.
fn banner(sandbox: &Sandbox) -> String {
    let lines = sandbox.server.logs();
    lines.split(|line| line.contains("listening")).next().unwrap().join("\n")
}

#[test]
fn what_is_printed_names_the_users_and_how_to_call() {
    let sandbox = Sandbox::start("");
    let banner = banner(&sandbox);
    assert!(banner.contains(&sandbox.server.url(TODOS)), "{banner}");
    assert!(banner.contains(&sandbox.server.url("/docs")), "{banner}");
    assert!(banner.contains("Faults of every request to the API: none"), "{banner}");
    for (name, id, count, counted) in USERS {
        let line = banner.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line.contains(id) && line.ends_with(counted), "{line}");
        let curl = banner.lines().find(|line| line.contains("curl") && line.contains(id));
        // curl -H 'X-User-ID: …' 'http://…'
        let parts: Vec<&str> = curl.unwrap().split('\'').collect();
        let (header, value) = parts[1].split_once(": ").unwrap();
        let mut answer = ureq::get(parts[3]).header(header, value).call().unwrap();
        let list: Value = answer.body_mut().read_json().unwrap();
        assert_eq!(list["count"].as_u64(), Some(count.min(20)));
        assert_eq!(sandbox.total(id), count);
    }
    assert_eq!(sandbox.server.stderr(), Vec::<String>::new());
}

#[test]
fn the_faults_that_are_on_are_printed() {
    let flags = "--latency 1ms..2ms --fail-rate 0.05 --lose-answers 0.01 --seed 7";
    let banner = banner(&Sandbox::start(flags));
    assert!(banner.contains(flags), "{banner}");
    for form in ["X-Sandbox", "status=503", "latency=3s", "lose-answer"] {
        assert!(banner.contains(form), "{banner}");
    }
}

#[test]
fn the_todos_are_the_same_at_every_start_but_for_their_times() {
    let todos = |sandbox: &Sandbox, user| -> Vec<Value> {
        let list = sandbox.get(user, TODOS);
        let items = list["items"].as_array().unwrap().iter();
        let fields = ["id", "title", "description", "is_completed", "version"];
        items.map(|todo| fields.iter().map(|field| todo[field].clone()).collect()).collect()
    };
    let sandboxes = [Sandbox::start(""), Sandbox::start("")];
    for (_, user, count, _) in USERS {
        let [first, second] = sandboxes.each_ref().map(|it| todos(it, user));
        assert_eq!(first.len() as u64, count);
        assert_eq!(first, second);
    }
}

#[test]
fn the_todos_are_of_the_past_weeks_and_of_many_kinds() {
    let sandbox = Sandbox::start("");
    for user in [ADA, GRACE] {
        let list = sandbox.get(user, TODOS);
        let todos = list["items"].as_array().unwrap();
        let day = |todo: &Value| todo["created_at"].as_str().unwrap()[..10].to_owned();
        assert!(todos.iter().map(day).collect::<BTreeSet<_>>().len() >= 9);
        for todo in todos {
            let text = |field: &str| todo[field].as_str().unwrap();
            let is_changed = text("updated_at") > text("created_at");
            assert_eq!(
                (todo["version"] == 2, todo["is_completed"] == true),
                (is_changed, is_changed)
            );
        }
        let is_any = |is: fn(&Value) -> bool| todos.iter().any(is);
        assert!(
            is_any(|it| it["is_completed"] == true) && is_any(|it| it["is_completed"] == false)
        );
        assert!(is_any(|it| it["description"].is_null()) && is_any(|it| it["description"] == ""));
        assert!(is_any(|it| it["description"].as_str().is_some_and(|it| it.contains('\n'))));
    }
    let longest = |todo: &Value| todo["title"].as_str().unwrap().chars().count();
    let list = sandbox.get(ADA, TODOS);
    assert!(list["items"].as_array().unwrap().iter().map(longest).max().unwrap() > 200);
}

#[test]
fn the_page_for_people_names_the_users_too() {
    let sandbox = Sandbox::start("");
    let plain = Server::start(PROGRAM, "sqlite::memory:", &[]);
    let introduction = |server: &Server| {
        let answer = call(server, "GET", "/openapi.json", &[], None).unwrap();
        answer.body["info"]["description"].as_str().unwrap().to_owned()
    };
    let (here, elsewhere) = (introduction(&sandbox.server), introduction(&plain));
    assert!(here.starts_with(&elsewhere));
    for (name, id, _, counted) in USERS {
        assert!(here.contains(&format!("| {name} | `{id}` | {counted} |")), "{here}");
        assert!(!elsewhere.contains(id), "{elsewhere}");
    }
    assert!(here.contains("`X-Sandbox`") && !elsewhere.contains("X-Sandbox"));
}

#[test]
fn a_sandbox_touches_no_database_and_says_so() {
    // One that could not even be understood.
    for url in ["sqlite://mine.db", "mysql://me:geheim@localhost/todos"] {
        let sandbox = Sandbox::start_beside("", url);
        let banner = banner(&sandbox);
        assert!(banner.contains("DATABASE_URL is set, and ignored"), "{banner}");
        assert!(!sandbox.server.logs().join("\n").contains("geheim"));
        assert_eq!(sandbox.files(), ["run.sh"]);
    }
}

#[test]
fn a_sandbox_ends_without_a_delay() {
    let sandbox = Sandbox::start("");
    let line = sandbox.server.logs().into_iter().find(|it| it.contains("listening")).unwrap();
    assert!(line.contains(r#""shutdown_delay":"0s""#), "{line}");
    sandbox.server.terminate();
    assert_eq!(sandbox.server.wait_exit(super::HANGS).code(), Some(0));
}

#[test]
fn pages_of_every_origin_may_call() {
    let sandbox = Sandbox::start("");
    let headers = [("X-User-ID", ADA), ("X-Sandbox", SPARED)];
    let answer = sandbox.call("GET", TODOS, &headers, None).unwrap();
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{ORIGIN}");
    let asked = [
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "content-type,if-match,x-sandbox,x-user-id"),
    ];
    let preflight = sandbox.call("OPTIONS", TODOS, &asked, None).unwrap();
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
}
