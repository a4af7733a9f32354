//! The commands of the program.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use super::Settings;
use crate::sandbox::SandboxOptions;

/// A todo service: a REST API on SQLite or Postgres.
///
/// Without a subcommand it starts the server. Settings are also read from the environment and from a file `.env` in the
/// working directory. Flags take precedence over the environment, which takes precedence over the file.
#[derive(Debug, Parser)]
#[command(
    name = "todo-api",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = false
)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The settings.
    #[command(flatten)]
    pub settings: Settings,
}

/// The commands of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the server (the default).
    Serve,
    /// Apply, revert or list database migrations.
    Migrate {
        /// What to do with the migrations.
        #[command(subcommand)]
        direction: MigrateDirection,
    },
    /// Start a server with sample data in memory and fault injection, for developing a frontend.
    ///
    /// It allows every origin. `DATABASE_URL`, `CORS_ALLOWED_ORIGINS`, `KEEP_ALIVE` and `AUTH` have no effect.
    Sandbox(SandboxOptions),
    /// Print the OpenAPI document (OpenAPI 3.1, JSON) of a server with this setting of `AUTH`.
    Openapi,
    /// Print the user ID of a token's subject.
    UserId {
        /// The claim sub.
        subject: String,
        /// The claim iss; by default `JWT_ISSUER`. Not needed for a subject that is a UUID.
        #[arg(long)]
        issuer: Option<String>,
    },
    /// The commands for operating and installing the program.
    #[command(flatten)]
    Operator(OperatorCommand),
}

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
