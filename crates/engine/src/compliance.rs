//! The decision before every attempt: asked at planning, in a dry run, and right before the wire.
//!
//! Facts and decision stand in the store's crate, because the portal explains with them; only this crate acts on a permit.

pub use clarion_store::compliance::{CampaignTerms, DecisionWords, RecipientFacts, decide};
