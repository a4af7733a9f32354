//! Reference measurements: the same statements without HTTP, with the same adapter and with `pgbench`.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use todo_domain::Title;
use todo_domain::{
    NewTodo, PageQuery, Sort, TodoFilter, TodoId, TodoPatch, TodoRepository, UserId, VersionMatch,
};
use todo_infrastructure::{DatabaseOptions, StatementCache};
use uuid::Uuid;

use crate::common::calls::{Call, Random};
use crate::common::data::{self, TODOS_PER_USER, USERS};
use crate::common::load::Plan;

/// The argument that runs this program as the load generator of the adapter.
pub(crate) const COMMAND: &str = "reference";

/// The adapter's calls per second, for calls that are one statement on one todo or page.
pub(crate) fn start(url: &str, call: Call, plan: Plan) -> Option<f64> {
    if !matches!(call, Call::Get | Call::List | Call::Create | Call::Patch) {
        return None;
    }
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args([COMMAND, call.name(), url, &plan.connections.to_string()])
        .arg(plan.time.as_millis().to_string())
        .output()
        .expect("the reference measurement runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

/// The load generator of the adapter. Arguments: call, URL, callers, milliseconds.
#[expect(clippy::print_stdout, reason = "the figure goes to the process that started this one")]
pub(crate) fn run(arguments: &[String]) {
    let [call, url, callers, millis] = arguments else { panic!("{arguments:?}") };
    let call = Call::from_name(call);
    let callers: u64 = callers.parse().expect("a number");
    let time = Duration::from_millis(millis.parse().expect("a number"));
    // The defaults of the server.
    let options = DatabaseOptions {
        pool_size: 8,
        timeout: Duration::from_secs(1),
        bulk_timeout: Duration::from_secs(1),
        queue_capacity: 1024,
        statement_cache: StatementCache::Auto,
        migrate_on_start: true,
        migrate_timeout: Duration::from_secs(60),
    };
    let repository =
        todo_infrastructure::open(&url.parse().expect("a URL"), &options).expect("a database");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    let (count, elapsed) = runtime.block_on(async {
        let start = Instant::now();
        let end = start + time;
        let tasks: Vec<_> = (0..callers)
            .map(|number| tokio::spawn(caller(Arc::clone(&repository), call, number, end)))
            .collect();
        let mut count = 0;
        for task in tasks {
            count += task.await.expect("no panic");
        }
        (count, start.elapsed())
    });
    println!("{}", count as f64 / elapsed.as_secs_f64());
}

async fn caller(repository: Arc<dyn TodoRepository>, call: Call, number: u64, end: Instant) -> u64 {
    let mut random = Random(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut count = 0;
    while Instant::now() < end {
        let user = random.below(USERS);
        let id = TodoId(data::todo_id(user, random.below(TODOS_PER_USER)));
        let title = Title::new(format!("Buy groceries {}", random.below(1_000_000_000)));
        let title = title.expect("a short title");
        let (caller, now) = (UserId(data::user_id(user)), now());
        match call {
            Call::List => {
                let query = PageQuery {
                    filter: TodoFilter::default(),
                    sort: Sort::default(),
                    after: None,
                    limit: 21,
                };
                repository.list(caller, query).await.map(drop)
            }
            Call::Create => {
                let id = TodoId(Uuid::now_v7());
                let new = NewTodo::new(id, title, TodoPatch::default());
                repository
                    .insert(UserId(data::user_id(USERS + user)), new, None, now)
                    .await
                    .map(drop)
            }
            Call::Patch => {
                let patch = TodoPatch { title: Some(title), ..TodoPatch::default() };
                repository.update(caller, id, patch, VersionMatch::Any, now).await.map(drop)
            }
            _ => repository.find(caller, id).await.map(drop),
        }
        .expect("the database answers");
        count += 1;
    }
    count
}

#[expect(clippy::disallowed_methods, reason = "a benchmark has no clock injected")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// `pgbench -M prepared` with the same SQL and number of clients, in transactions per second; `None` if it is not
/// installed, or the call is not a single statement.
pub(crate) fn pgbench(url: &str, call: Call, sets_clock: bool, plan: Plan) -> Option<f64> {
    let script = call.pgbench_script(sets_clock)?;
    let file = std::env::temp_dir().join(format!("todo-pgbench-{}.sql", std::process::id()));
    fs::write(&file, script).expect("a temporary file");
    let clients = plan.connections.to_string();
    let output = Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-j", "1", "-c", &clients])
        .args(["-T", &plan.time.as_secs().max(1).to_string(), "-f"])
        .arg(&file)
        .arg(url)
        .output()
        .ok();
    fs::remove_file(&file).expect("the temporary file");
    let output = output?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let tps = text.lines().find_map(|line| line.strip_prefix("tps = "))?;
    tps.split_whitespace().next()?.parse().ok()
}
