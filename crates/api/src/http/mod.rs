//! What every request goes through, whatever it asks for.

pub mod body;
pub mod caller;
pub mod compression;
pub mod connection;
pub mod cors;
pub mod envelope;
pub mod etag;
pub mod field;
pub mod gzip;
pub mod pieces;
pub mod query;
pub mod request_id;
pub mod routing;
pub mod unknown;
