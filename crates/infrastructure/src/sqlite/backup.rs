//! Writes a verified copy of a database, while others use it.
//!
//! `VACUUM INTO` reads the database in one transaction, so the copy is a state that the database once had. In WAL mode
//! neither waits for the other: writers continue, but the write-ahead log cannot be truncated until the copy is complete.
//! SQLite's backup API would start again whenever another process writes between two of its steps.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Text;
use tempfile::NamedTempFile;

use super::connection::{self, Location};
use super::uri::{IMMUTABLE, READ_WRITE, uri};
use super::{MIGRATIONS, schema::todos};
use crate::backup::{BackupContents, BackupError};

/// How long to wait for a process that is just opening or closing the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// See [`crate::backup::back_up`].
pub(crate) fn back_up(database: &Path, target: &Path) -> Result<BackupContents, BackupError> {
    if fs::symlink_metadata(target).is_ok() {
        return Err(BackupError::Exists { path: target.to_owned(), hint: "" });
    }
    if !database.try_exists().map_err(|error| file_error(database, error))? {
        return Err(BackupError::Missing(database.to_owned()));
    }
    let temporary = temporary_beside(target)?;
    let mut connection = connection::connect(&Location::file(database.to_owned()), BUSY_TIMEOUT)
        .map_err(|source| BackupError::Open { path: database.to_owned(), source })?;
    diesel::sql_query("VACUUM INTO ?")
        .bind::<Text, _>(uri(temporary.path(), READ_WRITE))
        .execute(&mut connection)
        .map_err(BackupError::Copy)?;
    drop(connection);
    let contents = verify(temporary.path(), target)?;
    temporary.as_file().sync_all().map_err(|error| file_error(target, error))?;
    // Another file may have got the name in the meantime.
    temporary.persist_noclobber(target).map_err(|failed| file_error(target, failed.error))?;
    sync_directory(target)?;
    Ok(contents)
}

/// Checks that the file is an intact database of this program, and counts its todos. Errors name the file `name`.
pub(super) fn verify(file: &Path, name: &Path) -> Result<BackupContents, BackupError> {
    let (known, path) = (&*MIGRATIONS, || name.to_owned());
    let damaged = |problem: String| BackupError::Damaged { path: path(), problem };
    let mut connection = SqliteConnection::establish(&uri(file, IMMUTABLE))
        .map_err(|error| damaged(error.to_string()))?;
    let result = diesel::sql_query("PRAGMA integrity_check(1)")
        .get_result::<IntegrityCheck>(&mut connection)
        .map_err(|error| damaged(error.to_string()))?;
    if result.integrity_check != "ok" {
        return Err(damaged(result.integrity_check));
    }
    let applied =
        connection::applied(&mut connection).map_err(|error| damaged(error.to_string()))?;
    if applied.is_empty() {
        return Err(BackupError::Foreign(path()));
    }
    let is_known = |version: &String| known.iter().any(|it| it.version() == *version);
    if let Some(version) = applied.iter().find(|version| !is_known(version)) {
        return Err(BackupError::Later { path: path(), version: version.clone() });
    }
    let pending = known.iter().filter(|it| !applied.contains(&it.version()));
    Ok(BackupContents {
        pending_migrations: pending.map(ToString::to_string).collect(),
        todos: todos::table
            .count()
            .get_result(&mut connection)
            .map_err(|error| damaged(error.to_string()))?,
    })
}

/// The result of `PRAGMA integrity_check`.
#[derive(QueryableByName)]
struct IntegrityCheck {
    /// `ok`, or a problem.
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

/// Creates an empty file in the directory of another one, readable by its owner only. It is removed on drop, and left
/// behind if the process is killed.
pub(super) fn temporary_beside(path: &Path) -> Result<NamedTempFile, BackupError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    tempfile::Builder::new()
        .prefix(&format!("{name}."))
        .suffix(".partial")
        .tempfile_in(directory(path)?)
        .map_err(|error| file_error(path, error))
}

/// Makes the names in the directory of a file durable.
pub(super) fn sync_directory(path: &Path) -> Result<(), BackupError> {
    let synced = File::open(directory(path)?).and_then(|directory| directory.sync_all());
    synced.map_err(|error| file_error(path, error))
}

/// The absolute path of the directory of a file.
pub(super) fn directory(path: &Path) -> Result<PathBuf, BackupError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    fs::canonicalize(parent).map_err(|error| file_error(parent, error))
}

pub(super) fn file_error(path: &Path, source: io::Error) -> BackupError {
    match source.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists { path: path.to_owned(), hint: "" },
        _ => BackupError::File { path: path.to_owned(), source },
    }
}
