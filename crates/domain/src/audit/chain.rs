//! The chains into which audited acts are linked. What has a clock of its own has a chain of its own, so that what is old always
//! goes from the front.

use super::event::Act;
use crate::word::words;

words! {
    /// Which of an organisation's chains an act stands in.
    pub enum Chain {
        Acts = "acts",
        /// Signing in and out: kept as long as what was done with the portal.
        SignIns = "sign_ins",
    }
}

impl Chain {
    #[must_use]
    pub fn of(act: Act) -> Self {
        match act {
            Act::SignedIn | Act::SignInRefused | Act::SignedOut => Self::SignIns,
            _ => Self::Acts,
        }
    }
}

words! {
    /// What an anchor vouches for.
    pub enum AnchorKind {
        /// This entry, and so every one before it, stood here.
        Seal = "seal",
        /// Everything up to this entry was deleted by its clock.
        Start = "start",
    }
}
