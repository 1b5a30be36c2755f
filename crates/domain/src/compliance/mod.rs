//! Nobody is contacted without a permit.

pub mod abandonment;
pub mod call_rules;
pub mod caller_id;
mod check;
pub mod consent;
pub mod decide;
pub mod do_not_originate;
pub mod facts;
pub mod hold;
pub mod information;
pub mod lint;
pub mod notice;
pub mod opening;
pub mod purpose;
pub mod rule_book;
mod rule_file;
pub mod rule_pack;
pub mod rule_set;
pub mod suppression;
pub mod suppression_file;
pub mod tenant_limits;
pub mod window;

pub use decide::{Decision, Deferral, Permit, Refusal, decide, decide_cached, decide_call};
pub use notice::{NoticeGround, decide_notice};
pub use rule_book::RuleBook;
pub use rule_pack::RulePack;
