//! What is known of a backup, and why there is none.

use std::io;
use std::path::PathBuf;

use diesel::result::ConnectionError;
use thiserror::Error;

/// What a verified backup contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupContents {
    /// The number of todos of all users.
    pub todos: i64,
    /// The migrations of this program that have not been applied to it, by name.
    pub pending_migrations: Vec<String>,
}

/// A backup that was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What it contains.
    pub contents: BackupContents,
    /// Where the database that it replaced is kept.
    pub replaced: Option<PathBuf>,
}

/// Why a database was not backed up, or not restored. Neither it nor any backup has changed.
#[derive(Debug, Error)]
pub enum BackupError {
    /// Postgres has its own tools.
    #[error(
        "only SQLite databases are backed up and restored: use pg_dump and pg_restore for Postgres"
    )]
    Postgres,
    /// Each process has its own in-memory database.
    #[error("a database in memory belongs to its server: it cannot be backed up or restored")]
    Memory,
    /// There is nothing to back up.
    #[error("{} does not exist", .0.display())]
    Missing(PathBuf),
    /// Backups are not overwritten, databases only if asked to.
    #[error("{} already exists{hint}", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
        /// What to do.
        hint: &'static str,
    },
    /// The file to restore is the database itself.
    #[error("{} is the database itself, not a backup of it", .0.display())]
    SameFile(PathBuf),
    /// The file has a journal beside it, which has some of its content or would be applied to another database.
    #[error(
        "{} belongs to a database that was not closed: open and close that with `sqlite3`, or move this file away",
        .0.display()
    )]
    Journal(PathBuf),
    /// Another process has the database open.
    #[error("{} is in use: stop the server, and any other program that has it open", .0.display())]
    InUse(PathBuf),
    /// The file is no intact SQLite database.
    #[error("{} is damaged, or not a SQLite database: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says about it.
        problem: String,
    },
    /// No migration has been applied to the database.
    #[error("{} is not a database of this program: no migration has been applied to it", .0.display())]
    Foreign(PathBuf),
    /// The backup is of a later version of this program.
    #[error("{} is from a later version of this program: it has the unknown migration {version}", path.display())]
    Later {
        /// The file.
        path: PathBuf,
        /// The version of the migration.
        version: String,
    },
    /// The database cannot be opened.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: ConnectionError,
    },
    /// SQLite cannot copy the database: the disk may be full.
    #[error("cannot copy the database")]
    Copy(#[source] diesel::result::Error),
    /// The operating system refuses to read or write a file.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}
