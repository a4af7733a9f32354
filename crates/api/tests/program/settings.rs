//! Settings: where they come from, and how invalid ones are reported.

use std::fs;

use todo_test_support::directory::TempDirectory;

use crate::support::{run, run_in};

/// Every setting, with its default as the help shows it.
pub(crate) const SETTINGS: [(&str, Option<&str>); 43] = [
    ("HOST", Some("127.0.0.1")),
    ("PORT", Some("8000")),
    ("HTTP_WORKERS", None),
    ("MAX_CONNECTIONS", Some("10000")),
    ("MAX_STREAMS", Some("10000")),
    ("KEEP_ALIVE", Some("75s")),
    ("DATABASE_URL", Some("sqlite://todos.db")),
    ("DATABASE_URL_FILE", None),
    ("DATABASE_EVENTS_URL", None),
    ("DATABASE_POOL_SIZE", Some("8")),
    ("DATABASE_TIMEOUT", Some("1s")),
    ("BULK_TIMEOUT", Some("30s")),
    ("DATABASE_QUEUE_SIZE", Some("1024")),
    ("DATABASE_STATEMENT_CACHE", Some("auto")),
    ("MIGRATE_ON_START", Some("true")),
    ("MIGRATE_TIMEOUT", Some("1m")),
    ("DELETED_RETENTION", Some("30d")),
    ("CORS_ALLOWED_ORIGINS", Some("http://localhost:*,http://127.0.0.1:*")),
    ("AUTH", Some("header")),
    ("JWT_JWKS_URL", None),
    ("JWT_ALLOW_HTTP", Some("false")),
    ("JWT_JWKS_FILE", None),
    ("JWT_SECRET", None),
    ("JWT_SECRET_FILE", None),
    ("JWT_ISSUER", None),
    ("JWT_AUDIENCE", None),
    ("JWT_AUTHORIZED_PARTIES", None),
    ("JWT_LEEWAY", Some("60s")),
    ("JWT_JWKS_MAX_STALE", Some("24h")),
    ("METRICS_ADDRESS", None),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", None),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", None),
    ("OTEL_EXPORTER_OTLP_HEADERS", None),
    ("OTEL_SERVICE_NAME", Some("todo-api")),
    ("OTEL_TRACES_SAMPLER_ARG", Some("1")),
    ("LOG_FORMAT", Some("text")),
    ("LOG_REQUESTS", Some("false")),
    ("RATE_LIMIT", None),
    ("RATE_LIMIT_BURST", None),
    ("MAX_TODOS_PER_USER", None),
    ("RUST_LOG", Some("info,actix_server=warn,actix_http=off")),
    ("SHUTDOWN_DELAY", None),
    ("SHUTDOWN_TIMEOUT", Some("30s")),
];

/// Invalid values of every setting.
const INVALID: [(&str, &[&str]); 42] = [
    ("HOST", &["localhost", "127.0.0.1:80", "256.0.0.1", ""]),
    ("PORT", &["http", "65536", "-1", "80a", ""]),
    ("HTTP_WORKERS", &["0", "-1", "two", ""]),
    ("MAX_CONNECTIONS", &["0", "-1", "many", ""]),
    ("MAX_STREAMS", &["0", "-1", "many", ""]),
    ("KEEP_ALIVE", &["long", "2h", "-1s", ""]),
    ("DATABASE_URL", &["", "todos.db", "mysql://localhost/todos"]),
    ("DATABASE_URL_FILE", &["", "/nowhere/url"]),
    // Also because DATABASE_URL is not Postgres.
    ("DATABASE_EVENTS_URL", &["", "sqlite://todos.db", "postgres://localhost/todos"]),
    ("DATABASE_POOL_SIZE", &["0", "1001", "many", "1.5", ""]),
    ("DATABASE_TIMEOUT", &["0", "0s", "soon", "2h", "-1s", ""]),
    ("BULK_TIMEOUT", &["0", "0s", "soon", "2h", "-1s", ""]),
    ("DATABASE_QUEUE_SIZE", &["0", "-1", "long", ""]),
    ("DATABASE_STATEMENT_CACHE", &["maybe", "true", ""]),
    ("MIGRATE_ON_START", &["perhaps", "2"]),
    ("MIGRATE_TIMEOUT", &["0", "soon", "2h", "-1s", ""]),
    ("DELETED_RETENTION", &["0s", "500ms", "forever", "4000d", ""]),
    ("MAX_TODOS_PER_USER", &["0", "-1", "many", "4294967296", ""]),
    (
        "CORS_ALLOWED_ORIGINS",
        &[
            "localhost:3000",
            "https://a.example/path",
            "https://*.example",
            "https://*.example:*",
            "http://localhost:30*",
            "http://:*",
            "a,b",
        ],
    ),
    ("AUTH", &["none", "JWTS", ""]),
    // Also because AUTH is header.
    ("JWT_JWKS_URL", &["", "http://issuer.example/jwks.json"]),
    ("JWT_ALLOW_HTTP", &["perhaps", "2"]),
    ("JWT_JWKS_FILE", &["", "/nowhere/jwks.json"]),
    ("JWT_SECRET", &["", "geheim", "geheim-geheim-geheim-geheim-geh"]),
    ("JWT_SECRET_FILE", &["", "/nowhere/secret"]),
    ("JWT_ISSUER", &["https://issuer.example"]),
    ("JWT_AUDIENCE", &["todo-api"]),
    ("JWT_LEEWAY", &["soon", "2h", "-1s", ""]),
    ("JWT_JWKS_MAX_STALE", &["0", "soon", "31d", "-1s", ""]),
    ("METRICS_ADDRESS", &["9464", "localhost:9464", "127.0.0.1", "127.0.0.1:65536", ""]),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", &["", "127.0.0.1:4318", "grpc://127.0.0.1:4317", "http://"]),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &["", "/v1/traces", "https://a.example/traces?key=1"]),
    ("OTEL_EXPORTER_OTLP_HEADERS", &["", "authorization", "=a", "a b=c", "a=%0A", "a=1,,b=2"]),
    ("OTEL_SERVICE_NAME", &[""]),
    ("OTEL_TRACES_SAMPLER_ARG", &["1.1", "-0.1", "NaN", "half", ""]),
    ("LOG_FORMAT", &["xml", "JSON5", ""]),
    ("LOG_REQUESTS", &["perhaps", "2"]),
    ("RATE_LIMIT", &["50", "0/s", "50/d", "-1/s", "50/", "/s", "1.5/s", "1000001/h", ""]),
    ("RATE_LIMIT_BURST", &["0", "-1", "1000001", "many", ""]),
    ("RUST_LOG", &["todo_api=loud", "a=b=c"]),
    ("SHUTDOWN_DELAY", &["later", "2h", "-1s", ""]),
    ("SHUTDOWN_TIMEOUT", &["0", "later", "2h", ""]),
];

fn flag(name: &str) -> String {
    format!("--{}", name.to_lowercase().replace('_', "-"))
}

#[test]
fn the_help_names_every_setting_with_its_default() {
    for arguments in [&["--help"][..], &["help"], &["serve", "--help"]] {
        let help = run(arguments, &[]);
        let help = help.succeeded();
        for (name, default) in SETTINGS {
            let section = help.split(&format!("{} <{name}>", flag(name))).nth(1);
            let section = section.unwrap_or_else(|| panic!("{name} is not in {help}"));
            let section = section.split("\n      --").next().unwrap();
            assert!(section.contains(&format!("[env: {name}]")), "{section}");
            let shown = default.map(|default| format!("[default: {default}]"));
            assert!(shown.is_none_or(|it| section.contains(&it)), "{name}: {section}");
        }
        let count = help.matches("[env: ").count();
        assert_eq!(count, SETTINGS.len(), "add the new setting to SETTINGS");
    }
}

#[test]
fn the_help_shows_no_secret_of_the_environment() {
    let help = run(&["--help"], &[("DATABASE_URL", "postgres://me:geheim@localhost/todos")]);
    assert!(!help.succeeded().contains("geheim"));
}

#[test]
fn the_version_is_printed() {
    let version = format!("todo-api {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(&["--version"], &[]).succeeded(), version);
}

#[test]
fn an_invalid_value_is_a_one_line_error_that_names_the_setting() {
    for (name, values) in INVALID {
        for value in values {
            let memory = ("DATABASE_URL", "sqlite::memory:");
            run(&[], &[memory, (name, value)]).failed(2, &[name]);
            let flag = format!("{}={value}", flag(name));
            run(&["serve", &flag], &[]).failed(2, &[name]);
        }
    }
}

#[test]
fn a_burst_without_a_rate_is_an_error() {
    run(&["--rate-limit-burst", "5"], &[]).failed(2, &["RATE_LIMIT_BURST", "without RATE_LIMIT"]);
}

#[test]
fn an_unknown_flag_or_command_is_an_error() {
    for arguments in
        [&["--colour"][..], &["dance"], &["migrate"], &["migrate", "sideways"], &["openapi", "x"]]
    {
        run(arguments, &[]).failed(2, &[]);
    }
}

#[test]
fn the_environment_and_flags_override_the_file() {
    let directory = TempDirectory::new();
    let write = |text: &str| fs::write(directory.path().join(".env"), text).unwrap();
    let run = |arguments: &[&str], environment: &[(&str, &str)]| {
        run_in(directory.path(), arguments, environment)
    };
    write("DATABASE_POOL_SIZE=from_the_file\n");
    run(&[], &[]).failed(2, &["DATABASE_POOL_SIZE", "from_the_file"]);
    let environment = [("DATABASE_POOL_SIZE", "from_the_environment")];
    run(&[], &environment).failed(2, &["DATABASE_POOL_SIZE", "from_the_environment"]);
    let flag = ["--database-pool-size=from_a_flag"];
    run(&flag, &environment).failed(2, &["DATABASE_POOL_SIZE", "from_a_flag"]);

    write("DATABASE_URL=mysql://me:geheim@localhost/todos\n");
    run(&[], &[]).failed(2, &["DATABASE_URL"]);
    write("DATABASE_URL=postgres://me:geheim 'geheim@localhost/todos\n");
    run(&[], &[]).failed(2, &[".env"]);
}
