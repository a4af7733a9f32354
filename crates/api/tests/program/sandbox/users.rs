//! The users and todos of a sandbox, and where they are announced.

use std::collections::BTreeSet;

use serde_json::Value;
use todo_test_support::clients::http::HANG_TIMEOUT;
use todo_test_support::server::Server;

use super::{ADA, GRACE, LINUS, NO_FAULTS, ORIGIN, Sandbox, TODOS, call};
use crate::support::PROGRAM;

/// Name, id, number of todos, and its text.
pub(crate) const USERS: [(&str, &str, u64, &str); 3] = [
    ("Ada", ADA, 12, "12 todos"),
    ("Grace", GRACE, 1_000, "1000 todos"),
    ("Linus", LINUS, 0, "no todos"),
];

/// The output before the log.
fn banner(sandbox: &Sandbox) -> String {
    let lines = sandbox.server.logs();
    lines.split(|line| line.contains("listening")).next().unwrap().join("\n")
}

#[test]
fn the_banner_names_the_users_and_a_call_for_each() {
    let sandbox = Sandbox::start("");
    let banner = banner(&sandbox);
    assert!(banner.contains(&sandbox.server.url(TODOS)), "{banner}");
    assert!(banner.contains(&sandbox.server.url("/docs")), "{banner}");
    assert!(banner.contains(&sandbox.server.url("/demo")), "{banner}");
    assert!(banner.contains("Faults for all API requests: none"), "{banner}");
    for (name, id, count, counted) in USERS {
        let line = banner.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line.contains(id) && line.ends_with(counted), "{line}");
        let curl = banner.lines().find(|line| line.contains("curl") && line.contains(id));
        // curl -H 'X-User-ID: …' 'http://…'
        let parts: Vec<&str> = curl.unwrap().split('\'').collect();
        let (header, value) = parts[1].split_once(": ").unwrap();
        let target = parts[3].strip_prefix(&sandbox.server.url("")).unwrap();
        let list = sandbox.call("GET", target, &[(header, value)], None).unwrap().expect(200);
        assert_eq!(list["count"].as_u64(), Some(count.min(20)));
        assert_eq!(sandbox.total(id), count);
    }
    assert_eq!(sandbox.server.stderr(), Vec::<String>::new());
}

#[test]
fn the_banner_names_the_active_faults() {
    let flags = "--latency 1ms..2ms --fail-rate 0.05 --lose-answers 0.01 --seed 7";
    let banner = banner(&Sandbox::start(flags));
    assert!(banner.contains(flags), "{banner}");
    for form in ["X-Sandbox", "status=503", "latency=3s", "lose-answer"] {
        assert!(banner.contains(form), "{banner}");
    }
}

#[test]
fn the_todos_are_the_same_at_every_start_except_for_their_times() {
    let todos = |sandbox: &Sandbox, user| -> Vec<Value> {
        let list = sandbox.get(user, TODOS);
        let items = list["items"].as_array().unwrap().iter();
        let fields = ["id", "title", "description", "is_completed", "version", "priority", "tags"];
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
fn the_todos_are_varied_and_from_the_past_weeks() {
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
        assert!(
            ["low", "medium", "high"]
                .iter()
                .all(|name| todos.iter().any(|it| it["priority"] == *name))
        );
        assert!(
            is_any(|it| it["due"].is_null())
                && is_any(|it| it["tags"].as_array().unwrap().len() > 1)
        );
        for length in [10, 27] {
            assert!(
                todos.iter().any(|it| it["due"].as_str().is_some_and(|due| due.len() == length))
            );
        }
        let stats = sandbox.get(user, &format!("{TODOS}/stats"));
        assert!(
            stats["overdue"].as_u64().unwrap() > 0 && stats["overdue"] != stats["active"],
            "{stats}"
        );
        assert!(is_any(|it| it["description"].as_str().is_some_and(|it| it.contains('\n'))));
    }
    let longest = |todo: &Value| todo["title"].as_str().unwrap().chars().count();
    let list = sandbox.get(ADA, TODOS);
    assert!(list["items"].as_array().unwrap().iter().map(longest).max().unwrap() > 200);
}

#[test]
fn the_api_description_names_the_users() {
    let sandbox = Sandbox::start("");
    let plain = Server::start(PROGRAM, "sqlite::memory:", &[]);
    let introduction = |server: &Server| {
        let response = call(server, "GET", "/openapi.json", &[], None).unwrap();
        response.json()["info"]["description"].as_str().unwrap().to_owned()
    };
    let (in_sandbox, in_server) = (introduction(&sandbox.server), introduction(&plain));
    assert!(in_sandbox.starts_with(&in_server));
    for (name, id, _, counted) in USERS {
        assert!(in_sandbox.contains(&format!("| {name} | `{id}` | {counted} |")), "{in_sandbox}");
        assert!(!in_server.contains(id), "{in_server}");
    }
    assert!(in_sandbox.contains("`X-Sandbox`") && !in_server.contains("X-Sandbox"));
}

#[test]
fn a_sandbox_ignores_the_database_url_and_says_so() {
    // Even an invalid URL is ignored.
    for url in ["sqlite://mine.db", "mysql://me:geheim@localhost/todos"] {
        let sandbox = Sandbox::start_with_database_url("", url);
        let banner = banner(&sandbox);
        assert!(banner.contains("DATABASE_URL is ignored"), "{banner}");
        assert!(!sandbox.server.logs().join("\n").contains("geheim"));
        assert_eq!(sandbox.files(), ["run.sh"]);
    }
}

#[test]
fn a_sandbox_stops_without_a_delay() {
    let sandbox = Sandbox::start("");
    let line = sandbox.server.logs().into_iter().find(|it| it.contains("listening")).unwrap();
    assert!(line.contains(r#""shutdown_delay":"0s""#), "{line}");
    sandbox.server.terminate();
    assert_eq!(sandbox.server.wait_exit(HANG_TIMEOUT).code(), Some(0));
}

#[test]
fn every_origin_is_allowed() {
    let sandbox = Sandbox::start("");
    let headers = [("X-User-ID", ADA), ("X-Sandbox", NO_FAULTS)];
    let response = sandbox.call("GET", TODOS, &headers, None).unwrap();
    assert_eq!(response.header("access-control-allow-origin"), Some("*"), "{ORIGIN}");
    let requested = [
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "content-type,if-match,x-sandbox,x-user-id"),
    ];
    let preflight = sandbox.call("OPTIONS", TODOS, &requested, None).unwrap();
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
}
