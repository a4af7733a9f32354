//! A field of a JSON body. Deserializing it never fails, so that all errors in a body can be reported at once.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use validator::ValidationError;

/// The code of an error whose parameters are the indexes of invalid items, each with what is wrong with it.
pub const INVALID_ITEMS: &str = "items";

/// The value of a field in a body. Errors are reported later, by `validator`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// The field is missing.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// A valid value.
    Value(T),
    /// Another value, and what is wrong with it.
    Invalid(Cow<'static, str>),
    /// An array with invalid items: the index of each, and what is wrong with it.
    InvalidItems(Vec<(usize, Cow<'static, str>)>),
}

impl<T> Field<T> {
    /// The value, if it is valid.
    #[must_use]
    pub fn value(self) -> Option<T> {
        self.change().flatten()
    }

    /// The value as part of a patch: `None` if the field is absent, `Some(None)` if it is null.
    #[must_use]
    pub fn change(self) -> Option<Option<T>> {
        match self {
            Self::Absent | Self::Invalid(_) | Self::InvalidItems(_) => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }
}

/// A type that a field can have. It implements the conversions from the JSON types that it accepts.
///
/// # Errors
/// Every conversion returns what is wrong with the value.
#[expect(clippy::missing_errors_doc, reason = "documented once, on the trait")]
pub trait FieldType: Sized {
    /// Its name in error messages, with an article.
    const NAME: &'static str;

    /// Converts a JSON string.
    fn from_string(_: String) -> Result<Self, Cow<'static, str>> {
        Err(wrong_type::<Self>("a string"))
    }

    /// Converts `true` or `false`.
    fn from_bool(_: bool) -> Result<Self, Cow<'static, str>> {
        Err(wrong_type::<Self>("a boolean"))
    }

    /// Reads a JSON array.
    fn from_array<'de, A: SeqAccess<'de>>(mut array: A) -> Result<Field<Self>, A::Error> {
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Invalid(wrong_type::<Self>("an array")))
    }
}

impl FieldType for bool {
    const NAME: &'static str = "true or false";

    fn from_bool(value: bool) -> Result<Self, Cow<'static, str>> {
        Ok(value)
    }
}

/// The error message for a value of another JSON type.
#[must_use]
pub fn wrong_type<T: FieldType>(found: &str) -> Cow<'static, str> {
    format!("must be {}, not {found}", T::NAME).into()
}

impl<'de, T: FieldType> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor(PhantomData))
    }
}

/// `validator` stores the value in its errors, where nobody reads it.
impl<T> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

struct FieldVisitor<T>(PhantomData<T>);

impl<'de, T: FieldType> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::NAME)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Field<T>, E> {
        Ok(Field::Null)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Field<T>, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Field<T>, E> {
        Ok(T::from_string(text).map_or_else(Field::Invalid, Field::Value))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Field<T>, E> {
        Ok(T::from_bool(value).map_or_else(Field::Invalid, Field::Value))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Field<T>, E> {
        Ok(Field::Invalid(wrong_type::<T>("a number")))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Field<T>, E> {
        Ok(Field::Invalid(wrong_type::<T>("a number")))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Field<T>, E> {
        Ok(Field::Invalid(wrong_type::<T>("a number")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, array: A) -> Result<Field<T>, A::Error> {
        T::from_array(array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field<T>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Invalid(wrong_type::<T>("an object")))
    }
}

/// Validates a field that may be absent, but not null.
///
/// # Errors
/// If the field is null or invalid.
pub fn not_null<T: FieldType>(field: &Field<T>) -> Result<(), ValidationError> {
    match field {
        Field::Null => Err(invalid(wrong_type::<T>("null"))),
        field => nullable(field),
    }
}

/// Validates a field that may be absent or null.
///
/// # Errors
/// If the field is invalid.
pub fn nullable<T>(field: &Field<T>) -> Result<(), ValidationError> {
    match field {
        Field::Absent | Field::Null | Field::Value(_) => Ok(()),
        Field::Invalid(message) => Err(invalid(message.clone())),
        Field::InvalidItems(items) => {
            let mut error = ValidationError::new(INVALID_ITEMS);
            for (index, message) in items {
                error.add_param(index.to_string().into(), message);
            }
            Err(error)
        }
    }
}

fn invalid(message: Cow<'static, str>) -> ValidationError {
    ValidationError::new("invalid").with_message(message)
}
