//! The statements whose plans are tested.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use todo_domain::{
    Description, DueBound, FeedPosition, KeyValue, Moment, NewTodo, OwnerClock, PageQuery,
    Position, Priority, PutCondition, SearchTerm, Sort, SortKey, SyncToken, Tag, Tags, TagsPatch,
    Title, TodoFilter, TodoId, TodoPatch, TodoRepository, UserId, VersionMatch,
};
use uuid::Uuid;

use crate::LIMIT;
use crate::capture::{self, Value};

/// A captured statement, and values for its parameters.
#[derive(Debug, Default)]
pub(crate) struct Statement {
    pub(crate) text: String,
    /// Whether it filters by completion.
    pub(crate) is_filtered: bool,
    /// Whether it is a page from the middle of the list.
    pub(crate) is_deep: bool,
    /// Only Postgres plans with values.
    pub(crate) values: Vec<Value>,
}

/// The user with 20,000 todos.
pub(crate) const BUSY: &str = "00000000-0000-0000-0000-000000000000";

/// One of the other users. For a user who owns nearly the whole table, a sequential scan would be right.
const QUIET: &str = "10000000-0000-0000-0000-000000000000";

/// Both, three times, as a Postgres array.
const BUSY_AND_QUIET: &str = "'{00000000-0000-0000-0000-000000000000,10000000-0000-0000-0000-000000000000,\
     00000000-0000-0000-0000-000000000000,10000000-0000-0000-0000-000000000000,\
     00000000-0000-0000-0000-000000000000,10000000-0000-0000-0000-000000000000}'";

/// A time in the middle of the busy user's lists.
pub(crate) const MIDDLE: DateTime<Utc> = DateTime::from_timestamp(1_767_235_600, 0).unwrap();

/// A time before most of them.
const EARLY: DateTime<Utc> = DateTime::from_timestamp(1_767_225_700, 0).unwrap();

/// A time after all changes.
const LATER: DateTime<Utc> = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

const ID: TodoId = TodoId(Uuid::nil());

/// Each order that a page of one part can have, with and without a filter by completion, where there is an index for it.
fn kinds_of_lists() -> impl Iterator<Item = (Sort, Option<bool>)> {
    use SortKey::{CreatedAt, Priority, Title, UpdatedAt};
    let with = [CreatedAt, UpdatedAt].map(|key| (key, Some(true)));
    let without = [CreatedAt, UpdatedAt, Priority, Title].map(|key| (key, None));
    with.into_iter().chain(without).flat_map(|(key, is_completed)| {
        [true, false].map(|descending| (Sort { key, descending }, is_completed))
    })
}

/// The first page and one from the middle, for each kind of list.
pub(crate) async fn pages(repository: &Arc<dyn TodoRepository>) -> Vec<Statement> {
    let mut pages = Vec::new();
    for (sort, is_completed) in kinds_of_lists() {
        for is_deep in [false, true] {
            let query = query(sort, is_completed, is_deep);
            let list = async |user| drop(repository.list(user, query).await.unwrap());
            let is_filtered = is_completed.is_some();
            let statement = capture::statement(list).await;
            pages.push(Statement { is_filtered, is_deep, ..statement });
        }
    }
    pages
}

/// The value of the sort key in the middle of the busy user's list. In the order of due times, half have none.
fn middle(key: SortKey) -> KeyValue {
    match key {
        SortKey::CreatedAt | SortKey::UpdatedAt | SortKey::Due => KeyValue::Time(MIDDLE),
        SortKey::Priority => KeyValue::Priority(Priority::Medium),
        SortKey::Title => KeyValue::Text("title 19".to_owned()),
    }
}

fn query(sort: Sort, is_completed: Option<bool>, is_deep: bool) -> PageQuery {
    PageQuery {
        filter: TodoFilter { is_completed, ..TodoFilter::default() },
        sort,
        after: is_deep.then_some(Position { key: middle(sort.key), id: ID }),
        limit: LIMIT,
    }
}

/// The parts of pages by due time: the first ones and those from the middle, in both directions, of all todos and of
/// those that are due before a moment.
pub(crate) async fn pages_by_due(repository: &Arc<dyn TodoRepository>) -> Vec<Statement> {
    let mut parts = Vec::new();
    for descending in [true, false] {
        let sort = Sort { key: SortKey::Due, descending };
        for key in [None, Some(KeyValue::Time(MIDDLE)), Some(KeyValue::Absent)] {
            for due_before in [None, Some(now())] {
                let filter = TodoFilter { due_before, ..TodoFilter::default() };
                let id = TodoId(Uuid::from_u128(1 << 127));
                let after = key.clone().map(|key| Position { key, id });
                let query = PageQuery { filter, after, ..query(sort, None, false) };
                let list = async |user| drop(repository.list(user, query).await.unwrap());
                let is_part = |it: &Statement| it.text.contains("ORDER BY");
                let mut found = capture::statements(list).await;
                found.retain(is_part);
                // An empty page of one part is read again, after the clock.
                found.dedup_by(|a, b| a.text == b.text);
                parts.extend(found);
            }
        }
    }
    parts
}

/// Pages filtered by tag, search, priority or due time, in each order; counts, bulk calls and tags of a user with few
/// todos.
pub(crate) async fn scans(repository: &Arc<dyn TodoRepository>) -> Vec<Statement> {
    let tag = Tag::new("home").unwrap();
    let none = TodoFilter::default;
    let filters = [
        TodoFilter { tags: vec![tag.clone()], ..none() },
        TodoFilter { search: SearchTerm::new("title").unwrap(), ..none() },
        TodoFilter { priorities: vec![Priority::Low, Priority::High], ..none() },
        TodoFilter { due_before: Some(now()), has_due: Some(true), ..none() },
        TodoFilter { is_completed: Some(false), due_before: Some(now()), ..none() },
    ];
    let calls = async |user| {
        for filter in filters {
            for key in [SortKey::CreatedAt, SortKey::Due, SortKey::Priority, SortKey::Title] {
                let sort = Sort { key, descending: true };
                let query = PageQuery { filter: filter.clone(), ..query(sort, None, true) };
                drop(repository.list(user, query).await.unwrap());
            }
            repository.count(user, filter.clone(), now()).await.unwrap();
            let rename = TagsPatch::Rename { from: tag.clone(), to: Tag::new("x").unwrap() };
            let (add, remove) = (Tags::from(tag.clone()), Tags::default());
            for tags in [rename, TagsPatch::Edit { add, remove }] {
                let patch = TodoPatch { tags: Some(tags), ..TodoPatch::default() };
                repository.update_matching(user, filter.clone(), patch, LATER).await.unwrap();
            }
            repository.delete_matching(user, filter, LATER).await.unwrap();
        }
        repository.tags(user).await.unwrap();
    };
    let mut statements = capture::statements(calls).await;
    for value in statements.iter_mut().flat_map(|it| &mut it.values) {
        value.literal = value.literal.replace(BUSY, QUIET);
    }
    statements
}

/// The number of concurrent calls, of which some are batched.
const CONCURRENT_CALLS: usize = 30;

/// Batched first pages, for each kind of list.
pub(crate) async fn batched_pages(repository: &Arc<dyn TodoRepository>) -> Vec<Statement> {
    let mut pages = Vec::new();
    for (sort, is_completed) in kinds_of_lists() {
        let query = query(sort, is_completed, false);
        let lists = async |user| {
            join_all((0..CONCURRENT_CALLS).map(|_| repository.list(user, query.clone()))).await;
        };
        let mut statement = capture::batched_statement(lists).await;
        BUSY_AND_QUIET.clone_into(&mut statement.values[0].literal);
        pages.push(Statement { is_filtered: is_completed.is_some(), ..statement });
    }
    pages
}

/// Batched lookups by id.
pub(crate) async fn batched_finds(repository: &Arc<dyn TodoRepository>) -> Statement {
    let finds = async |user| {
        join_all((0..CONCURRENT_CALLS).map(|_| repository.find(user, ID))).await;
    };
    capture::batched_statement(finds).await
}

/// The first page and one from the middle of a list filtered by id, in each order.
pub(crate) async fn pages_of_ids(repository: &Arc<dyn TodoRepository>) -> Vec<Statement> {
    let mut pages = Vec::new();
    for (sort, _) in kinds_of_lists().filter(|(_, is_completed)| is_completed.is_none()) {
        for is_deep in [false, true] {
            let query = PageQuery { filter: of_ids(), ..query(sort, None, is_deep) };
            let list = async |user| drop(repository.list(user, query).await.unwrap());
            pages.push(capture::statement(list).await);
        }
    }
    pages
}

/// Counts and bulk deletions, filtered by id.
pub(crate) async fn many_of_ids(repository: &Arc<dyn TodoRepository>) -> Vec<Statement> {
    let calls = async |user| {
        repository.count(user, of_ids(), now()).await.unwrap();
        repository.delete_matching(user, of_ids(), LATER).await.unwrap();
    };
    capture::statements(calls).await
}

fn now() -> DueBound {
    DueBound::before((MIDDLE + TimeDelta::hours(1)).into())
}

fn completed() -> TodoPatch {
    TodoPatch { is_completed: Some(true), ..TodoPatch::default() }
}

/// A filter by three ids.
fn of_ids() -> TodoFilter {
    let ids = [1, 2, 3].map(|it| TodoId(Uuid::from_u128(it))).into();
    TodoFilter { ids, ..TodoFilter::default() }
}

/// The counts of a user with few todos.
pub(crate) async fn counts(repository: &Arc<dyn TodoRepository>) -> Statement {
    let count = async |user| {
        repository.count(user, TodoFilter::default(), now()).await.unwrap();
    };
    let mut statement = capture::statement(count).await;
    for value in &mut statement.values {
        value.literal = value.literal.replace(BUSY, QUIET);
    }
    statement
}

/// Reads, updates and deletes one todo.
pub(crate) async fn of_one_todo(repository: &Arc<dyn TodoRepository>) -> Vec<Statement> {
    let any = VersionMatch::Any;
    let calls = async |user: UserId| {
        drop(repository.find(user, ID).await.unwrap());
        drop(repository.update(user, ID, completed(), any.clone(), LATER).await.unwrap());
        drop(repository.delete(user, ID, any.clone(), LATER).await.unwrap());
    };
    capture::statements(calls).await
}

/// Creates, puts, changes and deletes one todo, so that each write is carried out.
pub(crate) async fn writes(repository: &Arc<dyn TodoRepository>) -> Vec<Statement> {
    let description = Some(Some(Description::new("text").unwrap()));
    // No value is null, so that Postgres can tell their types.
    let due = Some(Some(Moment::from(LATER).into()));
    let others = TodoPatch { description, due, ..completed() };
    let new = |text| NewTodo::new(ID, Title::new(text).unwrap(), others.clone());
    let reopened = TodoPatch { is_completed: Some(false), ..TodoPatch::default() };
    let at = |seconds| LATER + TimeDelta::seconds(seconds);
    let calls = async |user| {
        drop(repository.insert(user, new("one"), None, at(1)).await.unwrap());
        drop(repository.put(user, new("two"), PutCondition::Always, None, at(2)).await.unwrap());
        let update = repository.update(user, ID, reopened, VersionMatch::Any, at(3));
        drop(update.await.unwrap());
        drop(repository.delete(user, ID, VersionMatch::Any, at(4)).await.unwrap());
        // An undo.
        drop(repository.put(user, new("two"), PutCondition::Always, Some(9), at(5)).await.unwrap());
    };
    let mut statements = capture::statements(calls).await;
    for quota in statements.iter_mut().filter(|it| it.text.contains("OFFSET")) {
        quota.values[0].literal = format!("'{QUIET}'");
    }
    statements
}

/// Looks up the clocks of one user, and of many.
pub(crate) async fn clocks(repository: &Arc<dyn TodoRepository>) -> Vec<Statement> {
    let calls = async |user| {
        repository.changed_at(user).await.unwrap();
        repository.changed_at_of(vec![user, UserId(Uuid::from_u128(7))]).await.unwrap();
        repository.clock(user).await.unwrap();
    };
    capture::statements(calls).await
}

/// A page of the change feed, after a token from the middle.
pub(crate) async fn changes(repository: &Arc<dyn TodoRepository>) -> Vec<Statement> {
    let calls = async |user| {
        let new = NewTodo::new(ID, Title::new("one").unwrap(), TodoPatch::default());
        repository.insert(user, new, None, LATER).await.unwrap();
        let OwnerClock { feed, .. } = repository.clock(user).await.unwrap();
        let position = FeedPosition { at: MIDDLE, id: ID };
        let since = SyncToken { feed, position, deleted_after: MIDDLE };
        repository.changes(user, Some(since), LIMIT - 1).await.unwrap().unwrap();
    };
    let is_page = |it: &Statement| it.text.starts_with("SELECT") && it.text.contains("ORDER BY");
    capture::statements(calls).await.into_iter().filter(is_page).collect()
}

/// The first step of a purge that begins with the owner of an id. As no user calls it, the owner's id is captured.
pub(crate) async fn purge(repository: &Arc<dyn TodoRepository>) -> Vec<Statement> {
    let calls = async |user| {
        let new = NewTodo::new(ID, Title::new("one").unwrap(), TodoPatch::default());
        repository.insert(user, new, None, MIDDLE).await.unwrap();
        repository.delete(user, ID, VersionMatch::Any, MIDDLE).await.unwrap();
        repository.purge(EARLY, Some(user)).await.unwrap();
    };
    let is_read = |it: &Statement| it.text.starts_with("SELECT") && !it.text.contains("title");
    capture::statements(calls).await.into_iter().filter(is_read).collect()
}
