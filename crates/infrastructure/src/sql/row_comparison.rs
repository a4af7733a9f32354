//! Row comparison, `(a, b) < (c, d)`, which Diesel's query builder lacks. Keyset pagination needs it: both databases
//! execute it as one seek in an index on `(a, b)`, however deep the page is in the list.

use diesel::backend::Backend;
use diesel::expression::is_aggregate;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::Bool;

/// `(columns.0, columns.1) < (values.0, values.1)`, or `>`.
#[derive(Debug, Clone)]
pub(crate) struct RowComparison<K, I, A, B> {
    columns: (K, I),
    /// An operator before the first column, or nothing.
    sign: &'static str,
    operator: &'static str,
    values: (A, B),
}

/// The rows that come after `values` in the order of `columns`.
pub(crate) fn comes_after<K, I, A, B>(
    columns: (K, I),
    descending: bool,
    values: (A, B),
) -> RowComparison<K, I, A, B> {
    let operator = if descending { " < " } else { " > " };
    RowComparison { columns, sign: "", operator, values }
}

impl<K, I, A, B> RowComparison<K, I, A, B> {
    /// Whether SQLite may use an index for the comparison. If not, the first column gets a unary plus, which has no
    /// other effect. Postgres would reject it.
    pub(crate) fn use_index(self, use_index: bool) -> Self {
        Self { sign: if use_index { "" } else { "+" }, ..self }
    }
}

impl<K, I, A, B> Expression for RowComparison<K, I, A, B> {
    type SqlType = Bool;
}

impl<K, I, A, B, QS> AppearsOnTable<QS> for RowComparison<K, I, A, B>
where
    K: AppearsOnTable<QS>,
    I: AppearsOnTable<QS>,
{
}

impl<K, I, A, B, QS> SelectableExpression<QS> for RowComparison<K, I, A, B>
where
    K: SelectableExpression<QS>,
    I: SelectableExpression<QS>,
{
}

impl<K, I, A, B, GroupBy> ValidGrouping<GroupBy> for RowComparison<K, I, A, B> {
    type IsAggregate = is_aggregate::No;
}

impl<K, I, A, B> QueryId for RowComparison<K, I, A, B> {
    type QueryId = ();
    // The operator is only known at run time.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB, K, I, A, B> QueryFragment<DB> for RowComparison<K, I, A, B>
where
    DB: Backend,
    K: QueryFragment<DB>,
    I: QueryFragment<DB>,
    A: QueryFragment<DB>,
    B: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("(");
        out.push_sql(self.sign);
        self.columns.0.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.columns.1.walk_ast(out.reborrow())?;
        out.push_sql(")");
        out.push_sql(self.operator);
        out.push_sql("(");
        self.values.0.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.values.1.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}
