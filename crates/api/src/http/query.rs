//! Query parameters, parsed so that all errors in them can be reported at once.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use percent_encoding::percent_decode_str;

use super::unknown::{MAX_REPORTED, unknown};
use crate::error::{ApiError, FieldError};

/// The parameters of a request, and the errors found in them so far.
#[derive(Debug)]
pub struct Query {
    pairs: Vec<(String, String)>,
    is_utf8: bool,
    /// The names that have been read.
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl Query {
    /// Parses the query string of a request.
    #[must_use]
    pub fn parse(request: &HttpRequest) -> Self {
        // Any query string can be parsed as a list of pairs.
        let pairs = serde_urlencoded::from_str(request.query_string()).unwrap_or_default();
        let is_utf8 = percent_decode_str(request.query_string()).decode_utf8().is_ok();
        Self { pairs, is_utf8, known: Vec::new(), errors: Vec::new() }
    }

    /// Reads a parameter. Adds an error if it is given twice or `parse` rejects it.
    pub fn read<T, E: ToString>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let mut values = self.read_all(name, 1, "must be given only once", parse);
        values.pop()
    }

    /// Reads a parameter that may be repeated. Adds an error, and returns no values, if it is given more than `max`
    /// times (with the message `too_many`) or `parse` rejects one of its values.
    pub fn read_all<T, E: ToString>(
        &mut self,
        name: &'static str,
        max: usize,
        too_many: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        self.known.push(name);
        let values: Vec<_> = self.pairs.iter().filter(|(key, _)| key == name).collect();
        let parse = |value: &str| {
            // Invalid UTF-8 was decoded as replacement characters.
            if !self.is_utf8 && value.contains(char::REPLACEMENT_CHARACTER) {
                return Err("must be UTF-8, percent-encoded".to_owned());
            }
            parse(value).map_err(|error| error.to_string())
        };
        let result = if values.len() > max {
            Err(too_many.to_owned())
        } else {
            values.into_iter().map(|(_, value)| parse(value)).collect()
        };
        result.unwrap_or_else(|message| {
            self.add_error(name, message);
            Vec::new()
        })
    }

    /// Reads a parameter that is `true` or `false`.
    pub fn read_bool(&mut self, name: &'static str) -> Option<bool> {
        self.read(name, |value| match value {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false"),
        })
    }

    /// Adds an error for a parameter.
    pub fn add_error(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push(FieldError::new(name, message));
    }

    /// Whether no errors have been found so far.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    /// Finishes reading, and returns all parameters as they were given.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] with all errors found, including unknown parameters.
    pub fn finish(mut self) -> Result<QueryPairs, ApiError> {
        self.known.sort_unstable();
        let mut names: Vec<_> = self.pairs.iter().map(|(name, _)| name.as_str()).collect();
        names.retain(|name| !self.known.contains(name));
        names.sort_unstable();
        names.dedup();
        self.errors.extend(names.iter().take(MAX_REPORTED).map(|name| unknown(name, &self.known)));
        if self.errors.is_empty() {
            Ok(QueryPairs(self.pairs))
        } else {
            Err(ApiError::Invalid(self.errors))
        }
    }
}

/// Extracts the query of an operation that takes no parameters.
#[derive(Debug, Clone, Copy)]
pub struct NoQuery;

impl FromRequest for NoQuery {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let is_empty = request.query_string().is_empty();
        ready(if is_empty { Ok(Self) } else { Query::parse(request).finish().map(|_| Self) })
    }
}

/// The parameters of a request, as they were given.
#[derive(Debug, Clone)]
pub struct QueryPairs(Vec<(String, String)>);

impl QueryPairs {
    /// Returns these parameters as a query string, with one of them replaced.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> String {
        self.0.retain(|(key, _)| key != name);
        self.0.push((name.to_owned(), value.to_owned()));
        // Pairs of strings can always be serialized.
        serde_urlencoded::to_string(&self.0).unwrap_or_default()
    }
}
