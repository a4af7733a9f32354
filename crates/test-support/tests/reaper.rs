//! A test process leaves nothing behind, however it ends.
//!
//! These tests run themselves again as a child process, which uses all features of this crate,
//! and end that child in different ways.

#![expect(clippy::expect_used, reason = "a failed expectation fails the test")]

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

/// Tells the child how to end.
const ENDING: &str = "TODO_TEST_SUPPORT_ENDING";

#[test]
fn a_killed_test_leaves_nothing_behind() {
    assert_nothing_is_left("be killed", Some("KILL"));
}

#[test]
fn an_interrupted_test_leaves_nothing_behind() {
    assert_nothing_is_left("be interrupted", Some("INT"));
}

#[test]
fn a_panicking_test_leaves_nothing_behind() {
    assert_nothing_is_left("panic", None);
}

#[test]
fn a_process_that_exits_leaves_nothing_behind() {
    assert_nothing_is_left("exit", None);
}

#[test]
fn a_withdrawn_job_is_not_run() {
    let directory = TempDirectory::new();
    let kept = directory.path().join("kept");
    fs::create_dir(&kept).expect("it is new");
    let at_exit = reaper::remove_at_exit(&kept);
    drop(at_exit);
    // The child processes above cover the jobs themselves. Here the reaper keeps running, so this
    // only shows that withdrawing a job does not run it.
    assert!(kept.exists());
}

/// Not a test by itself: the child process.
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
    // One case with a frozen cluster is enough, because creating a cluster takes long.
    let options = (ending == "be killed").then(ClusterOptions::default);
    let frozen = options.and_then(Cluster::start).map(|mut cluster| {
        cluster.freeze();
        pids.push(cluster.postmaster_pid());
        pids.extend(process::children(cluster.postmaster_pid()));
        directories.push(cluster.directory().to_owned());
        cluster
    });
    // An unregistered child outlives this process, and must not delay the reaper.
    let bystander =
        Command::new("/bin/sh").args(["-c", "sleep 600 >/dev/null 2>&1 & echo $!"]).output();
    let bystander = String::from_utf8(bystander.expect("/bin/sh starts").stdout).expect("a number");

    // On separate lines after the output of the test harness.
    let pids: Vec<String> = pids.iter().map(|pid| format!("pid={pid}")).collect();
    let directories: Vec<String> =
        directories.iter().map(|it| format!("directory={}", it.display())).collect();
    println!("\n{}\n{}\nbystander={bystander}", pids.join("\n"), directories.join("\n"));
    match ending.as_str() {
        "panic" => panic!("as requested"),
        "exit" => {
            // No destructor runs, as for a `static`.
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

fn assert_nothing_is_left(ending: &str, signal: Option<&str>) {
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
    let (pids, directories, bystander) = read_child_report(&mut child);
    assert!(pids.len() >= 2 && directories.len() >= 2, "{pids:?} {directories:?}");

    match signal {
        // To the whole group, as a terminal sends it.
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
    // It was not registered, so the reaper has not killed it.
    assert!(process::is_alive(bystander));
    send("KILL", &bystander.to_string());
}

fn send(signal: &str, pid: &str) {
    let kill = ["-c", r#"kill -s "$1" -- "$2""#, "sh", signal, pid];
    let sent = Command::new("/bin/sh").args(kill).status().expect("/bin/sh starts");
    assert!(sent.success());
}

/// The pids and directories that the child prints, and the pid of its unregistered child.
fn read_child_report(child: &mut Child) -> (Vec<u32>, Vec<PathBuf>, u32) {
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
