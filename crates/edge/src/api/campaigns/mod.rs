//! Campaigns: purpose, audience, content, schedule and limits; and where each recipient stands.

pub mod campaign;
pub mod draft;
pub mod dry_run;
pub mod moves;
pub mod preview;
pub mod recipient;
pub mod template;
pub mod test_send;
pub mod why_not;
