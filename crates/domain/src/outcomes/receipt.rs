//! A carrier's later word about a message it took, after the wire's own spelling is gone.

use crate::outcomes::cause::{Cause, ErrorCode};
use crate::outcomes::disposition::Disposition;
use crate::time::Instant;
use crate::word::words;

words! {
    /// The states of SMPP 5.0 section 4.7.15, which providers over HTTP are mapped to as well, and one that is no state of SMPP.
    pub enum ReceiptState {
        Scheduled = "scheduled",
        Enroute = "enroute",
        Delivered = "delivered",
        Expired = "expired",
        Deleted = "deleted",
        Undeliverable = "undeliverable",
        /// Taken by the far end's switch; not yet with the handset.
        Accepted = "accepted",
        /// The carrier lost track of it.
        Unknown = "unknown",
        Rejected = "rejected",
        Skipped = "skipped",
        /// Not delivered since the person has opted out with the carrier: by a provider's word for it, or by an error code.
        OptedOut = "opted_out",
    }
}

/// One receipt for one attempt. `at` is when the carrier says it happened, or when we received it if it does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Receipt {
    pub state: ReceiptState,
    pub error: ErrorCode,
    pub at: Instant,
}

impl ReceiptState {
    /// The byte of the `message_state` parameter.
    #[must_use]
    pub fn from_smpp(value: u8) -> Option<Self> {
        Self::ALL.get(usize::from(value)).copied().filter(|state| *state != Self::OptedOut)
    }

    /// The seven-letter words of the receipt text (SMPP 3.4 appendix B), with the long forms that carriers write instead.
    #[must_use]
    pub fn from_stat(word: &str) -> Option<Self> {
        let word = word.trim();
        let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(word));
        [
            (&["SCHEDLD", "SCHEDULED"][..], Self::Scheduled),
            (&["ENROUTE", "BUFFERED", "BUFFRED", "SENT"], Self::Enroute),
            (&["DELIVRD", "DELIVERED"], Self::Delivered),
            (&["EXPIRED"], Self::Expired),
            (&["DELETED"], Self::Deleted),
            (&["UNDELIV", "UNDELIVERABLE", "UNDELIVERED", "FAILED"], Self::Undeliverable),
            (&["ACCEPTD", "ACCEPTED"], Self::Accepted),
            (&["UNKNOWN", "UNKNOWND"], Self::Unknown),
            (&["REJECTD", "REJECTED"], Self::Rejected),
            (&["SKIPPED"], Self::Skipped),
        ]
        .into_iter()
        .find_map(|(names, state)| is(names).then_some(state))
    }

    /// Another receipt will follow: this one changes nothing.
    #[must_use]
    pub fn is_intermediate(self) -> bool {
        matches!(self, Self::Scheduled | Self::Enroute | Self::Accepted)
    }
}

impl Receipt {
    /// The cause under which the attempt is filed.
    #[must_use]
    pub fn cause(&self) -> Cause {
        Cause::Receipt { state: self.state, error: self.error }
    }

    /// What this receipt makes of the attempt; `None` while the carrier is still trying.
    #[must_use]
    pub fn disposition(&self) -> Option<Disposition> {
        (!self.state.is_intermediate()).then(|| self.cause().verdict().disposition)
    }
}
