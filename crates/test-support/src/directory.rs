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

/// The longest base of a directory in which a Postgres socket still has its place: the
/// path of a Unix socket is limited to about 104 bytes.
const LONGEST_BASE: usize = 50;

/// A file system in memory, which Linux usually has.
const MEMORY: &str = "/dev/shm";

/// In KiB. A container often has no more than 64 MiB there, of which a database that runs
/// its tests would soon run out.
const ROOMY: u32 = 2 * 1024 * 1024;

/// An empty directory that is removed on drop, or by the [`reaper`].
#[derive(Debug)]
pub struct TempDirectory {
    path: PathBuf,
    _at_exit: AtExit,
}

impl TempDirectory {
    /// Makes a directory with a short path that every user may traverse.
    #[must_use]
    pub fn new() -> Self {
        Self::below(&usual_base())
    }

    /// The same, in memory where there is room. For databases: their many small files and
    /// flushes take several times as long on a disk. A program might not be run from there.
    #[must_use]
    pub fn in_memory() -> Self {
        // Who sets TMPDIR has reasons to.
        let roomy = env::var_os("TMPDIR").is_none() && memory_is_roomy();
        if roomy { Self::below(Path::new(MEMORY)) } else { Self::new() }
    }

    fn below(base: &Path) -> Self {
        let path = base.join(format!("todo-test-{:016x}", random()));
        // Before it is made: there is no moment in which a killed test could leave it behind.
        let at_exit = reaper::remove_at_exit(&path);
        fs::create_dir(&path).unwrap_or_else(|error| panic!("mkdir {}: {error}", path.display()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        Self { path, _at_exit: at_exit }
    }

    /// Where it is.
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
        // In most cases nothing writes into it any more, and no shell is needed.
        if fs::remove_dir_all(&self.path).is_err() && self.path.exists() {
            process::shell(&format!("remove_directory {}", reaper::quoted(&self.path)));
        }
    }
}

/// A number that no other test has, without a dependency.
#[must_use]
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn usual_base() -> PathBuf {
    let usual = env::temp_dir();
    // Root's tests run Postgres as another user, who must reach the directory.
    let reachable = usual
        .ancestors()
        .all(|dir| fs::metadata(dir).is_ok_and(|it| it.permissions().mode() & 0o001 != 0));
    if usual.is_absolute() && usual.as_os_str().len() <= LONGEST_BASE && reachable {
        usual
    } else {
        PathBuf::from("/tmp")
    }
}

/// Whether everybody may write there, and a few databases have their place.
fn memory_is_roomy() -> bool {
    static ROOM: OnceLock<bool> = OnceLock::new();
    *ROOM.get_or_init(|| {
        let open = fs::metadata(MEMORY).is_ok_and(|it| it.permissions().mode() & 0o7 == 0o7);
        // The fourth column of the second line is what is free.
        let free = format!("set -- $(df -Pk {MEMORY} | tail -n 1); [ \"$4\" -ge {ROOMY} ]");
        open && process::shell(&free)
    })
}
