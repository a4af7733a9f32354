//! Which URLs are valid, and how they are shown.

use super::*;

fn parse(text: &str) -> Result<DatabaseUrl, InvalidDatabaseUrl> {
    text.parse()
}

#[test]
fn postgres_urls_of_every_kind_are_valid() {
    for url in [
        "postgres://localhost/todos",
        "postgresql://user:p%40ss@db.example:5433/todos?sslmode=require&channel_binding=require",
        "postgresql://user@[::1]:5432,second/todos",
        "postgresql:///todos?host=/run/postgresql",
        " POSTGRES://localhost \n",
    ] {
        assert!(matches!(parse(url), Ok(DatabaseUrl::Postgres(_))), "{url}");
    }
}

#[test]
fn sqlite_urls_name_a_file_or_memory() {
    let file = |path: &str| Ok(DatabaseUrl::SqliteFile(PathBuf::from(path)));
    assert_eq!(parse("sqlite://todos.db"), file("todos.db"));
    assert_eq!(parse("sqlite:todos.db"), file("todos.db"));
    assert_eq!(parse("sqlite:///var/lib/my%20todos.db"), file("/var/lib/my todos.db"));
    assert_eq!(parse("sqlite::memory:"), Ok(DatabaseUrl::SqliteMemory));
    assert_eq!(parse("sqlite://:memory:"), Ok(DatabaseUrl::SqliteMemory));
}

#[test]
fn an_invalid_url_never_becomes_a_file_and_its_error_never_shows_the_password() {
    for url in [
        "",
        "todos.db",
        "mysql://u:secret@h/d",
        "postgres:u:secret@h",
        "postgresql://",
        "postgresql+asyncpg://u:secret@h/d",
        "postgres://u:secret%@h/d",
        "postgres://u:secret@part@h/d",
        "postgres://u:secret/part@h/d",
        "postgres://u:secret#part@h/d",
        "postgres://u:12/secret?part@h/d",
        "postgres://u:12/secret?part=1@h/d",
        "postgres://u:secret@h:port/d",
        "postgres://u:secret@h:0/d",
        "postgres://u:sec ret@h/d",
        "sqlite://",
        "sqlite://todos.db?secret=1",
    ] {
        let error = parse(url).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{url}: {error}");
    }
}

#[test]
fn a_url_is_shown_without_password_and_parameters() {
    let url = parse("postgres://me:secret@host:5433/db?sslpassword=secret").unwrap();
    assert_eq!(url.to_string(), "postgresql://me:***@host:5433/db");
    assert_eq!(format!("{url:?}"), "DatabaseUrl(postgresql://me:***@host:5433/db)");
}

#[test]
fn a_default_does_not_override_the_url() {
    let DatabaseUrl::Postgres(url) = parse("postgres://h/d?connect_timeout=3").unwrap() else {
        unreachable!("it is a Postgres URL")
    };
    let url = url.with_default("connect_timeout", "5").with_default("sslrootcert", "/a b");
    assert_eq!(url.expose(), "host='h' dbname='d' connect_timeout='3' sslrootcert='/a b'");
}

#[test]
fn the_connection_string_for_libpq_has_the_values_of_the_url() {
    for (url, expected) in [
        (
            "postgres://me:p%40s%27s%5C@db.example:5433/to%20dos?ssl=true&options=-c%20x%3D1",
            r"user='me' password='p@s\'s\\' host='db.example' port='5433' dbname='to dos' sslmode='require' options='-c x=1'",
        ),
        ("postgres://a,b:5433,[::1]:5434/d", "host='a,b,::1' port=',5433,5434' dbname='d'"),
        ("postgres:///?host=/run/postgresql", "host='/run/postgresql'"),
        ("postgres://%2Frun%2Fpg/d?user=me", "host='/run/pg' dbname='d' user='me'"),
        ("postgres://@h", "host='h'"),
    ] {
        let DatabaseUrl::Postgres(url) = parse(url).unwrap() else {
            unreachable!("it is a Postgres URL")
        };
        assert_eq!(url.expose(), expected);
    }
}
