//! Short functions that the tests share.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use todo_domain::{
    Description, Due, DueBound, InsertOutcome, Moment, NewTodo, PageQuery, Priority, PutCondition,
    PutOutcome, SearchTerm, Sort, SortKey, Tag, Tags, TagsPatch, Title, Todo, TodoCounts,
    TodoFilter, TodoId, TodoPatch, TodoRepository, UpdateOutcome, UserId, VersionMatch,
};
use uuid::Uuid;

/// The repository under test.
pub(crate) type Repository = Arc<dyn TodoRepository>;

/// The orders that a list can have.
pub(crate) const SORTS: [Sort; 10] = [
    Sort { key: SortKey::CreatedAt, descending: true },
    Sort { key: SortKey::CreatedAt, descending: false },
    Sort { key: SortKey::UpdatedAt, descending: true },
    Sort { key: SortKey::UpdatedAt, descending: false },
    Sort { key: SortKey::Due, descending: true },
    Sort { key: SortKey::Due, descending: false },
    Sort { key: SortKey::Priority, descending: true },
    Sort { key: SortKey::Priority, descending: false },
    Sort { key: SortKey::Title, descending: true },
    Sort { key: SortKey::Title, descending: false },
];

/// The first four, by times that every todo has.
pub(crate) fn sorts_by_time() -> impl Iterator<Item = Sort> {
    SORTS.into_iter().take(4)
}

/// A new user.
pub(crate) fn user() -> UserId {
    UserId(Uuid::new_v4())
}

/// The todo id with this number.
pub(crate) fn id(number: u128) -> TodoId {
    TodoId(Uuid::from_u128(number))
}

/// The time this many microseconds after a fixed one.
pub(crate) fn at(microseconds: i64) -> DateTime<Utc> {
    let origin: DateTime<Utc> = "2026-01-22T10:30:00.123456Z".parse().unwrap();
    origin + TimeDelta::microseconds(microseconds)
}

pub(crate) fn title(text: &str) -> Title {
    Title::new(text).unwrap()
}

pub(crate) fn description(text: &str) -> Description {
    Description::new(text).unwrap()
}

/// An open todo without a description.
pub(crate) fn todo(number: u128, text: &str) -> NewTodo {
    complete_todo(number, text, None, false)
}

/// A todo with all fields.
pub(crate) fn full_todo(number: u128, text: &str, about: &str, is_completed: bool) -> NewTodo {
    complete_todo(number, text, Some(description(about)), is_completed)
}

/// A todo with the fields that a put must have.
fn complete_todo(
    number: u128,
    text: &str,
    description: Option<Description>,
    is_completed: bool,
) -> NewTodo {
    let others = TodoPatch {
        description: Some(description),
        is_completed: Some(is_completed),
        ..TodoPatch::default()
    };
    NewTodo::new(id(number), title(text), others)
}

/// A patch of the title alone.
pub(crate) fn new_title(text: &str) -> TodoPatch {
    TodoPatch { title: Some(title(text)), ..TodoPatch::default() }
}

/// A patch of the completion state alone.
pub(crate) fn completed(is_completed: bool) -> TodoPatch {
    TodoPatch { is_completed: Some(is_completed), ..TodoPatch::default() }
}

pub(crate) fn due(text: &str) -> Due {
    Moment::parse(text).unwrap().into()
}

/// What is due before the moment.
pub(crate) fn before(moment: &str) -> DueBound {
    DueBound::before(Moment::parse(moment).unwrap())
}

/// What is due after the moment.
pub(crate) fn after(moment: &str) -> DueBound {
    DueBound::after(Moment::parse(moment).unwrap())
}

pub(crate) fn tag(name: &str) -> Tag {
    Tag::new(name).unwrap()
}

pub(crate) fn tags(names: &[&str]) -> Tags {
    Tags::new(names.iter().map(|name| tag(name)).collect()).unwrap()
}

/// A patch of the tags alone, which replaces them.
pub(crate) fn tagged(names: &[&str]) -> TodoPatch {
    TodoPatch { tags: Some(TagsPatch::Set(tags(names))), ..TodoPatch::default() }
}

/// Inserts a todo with these fields, and the title "x".
pub(crate) async fn insert_with(
    repository: &Repository,
    user: UserId,
    number: u128,
    fields: TodoPatch,
) -> Todo {
    let new = NewTodo::new(id(number), title("x"), fields);
    insert(repository, user, new, i64::try_from(number).unwrap()).await
}

/// The ids of the list, in order.
pub(crate) async fn ids(repository: &Repository, user: UserId, query: PageQuery) -> Vec<TodoId> {
    repository.list(user, query).await.unwrap().todos.iter().map(|todo| todo.id).collect()
}

/// The numbers of the todos that match, in ascending order.
pub(crate) async fn matching(
    repository: &Repository,
    user: UserId,
    filter: TodoFilter,
) -> Vec<u128> {
    let sort = Sort { descending: false, ..Sort::default() };
    let query = PageQuery { filter, sort, ..all() };
    ids(repository, user, query).await.into_iter().map(|id| id.0.as_u128()).collect()
}

/// All todos of all pages, in order.
pub(crate) async fn pages(repository: &Repository, user: UserId, first: PageQuery) -> Vec<Todo> {
    let (sort, limit) = (first.sort, first.limit);
    let (mut todos, mut query) = (Vec::new(), first);
    loop {
        let page = repository.list(user, query.clone()).await.unwrap().todos;
        assert!(page.len() <= limit as usize);
        assert!(todos.len() < 100, "the pages do not end");
        let Some(last) = page.last() else { return todos };
        query.after = Some(sort.position_of(last));
        todos.extend(page);
    }
}

pub(crate) fn by_completion(is_completed: bool) -> TodoFilter {
    TodoFilter { is_completed: Some(is_completed), ..TodoFilter::default() }
}

pub(crate) fn by_priorities(priorities: &[Priority]) -> TodoFilter {
    TodoFilter { priorities: priorities.into(), ..TodoFilter::default() }
}

pub(crate) fn by_tags(names: &[&str]) -> TodoFilter {
    TodoFilter { tags: names.iter().map(|name| tag(name)).collect(), ..TodoFilter::default() }
}

pub(crate) fn by_search(text: &str) -> TodoFilter {
    TodoFilter { search: SearchTerm::new(text).unwrap(), ..TodoFilter::default() }
}

/// A filter by the ids with these numbers.
pub(crate) fn by_ids(numbers: &[u128]) -> TodoFilter {
    TodoFilter { ids: numbers.iter().copied().map(id).collect(), ..TodoFilter::default() }
}

/// The whole list, newest first.
pub(crate) fn all() -> PageQuery {
    PageQuery { filter: TodoFilter::default(), sort: Sort::default(), after: None, limit: 10_000 }
}

/// The titles of a user's todos, newest first.
pub(crate) async fn titles(
    repository: &Repository,
    user: UserId,
    filter: TodoFilter,
) -> Vec<String> {
    let todos = repository.list(user, PageQuery { filter, ..all() }).await.unwrap().todos;
    todos.into_iter().map(|todo| todo.title.into_string()).collect()
}

/// How many match the filter. Nothing counts as overdue.
pub(crate) async fn count(repository: &Repository, user: UserId, filter: TodoFilter) -> TodoCounts {
    repository.count(user, filter, DueBound::before(DateTime::UNIX_EPOCH.into())).await.unwrap()
}

/// Counts of todos of the default priority, of which none is overdue.
pub(crate) fn counts(total: u64, completed: u64) -> TodoCounts {
    TodoCounts { total, completed, overdue: 0, active_by_priority: [0, total - completed, 0] }
}

/// Inserts todos of these titles, a microsecond apart, with the ids 1, 2, 3, …
pub(crate) async fn insert_all(repository: &Repository, user: UserId, texts: &[&str]) {
    for (number, text) in (1..).zip(texts) {
        insert(repository, user, todo(number, text), i64::try_from(number).unwrap()).await;
    }
}

/// Inserts a todo at the time [`at`] `microseconds`.
pub(crate) async fn insert(
    repository: &Repository,
    user: UserId,
    todo: NewTodo,
    microseconds: i64,
) -> Todo {
    match repository.insert(user, todo, None, at(microseconds)).await.unwrap() {
        InsertOutcome::Inserted(todo) => todo,
        InsertOutcome::QuotaExceeded => panic!("there is no quota"),
    }
}

/// The current todo.
pub(crate) async fn find(repository: &Repository, user: UserId, id: TodoId) -> Option<Todo> {
    repository.find(user, id).await.unwrap()
}

/// Updates an existing todo, whatever its version.
pub(crate) async fn update(
    repository: &Repository,
    user: UserId,
    id: TodoId,
    patch: TodoPatch,
    microseconds: i64,
) -> Todo {
    let outcome = repository.update(user, id, patch, VersionMatch::Any, at(microseconds)).await;
    match outcome.unwrap() {
        UpdateOutcome::Updated(todo) => todo,
        outcome => panic!("not updated: {outcome:?}"),
    }
}

/// Puts a todo.
pub(crate) async fn put(
    repository: &Repository,
    user: UserId,
    todo: NewTodo,
    condition: PutCondition,
    microseconds: i64,
) -> PutOutcome {
    repository.put(user, todo, condition, None, at(microseconds)).await.unwrap()
}
