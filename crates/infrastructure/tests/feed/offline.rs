//! Model clients: each has a copy and an outbox, is offline at random, and loses answers. In the end, all are in step.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use todo_domain::{
    DeleteOutcome, NewTodo, PutCondition, PutOutcome, TodoFilter, TodoId, UserId, VersionMatch,
};
use uuid::Uuid;

use crate::copy::Copy;
use crate::{Servers, completed, id, todo};

const CASES: u32 = 160;
const STEPS: usize = 60;
const CLIENTS: usize = 3;
/// Few, so that the clients change the same todos.
const IDS: u64 = 6;

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// A client creates, changes or revives a todo, in its outbox.
    Edit {
        client: usize,
        id: TodoId,
        text: u8,
    },
    /// A client deletes one of its todos, in its outbox.
    Remove {
        client: usize,
        which: Index,
    },
    /// A client goes online, for this many calls. The answer to the last one may be lost.
    Connect {
        client: usize,
        calls: usize,
        limit: u32,
        is_lost: bool,
    },
    /// The web client, which is always online, changes many todos.
    Complete {
        is_completed: bool,
    },
    Clear {
        is_completed: bool,
    },
    /// Tombstones of deletions more than this many microseconds ago are removed.
    Purge {
        ago: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let client = || 0..CLIENTS;
    prop_oneof![
        8 => (client(), 0..IDS, any::<u8>())
            .prop_map(|(client, number, text)| Step::Edit { client, id: id(number), text }),
        4 => (client(), any::<Index>()).prop_map(|(client, which)| Step::Remove { client, which }),
        8 => (client(), 1..8_usize, 1..5_u32, any::<bool>())
            .prop_map(|(client, calls, limit, is_lost)| Step::Connect { client, calls, limit, is_lost }),
        1 => any::<bool>().prop_map(|is_completed| Step::Complete { is_completed }),
        1 => any::<bool>().prop_map(|is_completed| Step::Clear { is_completed }),
        2 => (-5..30_i64).prop_map(|ago| Step::Purge { ago }),
    ]
}

/// A change that was not acknowledged yet.
#[derive(Debug, Clone)]
enum Unsent {
    Put(NewTodo, PutCondition),
    Delete(TodoId, VersionMatch),
}

/// What the client knows, and what it has not sent.
#[derive(Default)]
struct Client {
    copy: Copy,
    outbox: Vec<Unsent>,
}

impl Client {
    fn edit(&mut self, id: TodoId, text: u8) {
        let condition = match self.copy.todos.get(&id) {
            Some(todo) => PutCondition::Present(VersionMatch::OneOf(vec![todo.version])),
            // A new todo, or the undo of a deletion.
            None if text.is_multiple_of(2) => PutCondition::Absent,
            None => PutCondition::Always,
        };
        self.outbox.push(Unsent::Put(todo(id, &text.to_string(), text > 100), condition));
    }

    fn remove(&mut self, which: Index) {
        let todos: Vec<_> = self.copy.todos.values().collect();
        if !todos.is_empty() {
            let todo = which.get(&todos);
            self.outbox.push(Unsent::Delete(todo.id, VersionMatch::OneOf(vec![todo.version])));
        }
    }

    /// Makes a call: sends the first unsent change, or else reads a page. Returns whether there is more to do.
    async fn call(&mut self, server: &Server<'_>, limit: u32, is_lost: bool) -> bool {
        let Some(unsent) = self.outbox.first().cloned() else {
            let Server { servers, user, .. } = *server;
            return self.copy.read(servers.of(0), user, limit).await;
        };
        let repository = server.servers.of(1);
        let (user, now) = (server.user, server.now);
        match unsent {
            Unsent::Put(new, condition) => {
                let id = new.id();
                match repository.put(user, new, condition, None, now).await.unwrap() {
                    _ if is_lost => return true,
                    PutOutcome::Created(todo) | PutOutcome::Replaced(todo) => {
                        self.copy.todos.insert(id, todo);
                    }
                    // The server wins. The feed tells what happened.
                    PutOutcome::Conflict(_) => {}
                    PutOutcome::QuotaExceeded => unreachable!("there is no quota"),
                }
            }
            Unsent::Delete(id, versions) => {
                match repository.delete(user, id, versions, now).await.unwrap() {
                    _ if is_lost => return true,
                    DeleteOutcome::Deleted | DeleteOutcome::Absent => {
                        self.copy.todos.remove(&id);
                    }
                    DeleteOutcome::Conflict(_) => {}
                }
            }
        }
        self.outbox.remove(0);
        true
    }
}

struct Server<'a> {
    servers: &'a Servers,
    user: UserId,
    now: DateTime<Utc>,
}

async fn run(servers: &Servers, steps: &[Step]) {
    let mut clients: [Client; CLIENTS] = Default::default();
    let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
    let mut server = Server { servers, user: UserId(Uuid::new_v4()), now };
    for (number, step) in steps.iter().enumerate() {
        // The server's clock sometimes stands still, or is set back.
        server.now += TimeDelta::microseconds([1, 0, 2, -3, 5][number % 5]);
        let Server { user, now, .. } = server;
        match step {
            Step::Edit { client, id, text } => clients[*client].edit(*id, *text),
            Step::Remove { client, which } => clients[*client].remove(*which),
            Step::Connect { client, calls, limit, is_lost } => {
                for call in (0..*calls).rev() {
                    let is_lost = *is_lost && call == 0;
                    if !clients[*client].call(&server, *limit, is_lost).await {
                        break;
                    }
                }
            }
            Step::Complete { is_completed } => {
                let (filter, patch) = (TodoFilter::default(), completed(*is_completed));
                servers.of(1).update_matching(user, filter, patch, now).await.unwrap();
            }
            Step::Clear { is_completed } => {
                let filter =
                    TodoFilter { is_completed: Some(*is_completed), ..TodoFilter::default() };
                servers.of(1).delete_matching(user, filter, now).await.unwrap();
            }
            Step::Purge { ago } => {
                let (before, mut from) = (now - TimeDelta::microseconds(*ago), None);
                while let Some(next) = servers.of(0).purge(before, from).await.unwrap() {
                    from = Some(next);
                }
            }
        }
    }
    for client in &mut clients {
        while !client.outbox.is_empty() {
            client.call(&server, 1, false).await;
        }
    }
    for client in &mut clients {
        client.copy.assert_in_step(servers.of(0), server.user).await;
    }
}

/// The same cases on every run, so that failures are reproducible.
fn assert_clients_get_in_step(servers: &Servers) {
    let config = ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 500,
        ..ProptestConfig::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let steps = proptest::collection::vec(step(), 1..=STEPS);
    let result = TestRunner::new_with_rng(config, rng).run(&steps, |steps| {
        runtime.block_on(run(servers, &steps));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn clients_that_are_offline_at_random_get_in_step_on_sqlite() {
    assert_clients_get_in_step(&Servers::sqlite());
}

#[test]
fn clients_that_are_offline_at_random_get_in_step_on_postgres() {
    let Some(servers) = Servers::postgres() else { return };
    assert_clients_get_in_step(&servers);
}
