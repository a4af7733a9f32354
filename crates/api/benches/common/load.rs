//! The load generator: a separate process with one thread, so that its CPU time does not count as the server's. Each of
//! its clients sends its next call after the previous response, even if that was an error.

use std::io::{self, BufWriter, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use todo_test_support::clients::http::Request;
use todo_test_support::clients::load::{self, Outcome, Pace};
use todo_test_support::server::Server;

use super::calls::Call;

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
pub(crate) struct Figures {
    /// The number of successful responses.
    pub(crate) count: usize,
    /// The number of calls that failed.
    pub(crate) failed: usize,
    /// Successful responses per second.
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
}

/// A call and its outcome.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) user: u64,
    /// The times of the request and the response, since the start of the clients.
    pub(crate) sent: Duration,
    pub(crate) completed: Duration,
    pub(crate) outcome: Outcome,
}

impl Sample {
    /// Whether the response is a 2xx, or a 304.
    pub(crate) fn is_success(&self) -> bool {
        matches!(self.outcome, Outcome::Status(200..300 | 304))
    }

    pub(crate) fn latency(&self) -> Duration {
        self.completed.saturating_sub(self.sent)
    }
}

/// Runs one kind of call against a server. `cursor` is that of the deep page.
pub(crate) fn measure(server: &Server, cursor: &str, call: Call, plan: Plan) -> Figures {
    let connections = plan.connections.min(call.max_connections());
    let numbers: Vec<u64> = (0..connections as u64).collect();
    let samples = Clients::start(server.port(), plan.time, &[call.name(), cursor], &numbers).wait();
    let (good, other): (Vec<Sample>, Vec<Sample>) =
        samples.into_iter().partition(Sample::is_success);
    let mut latencies: Vec<_> = good.iter().map(Sample::latency).collect();
    latencies.sort_unstable();
    let per_mille = |part: usize| {
        let latency = latencies.get(latencies.len() * part / 1_000).copied();
        latency.unwrap_or_default().as_secs_f64() * 1e6
    };
    Figures {
        count: good.len(),
        failed: other.iter().filter(|it| it.outcome != Outcome::Pending).count(),
        per_second: good.len() as f64 / plan.time.as_secs_f64(),
        p50: per_mille(500),
        p99: per_mille(990),
        p999: per_mille(999),
    }
}

/// Running clients.
pub(crate) struct Clients {
    process: Child,
    output: ChildStdout,
    /// When all of them were connected.
    pub(crate) start: Instant,
}

impl Clients {
    /// Starts a client for each of the users, who may occur more than once. Returns when all are connected. `calls` says
    /// what they send, as two words.
    pub(crate) fn start(port: u16, time: Duration, calls: &[&str; 2], users: &[u64]) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .arg(COMMAND)
            .args([port.to_string(), time.as_millis().to_string()])
            .args(calls)
            .args(users.iter().map(u64::to_string))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the clients run");
        let mut output = process.stdout.take().expect("stdout is piped");
        output.read_exact(&mut [0]).expect("the clients connect");
        Self { process, output, start: Instant::now() }
    }

    /// Waits for their end, and returns all their calls. They end at once when they are dropped.
    pub(crate) fn wait(mut self) -> Vec<Sample> {
        let mut text = String::new();
        self.output.read_to_string(&mut text).expect("text");
        assert!(self.process.wait().expect("it is our child").success(), "the clients failed");
        text.lines().map(parse).collect()
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const DISCONNECTED: u64 = 0;
const PENDING: u64 = 1;

fn parse(line: &str) -> Sample {
    let mut fields = line.split(' ').map(|field| field.parse::<u64>().expect("a number"));
    let mut next = || fields.next().expect("four numbers");
    Sample {
        user: next(),
        sent: Duration::from_micros(next()),
        completed: Duration::from_micros(next()),
        outcome: match next() {
            DISCONNECTED => Outcome::Disconnected,
            PENDING => Outcome::Pending,
            status => Outcome::Status(u16::try_from(status).expect("a status")),
        },
    }
}

/// The load generator itself. Arguments: port, milliseconds, two words for the calls, users. `requests` returns what a
/// client sends: from the two words, the number of the client, and its user.
pub(crate) fn run<R>(arguments: &[String], requests: impl Fn([&str; 2], u64, u64) -> R)
where
    R: FnMut(&mut Request) + Send + 'static,
{
    let [port, millis, name, cursor, users @ ..] = arguments else { panic!("{arguments:?}") };
    let port = port.parse().expect("a port");
    let time = Duration::from_millis(millis.parse().expect("a number"));
    let users: Vec<u64> = users.iter().map(|user| user.parse().expect("a user")).collect();
    let callers = (0..).zip(&users).map(|(number, user)| requests([name, cursor], number, *user));
    let load = load::Load::run(port, callers, Pace { time: Some(time), ..Pace::default() });
    let start = load.start;
    let mut output = BufWriter::new(io::stdout().lock());
    output.write_all(b"!").and_then(|()| output.flush()).expect("somebody reads");
    for sample in load.wait().samples {
        let outcome = match sample.outcome {
            Outcome::Status(status) => status.into(),
            Outcome::Disconnected => DISCONNECTED,
            Outcome::Pending => PENDING,
        };
        let (sent, completed) = (sample.sent - start, sample.completed() - start);
        let (sent, completed) = (sent.as_micros(), completed.as_micros());
        writeln!(output, "{} {sent} {completed} {outcome}", users[sample.client])
            .expect("somebody reads");
    }
    output.flush().expect("somebody reads");
}
