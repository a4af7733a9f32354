//! The statements whose plans are tested.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use todo_domain::{
    PageQuery, Position, Sort, SortKey, TodoFilter, TodoId, TodoPatch, TodoRepository, UserId,
    VersionMatch,
};
use uuid::Uuid;

use crate::LIMIT;
use crate::capture;

/// A captured statement, and values for its parameters.
pub(crate) struct Statement {
    pub(crate) text: String,
    /// Whether it filters by completion.
    pub(crate) is_filtered: bool,
    /// Whether it is a page from the middle of the list.
    pub(crate) is_deep: bool,
    /// Values as SQL, for Postgres. SQLite plans without values.
    pub(crate) values: Vec<String>,
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
pub(crate) const MIDDLE: &str = "2026-01-01 02:46:40Z";

/// Each order, with and without a filter.
fn kinds_of_lists() -> impl Iterator<Item = (Sort, Option<bool>)> {
    [SortKey::CreatedAt, SortKey::UpdatedAt].into_iter().flat_map(|key| {
        [true, false].into_iter().flat_map(move |descending| {
            [None, Some(true)].map(|is_completed| (Sort { key, descending }, is_completed))
        })
    })
}

/// The first page and one from the middle, for each kind of list.
pub(crate) async fn pages(repository: &Arc<dyn TodoRepository>) -> Vec<Statement> {
    let mut pages = Vec::new();
    for (sort, is_completed) in kinds_of_lists() {
        for is_deep in [false, true] {
            pages.push(page(repository, sort, is_completed, is_deep).await);
        }
    }
    pages
}

async fn page(
    repository: &Arc<dyn TodoRepository>,
    sort: Sort,
    is_completed: Option<bool>,
    is_deep: bool,
) -> Statement {
    let query = query(sort, is_completed, is_deep);
    let list = async |user| drop(repository.list(user, query).await.unwrap().todos);
    let mut values = vec![format!("'{BUSY}'"), "true".to_owned()];
    values.extend(is_completed.map(|it| it.to_string()));
    if is_deep {
        values.extend([format!("'{MIDDLE}'"), format!("'{BUSY}'")]);
    }
    let text = capture::statement(list).await;
    Statement { text, is_filtered: is_completed.is_some(), is_deep, values }
}

fn query(sort: Sort, is_completed: Option<bool>, is_deep: bool) -> PageQuery {
    // The values do not matter: they are parameters.
    let position = Position { at: DateTime::<Utc>::UNIX_EPOCH, id: TodoId(Uuid::nil()) };
    PageQuery {
        filter: TodoFilter { is_completed, ..TodoFilter::default() },
        sort,
        after: is_deep.then_some(position),
        limit: LIMIT,
    }
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
        let text = capture::batched_statement(lists).await;
        let mut values = [BUSY_AND_QUIET, "'{}'", "true"].map(ToOwned::to_owned).to_vec();
        values.extend(is_completed.map(|it| it.to_string()));
        pages.push(Statement { text, is_filtered: is_completed.is_some(), is_deep: false, values });
    }
    pages
}

/// Batched lookups by id.
pub(crate) async fn batched_finds(repository: &Arc<dyn TodoRepository>) -> Statement {
    let finds = async |user| {
        join_all((0..CONCURRENT_CALLS).map(|_| repository.find(user, TodoId(Uuid::nil())))).await;
    };
    let text = capture::batched_statement(finds).await;
    unfiltered(text, &[BUSY_AND_QUIET, BUSY_AND_QUIET])
}

/// The first page and one from the middle of a list filtered by id, in each order.
pub(crate) async fn pages_of_ids(repository: &Arc<dyn TodoRepository>) -> Vec<Statement> {
    let mut pages = Vec::new();
    for (sort, _) in kinds_of_lists().filter(|(_, is_completed)| is_completed.is_none()) {
        for is_deep in [false, true] {
            let mut query = query(sort, None, is_deep);
            query.filter = of_ids();
            let list = async |user| drop(repository.list(user, query).await.unwrap().todos);
            let mut values = vec![format!("'{BUSY}'"), "true".to_owned(), IDS.to_owned()];
            if is_deep {
                values.extend([format!("'{MIDDLE}'"), format!("'{BUSY}'")]);
            }
            let text = capture::statement(list).await;
            pages.push(Statement { text, is_filtered: false, is_deep, values });
        }
    }
    pages
}

/// Counts and bulk deletions, filtered by id.
pub(crate) async fn many_of_ids(repository: &Arc<dyn TodoRepository>) -> Vec<Statement> {
    let count = async |user| {
        repository.count(user, of_ids()).await.unwrap();
    };
    let delete = async |user| {
        repository.delete_matching(user, of_ids(), DateTime::UNIX_EPOCH).await.unwrap();
    };
    let busy = format!("'{BUSY}'");
    let mut many = vec![unfiltered(capture::statement(count).await, &[&busy, "true", IDS, "1"])];
    // SQLite first checks how many there are.
    let delete = capture::statements(delete).await;
    many.extend(delete.into_iter().map(|text| unfiltered(text, &[&busy, "true", IDS])));
    many
}

/// A filter by [`IDS`].
fn of_ids() -> TodoFilter {
    TodoFilter {
        ids: [1, 2, 3].map(|it| TodoId(Uuid::from_u128(it))).into(),
        ..TodoFilter::default()
    }
}

/// Three ids, as a Postgres array.
const IDS: &str = "'{00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000002,\
     00000000-0000-0000-0000-000000000003}'";

/// The counts of a user with few todos.
pub(crate) async fn counts(repository: &Arc<dyn TodoRepository>) -> Statement {
    let count = async |user| {
        repository.count(user, TodoFilter::default()).await.unwrap();
    };
    unfiltered(capture::statement(count).await, &[&format!("'{QUIET}'"), "true", "1"])
}

/// Reads, updates and deletes one todo.
pub(crate) async fn of_one_todo(repository: &Arc<dyn TodoRepository>) -> [Statement; 3] {
    let (id, any) = (TodoId(Uuid::nil()), VersionMatch::Any);
    let find = async |user| drop(repository.find(user, id).await.unwrap());
    let update = async |user: UserId| {
        let patch = TodoPatch { is_completed: Some(true), ..TodoPatch::default() };
        let outcome = repository.update(user, id, patch, any.clone(), DateTime::UNIX_EPOCH).await;
        drop(outcome.unwrap());
    };
    let delete = async |user| {
        drop(repository.delete(user, id, any.clone(), DateTime::UNIX_EPOCH).await.unwrap())
    };
    let [find, update, delete] = [
        capture::statement(find).await,
        capture::statement(update).await,
        capture::statement(delete).await,
    ];
    let (busy, time) = (format!("'{BUSY}'"), format!("'{MIDDLE}'"));
    let update_values =
        ["true", "false", &time, "false", "1", "false", &time, &busy, &busy, "true"];
    [
        unfiltered(find, &[&busy, &busy, "1"]),
        unfiltered(update, &update_values),
        unfiltered(delete, &[&busy, &busy, "true"]),
    ]
}

fn unfiltered(text: String, values: &[&str]) -> Statement {
    let mut values: Vec<_> = values.iter().map(ToString::to_string).collect();
    if text.contains("statement_timestamp") {
        // The deadline of a write, and the operands of its division.
        values.extend(["1", "'infinity'", "1"].map(ToOwned::to_owned));
    }
    Statement { text, is_filtered: false, is_deep: false, values }
}
