//! The output of the program, and the documents that repeat it.

use std::fs;

use crate::sandbox::users::USERS;
use crate::settings::SETTINGS;
use crate::support::run;

fn document(name: &str) -> String {
    fs::read_to_string(format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_printed_description_is_the_committed_one() {
    let printed = run(&["openapi"], &[]);
    let is_same = printed.succeeded() == document("openapi.json");
    assert!(is_same, "docs/openapi.json is out of date: cargo run -- openapi > docs/openapi.json");
}

#[test]
fn the_configuration_document_has_every_setting_with_its_default() {
    let page = document("configuration.md");
    for (name, default) in SETTINGS {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}`")));
        let row = row.unwrap_or_else(|| panic!("docs/configuration.md has no row for {name}"));
        let shown = default.map(|default| format!("| `{default}` |"));
        assert!(shown.is_none_or(|it| row.contains(&it)), "{name} is {default:?}, unlike in {row}");
    }
}

#[test]
fn the_configuration_document_has_the_users_and_flags_of_the_sandbox() {
    let page = document("configuration.md");
    for (name, id, ..) in USERS {
        assert!(page.contains(&format!("| {name} | `{id}` |")), "{name}");
    }
    let (help, plain) = (run(&["sandbox", "--help"], &[]), run(&["--help"], &[]));
    let flags = help.succeeded().split_whitespace().filter(|word| word.starts_with("--"));
    let own: Vec<_> = flags.filter(|flag| !plain.succeeded().contains(flag)).collect();
    assert_eq!(own, ["--latency", "--fail-rate", "--lose-answers", "--seed"]);
    for flag in own {
        assert!(page.contains(&format!("| `{flag}` |")), "{flag}");
    }
}
