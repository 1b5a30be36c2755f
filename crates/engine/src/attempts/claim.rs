//! Who is next: candidates, facts, the decision, the claim. All in one transaction, which alone makes it stand.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::compliance::rule_set::{PackVersion, RuleSet};
use clarion_domain::compliance::Decision;
use clarion_domain::compliance::facts::Touch;
use clarion_domain::id::{AttemptId, CampaignId, ClaimId, ContactId, TrunkId};
use clarion_domain::outcomes::cost::Cost;
use clarion_domain::time::{Instant, SECOND_MS};
use clarion_store::StoreError;
use clarion_store::attempts::{Candidate, ClaimRow, add_claim};
use clarion_store::compliance::{BLOCKED_SENDER, RecipientFacts, decide, refuse_text};
use clarion_store::db::Tx;
use clarion_store::links::{NewShortLink, ShortLinkRow, add_short_links};

use crate::attempts::campaign::RunningCampaign;
use crate::attempts::decided::{self, ClaimError, Decided};
use crate::attempts::{Flight, Sender, Target};
use crate::carriers::{Carriers, Prepared, WirePart};

/// No trunk is up: recipients stay where they are, and are asked about again after this.
const TRUNK_DOWN_MS: i64 = SECOND_MS;
/// Recipients looked at in one claim, where some of them wait for a trunk that others do not need.
const LOOK_PAST: usize = 256;

/// What was claimed in a transaction that is not committed yet.
pub(super) struct Claimed {
    pub campaign: CampaignId,
    pub claims: Vec<(ClaimId, u16)>,
    pub flights: Vec<(Box<Flight>, Option<Touch>, Vec<WirePart>)>,
    /// What was spent, by trunk, to give back if the transaction fails.
    pub spent: Vec<(TrunkId, u16)>,
    pub idle_until: Instant,
}

/// Who was claimed earlier in this very transaction, by any campaign: no row and no flight tells of it yet, and it counts
/// towards the caps all the same.
#[derive(Default)]
pub(super) struct Touched(HashMap<ContactId, Vec<Touch>>);

impl Touched {
    pub(super) fn note(&mut self, flights: &[(Box<Flight>, Option<Touch>, Vec<WirePart>)]) {
        for (flight, touch, _) in flights {
            if let (Target::Attempt { contact, .. }, Some(touch)) = (&flight.target, touch) {
                self.0.entry(*contact).or_default().push(*touch);
            }
        }
    }

    /// These and those in flight.
    fn with<'a>(&self, contact: ContactId, in_flight: &'a [Touch]) -> Cow<'a, [Touch]> {
        match self.0.get(&contact) {
            None => Cow::Borrowed(in_flight),
            Some(claimed) => Cow::Owned([in_flight, claimed].concat()),
        }
    }
}

/// One recipient that may be contacted, ready for the wire.
struct Permitted {
    candidate: Candidate,
    trunk: TrunkId,
    decision: Arc<str>,
    sealed_body: Vec<u8>,
    number_index: [u8; 16],
    prepared: Prepared,
    links: Vec<NewShortLink>,
    cost: i64,
    valid_until: Instant,
    purpose: Option<clarion_domain::compliance::purpose::Purpose>,
}

/// What planning has found out about a batch.
#[derive(Default)]
struct Plan {
    permitted: Vec<Permitted>,
    decided: Decided,
    /// It ended for want of room: when to look again.
    again_in_ms: Option<i64>,
    /// Some wait for a trunk, and others went on meanwhile.
    passed: bool,
}

/// Claims up to `want` recipients of one campaign. `None` when it does not run any more.
pub(super) async fn claim(sender: &mut Sender, tx: &mut Tx, id: CampaignId, want: u32, touched: &Touched, now: Instant, now_micros: u64) -> Result<Option<Claimed>, ClaimError> {
    let Some(campaign) = sender.campaigns.get(&id) else { return Ok(None) };
    let tenant = campaign.tenant.clone();
    let record = tenant.campaign_in(tx, id).await?;
    // Whoever finishes it at its end may be a moment late.
    if record.state != CampaignState::Running || record.schedule.is_over(now) {
        return Ok(None);
    }
    let look = if campaign.passes { (want as usize).max(LOOK_PAST) } else { want as usize };
    let candidates = decided::candidates(tx, &record, look, now).await?;
    let mut claimed = Claimed { campaign: id, claims: Vec::new(), flights: Vec::new(), spent: Vec::new(), idle_until: Instant(0) };
    if candidates.is_empty() {
        claimed.idle_until = decided::idle_until(tx, id, now).await?;
        return Ok(Some(claimed));
    }
    let people: Vec<_> = candidates.iter().map(|candidate| (candidate.contact, candidate.address)).collect();
    let facts = tenant.recipient_facts(tx, &people, campaign.terms.touches_since(now)).await?;
    let plan = plan(sender, id, want as usize, (&candidates, &facts, touched), now, now_micros)?;
    if let Some(wait_ms) = plan.again_in_ms {
        claimed.idle_until = now.plus_ms(wait_ms);
    }
    if let Some(campaign) = sender.campaigns.get_mut(&id) {
        campaign.passes = plan.passed;
    }
    plan.decided.write(tx, &sender.store, &record, now).await?;
    write_claims(sender, tx, plan, &mut claimed, now).await?;
    Ok(Some(claimed))
}

/// Asks about each candidate in turn, until there are as many as wanted, or no trunk has room.
fn plan(sender: &mut Sender, id: CampaignId, want: usize, (candidates, facts, touched): (&[Candidate], &[RecipientFacts], &Touched), now: Instant, now_micros: u64) -> Result<Plan, ClaimError> {
    let Sender { campaigns, carriers, flights, store, .. } = sender;
    let mut plan = Plan::default();
    let Some(campaign) = campaigns.get_mut(&id) else { return Ok(plan) };
    // Of a batch nearly all are permitted by the same rules: the words are made once.
    let mut told: Option<(RuleSet, PackVersion, Arc<str>)> = None;
    for (candidate, fact) in candidates.iter().zip(facts) {
        if plan.permitted.len() >= want {
            break;
        }
        if candidate.ended {
            plan.decided.done(candidate);
            continue;
        }
        let decision = decide(&campaign.terms, fact, &touched.with(candidate.contact, flights.touches_of(candidate.contact)), now);
        let Decision::Permit(permit) = &decision else {
            plan.decided.note(candidate, &decision, campaign.terms.words(&decision, &fact.region, now));
            continue;
        };
        let words = match &told {
            Some((passed, version, words)) if *passed == permit.passed() && *version == permit.version() => words.clone(),
            _ => campaign.terms.words(&decision, &fact.region, now).of_a_permit().into(),
        };
        told = Some((permit.passed(), permit.version(), words.clone()));
        match ready(&*campaign, carriers, candidate, fact, store.next_id(now) as u64, (now, now_micros)) {
            Ready::For { trunk, prepared, cost, body, links } => {
                let Some(key) = &fact.key else { continue };
                let sealed_body = key.seal("attempt.body", body.as_bytes()).map_err(StoreError::from)?;
                if let Some(trunk) = carriers.get_mut(trunk) {
                    trunk.spend(prepared.segments, prepared.parts.len());
                }
                campaign.found(trunk);
                plan.permitted.push(Permitted {
                    candidate: *candidate,
                    trunk,
                    decision: words,
                    sealed_body,
                    number_index: fact.number_index,
                    prepared,
                    links,
                    cost,
                    valid_until: permit.valid_until(),
                    purpose: campaign.terms.purpose.map(|stated| stated.purpose),
                });
            }
            Ready::Refused(rules) => plan.decided.refuse(candidate, rules, permit),
            Ready::Never(why) => plan.decided.refuse(candidate, why.into(), permit),
            Ready::NoRoom { trunk, down } => {
                if !carriers.has_room_beside(campaign.tenant.id(), trunk, now_micros) || !campaign.may_pass(trunk, now) {
                    plan.again_in_ms = Some(if down { TRUNK_DOWN_MS } else { carriers.get(trunk).map_or(TRUNK_DOWN_MS, crate::carriers::Trunk::wait_ms) });
                    return Ok(plan);
                }
                // Those behind need not wait for a trunk that is not theirs.
                let at = carriers.get_mut(trunk).map_or(now.plus_ms(TRUNK_DOWN_MS), |trunk| trunk.queue_up(down, now));
                plan.decided.put_off(candidate, at, "waits for a trunk".to_owned());
                plan.passed = true;
            }
        }
        plan.decided.done(candidate);
    }
    Ok(plan)
}

enum Ready {
    For { trunk: TrunkId, prepared: Prepared, cost: i64, body: String, links: Vec<NewShortLink> },
    /// The rules refuse the text as it is filled for this person: their ids.
    Refused(String),
    /// It can never be sent as it is: why, as a rule id.
    Never(&'static str),
    /// Not now: this trunk's rate or window is used up, or it is down like all that may carry the message.
    NoRoom { trunk: TrunkId, down: bool },
}

/// Renders the message and finds the trunk that takes it.
fn ready(campaign: &RunningCampaign, carriers: &mut Carriers, candidate: &Candidate, fact: &RecipientFacts, reference: u64, (now, now_micros): (Instant, u64)) -> Ready {
    if !campaign.may_send_toward(&fact.region) {
        return Ready::Never(BLOCKED_SENDER);
    }
    let Ok((body, links)) = campaign.text_for(fact) else { return Ready::Never("TEMPLATE-FIELD") };
    if let Some(refusal) = refuse_text(&campaign.terms, fact, &body, now) {
        return Ready::Refused(campaign.terms.words(&refusal, &fact.region, now).rules);
    }
    let number = fact.number.reveal();
    let mut trunks = carriers.candidates(campaign.tenant.id(), number, &campaign.sender, campaign.avoided(candidate.position));
    if trunks.is_empty() {
        trunks = carriers.candidates(campaign.tenant.id(), number, &campaign.sender, None);
    }
    let Some(best) = trunks.first().copied() else { return Ready::Never("NO-ROUTE") };
    let up = trunks.into_iter().find(|trunk| carriers.get(*trunk).is_some_and(crate::carriers::Trunk::can_send));
    let Some((trunk, chosen)) = up.and_then(|trunk| carriers.get_mut(trunk).map(|chosen| (trunk, chosen))) else { return Ready::NoRoom { trunk: best, down: true } };
    if chosen.budget(now_micros) == 0 {
        return Ready::NoRoom { trunk, down: false };
    }
    match chosen.prepare(number, &campaign.sender, &body, reference) {
        Ok(prepared) => {
            let cost = Cost::of_segments(Cost(chosen.record.cost_per_segment), prepared.segments).0;
            Ready::For { trunk, prepared, cost, body, links }
        }
        Err(_) => Ready::Never("MESSAGE-TOO-LONG"),
    }
}

/// One claim for each trunk that takes part of the batch, and for each decision: a claim that outlives its node is all that
/// tells why its people were contacted.
async fn write_claims(sender: &Sender, tx: &mut Tx, plan: Plan, claimed: &mut Claimed, now: Instant) -> Result<(), ClaimError> {
    let Some(campaign) = sender.campaigns.get(&claimed.campaign) else { return Ok(()) };
    let mut batches = BTreeMap::<(TrunkId, Arc<str>), Vec<Permitted>>::new();
    for permitted in plan.permitted {
        batches.entry((permitted.trunk, permitted.decision.clone())).or_default().push(permitted);
    }
    for ((trunk, decision), batch) in batches {
        let count = u16::try_from(batch.len()).unwrap_or(u16::MAX);
        let claim = ClaimId(sender.store.next_id(now));
        let first = AttemptId(sender.store.id_block(now, count));
        let row = ClaimRow {
            id: claim,
            tenant: campaign.tenant.id(),
            campaign: claimed.campaign,
            channel: Channel::Sms,
            node: sender.store.node(),
            trunk,
            first_attempt: first,
            items: batch.iter().map(|permitted| (permitted.candidate.position, permitted.candidate.try_number)).collect(),
            segments: batch.iter().map(|permitted| u8::try_from(permitted.prepared.segments).unwrap_or(u8::MAX)).collect(),
            released: Vec::new(),
            decision: decision.to_string(),
            claimed_at: now,
        };
        add_claim(tx, &row).await?;
        claimed.claims.push((claim, count));
        let expires_at = campaign.links_expire_at(now);
        let links = batch.iter().enumerate().flat_map(|(index, permitted)| {
            let row = |link: &NewShortLink| ShortLinkRow {
                attempt: AttemptId(first.0 + index as i64),
                tenant: campaign.tenant.id(),
                campaign: campaign.first,
                contact: permitted.candidate.contact,
                expires_at,
                link: link.clone(),
            };
            permitted.links.iter().map(row).collect::<Vec<_>>()
        });
        let links: Vec<ShortLinkRow> = links.collect();
        if !links.is_empty() {
            add_short_links(tx, &links).await?;
        }
        for (index, permitted) in batch.into_iter().enumerate() {
            claimed.spent.push((trunk, permitted.prepared.segments));
            claimed.flights.push(take_off(campaign, claim, AttemptId(first.0 + index as i64), index as u16, permitted, now));
        }
    }
    Ok(())
}

fn take_off(campaign: &RunningCampaign, claim: ClaimId, attempt: AttemptId, index: u16, permitted: Permitted, now: Instant) -> (Box<Flight>, Option<Touch>, Vec<WirePart>) {
    let candidate = permitted.candidate;
    let target = Target::Attempt {
        attempt,
        claim,
        index,
        campaign: campaign.id,
        position: candidate.position,
        try_number: candidate.try_number,
        contact: candidate.contact,
        address: candidate.address,
        decision: permitted.decision,
        sealed_body: permitted.sealed_body,
    };
    let Prepared { segments, parts } = permitted.prepared;
    let touch = permitted.purpose.map(|purpose| Touch { at: now, channel: Channel::Sms, purpose });
    let count = parts.len().min(255) as u8;
    let flight = Flight::new(campaign.tenant.id(), permitted.trunk, target, permitted.number_index, segments, permitted.cost, now, permitted.valid_until, count);
    (flight, touch, parts)
}

#[cfg(test)]
#[path = "claim_tests.rs"]
mod tests;
