//! One turn of the dialler: what calls told is written, who is next is decided and claimed, one commit, then the calls.

use clarion_domain::attempts::attempt::AttemptState;
use clarion_domain::attempts::call::{CallEvent, CallState};
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::compliance::abandonment::AbandonmentDay;
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::{AttemptId, CampaignId};
use clarion_domain::outcomes::cause::Cause;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::{Instant, MINUTE_MS};
use clarion_store::StoreError;
use clarion_store::attempts::{AttemptRow, CallRow, Candidate, add_attempts, add_due, remove_claims, write_calls};
use clarion_store::campaigns::{StepEvent, StepNews, move_on};
use clarion_store::compliance::{CallMark, NewSuppression};
use clarion_store::db::Tx;
use clarion_store::outcomes::{add_abandonment, latch_day};
use clarion_store::reports::add_measures;
use clarion_store::webhooks::tell_settled;

use super::claim::{Permitted, claim};
use super::dialler::{Dialler, LiveCall};
use super::lost::{correct_taken_over, day_of};
use super::pace::Want;
use super::slots::Slot;
use crate::attempts::decided::ClaimError;
use crate::attempts::{Counted, CycleRows};
use crate::carriers::is_of_the_account;

/// A person's words for how a call went cannot be known beyond this: nothing waits longer for its turn to be written.
const SUPPRESSED_FROM: &str = "key pressed in a call";

/// Whoever was to be called when the trunk's account was refused is due again after this.
const ACCOUNT_REFUSED_MS: i64 = MINUTE_MS;

impl Dialler {
    /// One transaction. An error leaves everything to be written for the next turn.
    pub(super) async fn turn(&mut self, now: Instant) -> Result<(), StoreError> {
        let wants = self.wants(now).await?;
        let dirty: Vec<AttemptId> = self.calls.iter().filter(|(_, call)| call.dirty).map(|(id, _)| *id).collect();
        let latches = self.campaigns.values().any(|campaign| matches!(campaign.latched, Some((_, false))));
        if wants.is_empty() && dirty.is_empty() && self.suppressions.is_empty() && !latches {
            return Ok(());
        }
        let mut tx = self.store.db().begin().await?;
        let suppressed = self.write_suppressions(&mut tx, now).await?;
        let over = self.write_calls(&mut tx, &dirty, now).await?;
        let latched = self.write_latches(&mut tx, now).await?;
        let mut launches: Vec<(CampaignId, Vec<Permitted>, Vec<Slot>)> = Vec::new();
        let mut failed = None;
        for Want { campaign, calls, slots } in wants {
            match claim(self, &mut tx, campaign, calls, now).await {
                Ok(permitted) => launches.push((campaign, permitted, slots)),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        let committed = match failed {
            None => tx.commit().await.map_err(ClaimError::from),
            Some(error) => Err(error),
        };
        if let Err(error) = committed {
            for permitted in launches.iter().flat_map(|(_, permitted, _)| permitted) {
                self.give_back(permitted);
            }
            return match error {
                ClaimError::Store(error) => Err(error),
                // Nothing is wrong: the next turn reads anew.
                ClaimError::Conflict => Ok(()),
            };
        }
        self.after_commit(&suppressed, &dirty, &over);
        for id in latched {
            if let Some(latched) = self.campaigns.get_mut(&id).and_then(|campaign| campaign.latched.as_mut()) {
                latched.1 = true;
            }
        }
        for (campaign, permitted, slots) in launches {
            if let Some(known) = self.campaigns.get_mut(&campaign) {
                known.bucket.take(u32::try_from(permitted.len()).unwrap_or(u32::MAX), now);
            }
            // Slots that nobody was found for are free again.
            let mut slots = slots.into_iter();
            for permitted in permitted {
                self.launch(campaign, permitted, slots.next(), now);
            }
        }
        Ok(())
    }

    fn give_back(&mut self, permitted: &Permitted) {
        if let Some(trunk) = self.trunks.get_mut(permitted.trunk) {
            trunk.give_back();
        }
    }

    /// What stands is told to those who wait for it, and forgotten here.
    fn after_commit(&mut self, suppressed: &[AttemptId], dirty: &[AttemptId], over: &[AttemptId]) {
        for wish in std::mem::take(&mut self.suppressions) {
            if suppressed.contains(&wish.attempt) {
                // A call that has ended needs no answer.
                let _ = wish.done.send(());
            }
        }
        for id in dirty {
            if let Some(call) = self.calls.get_mut(id) {
                call.dirty = false;
            }
        }
        for id in over {
            if let Some(call) = self.calls.remove(id) {
                self.give_back(&call.permitted);
                if let Some(campaign) = self.campaigns.get_mut(&call.campaign) {
                    campaign.counted = None;
                }
            }
        }
    }

    /// Writes which campaigns fell back to one call for each free agent for the rest of a day.
    async fn write_latches(&self, tx: &mut Tx, now: Instant) -> Result<Vec<CampaignId>, StoreError> {
        let mut written = Vec::new();
        for (id, campaign) in &self.campaigns {
            if let Some((day, false)) = campaign.latched {
                latch_day(tx, campaign.tenant.id(), *id, &day.to_string(), now).await?;
                written.push(*id);
            }
        }
        Ok(written)
    }

    async fn write_suppressions(&mut self, tx: &mut Tx, now: Instant) -> Result<Vec<AttemptId>, StoreError> {
        let mut done = Vec::new();
        for wish in &self.suppressions {
            let Some(live) = self.calls.get_mut(&wish.attempt) else { continue };
            let tenant = self.store.tenant(live.tenant, clarion_domain::tenancy::tenant::Actor::System).await?;
            let new = NewSuppression { number: &live.permitted.number, scope: SuppressionScope::Every, reason: SuppressionReason::OptOut, source: SUPPRESSED_FROM };
            tenant.suppress_in_tx(tx, &new, now).await?;
            if let Ok(after) = live.call.apply(CallEvent::OptedOut { at: now }) {
                (live.call, live.dirty) = (after, true);
            }
            done.push(wish.attempt);
        }
        Ok(done)
    }

    /// Writes how calls stand; those that are over become attempts. Returns those to forget.
    async fn write_calls(&mut self, tx: &mut Tx, dirty: &[AttemptId], now: Instant) -> Result<Vec<AttemptId>, StoreError> {
        let node = self.store.node();
        let dirty: Vec<&LiveCall> = dirty.iter().filter_map(|id| self.calls.get(id)).collect();
        let ended: Vec<(&LiveCall, Cause)> = dirty.iter().filter(|live| live.over).map(|live| (*live, live.call.outcome().map_or(Cause::AnswerLost, |(_, cause)| cause))).collect();
        let attempts: Vec<AttemptRow> = ended.iter().map(|(live, cause)| attempt_row(live, *cause, now)).collect();
        let fresh = add_attempts(tx, &attempts).await?;
        let mut counts = CycleRows::default();
        let taken: Vec<&AttemptRow> = attempts.iter().zip(&fresh).filter(|(_, fresh)| !**fresh).map(|(row, _)| row).collect();
        let corrected = if taken.is_empty() { Vec::new() } else { correct_taken_over(tx, &taken, &mut counts).await? };
        if !attempts.is_empty() {
            let moved: Vec<_> = taken.iter().filter(|row| corrected.contains(&row.id)).map(|row| (row.tenant, row.id)).collect();
            tell_settled(tx, &self.store, attempts.iter().zip(&fresh).filter(|(_, fresh)| **fresh).map(|(row, _)| row), &moved, now).await?;
        }
        for ((row, fresh), (live, cause)) in attempts.iter().zip(fresh).zip(&ended) {
            if fresh {
                counts.count(&Counted::of(row), row.disposition, &row.cause, 1);
            }
            if fresh || corrected.contains(&row.id) {
                self.note_end(tx, live, row.disposition, now).await?;
            }
            // Nobody is called again by themselves after a call that another node called unknown.
            if fresh {
                try_again(tx, live, row.disposition, *cause, now).await?;
            }
        }
        if !attempts.is_empty() {
            let news: Vec<StepNews> = attempts.iter().map(|row| StepNews { campaign: row.campaign, position: row.position, event: StepEvent::Attempt(row.disposition) }).collect();
            move_on(tx, &self.store, &news, now).await?;
        }
        write_calls(tx, &dirty.iter().map(|live| call_row(live, node, now)).collect::<Vec<_>>()).await?;
        add_measures(tx, &counts.measures).await?;
        remove_claims(tx, &ended.iter().map(|(live, _)| live.permitted.claim).collect::<Vec<_>>()).await?;
        Ok(attempts.into_iter().map(|row| row.id).collect())
    }

    /// What follows from the end of a call for the day's count and the marks on the number.
    async fn note_end(&self, tx: &mut Tx, live: &LiveCall, disposition: Disposition, now: Instant) -> Result<(), StoreError> {
        if let Some(answered_at) = live.call.person.answered_at {
            add_abandonment(tx, live.tenant, live.campaign, &day_of(answered_at, &AbandonmentDay::of_call(&live.call), 1)).await?;
        }
        let mark = CallMark { abandoned_at: (disposition == Disposition::Abandoned).then_some(now), machine_at: Self::was_machine(&live.call).then_some(now) };
        if mark != CallMark::default() {
            let tenant = self.store.tenant(live.tenant, clarion_domain::tenancy::tenant::Actor::System).await?;
            tenant.mark_number(tx, &live.permitted.number_index, mark).await?;
        }
        Ok(())
    }
}

/// As the campaign had it when the call was launched: a pause meanwhile takes nobody's next call away.
async fn try_again(tx: &mut Tx, live: &LiveCall, disposition: Disposition, cause: Cause, now: Instant) -> Result<(), StoreError> {
    let candidate = live.permitted.candidate;
    let again = |at, why: String| {
        let again = Candidate { try_number: candidate.try_number.saturating_add(1), due_at: None, ..candidate };
        (again, at, why)
    };
    // The trunk's account was refused: no fault of whoever was to be called, who was not called either.
    if is_of_the_account(cause) {
        add_due(tx, live.campaign, &[again(now.plus_ms(ACCOUNT_REFUSED_MS), "the trunk's account was refused".to_owned())]).await?;
    } else if let Some(at) = live.retry.next_attempt(candidate.try_number, disposition, cause.verdict().retry, now) {
        add_due(tx, live.campaign, &[again(at, format!("retry after {disposition}"))]).await?;
    }
    Ok(())
}

fn call_row(live: &LiveCall, node: clarion_domain::id::NodeId, now: Instant) -> CallRow {
    let (call, candidate) = (&live.call, live.permitted.candidate);
    let ended_at = call.ended_at().or(live.over.then_some(now));
    CallRow {
        attempt: live.permitted.attempt,
        tenant: live.tenant,
        campaign: live.campaign,
        position: candidate.position,
        contact: candidate.contact,
        node,
        trunk: live.permitted.trunk,
        target: live.target,
        state: if live.over { CallState::Ended } else { call.state() }.to_string(),
        state_at: now,
        step: live.step.clone(),
        dialled_at: call.person.dialled_at.unwrap_or(call.planned_at),
        ringing_at: call.person.rang_at,
        answered_at: call.person.answered_at,
        speech_at: call.times.speech_at,
        message_at: call.times.message_at,
        information_at: call.times.information_at,
        bridged_at: call.times.bridged_at,
        ended_at,
        ended_by: call.ended_by().map_or_else(String::new, |by| by.to_string()),
        verdict: if call.person.answered_at.is_some() { call.answered_by().to_string() } else { String::new() },
        features: live.features.clone(),
        fell_back: live.fell_back,
        silent: call.was_silent(now),
        agent_silent: call.times.agent_silent_at.is_some(),
        abandoned: call.outcome().is_some_and(|(word, _)| word == Disposition::Abandoned),
    }
}

/// Both legs, by the time for which each was answered.
fn cost(live: &LiveCall, ended_at: Instant) -> i64 {
    let up_ms = live.call.person.answered_at.map(|at| u64::try_from(ended_at.ms() - at.ms()).unwrap_or(0));
    live.price.of_answered(up_ms).saturating_add(live.agents_cost)
}

fn attempt_row(live: &LiveCall, cause: Cause, now: Instant) -> AttemptRow {
    let (permitted, ended_at) = (&live.permitted, live.call.ended_at().unwrap_or(now));
    AttemptRow {
        id: permitted.attempt,
        tenant: live.tenant,
        campaign: live.campaign,
        position: permitted.candidate.position,
        try_number: permitted.candidate.try_number,
        contact: permitted.candidate.contact,
        address: permitted.candidate.address,
        channel: Channel::Voice,
        trunk: permitted.trunk,
        state: AttemptState::Settled,
        disposition: cause.verdict().disposition,
        cause: cause.to_string(),
        decision: permitted.decision.clone(),
        segments: 0,
        cost: cost(live, ended_at),
        sealed_body: None,
        carrier_message_id: String::new(),
        parts_heard: 0,
        claimed_at: live.call.planned_at,
        answered_at: ended_at,
        settled_at: Some(ended_at),
    }
}
