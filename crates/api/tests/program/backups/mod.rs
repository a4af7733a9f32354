//! `backup` and `restore`.

mod backing_up;
mod killed;
mod restoring;

use std::fs;
use std::path::PathBuf;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value, json};
use todo_test_support::clients::http::Client;
use todo_test_support::directory::TempDirectory;
use todo_test_support::server::Server;

use crate::support::{Output, PROGRAM, run};

const USER: &str = "550e8400-e29b-41d4-a716-446655440000";

/// Long enough that a busy machine causes no 503.
const GENEROUS_TIMEOUT: (&str, &str) = ("DATABASE_TIMEOUT", "60s");

/// A directory with a database and backups.
struct Place(TempDirectory);

impl Place {
    fn new() -> Self {
        Self(TempDirectory::in_memory())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn url(&self, name: &str) -> String {
        format!("sqlite://{}", self.path(name).display())
    }

    fn serve(&self, name: &str) -> Server {
        Server::start(PROGRAM, &self.url(name), &[GENEROUS_TIMEOUT])
    }

    /// Creates a database with todos with these titles.
    fn fill(&self, name: &str, titles: &[&str]) {
        let server = self.serve(name);
        for title in titles {
            create(&server, title);
        }
    }

    /// The titles in a database, sorted.
    fn titles(&self, name: &str) -> Vec<String> {
        titles(&self.serve(name))
    }

    /// Runs a command on a database, with the path of a file as its argument.
    fn run(&self, command: &[&str], database: &str, file: &str) -> Output {
        let file = self.path(file);
        let arguments = [command, &[file.to_str().unwrap()]].concat();
        run(&arguments, &[("DATABASE_URL", &self.url(database))])
    }

    fn back_up(&self, database: &str, file: &str) -> Output {
        self.run(&["backup"], database, file)
    }

    fn restore(&self, database: &str, file: &str) -> Output {
        self.run(&["restore"], database, file)
    }

    /// Runs SQL in a database, past the program.
    fn sql(&self, name: &str, sql: &str) {
        let path = self.path(name);
        let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        connection.batch_execute(sql).unwrap();
    }

    fn files(&self) -> Vec<String> {
        crate::support::files(&self.0)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }
}

fn client(server: &Server) -> Client {
    Client::new(server.port(), USER)
}

/// Creates a todo, and returns when it is acknowledged.
fn create(server: &Server, title: &str) {
    let body = json!({"title": title});
    client(server).call("POST", "/api/v1/todos", Some(&body)).unwrap().expect(201);
}

fn titles(server: &Server) -> Vec<String> {
    let list: Value = client(server).get("/api/v1/todos").unwrap().expect(200);
    let items = list["items"].as_array().unwrap();
    let mut titles: Vec<_> =
        items.iter().map(|it| it["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}
