//! What may not be done to whom: suppressions, holds, consents, wishes, a tenant's own limits; and the decision over it all.

mod call_label;
mod call_mark;
mod caller_id;
mod consent;
mod decide;
mod do_not_originate;
mod facts;
mod hold;
mod limits;
mod preference;
mod suppression;
mod suppression_check;
mod suppression_import;
mod terms;
mod week;
mod why_not;

pub use call_label::{DetectorRecord, LabelledCall, Unlabelled};
pub(crate) use caller_id::caller_id_facts;
pub use call_mark::CallMark;
pub use consent::{ConsentEntry, NewConsent};
pub(crate) use do_not_originate::is_do_not_originate;
pub use do_not_originate::{DoNotOriginateList, ListedSender};
pub use decide::{decide, decide_call, refuse_text};
pub use facts::{ConsentRecord, RECIPIENTS_MAX, RecipientFacts};
pub use hold::{HoldEntry, NewHold};
pub use limits::{LimitCap, Limits, read_limits};
pub use preference::Preference;
pub use suppression::{NewSuppression, SuppressionEntry};
pub use suppression_import::{SUPPRESSION_CSV_HEADER, SuppressionImport};
pub use terms::{BLOCKED_SENDER, BLOCKED_SENDER_WHY, CampaignTerms, DecisionWords, RuleReason, install_rules, is_of_a_suppression, rule_book};
pub use week::Week;
pub use why_not::WhyNot;
