//! The load: a process of its own, so that its work is not counted as the server's; one thread, many connections,
//! each of which sends its next request when the last is answered.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use todo_test_support::server::Server;

use super::calls::{Call, Random};

/// The argument that makes this program the load.
pub(crate) const COMMAND: &str = "load";

/// How long and how hard.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
    pub(crate) connections: usize,
}

/// What one run showed. Times in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Good answers.
    pub(crate) count: u64,
    /// Answers that were not.
    pub(crate) failed: u64,
    /// Good answers.
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
}

/// Runs the load against a server and waits for its end. `cursor` is where the deep page begins.
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

/// The load itself: call, port, connections, milliseconds, cursor.
#[expect(clippy::print_stdout, reason = "the figures go to the process that started this one")]
pub(crate) fn run(arguments: &[String]) {
    let [call, port, connections, millis, cursor] = arguments else { panic!("{arguments:?}") };
    let call = Call::of_name(call);
    let port = port.parse().expect("a port");
    let connections: u64 = connections.parse().expect("a number");
    let time = Duration::from_millis(millis.parse().expect("a number"));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    let (mut latencies, failed, elapsed) = runtime.block_on(async {
        let begun = Instant::now();
        let end = begun + time;
        let tasks: Vec<_> = (0..connections)
            .map(|number| tokio::spawn(connection(call, port, number, end, cursor.clone())))
            .collect();
        let (mut latencies, mut failed) = (Vec::new(), 0);
        for task in tasks {
            let (good, bad) = task.await.expect("no panic");
            latencies.extend(good);
            failed += bad;
        }
        (latencies, failed, begun.elapsed())
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

/// One connection; returns the latency of each good answer in microseconds, and how many were not.
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
    let (mut request, mut answer, mut chunk) = (Vec::new(), Vec::new(), vec![0; 64 * 1024]);
    let (mut turn, mut failed) = (0, 0);
    while Instant::now() < end {
        request.clear();
        call.request(&mut random, turn, own, &cursor, &mut request);
        turn += 1;
        let begun = Instant::now();
        stream.write_all(&request).await.expect("the server reads");
        answer.clear();
        let status = loop {
            let read = stream.read(&mut chunk).await.expect("the server answers");
            assert!(read > 0, "the server hung up");
            answer.extend_from_slice(&chunk[..read]);
            if let Some((status, ..)) = complete(&answer) {
                break status;
            }
        };
        if status < 300 {
            latencies.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
        } else {
            failed += 1;
        }
    }
    (latencies, failed)
}

/// The status of an answer and where its body is, once all of it is there. All that is measured have a length.
pub(crate) fn complete(answer: &[u8]) -> Option<(u16, usize, usize)> {
    let head_end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&answer[..head_end]).expect("a head of ASCII");
    let status = head[9..12].parse().expect("a status");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().expect("a length"));
    (answer.len() >= head_end + length).then_some((status, head_end, head_end + length))
}
