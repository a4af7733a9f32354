//! The server binaries to compare.

use std::env;
use std::path::PathBuf;

/// A server binary to measure.
#[derive(Debug, Clone)]
pub(crate) struct Binary {
    /// Its name in the tables.
    pub(crate) name: &'static str,
    /// Its path.
    pub(crate) path: PathBuf,
}

/// The binary to measure: `BENCH_BINARY`, or else the one that was built for this benchmark. If `BENCH_BASELINE` is
/// set, that binary follows, for comparison.
pub(crate) fn binaries() -> Vec<Binary> {
    let built = PathBuf::from(env!("CARGO_BIN_EXE_todo-api"));
    let measured = env::var_os("BENCH_BINARY").map_or(built, PathBuf::from);
    let baseline = env::var_os("BENCH_BASELINE").map(PathBuf::from);
    let named = [("measured", Some(measured)), ("baseline", baseline)];
    named.into_iter().filter_map(|(name, path)| Some(Binary { name, path: path? })).collect()
}
