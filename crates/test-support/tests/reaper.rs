//! Nothing is left of a test process, whatever way it ends.
//!
//! These tests run themselves once more as a child process, which uses everything there is,
//! and end that child in different ways.

#![expect(clippy::expect_used, reason = "a test may")]

use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use todo_test_support::{
    database::TestDatabase,
    directory::TempDirectory,
    postgres::{Cluster, ClusterOptions},
    process, reaper,
    server::Server,
};

/// Set in the child, to how it shall end.
const ENDING: &str = "TODO_TEST_SUPPORT_ENDING";

#[test]
fn nothing_is_left_of_a_test_that_is_killed() {
    ends_without_a_trace("be killed", Some("KILL"));
}

#[test]
fn nothing_is_left_of_a_test_that_is_interrupted() {
    ends_without_a_trace("be interrupted", Some("INT"));
}

#[test]
fn nothing_is_left_of_a_test_that_panics() {
    ends_without_a_trace("panic", None);
}

#[test]
fn nothing_is_left_of_a_process_that_exits() {
    ends_without_a_trace("exit", None);
}

#[test]
fn what_was_withdrawn_is_not_done() {
    let directory = TempDirectory::new();
    let kept = directory.path().join("kept");
    fs::create_dir(&kept).expect("it is new");
    let at_exit = reaper::remove_at_exit(&kept);
    drop(at_exit);
    // Jobs are done by the same code as in the child processes above; here, the reaper runs
    // on, so that this only shows that withdrawing does nothing by itself.
    assert!(kept.exists());
}

/// Not a test of its own: what the child process does.
#[test]
fn child_process_that_uses_everything() {
    let Ok(ending) = env::var(ENDING) else { return };
    let directory = TempDirectory::new();
    let sqlite = TestDatabase::sqlite();
    let spaced = directory.path().join("it's a directory");
    fs::create_dir(&spaced).expect("it is new");
    let withdrawn = env::var_os("TODO_TEST_SUPPORT_KEPT").expect("the parent sets it");
    drop(reaper::remove_at_exit(Path::new(&withdrawn)));
    let script = spaced.join("server");
    let body = "#!/bin/sh\nsleep 100 &\necho '{\"fields\":{\"message\":\"listening\",\
                \"address\":\"http://127.0.0.1:1\"}}'\nwhile :; do sleep 1; done\n";
    fs::write(&script, body).expect("the directory is ours");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let server = Server::start(&script, sqlite.url(), &[]);
    let mut pids = process::children(server.pid());
    pids.push(server.pid());
    let mut directories = vec![directory.path().to_owned(), database_directory(&sqlite)];
    let postgres = TestDatabase::postgres();
    if let Some(shared) = Cluster::shared() {
        pids.push(shared.postmaster_pid());
        pids.extend(process::children(shared.postmaster_pid()));
        directories.push(shared.directory().to_owned());
    }
    // One ending with a frozen cluster is enough: each takes its time to be made.
    let options = (ending == "be killed").then(ClusterOptions::default);
    let frozen = options.and_then(Cluster::start).map(|mut cluster| {
        cluster.freeze();
        pids.push(cluster.postmaster_pid());
        pids.extend(process::children(cluster.postmaster_pid()));
        directories.push(cluster.directory().to_owned());
        cluster
    });
    // A child that nobody registered outlives this process, and must not hold the reaper up.
    let bystander =
        Command::new("/bin/sh").args(["-c", "sleep 600 >/dev/null 2>&1 & echo $!"]).output();
    let bystander = String::from_utf8(bystander.expect("/bin/sh starts").stdout).expect("a number");

    // After the test harness's own words, on lines of their own.
    let pids: Vec<String> = pids.iter().map(|pid| format!("pid={pid}")).collect();
    let directories: Vec<String> =
        directories.iter().map(|it| format!("directory={}", it.display())).collect();
    println!("\n{}\n{}\nbystander={bystander}", pids.join("\n"), directories.join("\n"));
    match ending.as_str() {
        "panic" => panic!("as it was told"),
        "exit" => {
            // As for a `static`, no destructor runs.
            std::mem::forget((directory, sqlite, server, postgres, frozen));
            std::process::exit(0)
        }
        _ => thread::sleep(Duration::from_secs(60)),
    }
}

fn database_directory(sqlite: &TestDatabase) -> PathBuf {
    let path = sqlite.url().strip_prefix("sqlite://").expect("that is its scheme");
    Path::new(path).parent().expect("it is a file in a directory").to_owned()
}

fn ends_without_a_trace(ending: &str, signal: Option<&str>) {
    let kept = TempDirectory::new();
    let mut child = Command::new(env::current_exe().expect("this is a program"))
        .args(["--exact", "child_process_that_uses_everything", "--nocapture"])
        .env(ENDING, ending)
        .env("TODO_TEST_SUPPORT_KEPT", kept.path())
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let (pids, directories, bystander) = what_it_uses(&mut child);
    assert!(pids.len() >= 2 && directories.len() >= 2, "{pids:?} {directories:?}");

    match signal {
        // To the whole group, as a terminal does.
        Some("INT") => send("INT", &format!("-{}", child.id())),
        Some(signal) => send(signal, &child.id().to_string()),
        None => (),
    }
    child.wait().expect("it is our child");

    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let pids: Vec<_> = pids.iter().filter(|pid| process::is_alive(**pid)).collect();
        let directories: Vec<_> = directories.iter().filter(|it| it.exists()).collect();
        if pids.is_empty() && directories.is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "left: {pids:?} {directories:?}");
        thread::sleep(Duration::from_millis(20));
    }
    assert!(kept.path().exists());
    // A stranger to the reaper, it was spared.
    assert!(process::is_alive(bystander));
    send("KILL", &bystander.to_string());
}

fn send(signal: &str, pid: &str) {
    let kill = ["-c", r#"kill -s "$1" -- "$2""#, "sh", signal, pid];
    let sent = Command::new("/bin/sh").args(kill).status().expect("/bin/sh starts");
    assert!(sent.success());
}

/// The pids and directories that the child prints, and last its unregistered child.
fn what_it_uses(child: &mut Child) -> (Vec<u32>, Vec<PathBuf>, u32) {
    let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let (mut pids, mut directories) = (Vec::new(), Vec::new());
    for line in stdout.lines() {
        let line = line.expect("it prints text");
        if let Some(pid) = line.strip_prefix("pid=") {
            pids.push(pid.parse().expect("a pid is a number"));
        } else if let Some(directory) = line.strip_prefix("directory=") {
            directories.push(PathBuf::from(directory));
        } else if let Some(pid) = line.strip_prefix("bystander=") {
            return (pids, directories, pid.parse().expect("a pid is a number"));
        }
    }
    panic!("the child ended before it was ready");
}
