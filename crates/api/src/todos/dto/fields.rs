//! The values of fields in bodies, read from JSON.

use std::borrow::Cow;

use serde::de::{IgnoredAny, SeqAccess};
use todo_domain::tag::TooManyTags;
use todo_domain::{Description, Due, Moment, Priority, Tag, Tags, Title};

use crate::http::field::{Field, FieldType, wrong_type};

/// The error message for another priority.
pub const PRIORITY_RULE: &str = "must be low, medium or high";

impl FieldType for Title {
    const NAME: &'static str = "a string";

    fn from_string(text: String) -> Result<Self, Cow<'static, str>> {
        Self::new(text).map_err(|error| error.to_string().into())
    }
}

impl FieldType for Description {
    const NAME: &'static str = "a string";

    fn from_string(text: String) -> Result<Self, Cow<'static, str>> {
        Self::new(text).map_err(|error| error.to_string().into())
    }
}

impl FieldType for Priority {
    const NAME: &'static str = "low, medium or high";

    fn from_string(text: String) -> Result<Self, Cow<'static, str>> {
        Self::from_name(&text).ok_or(PRIORITY_RULE.into())
    }
}

impl FieldType for Due {
    const NAME: &'static str = "a string";

    fn from_string(text: String) -> Result<Self, Cow<'static, str>> {
        Moment::parse(&text).map(Self::from).map_err(|error| error.to_string().into())
    }
}

impl FieldType for Tag {
    const NAME: &'static str = "a string";

    fn from_string(text: String) -> Result<Self, Cow<'static, str>> {
        Self::new(&text).map_err(|error| error.to_string().into())
    }
}

impl FieldType for Tags {
    const NAME: &'static str = "an array of strings";

    fn from_array<'de, A: SeqAccess<'de>>(mut array: A) -> Result<Field<Self>, A::Error> {
        let (mut tags, mut errors) = (Vec::new(), Vec::new());
        for index in 0..Self::MAX {
            match array.next_element::<Field<Tag>>()? {
                None => break,
                Some(Field::Value(tag)) => tags.push(tag),
                Some(Field::Invalid(message)) => errors.push((index, message)),
                Some(_) => errors.push((index, wrong_type::<Tag>("null"))),
            }
        }
        let mut actual = tags.len() + errors.len();
        while array.next_element::<IgnoredAny>()?.is_some() {
            actual += 1;
        }
        if actual > Self::MAX {
            return Ok(Field::Invalid(TooManyTags { actual }.to_string().into()));
        }
        if !errors.is_empty() {
            return Ok(Field::InvalidItems(errors));
        }
        Ok(Self::new(tags)
            .map_or_else(|error| Field::Invalid(error.to_string().into()), Field::Value))
    }
}
