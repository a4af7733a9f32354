//! Passwords: where they come from, and that they are never shown.

use std::fs;

use todo_test_support::directory::TempDirectory;

use crate::support::{Output, run, run_in};

#[test]
fn a_url_in_the_wrong_place_is_not_shown() {
    let url = "postgres://me:geheim@localhost/todos";
    for arguments in [
        &[url][..],
        &["serve", url],
        &["migrate", url],
        &["migrate", "up", url],
        &["migrate", "down", url],
        &["--port", url],
        &["--database-timeout", url],
        &["--cors-allowed-origins", url],
        &["--database_url=postgres://me:geheim@localhost/todos"],
        &["--database-urlpostgres://me:geheim@localhost/todos"],
        &["-postgres://me:geheim@localhost/todos"],
        &["password=geheim"],
    ] {
        run(arguments, &[]).failed(2, &[]);
    }
    run(&[], &[("PORT", url)]).failed(2, &["PORT"]);
    run(&[], &[("LOG_FORMAT", url)]).failed(2, &["LOG_FORMAT"]);
}

#[test]
fn the_help_says_that_flags_are_visible() {
    let help = run(&["--help"], &[]);
    let help = help.succeeded().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("visible in the process list"), "{help}");
}

/// Runs the program with the URL in a file.
fn with_file(text: &str) -> Output {
    let directory = TempDirectory::new();
    let file = directory.path().join("url");
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    run_in(directory.path(), &["migrate", "status"], &[("DATABASE_URL_FILE", file)])
}

#[test]
fn the_url_is_read_from_a_file() {
    for text in ["sqlite::memory:", "sqlite::memory:\n", "sqlite::memory:\r\n"] {
        assert!(with_file(text).succeeded().starts_with("pending "));
    }
    let directory = TempDirectory::new();
    fs::write(directory.path().join("url"), "sqlite::memory:").unwrap();
    let flag = ["--database-url-file=url", "migrate", "status"];
    assert!(run_in(directory.path(), &flag, &[]).succeeded().starts_with("pending "));
}

#[test]
fn an_invalid_file_is_reported_without_its_content() {
    for text in [
        "",
        "\n",
        "geheim",
        "postgres://me:geheim@[::1/todos",
        "postgres://me:geheim%00@localhost/todos",
        "sqlite::memory:\npostgres://me:geheim@localhost/todos\n",
    ] {
        with_file(text).failed(2, &["DATABASE_URL_FILE"]);
    }
    with_file(&"geheim".repeat(20_000)).failed(2, &["DATABASE_URL_FILE", "longer"]);
    let absent = [("DATABASE_URL_FILE", "/nowhere/url")];
    run(&[], &absent).failed(2, &["DATABASE_URL_FILE", "/nowhere/url", "No such file"]);
    let directory = TempDirectory::new();
    let path = directory.path().to_str().unwrap();
    run(&[], &[("DATABASE_URL_FILE", path)]).failed(2, &["DATABASE_URL_FILE", path]);
}

#[test]
fn two_urls_are_rejected() {
    let both = [("DATABASE_URL", "sqlite::memory:"), ("DATABASE_URL_FILE", "/nowhere/url")];
    run(&[], &both).failed(2, &["DATABASE_URL", "DATABASE_URL_FILE", "both"]);
    let flag = ["--database-url=sqlite::memory:"];
    run(&flag, &both[1..]).failed(2, &["DATABASE_URL", "DATABASE_URL_FILE", "both"]);
}
