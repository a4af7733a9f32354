//! The load generator: a separate process, so that its CPU time does not count as the server's. It has one thread and
//! many connections, each of which sends its next request after the previous response.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use todo_test_support::server::Server;

use super::calls::{Call, Random};

/// The argument that runs this program as the load generator.
pub(crate) const COMMAND: &str = "load";

/// The parameters of a load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
    pub(crate) connections: usize,
}

/// The result of one run. Times in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// The number of successful responses.
    pub(crate) count: u64,
    /// The number of other responses.
    pub(crate) failed: u64,
    /// Successful responses per second.
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
}

/// Runs the load against a server until it ends. `cursor` is that of the deep page.
pub(crate) fn start(server: &Server, cursor: &str, call: Call, plan: Plan) -> Load {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args([COMMAND, call.name(), &server.port().to_string(), &plan.connections.to_string()])
        .args([&plan.time.as_millis().to_string(), cursor])
        .output()
        .expect("the load runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let number = |name: &str| figures[name].as_f64().expect("a number");
    Load {
        count: figures["count"].as_u64().expect("a number"),
        failed: figures["failed"].as_u64().expect("a number"),
        per_second: number("per_second"),
        p50: number("p50"),
        p99: number("p99"),
        p999: number("p999"),
    }
}

/// The load generator itself. Arguments: call, port, connections, milliseconds, cursor.
#[expect(clippy::print_stdout, reason = "the figures go to the process that started this one")]
pub(crate) fn run(arguments: &[String]) {
    let [call, port, connections, millis, cursor] = arguments else { panic!("{arguments:?}") };
    let call = Call::from_name(call);
    let port = port.parse().expect("a port");
    let connections: u64 = connections.parse().expect("a number");
    let time = Duration::from_millis(millis.parse().expect("a number"));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    let (mut latencies, failed, elapsed) = runtime.block_on(async {
        let start = Instant::now();
        let end = start + time;
        let tasks: Vec<_> = (0..connections)
            .map(|number| tokio::spawn(connection(call, port, number, end, cursor.clone())))
            .collect();
        let (mut latencies, mut failed) = (Vec::new(), 0);
        for task in tasks {
            let (good, bad) = task.await.expect("no panic");
            latencies.extend(good);
            failed += bad;
        }
        (latencies, failed, start.elapsed())
    });
    latencies.sort_unstable();
    let per_mille =
        |part: usize| latencies.get(latencies.len() * part / 1_000).copied().unwrap_or_default();
    println!(
        "{}",
        json!({
            "count": latencies.len(),
            "failed": failed,
            "per_second": latencies.len() as f64 / elapsed.as_secs_f64(),
            "p50": per_mille(500),
            "p99": per_mille(990),
            "p999": per_mille(999),
        })
    );
}

/// Runs one connection. Returns the latencies of successful responses in microseconds, and the number of others.
async fn connection(
    call: Call,
    port: u16,
    number: u64,
    end: Instant,
    cursor: String,
) -> (Vec<u32>, u64) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("the server listens");
    stream.set_nodelay(true).expect("a socket option");
    let mut random = Random(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let own = (u64::from(std::process::id()) << 16) | number;
    let mut latencies = Vec::with_capacity(100_000);
    let (mut request, mut response, mut chunk) = (Vec::new(), Vec::new(), vec![0; 64 * 1024]);
    let (mut turn, mut failed) = (0, 0);
    while Instant::now() < end {
        request.clear();
        call.request(&mut random, turn, own, &cursor, &mut request);
        turn += 1;
        let start = Instant::now();
        stream.write_all(&request).await.expect("the server reads");
        response.clear();
        let status = loop {
            let read = stream.read(&mut chunk).await.expect("the server responds");
            assert!(read > 0, "the server closed the connection");
            response.extend_from_slice(&chunk[..read]);
            if let Some((status, ..)) = complete(&response) {
                break status;
            }
        };
        if status < 300 {
            latencies.push(u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX));
        } else {
            failed += 1;
        }
    }
    (latencies, failed)
}

/// The status of a response and the range of its body, once it is complete. All measured responses have a length.
pub(crate) fn complete(response: &[u8]) -> Option<(u16, usize, usize)> {
    let head_end = response.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&response[..head_end]).expect("a head of ASCII");
    let status = head[9..12].parse().expect("a status");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().expect("a length"));
    (response.len() >= head_end + length).then_some((status, head_end, head_end + length))
}
