//! Webhooks: where a client's system is told what happens.

pub mod delivery;
pub mod endpoint;
