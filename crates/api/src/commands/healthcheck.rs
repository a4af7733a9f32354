//! Asks the server whether it is ready.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// The start of a response with a status: `HTTP/1.1 200`.
const STATUS_LINE_BYTES: usize = 12;

/// Sends `GET /health/ready` to the server that listens on this address.
///
/// # Errors
/// If it does not respond with 200 within the timeout.
pub(crate) fn healthcheck(listening: SocketAddr, timeout: Duration) -> anyhow::Result<()> {
    let deadline = Instant::now() + timeout;
    let time_left = || {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            bail!("no response within {timeout:?}");
        }
        Ok(left)
    };
    let address = reachable(listening);
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_write_timeout(Some(time_left()?))?;
    let head = "GET /health/ready HTTP/1.1\r\nConnection: close\r\n";
    stream.write_all(format!("{head}Host: {address}\r\n\r\n").as_bytes())?;
    let mut start = [0; STATUS_LINE_BYTES];
    let mut length = 0;
    while length < start.len() {
        stream.set_read_timeout(Some(time_left()?))?;
        let unread = start.get_mut(length..).unwrap_or_default();
        match stream.read(unread) {
            Ok(0) => bail!("it closed the connection"),
            Ok(read) => length += read,
            Err(error) => {
                // The operating system calls a timeout a temporarily unavailable resource.
                time_left()?;
                return Err(error).context("no response");
            }
        }
    }
    match start.split_at(b"HTTP/1.1 ".len()) {
        (b"HTTP/1.1 ", b"200") => Ok(()),
        (b"HTTP/1.1 ", status) => bail!("it responded with {}", status.escape_ascii()),
        _ => bail!("it does not speak HTTP"),
    }
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
