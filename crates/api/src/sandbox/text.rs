//! The texts about the sandbox.

use std::fmt::Write;

use super::faults::Faults;
use super::header::STATUSES;
use super::users::{USERS, User};

/// The values of `X-Sandbox`.
const FAULTS: &str = "`status=503`, `latency=3s`, `lose-answer`";

/// The text that is printed at start-up. `address` is the URL of the server, such as `http://127.0.0.1:8000`.
#[must_use]
pub fn banner(address: &str, faults: &Faults, ignores_database: bool) -> String {
    let mut text = format!(
        "Sandbox: all data is in memory and lost when the server stops. Every origin is allowed.\n\n\
         API   {address}/api/v1/todos\n\
         docs  {address}/docs\n\
         demo  {address}/demo\n\n\
         X-User-ID of the users:\n"
    );
    for user in &USERS {
        let (name, id) = (user.name, user.id);
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n{name:<5}  {id}  {}\n  curl -H 'X-User-ID: {id}' '{address}/api/v1/todos?limit=20'\n",
            user.todo_count()
        );
    }
    let flags = faults.flags();
    let all = if flags.is_empty() { "none".to_owned() } else { flags.join(" ") };
    let single = FAULTS.replace('`', "");
    let _ = write!(
        text,
        "\nFaults for all API requests: {all}\nFaults for a single request: send the header X-Sandbox with {single}\n"
    );
    if ignores_database {
        text.push_str("\nDATABASE_URL is ignored: the sandbox never uses that database.\n");
    }
    text.push('\n');
    text
}

/// The text that is shown in `/docs`, in Markdown.
#[must_use]
pub fn note() -> String {
    let mut text =
        "**This is a sandbox:** all data is in memory and lost when the server stops.\n\n\
         | user | `X-User-ID` | |\n|---|---|---|\n"
            .to_owned();
    for user in &USERS {
        let _ = writeln!(text, "| {} | `{}` | {} |", user.name, user.id, user.todo_count());
    }
    let statuses = STATUSES.map(|status| status.to_string()).join(", ");
    let _ = write!(
        text,
        "\nTo inject faults into a request, send the header `X-Sandbox` with one or more of {FAULTS}, separated by \
         commas. The statuses are {statuses}. A request that fails with a status is not carried out; one whose response \
         is lost is."
    );
    text
}

impl User {
    fn todo_count(&self) -> String {
        match (self.todos)().len() {
            0 => "no todos".to_owned(),
            count => format!("{count} todos"),
        }
    }
}
