//! Query parameters, read such that all that is wrong with them can be told at once.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use percent_encoding::percent_decode_str;

use super::unknown::{MAX_TOLD, unknown};
use crate::error::{ApiError, FieldError};

/// The parameters of a request, and what has been found wrong with them so far.
#[derive(Debug)]
pub struct Query {
    pairs: Vec<(String, String)>,
    is_utf8: bool,
    /// The names that have been asked for.
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl Query {
    /// The parameters of a request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        // A list of pairs can be made of any query string.
        let pairs = serde_urlencoded::from_str(request.query_string()).unwrap_or_default();
        let is_utf8 = percent_decode_str(request.query_string()).decode_utf8().is_ok();
        Self { pairs, is_utf8, known: Vec::new(), errors: Vec::new() }
    }

    /// Reads a parameter. Notes it as wrong when it is given twice or `parse` refuses it.
    pub fn read<T, E: ToString>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let mut values = self.read_some(name, 1, "must be given only once", parse);
        values.pop()
    }

    /// Reads a parameter that may be given repeatedly. Notes it as wrong when it is given more than `max` times, which
    /// is told by `too_many`, or `parse` refuses one of its values; then there are none.
    pub fn read_some<T, E: ToString>(
        &mut self,
        name: &'static str,
        max: usize,
        too_many: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        self.known.push(name);
        let values: Vec<_> = self.pairs.iter().filter(|(key, _)| key == name).collect();
        let parse = |value: &str| {
            // What is no UTF-8 was read as replacement characters.
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
            self.refuse(name, message);
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

    /// Notes a parameter as wrong.
    pub fn refuse(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push(FieldError { field: name.to_owned(), message: message.into() });
    }

    /// Whether nothing has been found wrong so far.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.errors.is_empty()
    }

    /// The end of reading: all parameters, as they were given.
    ///
    /// # Errors
    /// All that has been found wrong, and parameters that were never asked for.
    pub fn finish(mut self) -> Result<QueryPairs, ApiError> {
        self.known.sort_unstable();
        let mut names: Vec<_> = self.pairs.iter().map(|(name, _)| name.as_str()).collect();
        names.retain(|name| !self.known.contains(name));
        names.sort_unstable();
        names.dedup();
        self.errors.extend(names.iter().take(MAX_TOLD).map(|name| unknown(name, &self.known)));
        if self.errors.is_empty() {
            Ok(QueryPairs(self.pairs))
        } else {
            Err(ApiError::Invalid(self.errors))
        }
    }
}

/// The query of an operation that takes no parameters.
#[derive(Debug, Clone, Copy)]
pub struct NoQuery;

impl FromRequest for NoQuery {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let is_empty = request.query_string().is_empty();
        ready(if is_empty { Ok(Self) } else { Query::of(request).finish().map(|_| Self) })
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
