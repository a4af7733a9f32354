//! Postgres over TLS, with certificates that the test creates.

use std::fs;
use std::path::Path;

use todo_test_support::command::run_to_exit;
use todo_test_support::directory::TempDirectory;
use todo_test_support::postgres::{Cluster, ClusterOptions};

use crate::support::http::{Client, HANG_TIMEOUT};
use crate::support::ledger::new_id;
use crate::support::program;
use crate::support::setup::{BINARY, cluster, server};

/// Rejects connections without TLS.
const ONLY_TLS: &str = "hostssl all all 127.0.0.1/32 trust\nhostnossl all all all reject\n";

#[test]
fn a_database_that_requires_tls_is_used_with_sslmode_require() {
    with_certificates(|cluster, _| {
        expect_ready(&format!("{}?sslmode=require", cluster.create_database()));
    });
}

#[test]
fn a_certificate_of_a_trusted_authority_is_accepted_with_verify_full() {
    with_certificates(|cluster, directory| {
        let trusted = directory.join("ca.crt");
        let url = cluster.create_database();
        expect_ready(&format!("{url}?sslmode=verify-full&sslrootcert={}", trusted.display()));
    });
}

#[test]
fn a_certificate_of_another_authority_is_rejected_with_a_one_line_error() {
    with_certificates(|cluster, directory| {
        let other = directory.join("other.crt");
        let url = cluster.create_database();
        let line =
            start_error(&format!("{url}?sslmode=verify-full&sslrootcert={}", other.display()));
        assert!(line.contains("certificate verify failed"), "{line}");
    });
}

#[test]
fn a_certificate_for_another_host_is_rejected_with_a_one_line_error() {
    with_certificates(|cluster, directory| {
        let trusted = directory.join("ca.crt");
        let url = cluster.create_database().replace("@127.0.0.1", "@localhost");
        let url = format!("{url}?sslmode=verify-full&sslrootcert={}", trusted.display());
        let line = start_error(&url);
        assert!(line.contains("does not match host name \"localhost\""), "{line}");
    });
}

#[test]
fn a_database_without_tls_is_rejected_with_sslmode_require() {
    let Some(cluster) = cluster() else { return };
    let line = start_error(&format!("{}?sslmode=require", cluster.create_database()));
    assert!(line.contains("server does not support SSL"), "{line}");
}

fn expect_ready(url: &str) {
    let server = server(url);
    let ready = Client::new(server.port(), &new_id()).get("/health/ready").unwrap();
    assert_eq!(ready.status, 200, "{ready:?}");
}

/// The one-line error of a server that does not start.
fn start_error(url: &str) -> String {
    let envs = [("DATABASE_URL", url), ("PORT", "0")];
    let output = run_to_exit(BINARY, &[], &envs, HANG_TIMEOUT);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("error: DATABASE_URL: "), "{stderr}");
    stderr
}

/// A cluster with a certificate for 127.0.0.1, issued by the authority in `ca.crt`; `other.crt` is another authority.
fn with_certificates(test: impl Fn(&Cluster, &Path)) {
    let Some(openssl) = program::find("openssl", "TLS tests") else { return };
    let directory = TempDirectory::new();
    let at = directory.path();
    let openssl = |line: &str| program::run(&openssl, at, &line.split(' ').collect::<Vec<_>>());
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for name in ["ca", "other"] {
        openssl(&format!(
            "req -x509 {key} -days 2 -subj /CN={name} -keyout {name}.key -out {name}.crt"
        ));
    }
    openssl(&format!("req {key} -subj /CN=server -keyout server.key -out server.csr"));
    fs::write(at.join("names"), "subjectAltName=IP:127.0.0.1,DNS:db.test\n").unwrap();
    openssl(
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
     -extfile names -out server.crt",
    );
    let read = |name: &str| fs::read(at.join(name)).unwrap();
    let options = ClusterOptions::default()
        .setting("ssl", "on")
        .file("server.crt", read("server.crt"))
        .file("server.key", read("server.key"))
        .file("pg_hba.conf", ONLY_TLS);
    if let Some(cluster) = Cluster::start(options) {
        test(&cluster, at);
    }
}
