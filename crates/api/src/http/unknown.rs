//! Unknown fields and parameters. Ignoring them would hide typos, so they are rejected, with a suggestion of the name
//! that was probably meant.

use crate::error::FieldError;

/// The minimum similarity of a suggested name (Jaro-Winkler, from 0 to 1).
const MIN_SIMILARITY: f64 = 0.78;

/// The maximum length of a name for which a suggestion is computed, in bytes.
const MAX_COMPARED: usize = 64;

/// How many unknown names of a request are reported, so that a response cannot be many times longer than its request.
pub const MAX_REPORTED: usize = 20;

/// The error for a name that is not one of the known names.
#[must_use]
pub fn unknown(name: &str, known: &[&str]) -> FieldError {
    let message = match (nearest(name, known), known) {
        (Some(nearest), _) => format!("is unknown; did you mean {nearest}?"),
        (None, []) => "is unknown; this operation takes no parameters".to_owned(),
        (None, known) => format!("is unknown; the known names are {}", known.join(", ")),
    };
    FieldError::new(name, message)
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if name.len() > MAX_COMPARED {
        return None;
    }
    let name = name.to_lowercase();
    let similarities = known.iter().map(|known| (strsim::jaro_winkler(&name, known), *known));
    let (similarity, nearest) = similarities.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (similarity >= MIN_SIMILARITY).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: [&str; 6] = ["cursor", "id", "is_completed", "limit", "q", "sort"];

    #[test]
    fn a_typo_gets_a_suggestion() {
        for (typo, meant) in [
            ("completed", "is_completed"),
            ("is_complete", "is_completed"),
            ("isCompleted", "is_completed"),
            ("IS_COMPLETED", "is_completed"),
            ("Limit", "limit"),
            ("limt", "limit"),
            ("ids", "id"),
            ("sort_by", "sort"),
            ("curser", "cursor"),
        ] {
            assert_eq!(nearest(typo, &LIST), Some(meant), "{typo}");
        }
        assert_eq!(nearest("titel", &["description", "is_completed", "title"]), Some("title"));
        assert_eq!(nearest("desc", &["description", "is_completed", "title"]), Some("description"));
    }

    #[test]
    fn a_dissimilar_name_gets_no_suggestion() {
        for other in ["page", "user", "x", "", "due", "[]", "𝄞", &"limit".repeat(20)] {
            assert_eq!(nearest(other, &LIST), None, "{other}");
        }
        assert_eq!(nearest("limit", &["all", "id", "is_completed", "q"]), None);
    }
}
