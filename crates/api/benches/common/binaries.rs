//! Which servers are compared.

use std::env;
use std::path::PathBuf;

/// A server's binary that is measured.
#[derive(Debug, Clone)]
pub(crate) struct Binary {
    /// Its name in the tables.
    pub(crate) name: &'static str,
    /// Where it is.
    pub(crate) path: PathBuf,
}

/// The binary to measure, which `BENCH_BINARY` names, else the one that was built for this benchmark; behind it the
/// one to compare it with, if `BENCH_BASELINE` names one.
pub(crate) fn binaries() -> Vec<Binary> {
    let built = PathBuf::from(env!("CARGO_BIN_EXE_todo-api"));
    let measured = env::var_os("BENCH_BINARY").map_or(built, PathBuf::from);
    let baseline = env::var_os("BENCH_BASELINE").map(PathBuf::from);
    let named = [("measured", Some(measured)), ("baseline", baseline)];
    named.into_iter().filter_map(|(name, path)| Some(Binary { name, path: path? })).collect()
}
