//! What packages install: completions and man pages.

use std::process::Command;

use todo_test_support::directory::TempDirectory;

use crate::support::{files, run, run_in};

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(&["completions", shell], &[]);
        let script = script.succeeded();
        for word in ["todo-api", "healthcheck", "database-url"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    run(&["completions", "cmd"], &[]).failed(2, &["cmd"]);
}

#[test]
fn bash_accepts_its_completions() {
    let script = run(&["completions", "bash"], &[]);
    let test = format!("{}\ncomplete -p todo-api", script.succeeded());
    let output = Command::new("bash").args(["--norc", "-c", &test]).output();
    // Not every machine has bash.
    let Ok(output) = output else { return };
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("-F _todo"), "{output:?}");
}

#[test]
fn the_man_page_names_the_settings_and_commands() {
    let page = run(&["man"], &[("DATABASE_URL", "postgres://me:geheim@localhost/todos")]);
    let page = page.succeeded();
    assert!(page.contains(".TH todo-api 1"), "{page}");
    for word in ["DATABASE_URL", "RUST_LOG", "todo\\-api\\-backup(1)"] {
        assert!(page.contains(word), "{word} is not in {page}");
    }
    assert!(!page.contains("geheim"));
}

#[test]
fn man_pages_of_all_commands_are_written_to_a_directory() {
    let directory = TempDirectory::new();
    run_in(directory.path(), &["man", "."], &[]).succeeded();
    let files = files(&directory);
    for page in ["todo-api.1", "todo-api-backup.1", "todo-api-migrate-up.1"] {
        assert!(files.contains(&page.to_owned()), "{page} is not in {files:?}");
    }
    run(&["man", "/nowhere/at/all"], &[]).failed(1, &["/nowhere/at/all"]);
}
