//! A simulated network delay: a TCP proxy that delays data, but neither limits its rate nor reorders it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Forwards connections on the port that it returns, with a `delay` in each direction, until this process ends.
pub(crate) fn start(to_port: u16, delay: Duration) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.expect("a connection");
            let Ok(server) = TcpStream::connect(("127.0.0.1", to_port)) else { continue };
            for stream in [&client, &server] {
                stream.set_nodelay(true).expect("a socket option");
            }
            let (from_client, to_client) = both_ends(client);
            let (from_server, to_server) = both_ends(server);
            forward(from_client, to_server, delay);
            forward(from_server, to_client, delay);
        }
    });
    port
}

fn both_ends(stream: TcpStream) -> (TcpStream, TcpStream) {
    (stream.try_clone().expect("a file descriptor"), stream)
}

/// Two threads per direction, because one that sleeps would read later data too late.
fn forward(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut chunk = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from.read(&mut chunk) {
            if sender.send((Instant::now() + delay, chunk[..read].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        // It may be closed already.
        let _ = to.shutdown(Shutdown::Both);
    });
}
