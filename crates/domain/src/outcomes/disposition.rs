//! Our one word for how an attempt ended.

use crate::word::words;

words! {
    pub enum Disposition {
        /// The carrier has it; no receipt yet.
        Accepted = "accepted",
        Delivered = "delivered",
        /// The carrier gave up within the validity period.
        Expired = "expired",
        /// The carrier or the handset refused it.
        Undeliverable = "undeliverable",
        /// The number is not in service.
        InvalidNumber = "invalid_number",
        /// The carrier blocks this message, sender or person.
        Blocked = "blocked",
        /// The carrier refused the submission.
        Rejected = "rejected",
        /// No trunk could take it.
        NoRoute = "no_route",
        /// Caught between the wire and its answer: it may or may not have been sent, and is never resent by itself.
        Unknown = "unknown",
        /// A person took the call and heard the message, or hung up before it.
        AnsweredPerson = "answered_person",
        /// The person spoke with an agent.
        PutThrough = "put_through",
        /// A person answered and no agent was free (UK-3).
        Abandoned = "abandoned",
        /// The person pressed the key for no more calls.
        OptedOut = "opted_out",
        AnsweredMachine = "answered_machine",
        VoicemailLeft = "voicemail_left",
        AnsweredFax = "answered_fax",
        Busy = "busy",
        NoAnswer = "no_answer",
        /// The network had no free line or a fault of its own.
        Congestion = "congestion",
        /// We stopped the call before anybody answered.
        Cancelled = "cancelled",
        /// A fault on the way or of ours: the call could not be made or its sound failed.
        Failed = "failed",
    }
}

const OF_CALLS: &[Disposition] = {
    use Disposition::*;
    &[PutThrough, AnsweredPerson, OptedOut, VoicemailLeft, AnsweredMachine, Abandoned, Busy, NoAnswer, InvalidNumber, AnsweredFax, Undeliverable, Rejected, Blocked, Congestion, NoRoute, Failed, Cancelled, Unknown]
};

const OF_MESSAGES: &[Disposition] = {
    use Disposition::*;
    &[Accepted, Delivered, Expired, Undeliverable, InvalidNumber, Blocked, Rejected, NoRoute, Unknown]
};

impl Disposition {
    /// No later receipt is expected.
    #[must_use]
    pub fn is_final(self) -> bool {
        self != Self::Accepted
    }

    /// The words that a message can end with.
    #[must_use]
    pub fn of_messages() -> &'static [Self] {
        OF_MESSAGES
    }

    /// The words that a call can end with, the best first.
    #[must_use]
    pub fn of_calls() -> &'static [Self] {
        OF_CALLS
    }

    /// A person was on the line, spoken with or not: what the abandoned rate is counted over.
    #[must_use]
    pub fn reached_a_person(self) -> bool {
        matches!(self, Self::PutThrough | Self::AnsweredPerson | Self::OptedOut | Self::Abandoned)
    }
}
