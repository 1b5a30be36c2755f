//! How a call ended, where no code of the wire says it: the switch's own word.

use crate::outcomes::cause::{Fault, RetryAdvice, Verdict, means};
use crate::outcomes::disposition::Disposition;
use crate::word::words;

words! {
    pub enum CallEnd {
        /// Spoke with an agent.
        PutThrough = "put_through",
        /// Heard the message.
        Heard = "heard",
        /// A person answered and was gone before the message began.
        HungUpEarly = "hung_up_early",
        /// Pressed the key for no more calls.
        OptedOut = "opted_out",
        /// No agent came: the information message played instead.
        NoAgent = "no_agent",
        /// No agent and no message: the worst that a dialler can do (UK-2).
        Silent = "silent",
        VoicemailLeft = "voicemail_left",
        Machine = "machine",
        Fax = "fax",
        Announcement = "announcement",
        BusyTone = "busy_tone",
        /// It rang for as long as the campaign lets it.
        RangOut = "rang_out",
        /// Stopped from our side before anybody answered.
        Stopped = "stopped",
        /// The trunk did not answer at all.
        TrunkSilent = "trunk_silent",
        /// Our side could not play or hear.
        MediaFailed = "media_failed",
    }
}

use Disposition as D;
use Fault as F;
use RetryAdvice as R;

impl CallEnd {
    #[must_use]
    pub fn verdict(self) -> Verdict {
        match self {
            Self::PutThrough => means(D::PutThrough, R::Never, F::Nobody, "The person was put through."),
            Self::Heard => means(D::AnsweredPerson, R::Never, F::Nobody, "Somebody answered, and our words began."),
            Self::HungUpEarly => means(D::AnsweredPerson, R::Never, F::Number, "A person answered and hung up before the message began."),
            Self::OptedOut => means(D::OptedOut, R::Never, F::Nobody, "The person asked not to be called again."),
            Self::NoAgent => means(D::Abandoned, R::Later, F::Ours, "A person answered and no agent was free: the information message played."),
            Self::Silent => means(D::Abandoned, R::Later, F::Ours, "Somebody answered and heard neither an agent nor a message: a silent call."),
            Self::VoicemailLeft => means(D::VoicemailLeft, R::Never, F::Nobody, "The message was left on voicemail."),
            Self::Machine => means(D::AnsweredMachine, R::Later, F::Number, "An answering machine took the call."),
            Self::Fax => means(D::AnsweredFax, R::Never, F::Number, "A fax machine answered."),
            Self::Announcement => means(D::InvalidNumber, R::Never, F::Number, "The network announced that the number cannot be reached."),
            Self::BusyTone => means(D::Busy, R::Later, F::Number, "The line was busy."),
            Self::RangOut => means(D::NoAnswer, R::Later, F::Number, "It rang, and nobody answered."),
            Self::Stopped => means(D::Cancelled, R::Later, F::Nobody, "The call was stopped before anybody answered."),
            Self::TrunkSilent => means(D::NoRoute, R::OtherTrunk, F::Carrier, "The trunk did not answer."),
            Self::MediaFailed => means(D::Failed, R::Never, F::Ours, "The call was up and its sound failed."),
        }
    }
}
