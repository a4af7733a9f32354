//! Query parameters, read such that all that is wrong with them can be told at once.

use actix_web::HttpRequest;
use percent_encoding::percent_decode_str;

use crate::error::{ApiError, FieldError};

/// The parameters of a request, and what has been found wrong with them so far.
#[derive(Debug)]
pub struct Query {
    pairs: Vec<(String, String)>,
    is_utf8: bool,
    errors: Vec<FieldError>,
}

impl Query {
    /// The parameters of a request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        // A list of pairs can be made of any query string.
        let pairs = serde_urlencoded::from_str(request.query_string()).unwrap_or_default();
        let is_utf8 = percent_decode_str(request.query_string()).decode_utf8().is_ok();
        Self { pairs, is_utf8, errors: Vec::new() }
    }

    /// Reads a parameter. Notes it as wrong when it is given twice or `parse` refuses it.
    pub fn read<T, E: ToString>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let mut values = self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let value = values.next()?;
        let result = match values.next() {
            Some(_) => Err("must be given only once".to_owned()),
            // What is no UTF-8 was read as replacement characters.
            None if !self.is_utf8 && value.contains(char::REPLACEMENT_CHARACTER) => {
                Err("must be UTF-8, percent-encoded".to_owned())
            }
            None => parse(value).map_err(|error| error.to_string()),
        };
        result.map_err(|message| self.refuse(name, message)).ok()
    }

    /// Reads a parameter that is `true` or `false`.
    pub fn read_bool(&mut self, name: &str) -> Option<bool> {
        self.read(name, |value| match value {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false"),
        })
    }

    /// Notes a parameter as wrong.
    pub fn refuse(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push(FieldError { field: name.to_owned(), message: message.into() });
    }

    /// Whether nothing has been found wrong so far.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.errors.is_empty()
    }

    /// The end of reading: all parameters with one of them replaced, as a query string writes them.
    ///
    /// # Errors
    /// All that has been found wrong.
    pub fn finish(self) -> Result<QueryPairs, ApiError> {
        if self.errors.is_empty() {
            Ok(QueryPairs(self.pairs))
        } else {
            Err(ApiError::Invalid(self.errors))
        }
    }
}

/// The parameters of a request, as they were given.
#[derive(Debug, Clone)]
pub struct QueryPairs(Vec<(String, String)>);

impl QueryPairs {
    /// These parameters as a query string, with one of them set.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> String {
        self.0.retain(|(key, _)| key != name);
        self.0.push((name.to_owned(), value.to_owned()));
        // Pairs of strings always can be written.
        serde_urlencoded::to_string(&self.0).unwrap_or_default()
    }
}
