//! Webhooks: events that wait in the store are signed and told to the endpoints that asked for them.

mod send;
mod worker;

pub use worker::{WebhookConfig, run, work};
