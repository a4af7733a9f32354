//! A patch in SQL: any number of columns with their new values, which Diesel's tuples lack, and whether a row differs.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::query_builder::{AsChangeset, AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::Bool;

type Fragments<'a, DB> = Vec<Box<dyn QueryFragment<DB> + 'a>>;

/// The columns of the table `T` that a patch sets.
pub(crate) struct SqlPatch<'a, T, DB> {
    /// What an UPDATE sets, as a part of its changeset.
    pub(crate) assignments: Assignments<'a, T, DB>,
    /// Whether the patch would change a row: whether one of its conditions holds.
    pub(crate) is_change: AnyOf<'a, T, DB>,
}

/// `column = value` for each column.
pub(crate) struct Assignments<'a, T, DB>(Fragments<'a, DB>, PhantomData<T>);

/// Conditions, joined by `OR`; without any, it does not hold.
pub(crate) struct AnyOf<'a, T, DB>(Fragments<'a, DB>, PhantomData<T>);

impl<'a, T, DB: Backend> SqlPatch<'a, T, DB> {
    pub(crate) fn new() -> Self {
        Self {
            assignments: Assignments(Vec::new(), PhantomData),
            is_change: AnyOf(Vec::new(), PhantomData),
        }
    }

    /// Sets a column. `is_change` tells whether a row has another value.
    pub(crate) fn set<A, C>(&mut self, is_change: C, assignment: A)
    where
        A: AsChangeset<Target = T, Changeset: QueryFragment<DB> + 'a>,
        C: AppearsOnTable<T> + Expression<SqlType = Bool> + QueryFragment<DB> + 'a,
    {
        self.is_change.0.push(Box::new(is_change));
        self.set_derived(assignment);
    }

    /// Sets a column whose value follows from another that is set.
    pub(crate) fn set_derived<A>(&mut self, assignment: A)
    where
        A: AsChangeset<Target = T, Changeset: QueryFragment<DB> + 'a>,
    {
        self.assignments.0.push(Box::new(assignment.as_changeset()));
    }
}

impl<T: diesel::Table, DB> AsChangeset for &Assignments<'_, T, DB> {
    type Target = T;
    type Changeset = Self;

    fn as_changeset(self) -> Self {
        self
    }
}

impl<T, DB> Expression for AnyOf<'_, T, DB> {
    type SqlType = Bool;
}

impl<T, DB> AppearsOnTable<T> for AnyOf<'_, T, DB> {}

impl<T, DB> SelectableExpression<T> for AnyOf<'_, T, DB> {}

impl<T, DB, GroupBy> ValidGrouping<GroupBy> for AnyOf<'_, T, DB> {
    type IsAggregate = is_aggregate::No;
}

/// The columns are only known at run time.
macro_rules! dynamic {
    ($($fragment:ident)*) => {$(
        impl<T, DB> QueryId for $fragment<'_, T, DB> {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
    )*};
}

dynamic!(Assignments AnyOf);

impl<T, DB: Backend> QueryFragment<DB> for Assignments<'_, T, DB> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        join(&self.0, ", ", out)
    }
}

impl<T, DB: Backend> QueryFragment<DB> for AnyOf<'_, T, DB> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if self.0.is_empty() {
            out.push_sql("FALSE");
            return Ok(());
        }
        out.push_sql("(");
        join(&self.0, " OR ", out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

fn join<'b, DB: Backend>(
    fragments: &'b Fragments<'_, DB>,
    separator: &str,
    mut out: AstPass<'_, 'b, DB>,
) -> QueryResult<()> {
    for (index, fragment) in fragments.iter().enumerate() {
        if index > 0 {
            out.push_sql(separator);
        }
        fragment.walk_ast(out.reborrow())?;
    }
    Ok(())
}
