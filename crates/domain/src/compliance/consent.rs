//! Consent given or withdrawn, with its evidence.

use crate::campaigns::campaign::Channel;
use crate::compliance::facts::Facts;
use crate::time::{DAY_MS, Instant};
use crate::word::words;

/// Months of a consent's life are counted short, as thirty days.
const MONTH_MS: i64 = 30 * DAY_MS;

words! {
    pub enum ConsentState {
        Given = "given",
        Withdrawn = "withdrawn",
    }
}

words! {
    /// What a record of the ledger says.
    pub enum ConsentKind {
        /// The person said yes.
        Express = "express",
        /// A customer who could refuse and did not.
        SoftOptIn = "soft_opt_in",
    }
}

words! {
    /// In which dealings the sender itself obtained the number (UK PECR reg. 22(3)(a)). A bought list is `other`.
    pub enum ObtainedIn {
        Sale = "sale",
        Negotiation = "negotiation",
        Other = "other",
    }
}

/// What a soft opt-in rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoftOptIn {
    pub obtained_in: ObtainedIn,
    /// The person could refuse, free of charge, when the number was obtained.
    pub refusal_offered: bool,
}

/// One record of the consent ledger about this person and tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent {
    pub channel: Channel,
    pub state: ConsentState,
    /// When it was given, or withdrawn.
    pub at: Instant,
    pub expires_at: Option<Instant>,
    /// The wording, the source and the way in which it was given are on record.
    pub has_evidence: bool,
}

/// What a marketing contact rests on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Standing<'a> {
    Consent(&'a Consent),
    SoftOptIn(&'a SoftOptIn),
    Nothing,
}

/// The consent that stands for this channel: the latest word, and of two at the same time the withdrawal.
pub(super) fn standing<'a>(facts: &Facts<'a>) -> Option<&'a Consent> {
    latest(facts).filter(|consent| consent.state == ConsentState::Given)
}

fn latest<'a>(facts: &Facts<'a>) -> Option<&'a Consent> {
    facts.consents.iter().filter(|consent| consent.channel == facts.channel).max_by_key(|consent| (consent.at, consent.state))
}

/// Consent if there ever was a word about it: a withdrawal is also the refusal that ends a soft opt-in.
pub(super) fn relied_on<'a>(facts: &'a Facts<'a>) -> Standing<'a> {
    match latest(facts) {
        Some(consent) if consent.state == ConsentState::Given => Standing::Consent(consent),
        Some(_) => Standing::Nothing,
        None => facts.soft_opt_in.as_ref().map_or(Standing::Nothing, Standing::SoftOptIn),
    }
}

/// On record with its evidence, given in the past, and neither past its own end nor older than the rule allows.
pub(super) fn is_proven(consent: &Consent, lasts_months: u16, now: Instant) -> bool {
    let old_at = consent.at.plus_ms(i64::from(lasts_months) * MONTH_MS);
    consent.has_evidence && consent.at <= now && now < consent.expires_at.map_or(old_at, |end| end.min(old_at))
}

/// The conditions of UK PECR reg. 22(3) that lie in the past; the message's own are asked of the message.
pub(super) fn is_complete(evidence: &SoftOptIn) -> bool {
    matches!(evidence.obtained_in, ObtainedIn::Sale | ObtainedIn::Negotiation) && evidence.refusal_offered
}
