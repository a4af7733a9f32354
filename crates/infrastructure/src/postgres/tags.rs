//! SQL for patches of tags whose result depends on the tags that a todo has.

use std::marker::PhantomData;

use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, SingleValue, Text};
use todo_domain::search::fold;
use todo_domain::{Tags, TagsPatch};

use super::schema::todos;

/// Whether the patch changes the tags of a row. It does not if there would be too many.
pub(super) fn is_change(patch: &TagsPatch) -> OnTags<Bool> {
    OnTags::new(patch, Value::IsChange)
}

/// Whether a row has more than [`Tags::MAX`] after the patch.
pub(super) fn is_too_many(patch: &TagsPatch) -> OnTags<Bool> {
    OnTags::new(patch, Value::IsTooMany)
}

/// The names after the patch, as [`Tags::as_joined_str`] returns them; those before it if there would be too many.
pub(super) fn patched(patch: &TagsPatch) -> OnTags<Text> {
    OnTags::new(patch, Value::Joined)
}

/// The folded names of the same tags, as [`Tags::folded`] returns them.
pub(super) fn folded(patch: &TagsPatch) -> OnTags<Text> {
    OnTags::new(patch, Value::Folded)
}

/// An expression on a row of `todos`. The text is the same for all patches of a kind.
pub(super) struct OnTags<T> {
    value: Value,
    /// The folded names of tags that are removed.
    removed: Vec<String>,
    /// The folded name of a tag that is renamed, and its new name; or empty texts, which are no tags.
    from: String,
    to: String,
    to_folded: String,
    /// Tags that are added.
    added: Vec<String>,
    added_folded: Vec<String>,
    sql_type: PhantomData<T>,
}

#[derive(Clone, Copy)]
enum Value {
    IsChange,
    IsTooMany,
    Joined,
    Folded,
}

impl<T> OnTags<T> {
    fn new(patch: &TagsPatch, value: Value) -> Self {
        let fold_all = |tags: &Tags| tags.iter().map(|name| fold(name).into_owned()).collect();
        let mut it = Self {
            value,
            removed: Vec::new(),
            from: String::new(),
            to: String::new(),
            to_folded: String::new(),
            added: Vec::new(),
            added_folded: Vec::new(),
            sql_type: PhantomData,
        };
        match patch {
            TagsPatch::Set(_) => {}
            TagsPatch::Edit { add, remove } => {
                it.removed = fold_all(remove);
                it.added = add.iter().map(str::to_owned).collect();
                it.added_folded = fold_all(add);
            }
            TagsPatch::Rename { from, to } => {
                // If the todo has the other tag, too, only one of them remains.
                it.removed =
                    if from.is_same(to) { vec![] } else { vec![to.as_folded_str().into()] };
                it.from = from.as_folded_str().into();
                it.to = to.as_str().into();
                it.to_folded = to.as_folded_str().into();
            }
        }
        it
    }

    /// The tags after the patch, as rows `(name, folded, place)`.
    fn push_rows<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT CASE WHEN own.folded = ");
        out.push_bind_param::<Text, _>(&self.from)?;
        out.push_sql(" THEN ");
        out.push_bind_param::<Text, _>(&self.to)?;
        out.push_sql(" ELSE own.name END, CASE WHEN own.folded = ");
        out.push_bind_param::<Text, _>(&self.from)?;
        out.push_sql(" THEN ");
        out.push_bind_param::<Text, _>(&self.to_folded)?;
        out.push_sql(
            " ELSE own.folded END, own.place FROM unnest(string_to_array(todos.tags, ','), \
             string_to_array(btrim(todos.tags_folded, ','), ',')) WITH ORDINALITY AS own (name, folded, place) \
             WHERE own.folded <> ALL (",
        );
        out.push_bind_param::<Array<Text>, _>(&self.removed)?;
        out.push_sql(
            "::text[]) UNION ALL SELECT new.name, new.folded, 1000 + new.place FROM unnest(",
        );
        out.push_bind_param::<Array<Text>, _>(&self.added)?;
        out.push_sql("::text[], ");
        out.push_bind_param::<Array<Text>, _>(&self.added_folded)?;
        out.push_sql(
            "::text[]) WITH ORDINALITY AS new (name, folded, place) \
             WHERE strpos(todos.tags_folded, ',' || new.folded || ',') = 0",
        );
        Ok(())
    }

    /// Whether there would be too many. Only if the sum is too large, the tags are compared. Renaming adds none.
    fn push_is_too_many<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.added.is_empty() {
            out.push_sql("FALSE");
            return Ok(());
        }
        out.push_sql("(cardinality(");
        out.push_bind_param::<Array<Text>, _>(&self.added)?;
        out.push_sql("::text[]) + cardinality(string_to_array(todos.tags, ',')) > ");
        out.push_sql(&Tags::MAX.to_string());
        out.push_sql(" AND (SELECT count(*) FROM (");
        self.push_rows(out)?;
        out.push_sql(") AS tag) > ");
        out.push_sql(&Tags::MAX.to_string());
        out.push_sql(")");
        Ok(())
    }

    /// The tags after the patch, as one text by the aggregate; the column as it is if the patch does not change it.
    fn push_text<'b>(
        &'b self,
        column: &str,
        aggregate: &str,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        out.push_sql("CASE WHEN ");
        self.push_is_change(out)?;
        out.push_sql(&format!(" THEN (SELECT coalesce({aggregate}, '') FROM ("));
        self.push_rows(out)?;
        out.push_sql(&format!(") AS tag (name, folded, place)) ELSE {column} END"));
        Ok(())
    }

    /// Whether the renamed tag is there, with another name; or a removed one is there, or an added one is not.
    fn push_is_change<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.from.is_empty() {
            out.push_sql("(EXISTS (SELECT FROM unnest(");
            out.push_bind_param::<Array<Text>, _>(&self.removed)?;
            out.push_sql(
                "::text[]) AS removed WHERE strpos(todos.tags_folded, ',' || removed || ',') > 0)",
            );
            out.push_sql(" OR EXISTS (SELECT FROM unnest(");
            out.push_bind_param::<Array<Text>, _>(&self.added_folded)?;
            out.push_sql(
                "::text[]) AS added WHERE strpos(todos.tags_folded, ',' || added || ',') = 0)) AND NOT ",
            );
            self.push_is_too_many(out)?;
        } else {
            out.push_sql("(strpos(todos.tags_folded, ',' || ");
            out.push_bind_param::<Text, _>(&self.from)?;
            out.push_sql(" || ',') > 0 AND (");
            out.push_bind_param::<Text, _>(&self.from)?;
            out.push_sql(" <> ");
            out.push_bind_param::<Text, _>(&self.to_folded)?;
            out.push_sql(" OR strpos(',' || todos.tags || ',', ',' || ");
            out.push_bind_param::<Text, _>(&self.to)?;
            out.push_sql(" || ',') = 0))");
        }
        Ok(())
    }
}

impl<T> QueryFragment<Pg> for OnTags<T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self.value {
            Value::IsChange => self.push_is_change(&mut out),
            Value::IsTooMany => self.push_is_too_many(&mut out),
            Value::Joined => {
                let names = "string_agg(tag.name, ',' ORDER BY tag.place)";
                self.push_text("todos.tags", names, &mut out)
            }
            Value::Folded => {
                let names = "',' || string_agg(tag.folded, ',' ORDER BY tag.place) || ','";
                self.push_text("todos.tags_folded", names, &mut out)
            }
        }
    }
}

impl<T: SingleValue> Expression for OnTags<T> {
    type SqlType = T;
}

impl<T> AppearsOnTable<todos::table> for OnTags<T> where Self: Expression {}

impl<T> SelectableExpression<todos::table> for OnTags<T> where Self: Expression {}

impl<T, GroupBy> ValidGrouping<GroupBy> for OnTags<T> {
    type IsAggregate = is_aggregate::No;
}

impl<T> QueryId for OnTags<T> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
