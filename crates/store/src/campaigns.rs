//! Campaigns: purpose, audience, content, schedule and limits; and one contact's place in them.

mod campaign;

pub use campaign::CampaignRecord;
