//! Webhooks: where a tenant wants events told to, the events, and what became of each try to tell them.

mod delivery;
mod endpoint;
mod log;
mod outbox;
mod sequence;
mod settled;

pub use delivery::{DueDelivery, DueWebhook, SendingWebhook, TryRecord};
pub(crate) use endpoint::new_secret;
pub use endpoint::{MadeWebhook, NewWebhook, OLD_SECRET_KEPT_MS, WebhookRecord};
pub use log::{DeliveryRecord, TryLine};
pub(crate) use sequence::{SequenceEnd, tell_sequence_ends};
pub use settled::tell_settled;
