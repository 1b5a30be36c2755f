//! Dispositions and meanings as people read them.

use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::outcomes::reply::ReplyMeaning;

use clarion_domain::outcomes::cause::Cause;
use maud::{Markup, html};

use crate::page::chip::Tone;
use crate::page::icon::Icon;

pub fn disposition_name(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Accepted => "Sent",
        Disposition::Delivered => "Delivered",
        Disposition::Expired => "Expired",
        Disposition::Undeliverable => "Undeliverable",
        Disposition::InvalidNumber => "Number not in service",
        Disposition::Blocked => "Blocked by the carrier",
        Disposition::Rejected => "Rejected by the carrier",
        Disposition::NoRoute => "No trunk could take it",
        Disposition::Unknown => "Unknown",
        Disposition::AnsweredPerson => "Answered by a person",
        Disposition::PutThrough => "Put through",
        Disposition::Abandoned => "Abandoned",
        Disposition::OptedOut => "Opted out",
        Disposition::AnsweredMachine => "Answered by a machine",
        Disposition::VoicemailLeft => "Voicemail left",
        Disposition::AnsweredFax => "Answered by a fax",
        Disposition::Busy => "Busy",
        Disposition::NoAnswer => "No answer",
        Disposition::Congestion => "Network busy",
        Disposition::Cancelled => "Stopped before an answer",
        Disposition::Failed => "Failed",
    }
}

pub fn disposition_tone(disposition: Disposition) -> (Tone, Icon) {
    match disposition {
        Disposition::Accepted => (Tone::Info, Icon::Message),
        Disposition::Delivered | Disposition::PutThrough | Disposition::AnsweredPerson | Disposition::VoicemailLeft => (Tone::Good, Icon::Check),
        Disposition::AnsweredMachine | Disposition::Busy | Disposition::NoAnswer | Disposition::Cancelled | Disposition::OptedOut => (Tone::Info, Icon::Clock),
        Disposition::Unknown => (Tone::Warn, Icon::Question),
        Disposition::Expired => (Tone::Warn, Icon::Clock),
        _ => (Tone::Bad, Icon::Cross),
    }
}

/// What a stored cause means, with the carrier's raw code beside it; what is no cause of a carrier stands as it is.
pub fn cause_words(cause: &str) -> Markup {
    html! {
        @match cause.parse::<Cause>() {
            Ok(known) => { (known.verdict().text) " " span.soft.mono.small { (cause) } }
            Err(_) => (cause.replace('_', " ")),
        }
    }
}

pub fn meaning_name(meaning: ReplyMeaning) -> &'static str {
    match meaning {
        ReplyMeaning::Stop => "Stop",
        ReplyMeaning::StopReview => "Stop, to be looked at",
        ReplyMeaning::WrongNumber => "Wrong number",
        ReplyMeaning::Unsure => "Unsure: decide",
        ReplyMeaning::Start => "Start again",
        ReplyMeaning::Help => "Help",
        ReplyMeaning::Other => "Other",
    }
}
