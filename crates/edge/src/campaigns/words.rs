//! States, purposes and grounds as people read them.

use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use maud::Markup;

use crate::page::chip::{Tone, chip, live_chip};
use crate::page::icon::Icon;

pub fn state_name(state: CampaignState) -> &'static str {
    match state {
        CampaignState::Draft => "Draft",
        CampaignState::Scheduled => "Scheduled",
        CampaignState::Starting => "Starting",
        CampaignState::Running => "Running",
        CampaignState::Paused => "Paused",
        CampaignState::Finished => "Finished",
        CampaignState::Cancelled => "Cancelled",
    }
}

pub fn state_chip(state: CampaignState) -> Markup {
    let name = state_name(state);
    match state {
        CampaignState::Draft => chip(Tone::Calm, Icon::Pencil, name),
        CampaignState::Scheduled => chip(Tone::Info, Icon::Clock, name),
        CampaignState::Starting | CampaignState::Running => live_chip(name),
        CampaignState::Paused => chip(Tone::Warn, Icon::Pause, name),
        CampaignState::Finished => chip(Tone::Good, Icon::Check, name),
        CampaignState::Cancelled => chip(Tone::Calm, Icon::Cross, name),
    }
}

/// How the reason on a running campaign begins whose abandoned calls end its day: as the pacer writes it, which a test keeps.
const HALTED: &str = "nobody else is called today";
/// The same while nobody is called for now.
const CALLS_NOBODY: [&str; 5] = [HALTED, "no agent is there", "nobody is left to be called now", "nobody is due now", "held by the trunks: none is up"];

/// The pace says that nobody else is called today.
pub fn is_halted(state_reason: &str) -> bool {
    state_reason.starts_with(HALTED)
}

/// The pace says that nobody is called, today or for now.
pub fn calls_nobody(state_reason: &str) -> bool {
    CALLS_NOBODY.iter().any(|why| state_reason.starts_with(why))
}

pub const PURPOSES: &[(Purpose, &str, &str)] = &[
    (Purpose::Collections, "Collections", "About a debt or an arrears."),
    (Purpose::Reminder, "Reminder", "Of a payment, an appointment, a document."),
    (Purpose::PutThrough, "Put through to a call centre", "Takes the rules of what the conversation is about, too."),
    (Purpose::Marketing, "Marketing", "Needs consent, and a way to stop in each message."),
    (Purpose::IncompleteApplication, "Unfinished application", "Counts as marketing unless you record why it is not."),
];

pub const BASES: &[(LegalBasis, &str, &str)] = &[
    (LegalBasis::Contract, "Contract", "Needed for a contract with the person."),
    (LegalBasis::LegitimateInterest, "Legitimate interest", "Weighed against the person's own; needs the reference of the assessment."),
    (LegalBasis::Consent, "Consent", "Given by each person, and recorded."),
    (LegalBasis::LegalObligation, "Legal obligation", "The law requires this contact."),
];

pub fn purpose_name(purpose: Purpose) -> &'static str {
    PURPOSES.iter().find(|(known, _, _)| *known == purpose).map_or("", |(_, name, _)| name)
}

pub fn basis_name(basis: LegalBasis) -> &'static str {
    BASES.iter().find(|(known, _, _)| *known == basis).map_or("", |(_, name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clarion_domain::campaigns::call_pacing::Why;

    #[test]
    fn the_pacers_words_are_known_again() {
        let says = |why: Why| (is_halted(&why.to_string()), calls_nobody(&why.to_string()));
        assert_eq!(says(Why::Halted { abandoned: 3, live: 3 }), (true, true));
        assert_eq!([Why::NoAgents, Why::NobodyReady, Why::NobodyDue, Why::TrunksDown].map(says), [(false, true); 4]);
        assert_eq!(says(Why::Slots { free: 1, in_flight: 1 }), (false, false));
    }
}
