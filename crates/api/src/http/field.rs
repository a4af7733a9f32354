//! A field of a JSON body. Deserializing it never fails, so that all errors in a body can be reported at once.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use validator::ValidationError;

/// The value of a field in a body. Errors are found later, by `validator`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// The field is missing.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// A value of the right type.
    Value(T),
    /// A value of this other JSON type.
    WrongType(&'static str),
}

impl<T> Field<T> {
    /// The value, if it has the right type.
    #[must_use]
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null | Self::WrongType(_) => None,
        }
    }

    /// The value as part of a patch: `None` if the field is absent, `Some(None)` if it is null.
    #[must_use]
    pub fn change(self) -> Option<Option<T>> {
        match self {
            Self::Absent | Self::WrongType(_) => None,
            Self::Null => Some(None),
            Self::Value(value) => Some(Some(value)),
        }
    }
}

/// A type that a field can have.
pub trait FieldType: Sized {
    /// Its name in error messages, with an article.
    const NAME: &'static str;
    /// Converts a JSON string.
    fn from_string(text: String) -> Option<Self>;
    /// Converts `true` or `false`.
    fn from_bool(value: bool) -> Option<Self>;
}

impl FieldType for String {
    const NAME: &'static str = "a string";

    fn from_string(text: String) -> Option<Self> {
        Some(text)
    }

    fn from_bool(_: bool) -> Option<Self> {
        None
    }
}

impl FieldType for bool {
    const NAME: &'static str = "true or false";

    fn from_string(_: String) -> Option<Self> {
        None
    }

    fn from_bool(value: bool) -> Option<Self> {
        Some(value)
    }
}

impl<'de, T: FieldType> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor(PhantomData))
    }
}

/// `validator` stores the value in its errors.
impl<T: Serialize> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Absent | Self::Null | Self::WrongType(_) => serializer.serialize_none(),
        }
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
        Ok(T::from_string(text).map_or(Field::WrongType("a string"), Field::Value))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Field<T>, E> {
        Ok(T::from_bool(value).map_or(Field::WrongType("a boolean"), Field::Value))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Field<T>, E> {
        Ok(Field::WrongType("a number"))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Field<T>, E> {
        Ok(Field::WrongType("a number"))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Field<T>, E> {
        Ok(Field::WrongType("a number"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Field<T>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::WrongType("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field<T>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::WrongType("an object"))
    }
}

/// Validates a required field; `rule` validates its value.
///
/// # Errors
/// If the field is invalid.
pub fn required<T: FieldType>(
    field: &Field<T>,
    rule: impl FnOnce(&T) -> Result<(), ValidationError>,
) -> Result<(), ValidationError> {
    match field {
        Field::Absent => Err(invalid("is required")),
        field => optional(field, rule),
    }
}

/// Validates a field that may be absent, but not null.
///
/// # Errors
/// If the field is invalid.
pub fn optional<T: FieldType>(
    field: &Field<T>,
    rule: impl FnOnce(&T) -> Result<(), ValidationError>,
) -> Result<(), ValidationError> {
    match field {
        Field::Null => Err(invalid(format!("must be {}, not null", T::NAME))),
        field => nullable(field, rule),
    }
}

/// Validates a field that may be absent or null.
///
/// # Errors
/// If the field is invalid.
pub fn nullable<T: FieldType>(
    field: &Field<T>,
    rule: impl FnOnce(&T) -> Result<(), ValidationError>,
) -> Result<(), ValidationError> {
    match field {
        Field::Absent | Field::Null => Ok(()),
        Field::Value(value) => rule(value),
        Field::WrongType(found) => Err(invalid(format!("must be {}, not {found}", T::NAME))),
    }
}

/// A validation error with this message.
pub fn invalid(message: impl Into<Cow<'static, str>>) -> ValidationError {
    ValidationError::new("invalid").with_message(message.into())
}
