//! Webhooks: the pages of endpoints and of what they were told.

pub mod delivery;
pub mod endpoint;
pub mod list;
