//! The load, against a server of canned responses.

#![expect(clippy::unwrap_used, reason = "what fails here is a test")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use todo_test_support::clients::http::{HANG_TIMEOUT, Request};
use todo_test_support::clients::load::{Load, Outcome, Pace, Report, Sample};

const CLIENTS: usize = 3;

/// Nothing listens there: a port of another range than the system chooses for the other tests.
const UNUSED_PORT: u16 = 1;

/// Starts a server that ends with the test process, and returns its port.
fn serve() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || respond(stream.unwrap()));
        }
    });
    port
}

/// Responds to each request as its path says.
fn respond(mut stream: TcpStream) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
    while let Some(line) = lines.next() {
        lines.by_ref().take_while(|it| !it.is_empty()).for_each(drop);
        let response = match line.split(' ').nth(1)? {
            "/closes" => "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
            "/fails" => "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
            "/disconnects" => return None,
            "/hangs" => continue,
            _ => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        };
        stream.write_all(response.as_bytes()).ok()?;
        if line.contains("/closes") {
            return None;
        }
    }
    None
}

fn get(target: &'static str) -> impl FnMut(&mut Request) + Send + 'static {
    move |request| request.set("GET", target, &[], None)
}

/// Sends calls until some have completed. Expects that each client has sent some, all with this outcome.
fn repeat(target: &'static str, expected: Outcome) -> Report<impl Sized> {
    repeat_at(serve(), target, expected)
}

fn repeat_at(port: u16, target: &'static str, expected: Outcome) -> Report<impl Sized> {
    let clients = std::iter::repeat_with(|| get(target)).take(CLIENTS);
    let load = Load::run(port, clients, Pace::default());
    load.wait_for_calls(50, HANG_TIMEOUT);
    let report = load.stop();
    assert!(report.samples.len() >= 50);
    for client in 0..CLIENTS {
        let mut outcomes = report.samples.iter().filter(|it| it.client == client);
        assert!(outcomes.any(|it| it.outcome == expected), "{client}");
    }
    assert!(report.samples.iter().all(|it| it.outcome == expected), "{:?}", report.samples);
    report
}

#[test]
fn each_client_repeats_its_calls_until_the_load_is_stopped() {
    let report = repeat("/", Outcome::Status(200));
    assert_eq!(report.count(200), report.samples.len());
    assert!(report.assert_no_errors().samples.iter().all(Sample::is_success));
}

#[test]
fn a_client_continues_on_a_new_connection_after_its_own_was_closed() {
    repeat("/closes", Outcome::Status(204)).assert_no_errors();
    let report = repeat("/disconnects", Outcome::Disconnected);
    assert!(report.samples.iter().all(|it| it.error.is_some() && !it.is_success()));
}

#[test]
fn a_response_with_another_status_is_no_success() {
    assert!(!repeat("/fails", Outcome::Status(503)).samples.iter().any(Sample::is_success));
}

#[test]
fn a_client_can_end_with_its_connection() {
    let pace = Pace { ends_with_connection: true, ..Pace::default() };
    let report = Load::run(serve(), [get("/closes")], pace).wait();
    assert_eq!((report.samples.len(), report.count(204)), (1, 1));
}

#[test]
fn a_call_without_a_response_is_pending_at_the_end() {
    let pace = Pace { time: Some(Duration::from_millis(100)), ..Pace::default() };
    let report = Load::run(serve(), [get("/hangs")], pace).wait();
    let [sample] = &report.samples[..] else { panic!("{:?}", report.samples) };
    assert_eq!(sample.outcome, Outcome::Pending);
    assert!(sample.latency >= Duration::from_millis(50), "{sample:?}");
}

#[test]
fn a_client_that_cannot_connect_does_not_stop_the_others() {
    let report = repeat_at(UNUSED_PORT, "/", Outcome::Disconnected);
    assert!(report.samples.iter().all(|it| it.error.is_some()));
}
