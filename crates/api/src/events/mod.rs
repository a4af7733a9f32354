//! Event streams: who listens, and how they hear of changes.
//!
//! | module | contents |
//! |---|---|
//! | [`hub`] | the open streams of each user, which writes of this process notify at once |
//! | [`poll`] | finds the changes that other processes made |
//! | [`body`] | the body of a stream |
//!
//! An event is only a hint that there is something new: it is the change feed that says what (ADR 19).

pub mod body;
pub mod hub;
pub mod poll;
