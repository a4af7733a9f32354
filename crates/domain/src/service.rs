//! The use cases: the operations on the todos of one user.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::{NoContext, Timestamp, Uuid};

use crate::observer::WriteGuard;
use crate::{
    BulkOutcome, ChangeObserver, Changes, Clock, DeleteOutcome, DueBound, InsertOutcome, Listed,
    Moment, NewTodo, OwnerClock, Page, PageQuery, PutCondition, PutOutcome, RepositoryError,
    SyncToken, Tag, TagCount, Tags, TagsPatch, Title, Todo, TodoCounts, TodoError, TodoFilter,
    TodoId, TodoPatch, TodoRepository, UpdateOutcome, UserId, VersionMatch,
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
    quota: Option<u32>,
    observer: Option<Arc<dyn ChangeObserver>>,
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
        Self { repository, clock, quota: None, observer: None }
    }

    /// Limits how many todos a user can have.
    #[must_use]
    pub fn with_quota(self, quota: Option<u32>) -> Self {
        Self { quota, ..self }
    }

    /// Tells this observer of every write.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn ChangeObserver>) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// Creates a todo with a new id: a UUID of version 7, which sorts by time.
    pub async fn create(
        &self,
        user: UserId,
        title: Title,
        others: TodoPatch,
    ) -> Result<Todo, TodoError> {
        let _guard = self.write_guard(user);
        let now = self.clock.now();
        let todo = NewTodo::new(new_id(now), title, others);
        match self.repository.insert(user, todo, self.quota, now).await? {
            InsertOutcome::Inserted(todo) => Ok(todo),
            InsertOutcome::QuotaExceeded => Err(self.quota_exceeded()),
        }
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
        let Listed { todos: mut items, changed_at } = self.repository.list(user, query).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_next = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_next).map(|last| sort.position_of(last));
        Ok(Page { items, changed_at, next })
    }

    /// How many of the user's todos match the filter. They are overdue if they are due before `now`: that of the caller,
    /// in whose zone dates are compared, or else that of the clock in UTC.
    pub async fn stats(
        &self,
        user: UserId,
        filter: TodoFilter,
        now: Option<Moment>,
    ) -> Result<TodoCounts, TodoError> {
        let now = DueBound::before(now.unwrap_or_else(|| Moment::from(self.clock.now())));
        Ok(self.repository.count(user, filter, now).await?)
    }

    /// The tags of the user's todos, by name: at most [`TagCount::MAX`].
    pub async fn tags(&self, user: UserId) -> Result<Vec<TagCount>, TodoError> {
        Ok(self.repository.tags(user).await?)
    }

    /// Renames a tag in all todos that have it; returns how many changed.
    pub async fn rename_tag(&self, user: UserId, from: Tag, to: Tag) -> Result<u64, TodoError> {
        let filter = TodoFilter { tags: vec![from.clone()], ..TodoFilter::default() };
        let tags = Some(TagsPatch::Rename { from, to });
        self.update_matching(user, filter, TodoPatch { tags, ..TodoPatch::default() }).await
    }

    /// Removes a tag from all todos that have it; returns how many changed.
    pub async fn delete_tag(&self, user: UserId, tag: Tag) -> Result<u64, TodoError> {
        let filter = TodoFilter { tags: vec![tag.clone()], ..TodoFilter::default() };
        let tags = Some(TagsPatch::Edit { add: Tags::default(), remove: Tags::from(tag) });
        self.update_matching(user, filter, TodoPatch { tags, ..TodoPatch::default() }).await
    }

    /// Changes the fields that the patch sets.
    pub async fn update(
        &self,
        user: UserId,
        id: TodoId,
        patch: TodoPatch,
        versions: VersionMatch,
    ) -> Result<Todo, TodoError> {
        let _guard = self.write_guard(user);
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
        let _guard = self.write_guard(user);
        let now = self.clock.now();
        match self.repository.put(user, todo, condition, self.quota, now).await? {
            PutOutcome::Created(todo) => Ok(Put::Created(todo)),
            PutOutcome::Replaced(todo) => Ok(Put::Replaced(todo)),
            PutOutcome::Conflict(current) => Err(conflict(current)),
            PutOutcome::QuotaExceeded => Err(self.quota_exceeded()),
        }
    }

    /// Deletes a todo.
    pub async fn delete(
        &self,
        user: UserId,
        id: TodoId,
        versions: VersionMatch,
    ) -> Result<(), TodoError> {
        let _guard = self.write_guard(user);
        let now = self.clock.now();
        match self.repository.delete(user, id, versions, now).await? {
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
        let _guard = self.write_guard(user);
        let now = self.clock.now();
        changed(self.repository.update_matching(user, filter, patch, now).await?)
    }

    /// Deletes all todos that match the filter; returns how many.
    pub async fn delete_matching(
        &self,
        user: UserId,
        filter: TodoFilter,
    ) -> Result<u64, TodoError> {
        let _guard = self.write_guard(user);
        let now = self.clock.now();
        changed(self.repository.delete_matching(user, filter, now).await?)
    }

    /// At most `limit` changes after those that `since` has seen, or all todos, in pages.
    ///
    /// Fails with [`TodoError::TokenExpired`] if the client must synchronize anew.
    pub async fn changes(
        &self,
        user: UserId,
        since: Option<SyncToken>,
        limit: u32,
    ) -> Result<Changes, TodoError> {
        self.repository.changes(user, since, limit).await?.ok_or(TodoError::TokenExpired)
    }

    /// The user's clock.
    pub async fn clock(&self, user: UserId) -> Result<OwnerClock, TodoError> {
        Ok(self.repository.clock(user).await?)
    }

    /// When any todo of the user last changed; `None` if none ever has.
    pub async fn changed_at(&self, user: UserId) -> Result<Option<DateTime<Utc>>, TodoError> {
        Ok(self.repository.changed_at(user).await?)
    }

    /// The same for many users, without those whose todos never changed.
    pub async fn changed_at_of(
        &self,
        users: Vec<UserId>,
    ) -> Result<Vec<(UserId, DateTime<Utc>)>, TodoError> {
        Ok(self.repository.changed_at_of(users).await?)
    }

    /// Begins a purge of tombstones, unless a process has begun one less than `interval` ago. Returns whether it has.
    pub async fn begin_purge(&self, interval: TimeDelta) -> Result<bool, TodoError> {
        let now = self.clock.now();
        Ok(self.repository.begin_purge(now - interval, now).await?)
    }

    /// A step of a purge: removes some tombstones of deletions more than `retention` ago, in the order of their owners,
    /// from the given one on. Returns the owner to continue from, or `None` at the end.
    pub async fn purge(
        &self,
        retention: TimeDelta,
        from: Option<UserId>,
    ) -> Result<Option<UserId>, TodoError> {
        Ok(self.repository.purge(self.clock.now() - retention, from).await?)
    }

    /// Checks that todos can be read.
    pub async fn ready(&self) -> Result<(), RepositoryError> {
        self.repository.ping().await
    }

    fn write_guard(&self, user: UserId) -> WriteGuard<'_> {
        WriteGuard { observer: self.observer.as_ref(), user }
    }

    fn quota_exceeded(&self) -> TodoError {
        TodoError::QuotaExceeded { limit: self.quota.unwrap_or(u32::MAX) }
    }
}

fn changed(outcome: BulkOutcome) -> Result<u64, TodoError> {
    match outcome {
        BulkOutcome::Changed(count) => Ok(count),
        BulkOutcome::TooMany { limit } => Err(TodoError::TooMany { limit }),
        BulkOutcome::TooManyTags => Err(TodoError::TooManyTags),
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
