//! What Diesel's query builder lacks.

mod for_each;
mod limit;
mod row_comparison;
mod statement_cache;

pub(crate) use for_each::{ForEach, its_id, its_user};
pub(crate) use limit::Limited;
pub(crate) use row_comparison::comes_after;
pub(crate) use statement_cache::{Cached, StatementReuse};
