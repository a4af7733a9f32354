//! The clients: separate processes with one thread each, so that they take little CPU time from the server and the
//! database. A client sends its next call after the previous response, even if that was an error.

use std::io::{self, BufWriter, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::calls::{Random, write};
use crate::common::data::{self, TODOS_PER_USER};
use crate::common::load::complete;

/// The argument that runs this program as the clients.
pub(crate) const COMMAND: &str = "clients";

/// The title of the todos that clients create.
pub(crate) const CREATED: &str = "Created by the neighbours benchmark";

/// The calls that a client repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    /// GET of a todo (60 %), a page of 20 (20 %), a create (10 %), a PATCH (10 %).
    Mix,
    /// A search without matches.
    Search,
    /// The counters.
    Count,
    /// All todos completed and reopened, alternately.
    Bulk,
    /// A PATCH of the user's first todo.
    Row,
}

/// The outcome of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Status(u16),
    /// The connection was closed.
    Disconnected,
    /// The call was pending at the end.
    Pending,
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
    pub(crate) fn is_success(&self) -> bool {
        matches!(self.outcome, Outcome::Status(200..300))
    }

    pub(crate) fn latency(&self) -> Duration {
        self.completed.saturating_sub(self.sent)
    }
}

impl Calls {
    const ALL: [Self; 5] = [Self::Mix, Self::Search, Self::Count, Self::Bulk, Self::Row];

    fn request(self, user: u64, turn: u64, random: &mut Random, to: &mut Vec<u8>) {
        let caller = data::user_id(user);
        let todo = |number| format!("/api/v1/todos/{}", data::todo_id(user, number));
        match self {
            Self::Mix => match random.below(10) {
                0..6 => write(to, "GET", &todo(random.below(TODOS_PER_USER)), caller, None),
                6..8 => write(to, "GET", "/api/v1/todos?limit=20", caller, None),
                8 => {
                    let body = format!("{{\"title\":\"{CREATED}\"}}");
                    write(to, "POST", "/api/v1/todos", caller, Some(&body));
                }
                _ => {
                    let body = format!("{{\"title\":\"Buy groceries {turn}\"}}");
                    let target = todo(random.below(TODOS_PER_USER));
                    write(to, "PATCH", &target, caller, Some(&body));
                }
            },
            Self::Search => {
                write(to, "GET", "/api/v1/todos?limit=20&q=nowhere+to+be+found", caller, None);
            }
            Self::Count => write(to, "GET", "/api/v1/todos/stats", caller, None),
            Self::Bulk => {
                let into = turn.is_multiple_of(2);
                let from = !into;
                let target = format!("/api/v1/todos?is_completed={from}");
                write(to, "PATCH", &target, caller, Some(&format!("{{\"is_completed\":{into}}}")));
            }
            Self::Row => {
                let body = format!("{{\"title\":\"Buy groceries {turn}\"}}");
                write(to, "PATCH", &todo(0), caller, Some(&body));
            }
        }
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
    /// Starts a client for each of the users, who may occur more than once. Returns when all are connected.
    pub(crate) fn start(port: u16, time: Duration, calls: Calls, users: &[u64]) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args([COMMAND, &format!("{calls:?}"), &port.to_string()])
            .arg(time.as_millis().to_string())
            .args(users.iter().map(u64::to_string))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the clients run");
        let mut output = process.stdout.take().expect("stdout is piped");
        output.read_exact(&mut [0]).expect("the clients connect");
        Self { process, output, start: Instant::now() }
    }

    /// Waits for their end, and returns all their calls.
    pub(crate) fn wait(mut self) -> Vec<Sample> {
        let mut text = String::new();
        self.output.read_to_string(&mut text).expect("text");
        assert!(self.process.wait().expect("it is our child").success(), "the clients failed");
        text.lines().map(parse).collect()
    }
}

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

const DISCONNECTED: u64 = 0;
const PENDING: u64 = 1;

/// The clients themselves. Arguments: calls, port, milliseconds, users.
pub(crate) fn run(arguments: &[String]) -> io::Result<()> {
    let [calls, port, millis, users @ ..] = arguments else { panic!("{arguments:?}") };
    let named = |it: &Calls| format!("{it:?}") == *calls;
    let calls = Calls::ALL.into_iter().find(named).expect("known calls");
    let port = port.parse().expect("a port");
    let time = Duration::from_millis(millis.parse().expect("a number"));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    let samples = runtime.block_on(async {
        let mut clients = Vec::new();
        for (number, user) in users.iter().enumerate() {
            clients.push(Client {
                calls,
                port,
                user: user.parse().expect("a user"),
                random: Random((number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
                stream: connect(port).await?,
                pending: None,
                samples: Vec::with_capacity(10_000),
            });
        }
        let mut stdout = io::stdout();
        stdout.write_all(b"!")?;
        stdout.flush()?;
        let start = Instant::now();
        let tasks: Vec<_> =
            clients.into_iter().map(|client| tokio::spawn(client.run(start, time))).collect();
        let mut samples = Vec::new();
        for task in tasks {
            samples.extend(task.await.expect("no panic"));
        }
        io::Result::Ok(samples)
    })?;
    let mut output = BufWriter::new(io::stdout().lock());
    for Sample { user, sent, completed, outcome } in samples {
        let outcome = match outcome {
            Outcome::Status(status) => status.into(),
            Outcome::Disconnected => DISCONNECTED,
            Outcome::Pending => PENDING,
        };
        writeln!(output, "{user} {} {} {outcome}", sent.as_micros(), completed.as_micros())?;
    }
    output.flush()
}

async fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

struct Client {
    calls: Calls,
    port: u16,
    user: u64,
    random: Random,
    stream: TcpStream,
    /// When the pending call was sent.
    pending: Option<Duration>,
    samples: Vec<Sample>,
}

impl Client {
    async fn run(mut self, start: Instant, time: Duration) -> Vec<Sample> {
        let end = (start + time).into();
        if tokio::time::timeout_at(end, self.send_calls(start)).await.is_err()
            && let Some(sent) = self.pending
        {
            self.record(sent, start, Outcome::Pending);
        }
        self.samples
    }

    async fn send_calls(&mut self, start: Instant) {
        let (mut request, mut response, mut chunk) = (Vec::new(), Vec::new(), vec![0; 64 * 1024]);
        // So that the clients of one user do not alternate in step.
        for turn in self.random.below(2).. {
            request.clear();
            self.calls.request(self.user, turn, &mut self.random, &mut request);
            let sent = start.elapsed();
            self.pending = Some(sent);
            response.clear();
            if let Ok(status) =
                exchange(&mut self.stream, &request, &mut response, &mut chunk).await
            {
                self.record(sent, start, Outcome::Status(status));
            } else {
                self.record(sent, start, Outcome::Disconnected);
                self.stream = connect(self.port).await.expect("the server listens");
            }
        }
    }

    fn record(&mut self, sent: Duration, start: Instant, outcome: Outcome) {
        self.pending = None;
        self.samples.push(Sample { user: self.user, sent, completed: start.elapsed(), outcome });
    }
}

async fn exchange(
    stream: &mut TcpStream,
    request: &[u8],
    response: &mut Vec<u8>,
    chunk: &mut [u8],
) -> io::Result<u16> {
    stream.write_all(request).await?;
    loop {
        let read = stream.read(chunk).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        response.extend_from_slice(&chunk[..read]);
        if let Some((status, ..)) = complete(response) {
            return Ok(status);
        }
    }
}
