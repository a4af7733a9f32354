//! Puts a verified backup in the place of a database.
//!
//! The name of the database changes from the old file to the new one in one step, so a crash leaves either.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::backup::{directory, file_error, sync_directory, temporary_beside, verify};
use super::uri::{READ_WRITE, uri};
use crate::backup::{BackupError, Restored};

/// The ends of the names of journals, which SQLite applies to the database of that name.
const JOURNALS: [&str; 2] = ["-wal", "-journal"];

/// See [`crate::backup::restore`].
pub(crate) fn restore(
    backup: &Path,
    database: &Path,
    replace: bool,
) -> Result<Restored, BackupError> {
    let source = metadata(backup)?.ok_or_else(|| BackupError::Missing(backup.to_owned()))?;
    refuse_journals(backup)?;
    // A link to the database stays a link.
    let database = &match fs::canonicalize(database) {
        Ok(path) => path,
        Err(_) => directory(database)?.join(database.file_name().unwrap_or_default()),
    };
    let existing = metadata(database)?;
    match &existing {
        Some(file) if (file.dev(), file.ino()) == (source.dev(), source.ino()) => {
            return Err(BackupError::SameFile(backup.to_owned()));
        }
        Some(_) if !replace => {
            let hint = ": replace it with --force, which keeps it beside the restored one";
            return Err(BackupError::Exists { path: database.clone(), hint });
        }
        Some(_) => {}
        None => refuse_journals(database)?,
    }

    let mut temporary = temporary_beside(database)?;
    File::open(backup)
        .and_then(|mut file| io::copy(&mut file, temporary.as_file_mut()))
        .map_err(|error| file_error(backup, error))?;
    let contents = verify(temporary.path(), backup)?;
    renew_feed(temporary.path(), backup)?;
    let prepare = || {
        if let Some(existing) = &existing {
            chown(temporary.path(), Some(existing.uid()), Some(existing.gid()))?;
            fs::set_permissions(temporary.path(), existing.permissions())?;
        }
        temporary.as_file().sync_all()
    };
    prepare().map_err(|error| file_error(database, error))?;

    let replaced = if existing.is_some() {
        let _lock = lock(database)?;
        let kept = keep(database)?;
        // Renaming does not open the file, so the lock holds until the new file is in place.
        temporary.persist(database).map_err(|failed| file_error(database, failed.error))?;
        Some(kept)
    } else {
        temporary.persist_noclobber(database).map_err(|it| file_error(database, it.error))?;
        None
    };
    sync_directory(database)?;
    Ok(Restored { contents, replaced })
}

/// Gives the change feed a new identity: clients may have seen changes that the backup lacks, and must begin anew.
fn renew_feed(file: &Path, name: &Path) -> Result<(), BackupError> {
    let renew = || {
        let mut connection = SqliteConnection::establish(&uri(file, READ_WRITE))
            .map_err(|error| error.to_string())?;
        let statements = "PRAGMA journal_mode = DELETE; UPDATE feed SET id = randomblob(16)";
        match connection.batch_execute(statements).map_err(|error| error.to_string()) {
            // A backup of an earlier release has none. It gets one when it is migrated.
            Err(problem) if problem.contains("no such table: feed") => Ok(()),
            result => result,
        }
    };
    renew().map_err(|problem| BackupError::Damaged { path: name.to_owned(), problem })
}

/// The result of `PRAGMA journal_mode`.
#[derive(QueryableByName)]
struct JournalMode {
    #[diesel(sql_type = Text)]
    journal_mode: String,
}

/// Copies the write-ahead log into the database, removes it, and locks the database while the connection is open. SQLite
/// permits it only if no other connection is open: each holds a lock as long as it exists.
fn lock(database: &Path) -> Result<SqliteConnection, BackupError> {
    let failed = |problem: String| {
        let path = database.to_owned();
        if problem.contains("is locked") {
            BackupError::InUse(path)
        } else {
            let problem = format!("{problem}; it cannot be locked: move it away first");
            BackupError::Damaged { path, problem }
        }
    };
    let mut connection = SqliteConnection::establish(&uri(database, READ_WRITE))
        .map_err(|error| failed(error.to_string()))?;
    connection
        .batch_execute("PRAGMA locking_mode = EXCLUSIVE")
        .map_err(|error| failed(error.to_string()))?;
    let mode: JournalMode = diesel::sql_query("PRAGMA journal_mode = DELETE")
        .get_result(&mut connection)
        .map_err(|error| failed(error.to_string()))?;
    if mode.journal_mode != "delete" {
        return Err(BackupError::InUse(database.to_owned()));
    }
    connection.batch_execute("BEGIN EXCLUSIVE").map_err(|error| failed(error.to_string()))?;
    Ok(connection)
}

/// Gives the database a second name that is free: `todos.db.old-1`.
fn keep(database: &Path) -> Result<PathBuf, BackupError> {
    let mut number = 1;
    loop {
        let kept = beside(database, &format!(".old-{number}"));
        match fs::hard_link(database, &kept) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            linked => return linked.map(|()| kept).map_err(|error| file_error(database, error)),
        }
    }
}

/// The path with this end added to its name.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(end);
    path.into()
}

/// A journal has a part of the content of its file. It would also be applied to another file that gets the name.
fn refuse_journals(path: &Path) -> Result<(), BackupError> {
    for journal in JOURNALS.map(|end| beside(path, end)) {
        if metadata(&journal)?.is_some_and(|it| it.len() > 0) {
            return Err(BackupError::Journal(journal));
        }
    }
    Ok(())
}

fn metadata(path: &Path) -> Result<Option<Metadata>, BackupError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(file_error(path, error)),
    }
}
