//! The user that Postgres runs as: it refuses to run as root.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

/// The user that owns a cluster's files and processes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    /// The ids of another user, if this process runs as root.
    other: Option<(u32, u32)>,
}

impl Account {
    /// The user of this process, who owns `own_directory`; if that is root, another user.
    pub(super) fn for_postgres(own_directory: &Path) -> Self {
        let is_root = fs::metadata(own_directory).is_ok_and(|it| it.uid() == 0);
        Self { other: is_root.then(unprivileged) }
    }

    pub(super) fn own(self, path: &Path) {
        if let Some((user, group)) = self.other {
            chown(path, Some(user), Some(group)).expect("root may give files away");
        }
    }

    pub(super) fn run(self, command: &mut Command) {
        if let Some((user, group)) = self.other {
            command.gid(group).uid(user);
        }
    }
}

fn unprivileged() -> (u32, u32) {
    let passwd = fs::read_to_string("/etc/passwd").expect("/etc/passwd can be read");
    let ids = |user: &str| {
        let mut fields = passwd.lines().map(|line| line.split(':')).find_map(|mut fields| {
            (fields.next() == Some(user)).then(|| fields.skip(1).map(str::parse))
        })?;
        Some((fields.next()?.ok()?, fields.next()?.ok()?))
    };
    ids("postgres").or_else(|| ids("nobody")).expect("there is a user postgres or nobody")
}
