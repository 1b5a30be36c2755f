//! One recipient's facts put before the domain's decision.

use std::sync::PoisonError;

use clarion_domain::compliance::consent::{Consent, SoftOptIn};
use clarion_domain::compliance::facts::{Facts, MessageFacts, NumberFacts, Touch};
use clarion_domain::compliance::hold::HoldReason;
use clarion_domain::compliance::lint::lint;
use clarion_domain::compliance::suppression::{Suppression, SuppressionReason, SuppressionScope};
use clarion_domain::compliance::call_rules::CallFacts;
use clarion_domain::compliance::{Decision, decide_cached, decide_call as domain_decide_call};
use clarion_domain::contacts::test_range;
use clarion_domain::time::Instant;

use crate::compliance::call_mark::CallMark;
use crate::compliance::facts::RecipientFacts;
use crate::compliance::terms::CampaignTerms;

/// May this recipient be contacted now? `in_flight_elsewhere` are attempts to the same person that are claimed and
/// not yet in the store's rows.
#[must_use]
pub fn decide(terms: &CampaignTerms, facts: &RecipientFacts, in_flight_elsewhere: &[Touch], now: Instant) -> Decision {
    decide_message(terms, facts, in_flight_elsewhere, terms.message, now)
}

/// May this person be called now? `mark` is what their number has been through with this tenant.
#[must_use]
pub fn decide_call(terms: &CampaignTerms, facts: &RecipientFacts, in_flight_elsewhere: &[Touch], mark: CallMark, now: Instant) -> Decision {
    // Terms of a campaign of messages have no facts of calls: what is unknown refuses.
    let call = terms.call.map(|call| CallFacts { abandoned_at: mark.abandoned_at, machine_at: mark.machine_at, ..call });
    decide_asked(terms, facts, in_flight_elsewhere, terms.message, call, now)
}

/// The refusal of a text as it is filled for this person, after the template itself was permitted: what a declared field
/// brings may advertise where the template does not. `None` when there is nothing against it.
#[must_use]
pub fn refuse_text(terms: &CampaignTerms, facts: &RecipientFacts, text: &str, now: Instant) -> Option<Decision> {
    if !terms.reads_texts || terms.message.is_promotional || !lint(text, "", &[]).facts.is_promotional {
        return None;
    }
    let decision = decide_message(terms, facts, &[], MessageFacts { is_promotional: true, ..terms.message }, now);
    matches!(decision, Decision::Refuse(_)).then_some(decision)
}

fn decide_message(terms: &CampaignTerms, facts: &RecipientFacts, in_flight_elsewhere: &[Touch], message: MessageFacts, now: Instant) -> Decision {
    // What is asked without the number's marks, as in a dry run, is asked of a number that was never called.
    decide_asked(terms, facts, in_flight_elsewhere, message, terms.call, now)
}

fn decide_asked(terms: &CampaignTerms, facts: &RecipientFacts, in_flight_elsewhere: &[Touch], message: MessageFacts, call: Option<CallFacts>, now: Instant) -> Decision {
    let pack = terms.pack_of(&facts.region, now);
    let zones: Vec<&str> = facts.zones.iter().map(String::as_str).collect();
    let consents = consents(terms, facts);
    let mut touches = std::borrow::Cow::Borrowed(facts.touches.as_slice());
    if !in_flight_elsewhere.is_empty() {
        touches.to_mut().extend_from_slice(in_flight_elsewhere);
    }
    let asked = Facts {
        channel: terms.channel,
        purpose: terms.purpose,
        basis: terms.basis,
        assessment_recorded: terms.assessment_recorded,
        number: NumberFacts {
            is_test_range: is_test_number(facts.number.reveal()),
            mode: terms.mode,
            line_type: facts.line_type,
            region: (!facts.region.is_empty()).then_some(facts.region.as_str()),
        },
        zones: &zones,
        suppressions: if facts.erased { &[ERASED] } else { &facts.suppressions },
        holds: &facts.holds,
        is_restricted: facts.holds.iter().any(|hold| hold.reason == HoldReason::Restricted),
        consents: &consents,
        soft_opt_in: soft_opt_in(terms, facts),
        touches: &touches,
        wishes: facts.wishes.as_ref(),
        message,
        campaign_hours: Some(&terms.hours),
    };
    let mut windows = pack.windows.lock().unwrap_or_else(PoisonError::into_inner);
    match call {
        Some(call) => domain_decide_call(&pack.narrowed, &mut windows, &asked, &CallFacts { mistakes_are_tested: terms.mistakes_are_tested(now), ..call }, now),
        None => decide_cached(&pack.narrowed, &mut windows, &asked, now),
    }
}

/// What stands for a person of whom only the tombstone is left.
const ERASED: Suppression = Suppression { scope: SuppressionScope::Every, reason: SuppressionReason::Erased };

/// Words about other purposes are not about this campaign.
fn consents(terms: &CampaignTerms, facts: &RecipientFacts) -> Vec<Consent> {
    facts.consents.iter().filter(|record| terms.concerns(record.purpose)).filter_map(|record| record.consent()).collect()
}

fn soft_opt_in(terms: &CampaignTerms, facts: &RecipientFacts) -> Option<SoftOptIn> {
    facts.consents.iter().filter(|record| record.channel == terms.channel && terms.concerns(record.purpose)).find_map(|record| record.soft_opt_in())
}

fn is_test_number(e164: &str) -> bool {
    let national = |prefix: &str, code: u16| e164.strip_prefix(prefix).is_some_and(|national| test_range::find(code, national).is_some());
    national("+44", 44) || national("+1", 1)
}
