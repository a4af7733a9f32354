//! The texts of a todo. Constructors validate, so that every value of these types is valid.
//!
//! Text is kept exactly as given: nothing is trimmed or normalized. Lengths count Unicode code points,
//! as the databases' `CHECK` constraints do. U+0000 is rejected because Postgres cannot store it.

use thiserror::Error;

/// What is wrong with a text. The message says how to fix it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidText {
    /// The text has no characters, or only white space.
    #[error("must contain at least one character that is not white space")]
    Blank,
    /// The text is longer than allowed.
    #[error("must be at most {max} characters long, but has {actual}")]
    TooLong {
        /// The maximum length in code points.
        max: usize,
        /// The actual length in code points.
        actual: usize,
    },
    /// The text contains U+0000.
    #[error("must not contain the character U+0000")]
    Nul,
}

/// The title of a todo: 1 to [`Title::MAX_CHARS`] code points, not only white space, no U+0000.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(String);

/// The description of a todo: 0 to [`Description::MAX_CHARS`] code points, no U+0000.
///
/// A todo without a description has `None`, not an empty description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description(String);

impl Title {
    /// The maximum length of a title in code points.
    pub const MAX_CHARS: usize = 255;

    /// Validates a text as a title.
    ///
    /// # Errors
    /// [`InvalidText`] if it is blank, too long or contains U+0000.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidText> {
        let text = text.into();
        if text.chars().all(char::is_whitespace) {
            return Err(InvalidText::Blank);
        }
        check_length_and_nul(&text, Self::MAX_CHARS)?;
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, as an owned string.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl Description {
    /// The maximum length of a description in code points.
    pub const MAX_CHARS: usize = 2_000;

    /// Validates a text as a description.
    ///
    /// # Errors
    /// [`InvalidText`] if it is too long or contains U+0000.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidText> {
        let text = text.into();
        check_length_and_nul(&text, Self::MAX_CHARS)?;
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_length_and_nul(text: &str, max: usize) -> Result<(), InvalidText> {
    // A code point has at least one byte, so most texts need no counting.
    if text.len() > max {
        let actual = text.chars().count();
        if actual > max {
            return Err(InvalidText::TooLong { max, actual });
        }
    }
    if text.contains('\0') {
        return Err(InvalidText::Nul);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_has_1_to_255_characters_regardless_of_their_bytes() {
        for text in ["x".to_owned(), "x".repeat(255), "𝄞".repeat(255)] {
            assert_eq!(Title::new(text.clone()).unwrap().as_str(), text);
        }
        assert_eq!(
            Title::new("é".repeat(256)),
            Err(InvalidText::TooLong { max: 255, actual: 256 })
        );
    }

    #[test]
    fn a_title_of_only_white_space_is_blank() {
        for text in ["", " ", "\t\n", "\u{a0}\u{3000}"] {
            assert_eq!(Title::new(text), Err(InvalidText::Blank), "{text:?}");
        }
    }

    #[test]
    fn white_space_around_a_title_is_kept() {
        assert_eq!(Title::new("  x ").unwrap().into_string(), "  x ");
    }

    #[test]
    fn a_description_has_0_to_2000_characters() {
        for text in [String::new(), "ß".repeat(2_000)] {
            assert_eq!(Description::new(text.clone()).unwrap().as_str(), text);
        }
        assert_eq!(
            Description::new("x".repeat(2_001)),
            Err(InvalidText::TooLong { max: 2_000, actual: 2_001 })
        );
    }

    #[test]
    fn nul_is_rejected_in_both() {
        assert_eq!(Title::new("a\0b"), Err(InvalidText::Nul));
        assert_eq!(Description::new("\0"), Err(InvalidText::Nul));
    }
}
