//! A standing reason never to contact, and a reason not to contact until it ends.

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

words! {
    pub enum HoldReason {
        BreathingSpace = "breathing_space",
        Dispute = "dispute",
        Capacity = "capacity",
        Complaint = "complaint",
        /// A reply held something that reads like a stop; a person must look.
        ReplyReview = "reply_review",
        Restricted = "restricted",
        Other = "other",
    }
}
