//! Finds the installed Postgres.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{Once, OnceLock},
};

use crate::program::is_ci;

/// The directory with the programs of Postgres.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    directory: PathBuf,
}

impl Binaries {
    /// Finds the programs that create and run a cluster. If they are missing, prints once how to
    /// install them; panics in CI, where a skipped test is a failure.
    pub(super) fn find_or_skip() -> Option<Self> {
        static FOUND: OnceLock<Option<Binaries>> = OnceLock::new();
        static NOTE: Once = Once::new();
        let found = FOUND.get_or_init(Self::find).clone();
        if found.is_none() {
            let missing = format!(
                "no initdb/postgres found (looked in {}); \
                 install PostgreSQL (Debian: apt-get install postgresql) or set TEST_DATABASE_URL",
                locations().iter().map(|it| it.0.as_str()).collect::<Vec<_>>().join(", ")
            );
            assert!(!is_ci(), "{missing}");
            // Not `eprintln!`, because the test harness captures that.
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

    /// The `psql` of this installation, or else the one in PATH.
    pub(super) fn psql(&self) -> PathBuf {
        let own = self.directory.join("psql");
        if own.is_file() { own } else { PathBuf::from("psql") }
    }

    fn find() -> Option<Self> {
        let mut directories = locations().into_iter().flat_map(|it| it.1);
        let directory = directories.find_map(|it| with_postgres(&it))?;
        Some(Self { directory })
    }
}

/// Any `psql`, for an external server.
pub(super) fn any_psql() -> PathBuf {
    let directories = locations().into_iter().flat_map(|it| it.1);
    let found = directories.map(|it| it.join("psql")).find(|it| it.is_file());
    found.unwrap_or_else(|| {
        panic!("TEST_DATABASE_URL is set, but psql, which creates the databases, is not installed")
    })
}

/// The directory if it has a complete Postgres, or the one that its `initdb` links to.
fn with_postgres(directory: &Path) -> Option<PathBuf> {
    let is_complete = |it: &Path| it.join("initdb").is_file() && it.join("postgres").is_file();
    // The target of the link first, because `psql` and the shared files are there.
    let target = fs::canonicalize(directory.join("initdb")).ok()?.parent()?.to_owned();
    [target.as_path(), directory].into_iter().find(|it| is_complete(it)).map(Path::to_owned)
}

/// Where to search, in this order: the name of each location, and its directories.
fn locations() -> Vec<(String, Vec<PathBuf>)> {
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

/// The `bin` directories of the installations below `parent`, highest version first.
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
