//! Messages of the databases, as logs and terminals want them.

/// A message of libpq, which may have several lines, on one.
pub(crate) fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
