//! Why contact is made, and the ground in law.

use crate::word::words;

words! {
    pub enum Purpose {
        Collections = "collections",
        Reminder = "reminder",
        /// Contact in order to transfer to the client's call centre; takes the rules of its underlying purpose too.
        PutThrough = "put_through",
        Marketing = "marketing",
        /// Treated as marketing unless the tenant records why it is not.
        IncompleteApplication = "incomplete_application",
    }
}

words! {
    pub enum LegalBasis {
        Contract = "contract",
        LegitimateInterest = "legitimate_interest",
        Consent = "consent",
        LegalObligation = "legal_obligation",
    }
}

/// A campaign's purpose with what the law needs to place it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatedPurpose {
    pub purpose: Purpose,
    /// For `put_through`: what the conversation will be about.
    pub underlying: Option<Purpose>,
    /// For `incomplete_application`: the tenant recorded a reason why this is not marketing.
    pub reasoned_not_marketing: bool,
}

impl From<Purpose> for StatedPurpose {
    fn from(purpose: Purpose) -> Self {
        Self { purpose, underlying: None, reasoned_not_marketing: false }
    }
}

impl StatedPurpose {
    /// The purposes whose rules all apply: one, or two for `put_through`. `None` when what lies under it is not said.
    #[must_use]
    pub fn in_law(self) -> Option<(Purpose, Option<Purpose>)> {
        match (self.purpose, self.underlying) {
            (Purpose::PutThrough, None | Some(Purpose::PutThrough)) => None,
            (Purpose::PutThrough, Some(underlying)) => Some((Purpose::PutThrough, Some(self.placed(underlying)))),
            (purpose, _) => Some((self.placed(purpose), None)),
        }
    }

    /// Under the rules of marketing.
    #[must_use]
    pub fn is_marketing(self) -> bool {
        self.in_law().is_some_and(|(first, second)| first == Purpose::Marketing || second == Some(Purpose::Marketing))
    }

    fn placed(self, purpose: Purpose) -> Purpose {
        match purpose {
            Purpose::IncompleteApplication if self.reasoned_not_marketing => Purpose::Reminder,
            Purpose::IncompleteApplication => Purpose::Marketing,
            purpose => purpose,
        }
    }
}
