//! Formatting the messages of databases.

/// Puts a message, which may have several lines, on one line.
pub(crate) fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
