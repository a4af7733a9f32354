//! The equality that a search uses: texts are compared after full Unicode case folding and canonical composition.
//!
//! This crate folds texts itself, because the databases' own rules differ with product, version and locale. An
//! adapter stores the folded texts next to the originals and compares folded terms with them byte by byte, so that a
//! search finds the same todos on every database.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use thiserror::Error;

/// Folds a text such that canonical caseless matches (the Unicode Standard, section 3.13, D145) become equal, by the
/// full, locale-independent case folding: `"Straße"` and `"STRASSE"` both become `"strasse"`, `"Σ"` and `"ς"` both
/// become `"σ"`, and `"É"` becomes the composed `"é"`, whether it was composed or decomposed.
///
/// The result is in NFC: a letter is not found in another that has an accent, however that is encoded.
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    // ASCII, the most common case, needs no tables.
    if text.is_ascii() {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Cow::Owned(text.to_ascii_lowercase());
        }
        return Cow::Borrowed(text);
    }
    // U+0345 folds to a letter, so it has to be decomposed first, also inside composed letters.
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(text);
    let folded = CaseMapper::new().fold_string(&decomposed);
    Cow::Owned(ComposingNormalizerBorrowed::new_nfc().normalize(&folded).into_owned())
}

/// What is wrong with a search term. The message says how to fix it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidSearchTerm {
    /// The term is longer than allowed.
    #[error("must be at most {max} characters long, but has {actual}", max = SearchTerm::MAX_CHARS)]
    TooLong {
        /// The code points that were given.
        actual: usize,
    },
    /// The term contains U+0000, which no todo can contain.
    #[error("must not contain the character U+0000")]
    Nul,
}

/// A search term: 1 to [`SearchTerm::MAX_CHARS`] code points, already folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchTerm(String);

impl SearchTerm {
    /// The maximum length of a term in code points, before folding.
    pub const MAX_CHARS: usize = 255;

    /// Folds a text into a term; `None` for the empty text, which would match everything.
    ///
    /// # Errors
    /// [`InvalidSearchTerm`] if it is too long or contains U+0000.
    pub fn new(text: &str) -> Result<Option<Self>, InvalidSearchTerm> {
        let actual = text.chars().count();
        if actual > Self::MAX_CHARS {
            return Err(InvalidSearchTerm::TooLong { actual });
        }
        if text.contains('\0') {
            return Err(InvalidSearchTerm::Nul);
        }
        Ok((actual > 0).then(|| Self(fold(text).into_owned())))
    }

    /// The folded text.
    #[must_use]
    pub fn as_folded_str(&self) -> &str {
        &self.0
    }

    /// Whether a text contains this term, both folded.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        fold(text).contains(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(term: &str, text: &str) -> bool {
        SearchTerm::new(term).unwrap().unwrap().is_in(text)
    }

    #[test]
    fn case_does_not_matter_in_any_script() {
        assert!(finds("GROCER", "Buy groceries"));
        assert!(finds("éCLAIR", "Éclair"));
        assert!(finds("ПРИВЕТ", "привет"));
        assert!(finds("ΟΔΥΣ", "Οδυσσεύς"));
        assert!(finds("ς", "ΟΔΥΣΣΕΥΣ"));
        assert!(finds("STRASSE", "Straße"));
    }

    #[test]
    fn composed_and_decomposed_letters_find_each_other() {
        for (composed, decomposed) in [
            ("caf\u{e9}", "cafe\u{301}"),
            ("\u{d55c}", "\u{1112}\u{1161}\u{11ab}"),
            ("\u{212b}", "A\u{30a}"),
        ] {
            assert!(finds(composed, decomposed) && finds(decomposed, composed), "{composed}");
        }
        assert!(finds("CAFE\u{301}", "Caf\u{e9}"));
        // U+0390 folds to a decomposed sequence, which has to be composed again.
        assert!(finds("\u{390}", "\u{3b9}\u{308}\u{301}"));
        // The iota subscript folds to a full iota, wherever it is among the accents.
        assert!(finds("\u{3b1}\u{345}\u{301}", "\u{3b1}\u{301}\u{345}"));
        assert!(finds("\u{1fb4}", "\u{391}\u{301}\u{399}"));
    }

    #[test]
    fn a_letter_is_not_found_in_another_that_has_an_accent() {
        for text in ["caf\u{e9}", "cafe\u{301}"] {
            assert!(!finds("cafe", text));
        }
        assert!(!finds("e\u{301}", "cafe"));
    }

    #[test]
    fn sql_wildcards_are_ordinary_characters() {
        assert!(finds("100%", "give 100% today"));
        assert!(!finds("1%0", "100"));
        assert!(!finds("a_c", "abc"));
    }

    #[test]
    fn an_empty_text_is_not_a_search_term() {
        assert_eq!(SearchTerm::new(""), Ok(None));
    }

    #[test]
    fn terms_that_are_too_long_or_contain_nul_are_rejected() {
        assert_eq!(SearchTerm::new("a\0"), Err(InvalidSearchTerm::Nul));
        assert_eq!(
            SearchTerm::new(&"é".repeat(256)),
            Err(InvalidSearchTerm::TooLong { actual: 256 })
        );
    }

    proptest::proptest! {
        #[test]
        fn the_ascii_shortcut_folds_like_the_tables(text in "[ -~]{0,40}") {
            proptest::prop_assert_eq!(fold(&text), CaseMapper::new().fold_string(&text));
        }

        #[test]
        fn every_word_of_a_text_is_found_in_it(words in proptest::collection::vec("\\PC{0,20}", 1..4), at: proptest::sample::Index) {
            let text = words.join(" ");
            if let Some(term) = SearchTerm::new(at.get::<String>(&words)).unwrap() {
                proptest::prop_assert!(term.is_in(&text), "{:?} in {:?}", term, text);
            }
        }

        #[test]
        fn canonically_equivalent_texts_fold_to_the_same_text(text in "[^\0]{0,20}[\u{300}-\u{345}\u{1f00}-\u{1fff}a-zA-Z]{0,8}") {
            let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&text).into_owned();
            let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(&text).into_owned();
            proptest::prop_assert_eq!(fold(&composed), fold(&text));
            proptest::prop_assert_eq!(fold(&decomposed), fold(&text));
        }
    }
}
