//! Any bytes on a connection to the real server: every error has the common format, no response is a 5xx, and the
//! connection ends.

#![no_main]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use todo_api::server::{Server, ServerOptions};
use todo_domain::{SystemClock, TodoService};
use todo_infrastructure::{DatabaseOptions, StatementCache};

/// Longer than any response takes, shorter than the server's timeouts for clients.
const TIMEOUT: Duration = Duration::from_secs(4);

static SERVER: LazyLock<SocketAddr> = LazyLock::new(|| {
    let options = DatabaseOptions {
        pool_size: 2,
        timeout: Duration::from_secs(60),
        bulk_timeout: Duration::from_secs(60),
        queue_capacity: 1_000,
        statement_cache: StatementCache::Auto,
        migrate_on_start: true,
        migrate_timeout: Duration::from_secs(60),
    };
    let url = "sqlite::memory:".parse().expect("it is a URL");
    let repository = todo_infrastructure::open(&url, &options).expect("memory can be opened");
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let service = TodoService::new(repository, Arc::new(SystemClock));
    let options = ServerOptions {
        authentication: todo_api::identity::Authentication::Header,
        workers: Some(1),
        max_connections: 1_000,
        max_streams: 1,
        keep_alive: Duration::from_secs(5),
        database_timeout: options.timeout,
        cors_allowed_origins: vec!["http://localhost:3000".to_owned()],
        shutdown_delay: Duration::ZERO,
        shutdown_timeout: Duration::from_secs(1),
        rate_limit: None,
        sandbox: None,
    };
    let server = Server::new(listener, service, options);
    let address = server.address().expect("it is bound");
    std::thread::spawn(|| {
        actix_web::rt::System::new().block_on(server.run(std::future::pending()))
    });
    address
});

fuzz_target!(|bytes: &[u8]| {
    let mut stream = TcpStream::connect(*SERVER).expect("the server listens");
    stream.set_read_timeout(Some(TIMEOUT)).expect("the time is not zero");
    // The server may respond and close before it has read everything.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut responses = Vec::new();
    match stream.read_to_end(&mut responses) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            panic!("the connection was left open after {:?}", String::from_utf8_lossy(&responses))
        }
        _ => {}
    }
    // A response to HEAD has the length of a body, but no body.
    if !bytes.windows(4).any(|it| it == b"HEAD") {
        check(&responses);
    }
});

fn check(mut responses: &[u8]) {
    while !responses.is_empty() {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(responses).expect("the response is HTTP");
        let httparse::Status::Complete(head) = parsed else { return };
        let status = response.code.expect("the head is complete");
        if status == 100 {
            responses = &responses[head..];
            continue;
        }
        assert!((200..500).contains(&status), "{}", String::from_utf8_lossy(responses));
        let header = |name: &str| {
            let mut found = response.headers.iter().filter(|it| it.name.eq_ignore_ascii_case(name));
            let value = found.next().map(|it| std::str::from_utf8(it.value).expect("it is text"));
            assert!(found.next().is_none(), "{name} twice");
            value
        };
        // The HTTP library's own response to what is not HTTP. The connection ends with it.
        if matches!(status, 400 | 408 | 431) && header("content-length") == Some("0") {
            assert_eq!(responses.len(), head, "{}", String::from_utf8_lossy(responses));
            return;
        }
        assert!(header("x-request-id").is_some(), "{}", String::from_utf8_lossy(responses));
        if header("transfer-encoding").is_some() {
            return;
        }
        let length = match header("content-length") {
            Some(length) => length.parse().expect("the length is a number"),
            None => 0,
        };
        let Some(body) = responses[head..].get(..length) else { return };
        if status >= 400 {
            assert_eq!(header("content-type"), Some("application/problem+json"));
            let body: serde_json::Value = serde_json::from_slice(body).expect("it is JSON");
            assert_eq!(body["status"], status);
            assert_eq!(body["request_id"].as_str(), header("x-request-id"));
        }
        responses = &responses[head + length..];
    }
}
