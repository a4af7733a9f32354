//! The domain of the todo service: the entity, its rules and the use cases.
//!
//! This crate depends on no framework: no HTTP, no SQL, no serialization. Callers use it through [`TodoService`];
//! it reaches the outside through three ports, [`TodoRepository`], [`Clock`] and [`ChangeObserver`].
//!
//! | module | contents |
//! |---|---|
//! | [`mod@todo`] | the entity, and the values that create, change or replace it |
//! | [`id`] | [`TodoId`] and [`UserId`] |
//! | [`text`] | [`Title`] and [`Description`]: validated texts |
//! | [`priority`] | [`Priority`] |
//! | [`due`] | [`Due`]: dates and instants, and how they compare |
//! | [`tag`] | [`Tag`] and [`Tags`] |
//! | [`search`] | case folding: the meaning of "case-insensitive", on every database |
//! | [`listing`] | filters, sort orders, pages |
//! | [`changes`] | the change feed: owners' clocks, tombstones, tokens |
//! | [`repository`] | the port that the database adapters implement |
//! | [`clock`] | the clock port |
//! | [`observer`] | the port by which others hear of changes |
//! | [`service`] | the use cases |
//! | [`error`] | the errors of the use cases |

pub mod changes;
pub mod clock;
pub mod due;
pub mod error;
pub mod id;
pub mod listing;
pub mod observer;
pub mod priority;
pub mod repository;
pub mod search;
pub mod service;
pub mod tag;
pub mod text;
pub mod todo;

pub use changes::{Changes, FeedId, FeedPosition, OwnerClock, SyncToken, Tombstone};
pub use clock::{Clock, SystemClock};
pub use due::{Due, DueBound, Moment};
pub use error::TodoError;
pub use id::{TodoId, UserId};
pub use listing::{
    KeyValue, Listed, Page, PageQuery, Position, Sort, SortKey, TodoCounts, TodoFilter,
};
pub use observer::{ChangeObserver, ChangeRelay, RemoteChanges};
pub use priority::Priority;
pub use repository::{
    BulkOutcome, DeleteOutcome, InsertOutcome, PutCondition, PutOutcome, RepositoryError,
    TodoRepository, UpdateOutcome, VersionMatch,
};
pub use search::SearchTerm;
pub use service::TodoService;
pub use tag::{Tag, TagCount, Tags, TagsPatch};
pub use text::{Description, Title};
pub use todo::{NewTodo, Todo, TodoPatch};

#[cfg(any(test, feature = "mock"))]
pub use {clock::MockClock, repository::MockTodoRepository};
