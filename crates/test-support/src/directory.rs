//! Temporary directories.

use std::{
    env, fs,
    hash::{BuildHasher, Hasher, RandomState},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::{
    process,
    reaper::{self, AtExit},
};

/// The longest path below which a Postgres socket still fits: the path of a Unix socket is
/// limited to about 104 bytes.
const MAX_BASE_BYTES: usize = 50;

/// The file system in memory that Linux usually has.
const MEMORY: &str = "/dev/shm";

/// The free space that is required there, in KiB. Containers often have only 64 MiB, which is
/// too little for the databases of the tests.
const MIN_FREE_KIB: u32 = 2 * 1024 * 1024;

/// An empty directory that is removed on drop, or by the [`reaper`].
#[derive(Debug)]
pub struct TempDirectory {
    path: PathBuf,
    _at_exit: AtExit,
}

impl TempDirectory {
    /// Creates a directory with a short path that every user may traverse.
    #[must_use]
    pub fn new() -> Self {
        Self::create_in(&default_base())
    }

    /// Creates a directory in memory, if there is enough. For databases: their many small files
    /// and flushes take several times as long on a disk. Not for programs, because the file
    /// system may be mounted `noexec`.
    #[must_use]
    pub fn in_memory() -> Self {
        // An explicit TMPDIR takes precedence.
        let in_memory = env::var_os("TMPDIR").is_none() && has_enough_memory();
        if in_memory { Self::create_in(Path::new(MEMORY)) } else { Self::new() }
    }

    fn create_in(base: &Path) -> Self {
        let path = base.join(format!("todo-test-{:016x}", random()));
        // Registered before it is created, so that a killed test cannot leave it behind.
        let at_exit = reaper::remove_at_exit(&path);
        fs::create_dir(&path).unwrap_or_else(|error| panic!("mkdir {}: {error}", path.display()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        Self { path, _at_exit: at_exit }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Default for TempDirectory {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TempDirectory {
    fn drop(&mut self) {
        // Usually no process writes into it any more, and no shell is needed.
        if fs::remove_dir_all(&self.path).is_err() && self.path.exists() {
            process::shell(&format!("remove_directory {}", reaper::quoted(&self.path)));
        }
    }
}

/// A random number, without a dependency.
#[must_use]
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn default_base() -> PathBuf {
    let default = env::temp_dir();
    // Tests that run as root start Postgres as another user, who needs access to the directory.
    let reachable = default
        .ancestors()
        .all(|dir| fs::metadata(dir).is_ok_and(|it| it.permissions().mode() & 0o001 != 0));
    if default.is_absolute() && default.as_os_str().len() <= MAX_BASE_BYTES && reachable {
        default
    } else {
        PathBuf::from("/tmp")
    }
}

/// Whether every user may write there, and there is space for a few databases.
fn has_enough_memory() -> bool {
    static HAS_ENOUGH: OnceLock<bool> = OnceLock::new();
    *HAS_ENOUGH.get_or_init(|| {
        let open = fs::metadata(MEMORY).is_ok_and(|it| it.permissions().mode() & 0o7 == 0o7);
        // The fourth column of the second line is the free space.
        let free = format!("set -- $(df -Pk {MEMORY} | tail -n 1); [ \"$4\" -ge {MIN_FREE_KIB} ]");
        open && process::shell(&free)
    })
}
