//! Paths as URIs, which tell SQLite how to open a file.

use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

/// The characters to percent-encode in the path of a URI.
const PATH_ENCODE_SET: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');

/// For an existing file that may be written; SQLite creates none.
pub(super) const READ_WRITE: &str = "mode=rw";

/// For a file that nobody writes. SQLite takes no locks, and neither reads nor creates other files beside it.
pub(super) const IMMUTABLE: &str = "mode=ro&immutable=1";

/// The path as a URI with these parameters.
pub(super) fn uri(path: &Path, parameters: &str) -> String {
    let encoded = percent_encode(path.as_os_str().as_encoded_bytes(), PATH_ENCODE_SET);
    // Without `//`, SQLite could read the start of an absolute path as a host.
    let authority = if path.is_absolute() { "//" } else { "" };
    format!("file:{authority}{encoded}?{parameters}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_encoded_so_that_it_has_no_parameters_and_no_host() {
        assert_eq!(uri(Path::new("a?b"), READ_WRITE), "file:a%3Fb?mode=rw");
        assert_eq!(uri(Path::new("//a/b"), READ_WRITE), "file:////a/b?mode=rw");
    }
}
