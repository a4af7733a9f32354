//! Calls that wait at the same time share a statement.
//!
//! Of what a statement costs, most is the same for one row as for many: the way to Postgres and back, two processes
//! woken, a snapshot. So what a thread takes from the queue is the oldest call and, if it is a new todo, a todo or a
//! page that is wanted, others of its kind. While there is a thread for each call, each has its statement for itself.

use std::time::Instant;

use diesel::prelude::*;
use diesel::result::QueryResult;
use todo_domain::{PageQuery, RepositoryError, Todo};

use super::statements::{self, Find, Insert, List};
use crate::pool::{Pool, Repeat};
use crate::queue::Job;
use crate::reply::ReplyTo;
use crate::workers::{Alone, catching_panics};

/// So many calls at most share a statement. Twice as many would save little more, and wait longer for each other.
pub(crate) const MAX_TOGETHER: usize = 8;

/// A page for more than so many todos is read by itself, so that what is read at once stays small.
const MAX_SHARED_PAGE: u32 = 101;

/// A call of the port.
pub(super) enum Call {
    Insert(Waiting<Insert, Todo>),
    Find(Waiting<Find, Option<Todo>>),
    List(Waiting<List, Vec<Todo>>),
    /// One that reads and shares nothing.
    Read(Alone),
    /// One that writes and shares nothing.
    Write(Alone),
}

/// What is wanted, and who waits for it.
pub(super) struct Waiting<W, T> {
    pub(super) wanted: W,
    pub(super) reply_to: ReplyTo<T>,
}

impl Job for Call {
    fn joins(&self, first: &Self) -> bool {
        match (self, first) {
            (Self::Insert(_), Self::Insert(_)) | (Self::Find(_), Self::Find(_)) => true,
            (Self::List(one), Self::List(other)) => are_alike(&one.wanted.1, &other.wanted.1),
            _ => false,
        }
    }

    fn may_wait(&self) -> bool {
        matches!(self, Self::Insert(_) | Self::Write(_))
    }
}

/// Whether two small pages, from the start of a list, differ in nothing but whose they are.
fn are_alike(one: &PageQuery, other: &PageQuery) -> bool {
    one == other
        && one.limit <= MAX_SHARED_PAGE
        && one.after.is_none()
        && one.filter.search.is_none()
}

/// Answers calls that joined each other.
pub(super) fn answer(pool: &Pool<PgConnection>, calls: Vec<Call>) {
    let (mut inserts, mut finds, mut lists) = (Vec::new(), Vec::new(), Vec::new());
    for call in calls {
        match call {
            Call::Insert(call) => inserts.push(call),
            Call::Find(call) => finds.push(call),
            Call::List(call) => lists.push(call),
            Call::Read(job) | Call::Write(job) => job(),
        }
    }
    answer_alike(pool, inserts, statements::insert, statements::insert_all);
    answer_alike(pool, finds, statements::find, statements::find_all);
    answer_alike(pool, lists, statements::list, statements::list_all);
}

/// Answers calls of one kind by one statement or, if that fails, each by its own, so that no call fails for
/// another's sake.
fn answer_alike<W, T>(
    pool: &Pool<PgConnection>,
    mut calls: Vec<Waiting<W, T>>,
    one: fn(&mut PgConnection, &W) -> QueryResult<T>,
    all: fn(&mut PgConnection, &[&W]) -> QueryResult<Vec<T>>,
) {
    calls.retain(|call| !call.reply_to.is_moot());
    let earliest = calls.iter().map(|call| call.reply_to.deadline()).min();
    if let (Some(deadline), 2..) = (earliest, calls.len()) {
        let wanted: Vec<_> = calls.iter().map(|call| &call.wanted).collect();
        match run(pool, deadline, |connection| all(connection, &wanted)) {
            Ok(results) => {
                for (call, result) in calls.into_iter().zip(results) {
                    call.reply_to.send(Ok(result));
                }
                return;
            }
            Err(error) => {
                tracing::debug!(%error, "a shared statement failed, each call gets its own");
            }
        }
    }
    for Waiting { wanted, reply_to } in calls {
        if !reply_to.is_moot() {
            let result = run(pool, reply_to.deadline(), |connection| one(connection, &wanted));
            reply_to.send(result);
        }
    }
}

/// All of these may be run twice.
fn run<T>(
    pool: &Pool<PgConnection>,
    deadline: Instant,
    statement: impl Fn(&mut PgConnection) -> QueryResult<T>,
) -> Result<T, RepositoryError> {
    catching_panics(|| pool.run(deadline, Repeat::Always, statement))
}
