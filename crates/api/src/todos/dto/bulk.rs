//! The body of a bulk update.

use std::borrow::Cow;

use serde::Deserialize;
use todo_domain::{Due, Priority, Tag, Tags, TagsPatch, TodoPatch};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use super::schemas::{MomentText, PriorityName, TagText};
use crate::http::body::Body;
use crate::http::field::{Field, not_null, nullable};

/// The error message for a bulk update without changes.
pub const CHANGES_RULE: &str =
    "must have at least one of add_tags, due, is_completed, priority and remove_tags";

/// The error message for tags that are added and removed.
const REMOVE_RULE: &str = "must not contain a tag that is also in add_tags";

/// The changes of a bulk update: at least one.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[validate(schema(function = "check_changes"))]
#[schema(example = json!({"is_completed": true}))]
pub struct TodosUpdate {
    /// Whether the todos are completed.
    #[serde(default)]
    #[validate(custom(function = "not_null"))]
    #[schema(value_type = bool, required = false)]
    is_completed: Field<bool>,
    /// The priority.
    #[serde(default)]
    #[validate(custom(function = "not_null"))]
    #[schema(value_type = PriorityName, required = false)]
    priority: Field<Priority>,
    /// When the todos are due, as in `TodoUpdate`, or null to clear it.
    #[serde(default)]
    #[validate(custom(function = "nullable"))]
    #[schema(value_type = Option<MomentText>)]
    due: Field<Due>,
    /// Tags to add, at the end; a todo that has one of them keeps it as it is. If a todo would have more than 20 tags, the
    /// request fails and changes nothing.
    #[serde(default)]
    #[validate(custom(function = "not_null"))]
    #[schema(value_type = Vec<TagText>, required = false, max_items = 20)]
    add_tags: Field<Tags>,
    /// Tags to remove, whatever their case. None of them may be in `add_tags`.
    #[serde(default)]
    #[validate(custom(function = "not_null"))]
    #[schema(value_type = Vec<TagText>, required = false, max_items = 20)]
    remove_tags: Field<Tags>,
}

impl Body for TodosUpdate {
    const FIELDS: &'static [&'static str] =
        &["add_tags", "due", "is_completed", "priority", "remove_tags"];
    const REQUIRED: &'static [(&'static str, &'static str)] = &[];
}

/// Checks the fields together. The code of an error is the field that it names.
fn check_changes(body: &TodosUpdate) -> Result<(), ValidationError> {
    let error = |field: &'static str, message: &'static str| {
        Err(ValidationError::new(field).with_message(Cow::Borrowed(message)))
    };
    let TodosUpdate { is_completed, priority, due, add_tags, remove_tags } = body;
    let is_empty = *is_completed == Field::Absent
        && *priority == Field::Absent
        && *due == Field::Absent
        && *add_tags == Field::Absent
        && *remove_tags == Field::Absent;
    if is_empty {
        return error("body", CHANGES_RULE);
    }
    if let (Field::Value(add), Field::Value(remove)) = (add_tags, remove_tags) {
        let both = |name: &str| Tag::new(name).is_ok_and(|tag| add.contains(&tag));
        if remove.iter().any(both) {
            return error("remove_tags", REMOVE_RULE);
        }
    }
    Ok(())
}

impl From<TodosUpdate> for TodoPatch {
    fn from(body: TodosUpdate) -> Self {
        let TodosUpdate { is_completed, priority, due, add_tags, remove_tags } = body;
        let tags = match (add_tags.value(), remove_tags.value()) {
            (None, None) => None,
            (add, remove) => Some(TagsPatch::Edit {
                add: add.unwrap_or_default(),
                remove: remove.unwrap_or_default(),
            }),
        };
        Self {
            is_completed: is_completed.value(),
            priority: priority.value(),
            due: due.change(),
            tags,
            ..Self::default()
        }
    }
}
