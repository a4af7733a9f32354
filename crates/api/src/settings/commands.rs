//! The commands besides serving.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use clap_complete::Shell;

/// What `migrate` does.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum MigrateDirection {
    /// Apply all pending migrations.
    Up,
    /// Revert the latest migrations. Tables and columns that they created are dropped, with all data in them.
    Down {
        /// The number of migrations to revert.
        #[arg(default_value_t = 1)]
        count: usize,
    },
    /// List the migrations, and whether each is applied.
    Status,
}

/// The commands for operating and installing the program.
#[derive(Debug, Subcommand)]
pub enum OperatorCommand {
    /// Check that the server on HOST and PORT is ready, for health checks in containers without a shell.
    ///
    /// Exits with 0 if `GET /health/ready` returns 200, and with 1 otherwise.
    Healthcheck {
        /// How long the server may take to respond.
        #[arg(long, default_value = "5s", value_parser = super::timeout)]
        timeout: Duration,
    },
    /// Write a verified copy of the SQLite database to a new file, while the server runs.
    Backup {
        /// The file to create.
        file: PathBuf,
    },
    /// Verify a backup, and put it in the place of the SQLite database. Stop the server first.
    Restore {
        /// The backup.
        file: PathBuf,
        /// Replace a database that exists, and keep it beside the restored one.
        #[arg(long)]
        force: bool,
    },
    /// Print a script that completes commands and flags in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the man page, or write one page per command.
    Man {
        /// The directory to write the pages to.
        directory: Option<PathBuf>,
    },
}
