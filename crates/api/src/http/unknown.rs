//! Names that an operation does not know: dropped silently they would hurt, so they are refused, with the name that was
//! probably meant.

use crate::error::FieldError;

/// How alike two names are, from 0 to 1, when one is taken for a slip of the other.
const NEAR: f64 = 0.78;

/// A longer name is compared with nothing, in bytes.
const MAX_COMPARED: usize = 64;

/// So many unknown names of a request are told at most; an answer must not be many times as long as its request.
pub const MAX_TOLD: usize = 20;

/// What is wrong with a name that is not among those that are known.
#[must_use]
pub fn unknown(name: &str, known: &[&str]) -> FieldError {
    let message = match (nearest(name, known), known) {
        (Some(near), _) => format!("is not known here; did you mean {near}?"),
        (None, []) => "is not known here; this call takes no parameters".to_owned(),
        (None, known) => format!("is not known here; known are {}", known.join(", ")),
    };
    FieldError { field: name.to_owned(), message }
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    if name.len() > MAX_COMPARED {
        return None;
    }
    let name = name.to_lowercase();
    let likeness = known.iter().map(|known| (strsim::jaro_winkler(&name, known), *known));
    let (likeness, nearest) = likeness.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (likeness >= NEAR).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: [&str; 6] = ["cursor", "id", "is_completed", "limit", "q", "sort"];

    #[test]
    fn a_slip_is_recognized() {
        for (slip, meant) in [
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
            assert_eq!(nearest(slip, &LIST), Some(meant), "{slip}");
        }
        assert_eq!(nearest("titel", &["description", "is_completed", "title"]), Some("title"));
        assert_eq!(nearest("desc", &["description", "is_completed", "title"]), Some("description"));
    }

    #[test]
    fn nothing_is_made_up() {
        for other in ["page", "user", "x", "", "due", "[]", "𝄞", &"limit".repeat(20)] {
            assert_eq!(nearest(other, &LIST), None, "{other}");
        }
        assert_eq!(nearest("limit", &["all", "id", "is_completed", "q"]), None);
    }
}
