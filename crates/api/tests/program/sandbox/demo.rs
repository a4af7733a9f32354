//! The example page at `/demo`.

use todo_test_support::clients::http::Response;
use todo_test_support::server::Server;

use super::{Sandbox, call};
use crate::support::PROGRAM;

fn get(sandbox: &Sandbox, target: &str) -> Response {
    sandbox.call("GET", target, &[], None).unwrap()
}

#[test]
fn the_page_is_served_with_all_its_files_and_may_load_no_others() {
    let sandbox = Sandbox::start("--fail-rate 1");
    for (file, content_type) in [
        ("", "text/html"),
        ("index.html", "text/html"),
        ("demo.css", "text/css"),
        ("demo.js", "text/javascript"),
        ("sw.js", "text/javascript"),
    ] {
        let response = get(&sandbox, &format!("/demo/{file}"));
        assert_eq!(response.status, 200, "{file}");
        assert!(response.header("content-type").unwrap().starts_with(content_type), "{file}");
        let policy = response.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self'"), "{policy}");
        assert!(!policy.contains("http") && !policy.contains("unsafe"), "{policy}");
    }
    assert_eq!(get(&sandbox, "/demo/other.js").status, 404);
}

#[test]
fn the_path_without_a_slash_redirects_and_keeps_the_query() {
    let sandbox = Sandbox::start("");
    for query in ["", "?user=1"] {
        let response = get(&sandbox, &format!("/demo{query}"));
        assert_eq!(response.status, 307);
        assert_eq!(response.header("location"), Some(&*format!("/demo/{query}")));
    }
}

#[test]
fn other_servers_do_not_have_the_page() {
    let server = Server::start(PROGRAM, "sqlite::memory:", &[]);
    for target in ["/demo", "/demo/", "/demo/demo.js"] {
        assert_eq!(call(&server, "GET", target, &[], None).unwrap().status, 404, "{target}");
    }
}
