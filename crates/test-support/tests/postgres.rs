//! The temporary cluster, also when it is killed, frozen and restarted.

#![expect(clippy::expect_used, reason = "a failed expectation fails the test")]

use std::{
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::{MetadataExt, PermissionsExt},
    time::Duration,
};

use todo_test_support::{
    database::TestDatabase,
    postgres::{Cluster, ClusterOptions},
    process,
};

#[test]
fn two_databases_are_isolated_from_each_other() {
    let (Some(one), Some(other)) = (TestDatabase::postgres(), TestDatabase::postgres()) else {
        return;
    };
    one.psql("CREATE TABLE notes (note text); INSERT INTO notes VALUES ('mine')");

    assert_eq!(one.psql("SELECT note FROM notes"), "mine");
    assert_eq!(other.psql("SELECT to_regclass('notes') IS NULL"), "t");
    assert_ne!(one.url(), other.url());
}

#[test]
fn a_database_is_removed_when_its_value_is_dropped() {
    let (Some(database), Some(witness)) = (TestDatabase::postgres(), TestDatabase::postgres())
    else {
        return;
    };
    let name = database.psql("SELECT current_database()");
    let exists = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    assert_eq!(witness.psql(&exists), "1");

    drop(database);

    assert_eq!(witness.psql(&exists), "0");
}

#[test]
fn a_database_can_be_a_copy_of_another() {
    let Some(cluster) = Cluster::shared() else { return };
    let template = cluster.create_database();
    let template = template.rsplit('/').next().expect("a URL has a path");
    cluster.psql(template, "CREATE TABLE notes AS SELECT 'copied' AS note");

    let copy = cluster.create_database_from(template);

    let copy = copy.rsplit('/').next().expect("a URL has a path");
    assert_eq!(cluster.psql(copy, "SELECT note FROM notes"), "copied");
}

#[test]
fn databases_are_utf8_and_sorted_by_code_point() {
    let Some(database) = TestDatabase::postgres() else { return };
    let settings = "SELECT current_setting('server_encoding'), datcollate FROM pg_database \
                    WHERE datname = current_database()";
    assert_eq!(database.psql(settings), "UTF8|C");
}

#[test]
fn a_failed_statement_panics_with_the_message_of_the_server() {
    let Some(database) = TestDatabase::postgres() else { return };
    let failure = std::panic::catch_unwind(|| database.psql("SELECT nonsense"));
    let message = *failure.expect_err("it panics").downcast::<String>().expect("with a text");
    assert!(message.contains(r#"column "nonsense" does not exist"#), "{message}");
}

#[test]
fn committed_data_survives_a_kill_and_a_restart() {
    let options =
        ClusterOptions::default().setting("fsync", "on").setting("full_page_writes", "on");
    let Some(mut cluster) = Cluster::start(options.setting("synchronous_commit", "on")) else {
        return;
    };
    cluster.psql("postgres", "CREATE TABLE notes AS SELECT 'kept' AS note");
    let (port, postmaster) = (cluster.port(), cluster.postmaster_pid());
    let children = process::children(postmaster);
    assert!(children.len() > 1, "{children:?}");

    cluster.kill();

    assert!(children.iter().chain([&postmaster]).all(|pid| !process::is_alive(*pid)));
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    cluster.start_again();
    assert_eq!(cluster.port(), port);
    assert_eq!(cluster.psql("postgres", "SELECT note FROM notes"), "kept");
    assert_eq!(cluster.psql("postgres", "SHOW fsync"), "on");
}

#[test]
fn a_stopped_cluster_starts_again() {
    let Some(mut cluster) = Cluster::start(ClusterOptions::default()) else { return };
    cluster.psql("postgres", "CREATE TABLE notes AS SELECT 'kept' AS note");
    for stop in [Cluster::stop_fast, Cluster::stop_immediate] {
        stop(&mut cluster);
        assert!(TcpStream::connect(("127.0.0.1", cluster.port())).is_err());
        cluster.start_again();
        assert_eq!(cluster.psql("postgres", "SELECT note FROM notes"), "kept");
    }
}

#[test]
fn a_frozen_cluster_accepts_connections_and_does_not_respond_until_it_is_thawed() {
    let Some(mut cluster) = Cluster::start(ClusterOptions::default()) else { return };
    cluster.freeze();
    let mut connection =
        TcpStream::connect(("127.0.0.1", cluster.port())).expect("the kernel does");
    // An SSLRequest, to which the server responds immediately with one byte.
    connection.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).expect("it is open");
    connection.set_read_timeout(Some(Duration::from_millis(300))).expect("not zero");
    assert!(connection.read(&mut [0]).is_err());

    cluster.thaw();

    connection.set_read_timeout(Some(Duration::from_secs(60))).expect("not zero");
    let mut response = [0];
    connection.read_exact(&mut response).expect("the server responds");
    assert_eq!(response, *b"N");
}

#[test]
fn a_cluster_that_is_dropped_while_frozen_leaves_nothing() {
    let Some(mut cluster) = Cluster::start(ClusterOptions::default()) else { return };
    let mut family = process::children(cluster.postmaster_pid());
    family.push(cluster.postmaster_pid());
    let directory = cluster.directory().to_owned();
    cluster.freeze();

    drop(cluster);

    assert!(family.iter().all(|pid| !process::is_alive(*pid)));
    assert!(!directory.exists());
}

#[test]
fn idle_connections_are_ended_and_counted() {
    let Some(cluster) = Cluster::shared() else { return };
    let url = cluster.create_database();
    let database = url.rsplit('/').next().expect("a URL has a path");
    let mut connection = connect(cluster.port(), database);

    assert_eq!(cluster.terminate_idle_connections(database), 1);

    let mut farewell = Vec::new();
    connection.read_to_end(&mut farewell).expect("it is closed in order");
    assert!(String::from_utf8_lossy(&farewell).contains("57P01"));
    assert_eq!(cluster.terminate_idle_connections(database), 0);
}

/// A session after the startup message.
fn connect(port: u16, database: &str) -> TcpStream {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let parameters = format!("user\0postgres\0database\0{database}\0\0");
    let length = u32::try_from(8 + parameters.len()).expect("it is short");
    let protocol: u32 = 3 << 16;
    let hello = [&length.to_be_bytes()[..], &protocol.to_be_bytes(), parameters.as_bytes()];
    connection.write_all(&hello.concat()).expect("it is open");
    let mut response = Vec::new();
    // ReadyForQuery.
    while !response.ends_with(b"Z\0\0\0\x05I") {
        let mut byte = [0];
        connection.read_exact(&mut byte).expect("the server responds");
        response.extend(byte);
    }
    connection
}

#[test]
fn a_file_of_the_options_is_readable_by_the_server_only() {
    let hba = "host all all 127.0.0.1/32 trust\n# ours\n";
    let options = ClusterOptions::default().file("pg_hba.conf", hba);
    let Some(cluster) = Cluster::start(options) else { return };

    let file = cluster.directory().join("data/pg_hba.conf");

    let file = std::fs::metadata(file).expect("it is there");
    let data = std::fs::metadata(cluster.directory().join("data")).expect("it is there");
    assert_eq!((file.permissions().mode() & 0o777, file.uid()), (0o600, data.uid()));
    assert_eq!(cluster.psql("postgres", "SELECT count(*) FROM pg_hba_file_rules"), "1");
}
