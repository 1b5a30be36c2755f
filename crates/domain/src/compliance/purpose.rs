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
