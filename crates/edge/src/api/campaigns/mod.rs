//! Campaigns: purpose, audience, content, schedule and limits; and where each recipient stands.

pub mod calendar;
pub mod call;
pub mod call_label;
pub mod call_pacing;
pub mod campaign;
pub mod draft;
pub mod dry_run;
pub mod moves;
pub mod preview;
pub mod prompt;
pub mod recipient;
pub mod recording;
pub mod script;
pub mod sequence;
pub mod template;
pub mod test_send;
pub mod why_not;
