//! Asks the server whether it is ready.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};

/// The start of a response with a status: `HTTP/1.1 200`.
const STATUS_LINE_BYTES: usize = 12;

/// Sends `GET /health/ready` to the server that listens on this address.
///
/// # Errors
/// If it does not respond with 200 within the timeout.
pub(crate) fn healthcheck(listening: SocketAddr, timeout: Duration) -> anyhow::Result<()> {
    let address = reachable(listening);
    let start = start_of_response(address, Instant::now() + timeout).map_err(|error| {
        match error.kind() {
            // A socket's timeout is a resource that is temporarily unavailable to Unix.
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                anyhow!("no response within {timeout:?}")
            }
            ErrorKind::UnexpectedEof => anyhow!("it closed the connection"),
            _ => error.into(),
        }
    })?;
    match start.split_at(b"HTTP/1.1 ".len()) {
        (b"HTTP/1.1 ", b"200") => Ok(()),
        (b"HTTP/1.1 ", status) => bail!("it responded with {}", status.escape_ascii()),
        _ => bail!("it does not speak HTTP"),
    }
}

fn start_of_response(
    address: SocketAddr,
    deadline: Instant,
) -> io::Result<[u8; STATUS_LINE_BYTES]> {
    let time_left = || match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(ErrorKind::TimedOut.into()),
        left => Ok::<_, io::Error>(left),
    };
    let mut stream = TcpStream::connect_timeout(&address, time_left()?)?;
    stream.set_write_timeout(Some(time_left()?))?;
    let head = "GET /health/ready HTTP/1.1\r\nConnection: close\r\n";
    stream.write_all(format!("{head}Host: {address}\r\n\r\n").as_bytes())?;
    let mut start = [0; STATUS_LINE_BYTES];
    let mut unread = start.as_mut_slice();
    while !unread.is_empty() {
        stream.set_read_timeout(Some(time_left()?))?;
        match stream.read(unread)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => unread = unread.split_at_mut(read).1,
        }
    }
    Ok(start)
}

/// The address of a server that listens on this one: loopback if it listens on all addresses.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    (ip, listening.port()).into()
}
