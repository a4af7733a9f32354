//! Every operation of the API description, with a call that succeeds for the owner of a todo.

use serde_json::Value;

use super::api::Api;
use super::client::{Call, Client};

/// One operation.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) template: String,
    /// Its object in the description.
    pub(crate) value: Value,
    /// A valid body.
    pub(crate) body: Option<Value>,
}

impl Operation {
    pub(crate) fn has_parameter(&self, parameter: &str) -> bool {
        let parameters = self.value["parameters"].as_array();
        parameters.is_some_and(|it| it.iter().any(|it| it["name"] == parameter))
    }

    /// Whether it needs a caller.
    pub(crate) fn needs_caller(&self) -> bool {
        // The document requires a caller unless an operation overrides that.
        self.value.get("security").is_none()
    }

    /// The path for this todo, or for the tag "errands", with the required query.
    pub(crate) fn target(&self, todo_id: &str) -> String {
        let query = if self.has_parameter("all") { "?all=true" } else { "" };
        self.template.replace("{todo_id}", todo_id).replace("{name}", "errands") + query
    }

    pub(crate) fn call<'a>(&self, client: &Client<'a>, todo_id: &str) -> Call<'a> {
        let call = client.call(&self.method, self.target(todo_id));
        match &self.body {
            Some(body) => call.json(body),
            None => call,
        }
    }
}

impl Api {
    /// All operations, in the order of the description.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        let document = &self.description.document;
        let paths = document["paths"].as_object().unwrap().iter();
        paths
            .flat_map(|(template, item)| {
                item.as_object().unwrap().iter().map(move |it| (template, it))
            })
            .map(|(template, (method, value))| Operation {
                id: value["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                template: template.clone(),
                value: value.clone(),
                body: example_body(document, value),
            })
            .collect()
    }

    /// The operations that need a caller and the database.
    pub(crate) fn database_operations(&self) -> Vec<Operation> {
        self.user_operations().into_iter().filter(|it| it.id != "whoAmI").collect()
    }

    /// The operations that need a caller.
    pub(crate) fn user_operations(&self) -> Vec<Operation> {
        self.operations().into_iter().filter(Operation::needs_caller).collect()
    }
}

fn example_body(document: &Value, operation: &Value) -> Option<Value> {
    let schema = operation.pointer("/requestBody/content/application~1json/schema/$ref")?;
    let pointer = schema.as_str().unwrap().trim_start_matches('#');
    Some(document.pointer(pointer).unwrap()["example"].clone())
}
