//! Webhooks: events that a client waits for, told to an address of theirs.

pub mod backoff;
pub mod event;
pub mod target;
