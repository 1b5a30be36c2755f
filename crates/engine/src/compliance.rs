//! Loads what the domain's decision looks at, and asks it: at planning, in a dry run, and right before the wire.

mod decide;
mod terms;

pub use decide::decide;
pub use terms::{CampaignTerms, DecisionWords, TermsError};
