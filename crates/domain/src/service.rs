//! The use cases: the operations on the todos of one user.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::{NoContext, Timestamp, Uuid};

use crate::{
    BulkOutcome, Clock, DeleteOutcome, NewTodo, Page, PageQuery, PutCondition, PutOutcome,
    RepositoryError, Title, Todo, TodoCounts, TodoError, TodoFilter, TodoId, TodoPatch,
    TodoRepository, UpdateOutcome, UserId, VersionMatch,
};

/// The use cases. Cheap to clone; all clones share one repository.
///
/// # Errors
/// Every method returns [`TodoError::Repository`] if the database fails. Methods on a single todo also return
/// [`TodoError::NotFound`], and those with a precondition [`TodoError::Conflict`].
#[derive(Clone)]
pub struct TodoService {
    repository: Arc<dyn TodoRepository>,
    clock: Arc<dyn Clock>,
}

/// A todo that was put, and whether it was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// No todo with this id existed.
    Created(Todo),
    /// A todo with this id existed.
    Replaced(Todo),
}

#[expect(clippy::missing_errors_doc, reason = "documented once, on the type")]
impl TodoService {
    /// Creates the service from a repository and a clock.
    pub fn new(repository: Arc<dyn TodoRepository>, clock: Arc<dyn Clock>) -> Self {
        Self { repository, clock }
    }

    /// Creates a todo with a new id: a UUID of version 7, which sorts by time.
    pub async fn create(
        &self,
        user: UserId,
        title: Title,
        others: TodoPatch,
    ) -> Result<Todo, TodoError> {
        let now = self.clock.now();
        let todo = NewTodo::new(new_id(now), title, others);
        Ok(self.repository.insert(user, todo, now).await?)
    }

    /// The todo with this id.
    pub async fn get(&self, user: UserId, id: TodoId) -> Result<Todo, TodoError> {
        self.repository.find(user, id).await?.ok_or(TodoError::NotFound)
    }

    /// One page, and the position after which the next one starts.
    pub async fn list(&self, user: UserId, query: PageQuery) -> Result<Page, TodoError> {
        let PageQuery { sort, limit, .. } = query;
        // One row more than requested shows whether there is a next page.
        let query = PageQuery { limit: limit.saturating_add(1), ..query };
        let mut items = self.repository.list(user, query).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_next = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_next).map(|last| sort.position_of(last));
        Ok(Page { items, next })
    }

    /// How many of the user's todos match the filter.
    pub async fn stats(&self, user: UserId, filter: TodoFilter) -> Result<TodoCounts, TodoError> {
        Ok(self.repository.count(user, filter).await?)
    }

    /// Changes the fields that the patch sets.
    pub async fn update(
        &self,
        user: UserId,
        id: TodoId,
        patch: TodoPatch,
        versions: VersionMatch,
    ) -> Result<Todo, TodoError> {
        let now = self.clock.now();
        match self.repository.update(user, id, patch, versions, now).await? {
            UpdateOutcome::Updated(todo) => Ok(todo),
            UpdateOutcome::Conflict(current) => Err(conflict(Some(current))),
            UpdateOutcome::Absent => Err(TodoError::NotFound),
        }
    }

    /// Creates a todo with an id that the client chose, or replaces the existing one. Idempotent.
    pub async fn put(
        &self,
        user: UserId,
        todo: NewTodo,
        condition: PutCondition,
    ) -> Result<Put, TodoError> {
        let now = self.clock.now();
        match self.repository.put(user, todo, condition, now).await? {
            PutOutcome::Created(todo) => Ok(Put::Created(todo)),
            PutOutcome::Replaced(todo) => Ok(Put::Replaced(todo)),
            PutOutcome::Conflict(current) => Err(conflict(current)),
        }
    }

    /// Deletes a todo.
    pub async fn delete(
        &self,
        user: UserId,
        id: TodoId,
        versions: VersionMatch,
    ) -> Result<(), TodoError> {
        match self.repository.delete(user, id, versions).await? {
            DeleteOutcome::Deleted => Ok(()),
            DeleteOutcome::Conflict(current) => Err(conflict(Some(current))),
            DeleteOutcome::Absent => Err(TodoError::NotFound),
        }
    }

    /// Applies the patch to all todos that match the filter; returns how many changed.
    pub async fn update_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
        patch: TodoPatch,
    ) -> Result<u64, TodoError> {
        let now = self.clock.now();
        changed(self.repository.update_matching(user, filter, patch, now).await?)
    }

    /// Deletes all todos that match the filter; returns how many.
    pub async fn delete_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
    ) -> Result<u64, TodoError> {
        changed(self.repository.delete_matching(user, filter).await?)
    }

    /// Checks that todos can be read.
    pub async fn ready(&self) -> Result<(), RepositoryError> {
        self.repository.ping().await
    }
}

fn changed(outcome: BulkOutcome) -> Result<u64, TodoError> {
    match outcome {
        BulkOutcome::Changed(count) => Ok(count),
        BulkOutcome::TooMany { limit } => Err(TodoError::TooMany { limit }),
    }
}

fn conflict(current: Option<Todo>) -> TodoError {
    TodoError::Conflict { current: current.map(Box::new) }
}

/// A UUID of version 7 with this time. Times before 1970 count as 1970.
fn new_id(now: DateTime<Utc>) -> TodoId {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    let timestamp = Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos());
    TodoId(Uuid::new_v7(timestamp))
}

#[cfg(test)]
mod tests;
