//! A standing reason never to contact.

use crate::campaigns::campaign::Channel;
use crate::word::words;

words! {
    /// Where a suppression came from.
    pub enum SuppressionReason {
        /// The person said stop.
        OptOut = "opt_out",
        /// The person objected (UK GDPR art. 21).
        Objection = "objection",
        WrongPerson = "wrong_person",
        /// The person was erased; a keyed tombstone is all that is left.
        Erased = "erased",
        /// The tenant put the number on its list.
        TenantList = "tenant_list",
        /// The carrier says the person opted out with it.
        CarrierBlock = "carrier_block",
    }
}

words! {
    /// What a suppression stops.
    pub enum SuppressionScope {
        Sms = "sms",
        Voice = "voice",
        Every = "every",
    }
}

/// One entry that matches the person or the number, in the tenant's list or the operator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suppression {
    pub scope: SuppressionScope,
    pub reason: SuppressionReason,
}

impl SuppressionReason {
    /// The person's own no: whatever consent stood before it stands no longer, also when the entry is lifted.
    #[must_use]
    pub fn withdraws_consent(self) -> bool {
        matches!(self, Self::OptOut | Self::Objection | Self::CarrierBlock)
    }

    /// What it stops when somebody asked for this much: whose number is somebody else's is not reached by it on any channel.
    #[must_use]
    pub fn stops(self, asked: SuppressionScope) -> SuppressionScope {
        if self == Self::WrongPerson { SuppressionScope::Every } else { asked }
    }
}

impl SuppressionScope {
    #[must_use]
    pub fn covers(self, channel: Channel) -> bool {
        match self {
            Self::Every => true,
            Self::Sms => channel == Channel::Sms,
            Self::Voice => channel == Channel::Voice,
        }
    }
}
