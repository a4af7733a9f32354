//! Calls on behalf of one user. Every response is checked against the API description.

use std::fmt::Display;

use serde_json::{Value, json};
use todo_test_support::clients::http::{Request, Response};

use super::api::Api;

/// The path of the collection.
pub(crate) const TODOS: &str = "/api/v1/todos";

/// The path of the event stream.
pub(crate) const EVENTS: &str = "/api/v1/todos/events";

/// The path of the caller.
pub(crate) const ME: &str = "/api/v1/me";

/// The path of the todo with this id.
pub(crate) fn todo_path(id: &str) -> String {
    format!("{TODOS}/{id}")
}

/// The path of this todo.
#[track_caller]
pub(crate) fn path_of(todo: &Value) -> String {
    todo_path(id_of(todo))
}

/// The id of this todo.
#[track_caller]
pub(crate) fn id_of(todo: &Value) -> &str {
    todo["id"].as_str().unwrap()
}

/// Percent-encodes a text for a query string.
pub(crate) fn percent_encoded(text: &str) -> String {
    text.bytes()
        .fold(String::new(), |percent_encoded, byte| percent_encoded + &format!("%{byte:02X}"))
}

/// One user of the API.
#[derive(Clone)]
pub(crate) struct Client<'a> {
    api: &'a Api,
    user: Option<String>,
    /// The header that identifies the user.
    credentials: Option<(String, String)>,
}

impl<'a> Client<'a> {
    pub(super) fn new(api: &'a Api, user: Option<String>) -> Self {
        let credentials = user.as_ref().map(|user| match &api.issuer {
            Some(issuer) => ("Authorization".to_owned(), format!("Bearer {}", issuer.token(user))),
            None => ("X-User-ID".to_owned(), user.clone()),
        });
        Self { api, user, credentials }
    }

    /// The user's id.
    pub(crate) fn id(&self) -> &str {
        self.user.as_deref().unwrap_or_default()
    }

    /// The header that identifies the user.
    pub(crate) fn credentials(&self) -> (&str, &str) {
        self.credentials.as_ref().map(|(name, value)| (&**name, &**value)).unwrap()
    }

    /// A call, not yet sent.
    pub(crate) fn call(&self, method: &str, target: impl Into<String>) -> Call<'a> {
        let headers = self.credentials.iter().cloned().collect();
        Call {
            api: self.api,
            method: method.to_owned(),
            target: target.into(),
            headers,
            body: None,
        }
    }

    pub(crate) fn get(&self, target: impl Into<String>) -> Response {
        self.call("GET", target).send()
    }

    pub(crate) fn head(&self, target: impl Into<String>) -> Response {
        self.call("HEAD", target).send()
    }

    pub(crate) fn delete(&self, target: impl Into<String>) -> Response {
        self.call("DELETE", target).send()
    }

    /// Posts a body to the collection.
    pub(crate) fn post(&self, body: &Value) -> Response {
        self.call("POST", TODOS).json(body).send()
    }

    pub(crate) fn patch(&self, target: impl Into<String>, body: &Value) -> Response {
        self.call("PATCH", target).json(body).send()
    }

    pub(crate) fn put(&self, target: impl Into<String>, body: &Value) -> Response {
        self.call("PUT", target).json(body).send()
    }

    /// Creates a todo with this title.
    #[track_caller]
    pub(crate) fn create(&self, title: &str) -> Value {
        self.post(&json!({"title": title})).expect(201)
    }

    /// The items of a list.
    #[track_caller]
    pub(crate) fn items(&self, target: impl Into<String>) -> Vec<Value> {
        let list = self.get(target).expect(200);
        let items = list["items"].as_array().unwrap();
        assert_eq!(list["count"], items.len(), "the count of {list}");
        items.clone()
    }

    /// The titles of a list.
    #[track_caller]
    pub(crate) fn titles(&self, target: impl Into<String>) -> Vec<String> {
        let items = self.items(target);
        items.iter().map(|it| it["title"].as_str().unwrap().to_owned()).collect()
    }
}

/// A call, not yet sent.
pub(crate) struct Call<'a> {
    api: &'a Api,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends it, and checks the response.
    #[track_caller]
    pub(crate) fn send(self) -> Response {
        let response = self.send_unchecked();
        self.api.description.check(&self.method, &self.target, self.body.as_deref(), &response);
        response
    }

    /// Sends it without the check, because the description does not cover the response: a preflight, Swagger UI.
    #[track_caller]
    pub(crate) fn send_unchecked(&self) -> Response {
        let host = format!("127.0.0.1:{}", self.api.server.port());
        let is_host = |(name, _): &(String, String)| name.eq_ignore_ascii_case("host");
        let host = (!self.headers.iter().any(is_host)).then_some(("Host", &host as &dyn Display));
        let headers = self.headers.iter().map(|(name, value)| (&**name, value as &dyn Display));
        let headers: Vec<_> = host.into_iter().chain(headers).collect();
        let mut request = Request::default();
        request.set(&self.method, &self.target, &headers, self.body.as_deref());
        if self.method == "GET" && self.target.starts_with(EVENTS) {
            return self.api.send_and_hang_up(&request);
        }
        self.api.send(&request)
    }
}
