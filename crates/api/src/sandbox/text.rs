//! What is said about the sandbox.

use std::fmt::Write;

use super::faults::Faults;
use super::header::STATUSES;
use super::users::{USERS, User};

/// How a request asks for faults.
const FORMS: &str = "`status=503`, `latency=3s`, `lose-answer`";

/// What is printed at start, when the server can be reached at `address`, such as `http://127.0.0.1:8000`.
#[must_use]
pub fn banner(address: &str, faults: &Faults, ignores_database: bool) -> String {
    let mut text = format!(
        "Sandbox: everything is in memory, and gone when the server ends. Any origin may call.\n\n\
         API   {address}/api/v1/todos\n\
         docs  {address}/docs\n\n\
         X-User-ID of the users:\n"
    );
    for user in &USERS {
        let (name, id) = (user.name, user.id);
        // Text cannot fail to be written to a string.
        let _ = write!(
            text,
            "\n{name:<5}  {id}  {}\n  curl -H 'X-User-ID: {id}' '{address}/api/v1/todos?limit=20'\n",
            user.has()
        );
    }
    let flags = faults.flags();
    let faults = if flags.is_empty() { "none".to_owned() } else { flags.join(" ") };
    let forms = FORMS.replace('`', "");
    let _ = write!(
        text,
        "\nFaults of every request to the API: {faults}\nFaults of one request: the header X-Sandbox: {forms}\n"
    );
    if ignores_database {
        text.push_str("\nDATABASE_URL is set, and ignored: the sandbox never touches it.\n");
    }
    text.push('\n');
    text
}

/// The same for `/docs`, in Markdown.
#[must_use]
pub fn note() -> String {
    let mut text =
        "**This is a sandbox:** everything is in memory, and gone when the server ends.\n\n\
         | user | `X-User-ID` | |\n|---|---|---|\n"
            .to_owned();
    for user in &USERS {
        let _ = writeln!(text, "| {} | `{}` | {} |", user.name, user.id, user.has());
    }
    let statuses = STATUSES.map(|status| status.to_string()).join(", ");
    let _ = write!(
        text,
        "\nA request asks for faults by the header `X-Sandbox`, separated by commas: {FORMS}. The statuses \
         are {statuses}. What fails so has not acted; what loses its answer has."
    );
    text
}

impl User {
    fn has(&self) -> String {
        match (self.todos)().len() {
            0 => "no todos".to_owned(),
            count => format!("{count} todos"),
        }
    }
}
