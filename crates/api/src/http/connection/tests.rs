//! The timeouts here are either short, or so long that a test that waited for one would never end.

use actix_web::rt::net::TcpListener;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use super::*;
use crate::shutdown::Connections;

const SHORT: Duration = Duration::from_millis(300);
const ENDLESS: Duration = Duration::from_secs(3_600);

/// A connection, and the client's end.
async fn connection(timeout: Duration, keep_alive: Duration) -> (Connection, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_nonblocking(true).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let connection = Connection::new(stream, timeout, keep_alive, Connections::default().open());
    (connection, TcpStream::from_std(client).unwrap())
}

/// Waits until the connection times out without receiving anything.
async fn expect_timeout(connection: &mut Connection) {
    let error = connection.read(&mut [0; 16]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

async fn receive(connection: &mut Connection, client: &mut TcpStream) {
    client.write_all(b"x").await.unwrap();
    assert_eq!(connection.read(&mut [0; 16]).await.unwrap(), 1);
}

#[actix_web::test]
async fn a_silent_client_is_disconnected() {
    let (mut connection, _client) = connection(SHORT, ENDLESS).await;
    expect_timeout(&mut connection).await;
}

#[actix_web::test]
async fn a_connection_may_be_idle_after_a_response() {
    let (mut connection, mut client) = connection(SHORT, 3 * SHORT).await;
    receive(&mut connection, &mut client).await;
    connection.write_all(b"a response").await.unwrap();
    let responded = Instant::now();
    expect_timeout(&mut connection).await;
    assert!(responded.elapsed() >= 4 * SHORT);
}

#[actix_web::test]
async fn later_requests_have_the_same_timeout_as_the_first() {
    let (mut connection, mut client) = connection(SHORT, ENDLESS).await;
    connection.write_all(b"a response").await.unwrap();
    // Idle for longer than the timeout.
    sleep(2 * SHORT).await;
    receive(&mut connection, &mut client).await;
    // Bytes that trickle in do not extend the timeout.
    actix_web::rt::spawn(async move {
        while client.write_all(b"x").await.is_ok() {
            sleep(SHORT / 10).await;
        }
    });
    let mut bytes = [0; 1];
    let error = loop {
        if let Err(error) = connection.read(&mut bytes).await {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[actix_web::test]
async fn a_client_that_does_not_read_is_disconnected() {
    let (mut connection, _client) = connection(SHORT, ENDLESS).await;
    let error = connection.write_all(&vec![0; 64 << 20]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}
