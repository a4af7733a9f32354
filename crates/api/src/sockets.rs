//! The listening sockets, and how many sockets may be open.

use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

/// The maximum number of connections waiting to be accepted (the system may limit it further). With the standard
/// library's 128, many clients that connect at once would have to retry, which takes a second.
const BACKLOG: i32 = 4_096;

pub(crate) fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// How many files are open besides connections: the log, epoll, and files that SQLite opens temporarily.
const OTHER_FILES: u64 = 64;

/// Raises the open file limit, which is often 1,024, to what the connections need, as far as the system allows.
pub(crate) fn allow_open_files(max_connections: usize, pool_size: u32) {
    let clients = u64::try_from(max_connections).unwrap_or(u64::MAX);
    // A SQLite connection has three open files.
    let needed = clients.saturating_add(3 * u64::from(pool_size) + OTHER_FILES);
    match rlimit::increase_nofile_limit(needed) {
        Ok(open_files) if open_files >= needed => {}
        Ok(open_files) => tracing::warn!(
            open_files,
            needed,
            "MAX_CONNECTIONS exceeds the open file limit: raise the limit (ulimit -n), or lower MAX_CONNECTIONS"
        ),
        Err(error) => tracing::warn!(%error, "the open file limit could not be raised"),
    }
}
