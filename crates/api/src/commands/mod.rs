//! The commands that operate and install the program.

mod healthcheck;

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, anyhow};
use clap::CommandFactory;
use clap_complete::Shell;
use todo_api::settings::{Cli, OperatorCommand, Settings};
use todo_infrastructure::{BackupContents, DatabaseUrl};

use super::print;

/// Executes a command. `url` is the URL of the database.
///
/// # Errors
/// A message for the operator.
pub(crate) fn run(
    command: OperatorCommand,
    settings: &Settings,
    url: &DatabaseUrl,
) -> anyhow::Result<()> {
    match command {
        OperatorCommand::Healthcheck { timeout } => {
            let address = SocketAddr::from((settings.host, settings.port));
            healthcheck::healthcheck(address, timeout)
                .with_context(|| format!("the server on {address} is not ready"))
        }
        OperatorCommand::Backup { file } => back_up(url, &file),
        OperatorCommand::Restore { file, force } => restore(url, &file, force),
        OperatorCommand::Completions { shell } => completions(shell),
        OperatorCommand::Man { directory } => man(directory.as_deref()),
    }
}

fn back_up(url: &DatabaseUrl, file: &Path) -> anyhow::Result<()> {
    let contents = todo_infrastructure::back_up(url, file).context("no backup was made")?;
    print(&format!("backed up {url} to {}: {}\n", file.display(), describe(&contents)))
}

fn restore(url: &DatabaseUrl, file: &Path, force: bool) -> anyhow::Result<()> {
    let restored =
        todo_infrastructure::restore(url, file, force).context("nothing was restored")?;
    let contents = describe(&restored.contents);
    print(&format!("restored {url} from {}: {contents}\n", file.display()))?;
    match restored.replaced {
        Some(path) => print(&format!("the replaced database is {}\n", path.display())),
        None => Ok(()),
    }
}

fn describe(contents: &BackupContents) -> String {
    let BackupContents { todos, pending_migrations } = contents;
    let count = format!("{todos} {}", if *todos == 1 { "todo" } else { "todos" });
    match pending_migrations.as_slice() {
        [] => count,
        pending => format!("{count}, pending migrations: {}", pending.join(", ")),
    }
}

fn completions(shell: Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "todo-api", &mut script);
    print(&String::from_utf8(script).map_err(|_| anyhow!("the script is not text"))?)
}

fn man(directory: Option<&Path>) -> anyhow::Result<()> {
    if let Some(directory) = directory {
        return clap_mangen::generate_to(Cli::command(), directory)
            .with_context(|| format!("cannot write to {}", directory.display()));
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    print(&String::from_utf8(page).map_err(|_| anyhow!("the page is not text"))?)
}
