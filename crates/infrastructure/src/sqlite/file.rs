//! The files of a database, and whether they are still the ones that were opened.
//!
//! SQLite goes on with files that have been deleted or moved: what it writes into them, nobody finds again. A new
//! connection would create an empty database in their place, or take whatever is there for the old one. So the
//! files that were opened first are remembered by device and inode. As long as others, or none, are in their place,
//! no connection is opened and nothing is acknowledged.
//!
//! Nothing here opens a file that a connection has open: to close it would take the connection's locks away.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::result::{ConnectionError, ConnectionResult};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

/// Readable and writable by the owner only. SQLite gives the files beside a database the mode of the database.
const MODE: u32 = 0o600;

/// How often it is tried to open a file that is another one right afterwards. Once is usual; some file systems
/// number a file anew when it is first opened for writing.
const MAX_ATTEMPTS: u32 = 3;

/// What ends a path in a URI, or is not itself in one.
const NOT_IN_A_URI: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');

/// The file of a database, with the two that SQLite keeps beside it.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    opened: OnceLock<OpenedFiles>,
    /// Whether the last look found others in the place of those that were opened.
    is_suspect: AtomicBool,
}

#[derive(Debug)]
struct OpenedFiles {
    database: OpenedFile,
    /// The write-ahead log and its index; none on a file system where SQLite cannot have them.
    beside: Vec<OpenedFile>,
}

#[derive(Debug)]
struct OpenedFile {
    path: PathBuf,
    identity: Identity,
}

/// What tells files apart, whatever their names: the device and the inode, which is not given to another file as
/// long as one is open.
type Identity = (u64, u64);

/// The files in place are not those that were opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FileProblem {
    /// There is none.
    #[error("{} is no longer there", .0.display())]
    Missing(PathBuf),
    /// There is another.
    #[error("another file has taken the place of {}", .0.display())]
    Replaced(PathBuf),
    /// The operating system does not tell.
    #[error("cannot look at {}: {}", .0.display(), .1)]
    Unknown(PathBuf, ErrorKind),
}

impl DatabaseFile {
    /// The file of this path, which the first connection creates if it is not there.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, opened: OnceLock::new(), is_suspect: AtomicBool::new(false) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a connection with `connect`, which is given the URI that SQLite needs, and has to use the file such
    /// that the write-ahead log exists.
    ///
    /// # Errors
    /// When `connect` fails, or the file is not the one that was opened first.
    pub(super) fn open<C>(
        &self,
        connect: impl Fn(&str) -> ConnectionResult<C>,
    ) -> ConnectionResult<C> {
        let in_place = || self.check().map_err(|it| ConnectionError::BadConnection(it.to_string()));
        if self.opened.get().is_none() {
            return self.open_first(connect);
        }
        in_place()?;
        let connection = connect(&self.uri())?;
        in_place()?;
        Ok(connection)
    }

    fn open_first<C>(&self, connect: impl Fn(&str) -> ConnectionResult<C>) -> ConnectionResult<C> {
        let bad = |error: &io::Error| {
            ConnectionError::BadConnection(format!("{}: {error}", self.path.display()))
        };
        if create(&self.path).map_err(|error| bad(&error))? {
            tracing::info!(path = %self.path.display(), "a new database file was created");
        }
        for _ in 0..MAX_ATTEMPTS {
            let before = identity(&self.path).map_err(|error| bad(&error))?;
            let connection = connect(&self.uri())?;
            let files = OpenedFiles::look(&self.path).map_err(|error| bad(&error))?;
            if files.database.identity == before {
                self.opened.get_or_init(|| files);
                return Ok(connection);
            }
        }
        Err(bad(&io::Error::other("the file is replaced again and again")))
    }

    /// The path as a URI by which SQLite opens what is there, and creates nothing.
    fn uri(&self) -> String {
        let path = self.path.as_os_str().as_encoded_bytes();
        // An absolute path could begin with what reads as a host.
        let authority = if self.path.is_absolute() { "//" } else { "" };
        format!("file:{authority}{}?mode=rw", percent_encode(path, NOT_IN_A_URI))
    }

    /// Looks whether the files that were opened are in their places.
    ///
    /// # Errors
    /// What is wrong with the first that is not.
    pub(super) fn check(&self) -> Result<(), FileProblem> {
        let files = self.opened.get();
        let result = files.map_or(Ok(()), OpenedFiles::check);
        self.is_suspect.store(result.is_err(), Ordering::Relaxed);
        result
    }

    /// The same at no cost, as of the last [`DatabaseFile::check`]. For reads: what they read of a file that has been
    /// deleted since is no less true.
    ///
    /// # Errors
    /// As `check`.
    pub(super) fn check_lately(&self) -> Result<(), FileProblem> {
        if self.is_suspect.load(Ordering::Relaxed) { self.check() } else { Ok(()) }
    }

    /// Whether the problem is that the write-ahead log or its index is missing, while the database is in its place.
    pub(super) fn lacks_only_a_log(&self, problem: &FileProblem) -> bool {
        matches!(problem, FileProblem::Missing(path) if *path != self.path)
    }

    /// The length of the write-ahead log, in bytes.
    pub(super) fn write_ahead_log_bytes(&self) -> u64 {
        self.opened.get().map_or(0, OpenedFiles::write_ahead_log_bytes)
    }
}

impl OpenedFiles {
    fn look(path: &Path) -> io::Result<Self> {
        // SQLite keeps the others beside the file that a symbolic link leads to.
        let real = fs::canonicalize(path)?;
        let beside = ["-wal", "-shm"].map(|suffix| {
            let mut path = real.clone().into_os_string();
            path.push(suffix);
            OpenedFile::look(path.into())
        });
        Ok(Self {
            database: OpenedFile::look(path.to_owned())?,
            beside: beside.into_iter().flatten().collect(),
        })
    }

    fn check(&self) -> Result<(), FileProblem> {
        self.database.check()?;
        self.beside.iter().try_for_each(OpenedFile::check)
    }

    /// What is not there is empty.
    fn write_ahead_log_bytes(&self) -> u64 {
        let log = self.beside.first().and_then(|log| fs::metadata(&log.path).ok());
        log.map_or(0, |log| log.len())
    }
}

impl OpenedFile {
    fn look(path: PathBuf) -> io::Result<Self> {
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

/// Creates an empty file, unless there is one; says whether it did.
fn create(path: &Path) -> io::Result<bool> {
    let mut options = OpenOptions::new();
    options.write(true).mode(MODE);
    let created = match options.create_new(true).open(path) {
        // A symbolic link to a file that is yet to be created.
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
        assert_eq!(DatabaseFile::new("a?b".into()).uri(), "file:a%3Fb?mode=rw");
        assert_eq!(DatabaseFile::new("//a/b".into()).uri(), "file:////a/b?mode=rw");
    }

    #[test]
    fn once_opened_a_file_is_never_created_again() {
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
        assert_eq!(file.check_lately(), Err(FileProblem::Replaced(path.clone())));
        drop(connection);
    }

    #[test]
    fn each_of_the_three_files_is_missed() {
        let directory = TempDirectory::new();
        let path = directory.path().join("todos.db");
        let file = DatabaseFile::new(path.clone());
        let _connection = file.open(connect).unwrap();
        let away = directory.path().join("away");
        for name in names(directory.path()) {
            let path_of_it = directory.path().join(&name);
            fs::rename(&path_of_it, &away).unwrap();
            let problem = file.check().unwrap_err();
            assert_eq!(problem, FileProblem::Missing(path_of_it.clone()));
            assert_eq!(file.lacks_only_a_log(&problem), name != "todos.db");
            fs::rename(&away, &path_of_it).unwrap();
            file.check().unwrap();
        }
    }
}
