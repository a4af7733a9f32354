//! HTTP concerns shared by all routes: middleware, extractors, headers, connections.

pub mod access_log;
pub mod assets;
pub mod body;
pub mod caller;
pub mod chunks;
pub mod compression;
pub mod connection;
pub mod cors;
pub mod envelope;
pub mod etag;
pub mod field;
pub mod gzip;

pub mod query;
pub mod rate_limit;
pub mod request_id;
pub mod routing;
pub mod unknown;
