//! Finds Postgres on this machine.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{Once, OnceLock},
};

use crate::program::is_ci;

/// Where Postgres's own programs are.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    directory: PathBuf,
}

impl Binaries {
    /// The programs that make and run a cluster. If there are none, says once how to have
    /// them, and under CI panics: there, a test that is skipped is a test that fails.
    pub(super) fn find_or_skip() -> Option<Self> {
        static FOUND: OnceLock<Option<Binaries>> = OnceLock::new();
        static NOTE: Once = Once::new();
        let found = FOUND.get_or_init(Self::find).clone();
        if found.is_none() {
            let missing = format!(
                "no initdb/postgres found (looked in {}); \
                 install PostgreSQL (Debian: apt-get install postgresql) or set TEST_DATABASE_URL",
                places().iter().map(|it| it.0.as_str()).collect::<Vec<_>>().join(", ")
            );
            assert!(!is_ci(), "{missing}");
            // The handle itself, because the test harness captures what `eprintln!` prints.
            NOTE.call_once(|| {
                let _ = writeln!(std::io::stderr(), "note: Postgres tests skipped: {missing}");
            });
        }
        found
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.directory.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.directory.join("postgres")
    }

    /// Its own client, or else the one in PATH.
    pub(super) fn psql(&self) -> PathBuf {
        let own = self.directory.join("psql");
        if own.is_file() { own } else { PathBuf::from("psql") }
    }

    fn find() -> Option<Self> {
        let mut directories = places().into_iter().flat_map(|it| it.1);
        let directory = directories.find_map(|it| with_postgres(&it))?;
        Some(Self { directory })
    }
}

/// Any `psql`, for a server that is not ours.
pub(super) fn any_psql() -> PathBuf {
    let directories = places().into_iter().flat_map(|it| it.1);
    let found = directories.map(|it| it.join("psql")).find(|it| it.is_file());
    found.unwrap_or_else(|| {
        panic!("TEST_DATABASE_URL is set, but there is no psql to make databases with")
    })
}

/// The directory if it holds a whole Postgres, or the one to which its `initdb` leads.
fn with_postgres(directory: &Path) -> Option<PathBuf> {
    let is_whole = |it: &Path| it.join("initdb").is_file() && it.join("postgres").is_file();
    // First where a link leads, because `psql` and the shared files are there.
    let target = fs::canonicalize(directory.join("initdb")).ok()?.parent()?.to_owned();
    [target.as_path(), directory].into_iter().find(|it| is_whole(it)).map(Path::to_owned)
}

/// Where to look, in this order: what to call the place, and its directories.
fn places() -> Vec<(String, Vec<PathBuf>)> {
    let from = |name: &str, it: Vec<PathBuf>| (name.to_owned(), it);
    if let Some(chosen) = env::var_os("POSTGRES_BIN_DIR") {
        return vec![from("POSTGRES_BIN_DIR", vec![chosen.into()])];
    }
    let path = env::var_os("PATH").unwrap_or_default();
    vec![
        from("PATH", env::split_paths(&path).filter(|it| it.is_absolute()).collect()),
        from("/usr/lib/postgresql/*/bin", versions("/usr/lib/postgresql", "")),
        from("/usr/local/pgsql/bin", vec!["/usr/local/pgsql/bin".into()]),
        from("/opt/homebrew/opt/postgresql*/bin", versions("/opt/homebrew/opt", "postgresql")),
        from("/usr/local/opt/postgresql*/bin", versions("/usr/local/opt", "postgresql")),
    ]
}

/// The `bin` directories of the installations below `parent`, the highest version first.
fn versions(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?.trim_start_matches('@');
            Some((version.parse().unwrap_or(0), entry.path().join("bin")))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|it| it.1).collect()
}
