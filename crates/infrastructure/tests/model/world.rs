//! One repository with the use cases and the clock of its own: a world in which a call has an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use todo_domain::{
    Clock, PageQuery, Position, RepositoryError, Todo, TodoError, TodoRepository, TodoService,
    UserId,
};
use uuid::Uuid;

use crate::calls::{Action, Call};

/// A clock that is set by the test.
#[derive(Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> DateTime<Utc> {
        at(self.0.load(Ordering::Relaxed))
    }
}

/// So many microseconds after a certain morning.
fn at(microseconds: i64) -> DateTime<Utc> {
    let morning: DateTime<Utc> = "2026-01-22T10:30:00.999990Z".parse().unwrap();
    morning + TimeDelta::microseconds(microseconds)
}

/// A repository, and what stands above it.
pub(crate) struct World {
    /// For messages.
    pub(crate) name: &'static str,
    repository: Arc<dyn TodoRepository>,
    service: TodoService,
    clock: Arc<SetClock>,
}

impl World {
    pub(crate) fn new(name: &'static str, repository: Arc<dyn TodoRepository>) -> Self {
        let clock = Arc::<SetClock>::default();
        let service = TodoService::new(Arc::clone(&repository), clock.clone());
        Self { name, repository, service, clock }
    }

    /// Sets the clock back for a new case.
    pub(crate) fn reset(&self) {
        self.clock.0.store(0, Ordering::Relaxed);
    }

    /// The answer to a call, in words that can be compared: errors have no equality, and what caused them is
    /// each database's own business.
    pub(crate) async fn answer(&self, users: [Uuid; 3], call: &Call) -> String {
        self.clock.0.fetch_add(call.tick, Ordering::Relaxed);
        let (user, service) = (UserId(users[call.user]), &self.service);
        match call.action.clone() {
            // Past the service, which would make an id of its own.
            Action::Insert(todo) => {
                let inserted = self.repository.insert(user, todo, self.clock.now()).await;
                words(inserted.map_err(TodoError::from))
            }
            Action::Find(id) => words(service.get(user, id).await),
            Action::List { filter, sort, limit } => {
                let query = PageQuery { filter, sort, after: None, limit };
                words(self.pages(user, query).await)
            }
            Action::ListAfter { filter, sort, microseconds, id } => {
                let after = Some(Position { at: at(microseconds), id });
                words(service.list(user, PageQuery { filter, sort, after, limit: 3 }).await)
            }
            Action::Count(filter) => words(service.stats(user, filter).await),
            Action::Update(id, patch, versions) => {
                words(service.update(user, id, patch, versions).await)
            }
            Action::Put(todo, condition) => words(service.put(user, todo, condition).await),
            Action::Delete(id, versions) => words(service.delete(user, id, versions).await),
            Action::UpdateMatching(filter, is_completed) => {
                words(service.update_matching(user, filter, is_completed).await)
            }
            Action::DeleteMatching(filter) => words(service.delete_matching(user, filter).await),
        }
    }

    /// All pages, one after the other.
    async fn pages(&self, user: UserId, mut query: PageQuery) -> Result<Vec<Vec<Todo>>, TodoError> {
        let mut pages = Vec::new();
        loop {
            let page = self.service.list(user, query.clone()).await?;
            pages.push(page.items);
            let Some(next) = page.next else { return Ok(pages) };
            assert!(pages.len() < 100, "{}: {query:?} has no end", self.name);
            query.after = Some(next);
        }
    }
}

fn words<T: std::fmt::Debug>(answer: Result<T, TodoError>) -> String {
    match answer {
        Err(TodoError::Repository(RepositoryError::Internal(_))) => "internal error".to_owned(),
        Err(TodoError::Repository(error)) => panic!("{error:?}"),
        answer => format!("{answer:?}"),
    }
}
