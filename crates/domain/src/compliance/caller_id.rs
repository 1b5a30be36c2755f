//! The number that a call shows: it must be the client's own, be dialable and be answered (UK-12), and it may not be
//! chosen to deceive (UK-14).

use crate::contacts::address::LineType;
use crate::tenancy::tenant::NumberMode;

/// What is known of a caller ID of the tenant's pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallerIdFacts {
    /// By a test call or a letter of authority.
    pub is_verified: bool,
    pub line_type: LineType,
    pub is_test_range: bool,
    pub mode: NumberMode,
    /// Digits of the national number.
    pub digits: u8,
    pub is_british: bool,
    /// Somebody, or an announcement, answers it day and night.
    pub is_answered: bool,
    /// On a Do Not Originate list.
    pub is_do_not_originate: bool,
    /// A mobile number that is shown to take calls, and is not picked to look local.
    pub inbound_proven: bool,
}

impl CallerIdFacts {
    /// UK-12: a valid, dialable, verified number of ten or eleven digits (nine after the zero for some old area codes), not a
    /// premium one, in production none of the test ranges, which somebody answers.
    #[must_use]
    pub fn is_lawful(&self) -> bool {
        let dialable = matches!(self.line_type, LineType::FixedLine | LineType::Mobile | LineType::FixedOrMobile | LineType::TollFree | LineType::Uan | LineType::Voip);
        let length = !self.is_british || (9..=10).contains(&self.digits);
        let range = self.is_test_range == (self.mode == NumberMode::Demo);
        self.is_verified && dialable && length && range && self.is_answered && !self.is_do_not_originate
    }

    /// UK-14: a number that looks like somebody's mobile is one.
    #[must_use]
    pub fn is_honest(&self) -> bool {
        self.line_type != LineType::Mobile || self.inbound_proven
    }

    /// UK-13: a call that enters the network abroad and shows a British number needs the carrier's proof on file. A warning, as
    /// the proof is paper.
    #[must_use]
    pub fn needs_proof_of_origin(&self, trunk_is_british: bool) -> bool {
        self.is_british && !trunk_is_british
    }
}
