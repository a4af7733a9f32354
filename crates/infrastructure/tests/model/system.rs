//! A system under test: a repository, with the use cases and a clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use todo_domain::{
    Changes, Clock, PageQuery, RepositoryError, SyncToken, Todo, TodoError, TodoRepository,
    TodoService, UserId,
};
use uuid::Uuid;

use crate::calls::{Action, Call};

/// A clock that the test sets.
#[derive(Default)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        at(self.0.load(Ordering::Relaxed))
    }
}

/// The time this many microseconds after a fixed one.
pub(crate) fn at(microseconds: i64) -> DateTime<Utc> {
    let origin: DateTime<Utc> = "2026-01-22T10:30:00.999990Z".parse().unwrap();
    origin + TimeDelta::microseconds(microseconds)
}

/// A repository with its service and clock.
pub(crate) struct System {
    /// For failure messages.
    pub(crate) name: &'static str,
    repository: Arc<dyn TodoRepository>,
    service: TodoService,
    clock: Arc<TestClock>,
    /// The tokens that the users got, in order.
    tokens: Mutex<Vec<(UserId, SyncToken)>>,
}

impl System {
    pub(crate) fn new(name: &'static str, repository: Arc<dyn TodoRepository>) -> Self {
        let clock = Arc::<TestClock>::default();
        let service = TodoService::new(Arc::clone(&repository), clock.clone());
        Self { name, repository, service, clock, tokens: Mutex::default() }
    }

    /// Sets the clock back for a new case.
    pub(crate) fn reset(&self) {
        self.clock.0.store(0, Ordering::Relaxed);
        self.tokens.lock().unwrap().clear();
    }

    /// Runs a call. Returns the result as text, because errors cannot be compared, and their causes differ between
    /// databases.
    pub(crate) async fn run(&self, users: [Uuid; 3], call: &Call) -> String {
        self.clock.0.fetch_add(call.tick, Ordering::Relaxed);
        let (user, service) = (UserId(users[call.user]), &self.service);
        match call.action.clone() {
            // Without the service, which would generate another id.
            Action::Insert(todo, quota) => {
                let inserted = self.repository.insert(user, todo, quota, self.clock.now()).await;
                to_text(inserted.map_err(TodoError::from))
            }
            Action::Find(id) => to_text(service.get(user, id).await),
            Action::List { filter, sort, limit } => {
                let query = PageQuery { filter, sort, after: None, limit };
                to_text(self.pages(user, query).await)
            }
            Action::ListAfter { filter, sort, after } => {
                let query = PageQuery { filter, sort, after: Some(after), limit: 3 };
                to_text(service.list(user, query).await)
            }
            Action::Count(filter, now) => to_text(service.stats(user, filter, Some(now)).await),
            Action::Tags => to_text(service.tags(user).await),
            Action::Update(id, patch, versions) => {
                to_text(service.update(user, id, patch, versions).await)
            }
            Action::Put(todo, condition, quota) => {
                let service = service.clone().with_quota(quota);
                to_text(service.put(user, todo, condition).await)
            }
            Action::Changes { token, limit } => to_text(self.changes(user, token, limit).await),
            Action::Purge { microseconds } => to_text(
                self.repository.purge(at(microseconds), None).await.map_err(TodoError::from),
            ),
            Action::Delete(id, versions) => to_text(service.delete(user, id, versions).await),
            Action::UpdateMatching(filter, patch) => {
                to_text(service.update_matching(user, filter, patch).await)
            }
            Action::DeleteMatching(filter) => to_text(service.delete_matching(user, filter).await),
        }
    }

    /// The changes after the token with this number, as text: the databases have different feeds.
    async fn changes(&self, user: UserId, token: usize, limit: u32) -> Result<String, TodoError> {
        let tokens: Vec<_> = self.tokens.lock().unwrap().clone();
        let tokens: Vec<_> = tokens.into_iter().filter(|(of, _)| *of == user).collect();
        let since = tokens.get(token).map(|(_, token)| *token);
        let Changes { items, deleted, next, has_more } =
            self.service.changes(user, since, limit).await?;
        self.tokens.lock().unwrap().push((user, next));
        let SyncToken { position, deleted_after, .. } = next;
        Ok(format!("{items:?} {deleted:?} {has_more} {position:?} {deleted_after}"))
    }

    /// All pages of a list, with the times of the clock.
    async fn pages(
        &self,
        user: UserId,
        mut query: PageQuery,
    ) -> Result<Vec<(Vec<Todo>, Option<DateTime<Utc>>)>, TodoError> {
        let mut pages = Vec::new();
        loop {
            let page = self.service.list(user, query.clone()).await?;
            pages.push((page.items, page.changed_at));
            let Some(next) = page.next else { return Ok(pages) };
            assert!(pages.len() < 100, "{}: {query:?} does not end", self.name);
            query.after = Some(next);
        }
    }
}

fn to_text<T: std::fmt::Debug>(result: Result<T, TodoError>) -> String {
    match result {
        Err(TodoError::Repository(RepositoryError::Internal(_))) => "internal error".to_owned(),
        Err(TodoError::Repository(error)) => panic!("{error:?}"),
        result => format!("{result:?}"),
    }
}
