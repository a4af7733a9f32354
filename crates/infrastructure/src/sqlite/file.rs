//! The files of a database, and checks that they are still the ones that were opened.
//!
//! SQLite continues to use files that have been deleted or moved, and what it writes to them is lost. A new connection
//! would create an empty database in their place, or open another file that is there now. So the files that were opened
//! first are remembered by device and inode. While other files, or none, are in their place, no connection is opened and
//! no write is acknowledged.
//!
//! This module never opens a file that a connection has open: closing it would release the connection's locks.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::result::{ConnectionError, ConnectionResult};

use super::uri::{READ_WRITE, uri};

/// Readable and writable by the owner only. SQLite gives its other files the mode of the database file.
const MODE: u32 = 0o600;

/// How often opening is tried if the file's identity changes meanwhile. Usually it does not, but some file systems change
/// the inode number when a file is first opened for writing.
const MAX_OPEN_ATTEMPTS: u32 = 3;

/// The file of a database, its write-ahead log, and the index of that.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    opened: OnceLock<OpenedFiles>,
    /// Whether the last check failed.
    has_failed_check: AtomicBool,
}

#[derive(Debug)]
struct OpenedFiles {
    database: OpenedFile,
    /// The write-ahead log and its index; none on a file system that does not support them.
    wal_files: Vec<OpenedFile>,
}

#[derive(Debug)]
struct OpenedFile {
    path: PathBuf,
    identity: Identity,
}

/// The device and the inode, which identify a file whatever its name. The inode is not reused while the file is open.
type Identity = (u64, u64);

/// A file is not the one that was opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FileProblem {
    /// It does not exist.
    #[error("{} is no longer there", .0.display())]
    Missing(PathBuf),
    /// Another file has its name.
    #[error("{} was replaced by another file", .0.display())]
    Replaced(PathBuf),
    /// It cannot be checked.
    #[error("cannot access {}: {}", .0.display(), .1)]
    Unknown(PathBuf, ErrorKind),
}

impl DatabaseFile {
    /// The file at this path, which the first connection creates if it does not exist.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, opened: OnceLock::new(), has_failed_check: AtomicBool::new(false) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a connection by `connect`, which is passed the URI for SQLite, and must use the database in a way that creates
    /// the write-ahead log.
    ///
    /// # Errors
    /// If `connect` fails, or the file is not the one that was opened first.
    pub(super) fn open<C>(
        &self,
        connect: impl Fn(&str) -> ConnectionResult<C>,
    ) -> ConnectionResult<C> {
        let check = || self.check().map_err(|it| ConnectionError::BadConnection(it.to_string()));
        if self.opened.get().is_none() {
            return self.open_first(connect);
        }
        check()?;
        let connection = connect(&uri(&self.path, READ_WRITE))?;
        check()?;
        Ok(connection)
    }

    fn open_first<C>(&self, connect: impl Fn(&str) -> ConnectionResult<C>) -> ConnectionResult<C> {
        let bad = |error: &io::Error| {
            ConnectionError::BadConnection(format!("{}: {error}", self.path.display()))
        };
        if create(&self.path).map_err(|error| bad(&error))? {
            tracing::info!(path = %self.path.display(), "created a new database file");
        }
        for _ in 0..MAX_OPEN_ATTEMPTS {
            let before = identity(&self.path).map_err(|error| bad(&error))?;
            let connection = connect(&uri(&self.path, READ_WRITE))?;
            let files = OpenedFiles::read(&self.path).map_err(|error| bad(&error))?;
            if files.database.identity == before {
                self.opened.get_or_init(|| files);
                return Ok(connection);
            }
        }
        Err(bad(&io::Error::other("the file keeps changing its identity")))
    }

    /// Checks that the files are the ones that were opened.
    ///
    /// # Errors
    /// The first problem found.
    pub(super) fn check(&self) -> Result<(), FileProblem> {
        let files = self.opened.get();
        let result = files.map_or(Ok(()), OpenedFiles::check);
        self.has_failed_check.store(result.is_err(), Ordering::Relaxed);
        result
    }

    /// Like [`DatabaseFile::check`], but if the last check succeeded, does not check again, and takes no time. For reads:
    /// those from a file that has been deleted since are still correct.
    ///
    /// # Errors
    /// The first problem found.
    pub(super) fn check_cached(&self) -> Result<(), FileProblem> {
        if self.has_failed_check.load(Ordering::Relaxed) { self.check() } else { Ok(()) }
    }

    /// Whether the problem is only that the write-ahead log or its index is missing.
    pub(super) fn is_only_wal_missing(&self, problem: &FileProblem) -> bool {
        matches!(problem, FileProblem::Missing(path) if *path != self.path)
    }

    /// The length of the write-ahead log, in bytes.
    pub(super) fn wal_bytes(&self) -> u64 {
        self.opened.get().map_or(0, OpenedFiles::wal_bytes)
    }
}

impl OpenedFiles {
    fn read(path: &Path) -> io::Result<Self> {
        // If the path is a symbolic link, SQLite keeps the other files beside its target.
        let real = fs::canonicalize(path)?;
        let wal_files = ["-wal", "-shm"].map(|suffix| {
            let mut path = real.clone().into_os_string();
            path.push(suffix);
            OpenedFile::read(path.into())
        });
        Ok(Self {
            database: OpenedFile::read(path.to_owned())?,
            wal_files: wal_files.into_iter().flatten().collect(),
        })
    }

    fn check(&self) -> Result<(), FileProblem> {
        self.database.check()?;
        self.wal_files.iter().try_for_each(OpenedFile::check)
    }

    /// 0 if there is no log.
    fn wal_bytes(&self) -> u64 {
        let wal = self.wal_files.first().and_then(|wal| fs::metadata(&wal.path).ok());
        wal.map_or(0, |wal| wal.len())
    }
}

impl OpenedFile {
    fn read(path: PathBuf) -> io::Result<Self> {
        Ok(Self { identity: identity(&path)?, path })
    }

    fn check(&self) -> Result<(), FileProblem> {
        let path = || self.path.clone();
        match identity(&self.path) {
            Ok(identity) if identity == self.identity => Ok(()),
            Ok(_) => Err(FileProblem::Replaced(path())),
            Err(error) => Err(match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => FileProblem::Missing(path()),
                kind => FileProblem::Unknown(path(), kind),
            }),
        }
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(|it| (it.dev(), it.ino()))
}

/// Creates an empty file if there is none. Returns whether it did.
fn create(path: &Path) -> io::Result<bool> {
    let mut options = OpenOptions::new();
    options.write(true).mode(MODE);
    let created = match options.create_new(true).open(path) {
        // A symbolic link to a file that does not exist yet.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && !path.try_exists()? => {
            options.create_new(false).create(true).open(path)
        }
        created => created,
    };
    match created {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::prelude::*;
    use todo_test_support::directory::TempDirectory;

    use super::*;

    fn connect(uri: &str) -> ConnectionResult<SqliteConnection> {
        let mut connection = SqliteConnection::establish(uri)?;
        connection.batch_execute("PRAGMA journal_mode = WAL; PRAGMA user_version = 7").unwrap();
        Ok(connection)
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_may_have_any_name() {
        for name in ["?mode=memory", "a#b", "100%", "%41", "file:x", ":memory:", "ä b&c=d"] {
            let directory = TempDirectory::new();
            let file = DatabaseFile::new(directory.path().join(name));
            let connection = file.open(connect).unwrap();
            assert_eq!(
                names(directory.path()),
                [name.to_owned(), format!("{name}-shm"), format!("{name}-wal")]
            );
            file.check().unwrap();
            drop((file.open(connect).unwrap(), connection));
        }
    }

    #[test]
    fn a_deleted_file_is_not_created_again() {
        let directory = TempDirectory::new();
        let path = directory.path().join("todos.db");
        let file = DatabaseFile::new(path.clone());
        let connection = file.open(connect).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(file.open(connect).is_err());
        assert!(!path.exists());
        fs::write(&path, "").unwrap();
        assert!(file.open(connect).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert_eq!(file.check_cached(), Err(FileProblem::Replaced(path.clone())));
        drop(connection);
    }

    #[test]
    fn each_of_the_three_files_is_checked() {
        let directory = TempDirectory::new();
        let path = directory.path().join("todos.db");
        let file = DatabaseFile::new(path.clone());
        let _connection = file.open(connect).unwrap();
        let away = directory.path().join("away");
        for name in names(directory.path()) {
            let file_path = directory.path().join(&name);
            fs::rename(&file_path, &away).unwrap();
            let problem = file.check().unwrap_err();
            assert_eq!(problem, FileProblem::Missing(file_path.clone()));
            assert_eq!(file.is_only_wal_missing(&problem), name != "todos.db");
            fs::rename(&away, &file_path).unwrap();
            file.check().unwrap();
        }
    }
}
