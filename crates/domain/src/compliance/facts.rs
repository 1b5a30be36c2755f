//! Everything that a decision looks at. It borrows, so that a batch of thousands is asked without allocating.

use crate::campaigns::campaign::Channel;
use crate::compliance::consent::{Consent, SoftOptIn};
use crate::compliance::hold::Hold;
use crate::compliance::purpose::{LegalBasis, Purpose, StatedPurpose};
use crate::compliance::suppression::Suppression;
use crate::compliance::window::WeekHours;
use crate::contacts::address::LineType;
use crate::tenancy::tenant::NumberMode;
use crate::time::Instant;

/// What is known about one person, one number, one campaign and one message. What is not known is `None` or empty, and refuses.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub channel: Channel,
    pub purpose: Option<StatedPurpose>,
    pub basis: Option<LegalBasis>,
    /// The tenant named its assessment, when the basis is a legitimate interest.
    pub assessment_recorded: bool,
    pub number: NumberFacts<'a>,
    /// IANA names of every zone the person may be in: all must be open.
    pub zones: &'a [&'a str],
    /// Entries that match this person or number, of any scope.
    pub suppressions: &'a [Suppression],
    pub holds: &'a [Hold],
    /// The person asked that their data be stored and not used (UK GDPR art. 18).
    pub is_restricted: bool,
    pub consents: &'a [Consent],
    pub soft_opt_in: Option<SoftOptIn>,
    /// Attempts to this person or number by this tenant, of every campaign, at least as far back as `RulePack::touches_kept_ms`.
    pub touches: &'a [Touch],
    /// What the person asked for; `None` when they asked for nothing.
    pub wishes: Option<&'a Wishes>,
    pub message: MessageFacts,
    /// The campaign's own hours, in the person's zone; they can only narrow.
    pub campaign_hours: Option<&'a WeekHours>,
}

#[derive(Debug, Clone, Copy)]
pub struct NumberFacts<'a> {
    pub is_test_range: bool,
    pub mode: NumberMode,
    pub line_type: LineType,
    /// Two letters of ISO 3166, or GG, JE, IM.
    pub region: Option<&'a str>,
}

/// An attempt that counts towards the caps. A call or message that nobody took counts too (UK-16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    pub at: Instant,
    pub channel: Channel,
    pub purpose: Purpose,
}

/// What the person asked of when and how they are contacted (UK-40).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wishes {
    pub hours: Option<WeekHours>,
    pub no_sms: bool,
    pub no_voice: bool,
}

/// What `compliance::lint` found in the template, and whether a reply can reach us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MessageFacts {
    /// Says how to stop: a word to reply or an address to open.
    pub says_how_to_stop: bool,
    /// The brand is the sender or stands in the text.
    pub names_sender: bool,
    /// Holds words of promotion.
    pub is_promotional: bool,
}
