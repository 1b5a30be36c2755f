//! Who is called next: candidates, facts, the decision, the claim. One transaction, which alone makes it stand.

use std::sync::Arc;

use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::compliance::Decision;
use clarion_domain::compliance::facts::Touch;
use clarion_domain::id::{AttemptId, CampaignId, ClaimId, TenantId, TrunkId};
use clarion_domain::personal::Personal;
use clarion_domain::time::{Instant, SECOND_MS};
use clarion_store::attempts::{Candidate, ClaimRow, add_claim, holds_lease};
use clarion_store::campaigns::CampaignRecord;
use clarion_store::compliance::{CallMark, RecipientFacts, decide_call};
use clarion_store::contacts::ContactProfile;
use clarion_store::db::Tx;

use super::dialler::Dialler;
use crate::attempts::decided::{self, ClaimError, Decided};

/// A trunk had no place for a call that was permitted: its recipient is due again after this.
const NO_ROOM_MS: i64 = SECOND_MS;

/// A call that may be made once the transaction stands.
pub(super) struct Permitted {
    pub attempt: AttemptId,
    pub claim: ClaimId,
    pub candidate: Candidate,
    pub trunk: TrunkId,
    pub decision: Arc<str>,
    pub number: Personal,
    pub number_index: [u8; 16],
    pub profile: Arc<ContactProfile>,
    pub touch: Option<Touch>,
}

#[derive(Default)]
struct Plan {
    permitted: Vec<(Candidate, TrunkId, Arc<str>, usize)>,
    decided: Decided,
}

/// Claims up to `want` recipients of one campaign. Trunks' places are taken at once: `give_back` returns them, and an error has returned them.
pub(super) async fn claim(dialler: &mut Dialler, tx: &mut Tx, id: CampaignId, want: u32, now: Instant) -> Result<Vec<Permitted>, ClaimError> {
    let Some(campaign) = dialler.campaigns.get(&id) else { return Ok(Vec::new()) };
    let tenant = campaign.tenant.clone();
    // In this transaction, so that no other node dials for the tenant before it stands.
    let held = match dialler.leases.get(&tenant.id()) {
        Some(lease) => holds_lease(tx, dialler.store.node(), lease, now).await?,
        None => false,
    };
    if !held {
        dialler.leases.remove(&tenant.id());
        return Ok(Vec::new());
    }
    let record = tenant.campaign_in(tx, id).await?;
    if record.state != CampaignState::Running {
        return Ok(Vec::new());
    }
    let candidates = decided::candidates(tx, &record, want as usize, now).await?;
    if candidates.is_empty() {
        let due = decided::idle_until(tx, id, now).await?;
        if let Some(campaign) = dialler.campaigns.get_mut(&id) {
            campaign.idle_until = due;
            campaign.is_nobody_due = true;
        }
        return Ok(Vec::new());
    }
    let people: Vec<_> = candidates.iter().map(|candidate| (candidate.contact, candidate.address)).collect();
    let facts = tenant.recipient_facts(tx, &people, campaign.terms.touches_since(now)).await?;
    let indexes: Vec<[u8; 16]> = facts.iter().map(|fact| fact.number_index).collect();
    let marks = tenant.call_marks(tx, &indexes).await?;
    let plan = plan(dialler, id, &candidates, &facts, &marks, now);
    if let Some(campaign) = dialler.campaigns.get_mut(&id) {
        campaign.permits.note(candidates.len(), plan.permitted.len());
        campaign.is_nobody_due = false;
    }
    let taken: Vec<TrunkId> = plan.permitted.iter().map(|(_, trunk, ..)| *trunk).collect();
    let written = write(dialler, tx, tenant.id(), &record, plan, &facts, now).await;
    if written.is_err() {
        taken.into_iter().for_each(|trunk| dialler.free(trunk));
    }
    written
}

/// What was decided, and a claim for each call that may be made.
async fn write(dialler: &Dialler, tx: &mut Tx, tenant: TenantId, record: &CampaignRecord, plan: Plan, facts: &[RecipientFacts], now: Instant) -> Result<Vec<Permitted>, ClaimError> {
    plan.decided.write(tx, &dialler.store, record, now).await?;
    let mut claimed = Vec::with_capacity(plan.permitted.len());
    for (candidate, trunk, decision, index) in plan.permitted {
        let (claim, attempt) = (ClaimId(dialler.store.next_id(now)), AttemptId(dialler.store.next_id(now)));
        let row = ClaimRow {
            id: claim,
            tenant,
            campaign: record.id,
            channel: Channel::Voice,
            node: dialler.store.node(),
            trunk,
            first_attempt: attempt,
            items: vec![(candidate.position, candidate.try_number)],
            segments: Vec::new(),
            released: Vec::new(),
            decision: decision.to_string(),
            claimed_at: now,
        };
        add_claim(tx, &row).await?;
        let fact = &facts[index];
        let touch = record.purpose.map(|stated| Touch { at: now, channel: Channel::Voice, purpose: stated.purpose });
        claimed.push(Permitted { attempt, claim, candidate, trunk, decision, number: fact.number.clone(), number_index: fact.number_index, profile: Arc::new(fact.profile.clone()), touch });
    }
    Ok(claimed)
}

/// Asks about each candidate in turn. Whoever is permitted and finds no channel is due again soon.
fn plan(dialler: &mut Dialler, id: CampaignId, candidates: &[Candidate], facts: &[RecipientFacts], marks: &[CallMark], now: Instant) -> Plan {
    let mut plan = Plan::default();
    let Dialler { campaigns, trunks, calls, .. } = dialler;
    let Some(campaign) = campaigns.get(&id) else { return plan };
    for (index, ((candidate, fact), mark)) in candidates.iter().zip(facts).zip(marks).enumerate() {
        if candidate.ended {
            plan.decided.done(candidate);
            continue;
        }
        let touches: Vec<Touch> = calls.values().filter(|call| call.permitted.candidate.contact == candidate.contact).filter_map(|call| call.permitted.touch).collect();
        let decision = decide_call(&campaign.terms, fact, &touches, *mark, now);
        let words = campaign.terms.words(&decision, &fact.region, now);
        let Decision::Permit(permit) = &decision else {
            plan.decided.note(candidate, &decision, words);
            continue;
        };
        plan.decided.done(candidate);
        let ways = trunks.candidates(campaign.tenant.id(), fact.number.reveal(), &campaign.caller_id, None);
        if ways.is_empty() {
            plan.decided.refuse(candidate, "NO-ROUTE".into(), permit);
            continue;
        }
        match ways.into_iter().find(|trunk| trunks.get_mut(*trunk).is_some_and(|trunk| trunk.take(now))) {
            Some(trunk) => plan.permitted.push((*candidate, trunk, words.of_a_permit().into(), index)),
            None => plan.decided.put_off(candidate, now.plus_ms(NO_ROOM_MS), "put back".into()),
        }
    }
    plan
}
