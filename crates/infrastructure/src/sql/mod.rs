//! What Diesel's query builder lacks, and how a list is read in parts.

mod batch_query;
mod limit;
mod list;
mod patch;
mod row_comparison;
mod statement_cache;

pub(crate) use batch_query::{BatchQuery, batch_id, batch_user};
pub(crate) use limit::Limited;
pub(crate) use list::list_in_parts;
pub(crate) use patch::{Assignments, SqlPatch};
pub(crate) use row_comparison::comes_after;
pub(crate) use statement_cache::{Cached, StatementCacheState};
