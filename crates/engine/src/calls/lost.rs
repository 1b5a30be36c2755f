//! Calls of which a node that died lost sight: what their records tell of them, and what a node that was only held for dead says later.

use std::collections::HashMap;

use clarion_domain::attempts::call::{Call, CallEvent};
use clarion_domain::carriers::call_price::CallPrice;
use clarion_domain::compliance::abandonment::{AbandonmentDay, london_day};
use clarion_domain::id::{AddressId, AttemptId};
use clarion_domain::outcomes::cause::Cause;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;
use clarion_store::attempts::{AttemptRow, CRASH, CallRow, LostEnd, SettledRow, attempts_by_id, calls_by_id, end_lost_calls, hold_calls, revive_calls, set_costs, settle_attempts};
use clarion_store::compliance::CallMark;
use clarion_store::db::Tx;
use clarion_store::outcomes::{AbandonmentDay as DayRow, add_abandonment};
use clarion_store::{Store, StoreError};

use crate::attempts::{Counted, CycleRows};

/// A call that was up when its node died, by the last that was written of it.
pub(crate) struct LostCall {
    row: CallRow,
    call: Call,
}

/// Those of some calls that have a record and are not over. A node that is only held for dead writes nothing to them before they are settled: it would
/// tell of a bridge that was not counted, and later take it back.
pub(crate) async fn lost_calls(tx: &mut Tx, ids: &[AttemptId], now: Instant) -> Result<HashMap<AttemptId, LostCall>, StoreError> {
    hold_calls(tx, ids).await?;
    let open = calls_by_id(tx, ids).await?.into_iter().filter(|row| row.ended_at.is_none());
    Ok(open.map(|row| (row.attempt, LostCall { call: remembered(&row, now), row })).collect())
}

/// The call as its record tells it, with an end of which nobody knows.
fn remembered(row: &CallRow, now: Instant) -> Call {
    use CallEvent as E;
    let has_begun = row.state != clarion_domain::attempts::call::CallState::Planned.as_str();
    let told = [
        has_begun.then_some(E::Dialled { at: row.dialled_at }),
        row.ringing_at.map(|at| E::Rang { at }),
        row.answered_at.map(|at| E::Answered { at }),
        row.speech_at.map(|at| E::SpeechHeard { at }),
        row.verdict.parse().ok().map(|by| E::Judged { at: row.state_at, by }),
        row.message_at.map(|at| E::MessageStarted { at }),
        row.information_at.map(|at| E::InformationStarted { at }),
        (row.state == clarion_domain::attempts::call::CallState::Reserved.as_str()).then_some(E::Reserved { at: row.state_at }),
        row.bridged_at.map(|at| E::Bridged { at }),
        row.agent_silent.then_some(E::AgentSilent { at: row.state_at }),
        Some(E::Lost { at: now.max(row.state_at) }),
    ];
    // An event that cannot be is none.
    told.into_iter().flatten().fold(Call::planned(row.dialled_at), |call, event| call.apply(event).unwrap_or(call))
}

impl LostCall {
    /// What is known to have been done for the person says more than that the call was lost.
    pub(crate) fn outcome(&self) -> (Disposition, Cause) {
        self.call.outcome().unwrap_or((Disposition::Unknown, Cause::AnswerLost))
    }

    pub(crate) fn was_answered(&self) -> bool {
        self.row.answered_at.is_some()
    }

    /// What it came to at least, as far as it is known to have been up.
    pub(crate) fn cost(&self, price: &CallPrice) -> i64 {
        price.of_answered(self.row.answered_at.map(|at| u64::try_from(self.row.state_at.ms() - at.ms()).unwrap_or(0)))
    }

    /// Whoever had answered and met nobody was abandoned, by a crash as by anything else.
    fn adds(&self) -> AbandonmentDay {
        AbandonmentDay::of_lost_call(&self.call)
    }

    fn mark(&self) -> CallMark {
        let machine = self.call.person.answered_at.is_some() && self.call.answered_by().is_voicemail();
        CallMark { abandoned_at: (self.adds().abandoned > 0).then_some(self.row.state_at), machine_at: machine.then_some(self.row.state_at) }
    }

    fn day(&self) -> Option<DayRow> {
        self.row.answered_at.map(|at| day_of(at, &self.adds(), 1))
    }
}

/// What calls that were answered then add to their day, or, with −1, take away from it.
pub(super) fn day_of(answered_at: Instant, added: &AbandonmentDay, sign: i64) -> DayRow {
    DayRow {
        day: london_day(answered_at).to_string(),
        abandoned: sign * i64::from(added.abandoned),
        passed: sign * i64::from(added.put_through),
        machine_ended: sign * i64::from(added.judged_machine),
        answered: sign,
        silent: sign * i64::from(added.silent),
        latched_at: None,
    }
}

/// Ends the records of calls whose claim is being settled: their day's count and the marks on their numbers say what was done to people.
pub(crate) async fn end_calls(store: &Store, tx: &mut Tx, lost: &HashMap<AttemptId, LostCall>, people: &[(AttemptId, AddressId)], now: Instant) -> Result<(), StoreError> {
    let mut ends = Vec::new();
    for (id, address) in people {
        let Some(call) = lost.get(id) else { continue };
        let added = call.adds();
        ends.push(LostEnd { attempt: *id, abandoned: added.abandoned > 0, silent: added.silent > 0 });
        if let Some(day) = call.day() {
            add_abandonment(tx, call.row.tenant, call.row.campaign, &day).await?;
        }
        let mark = call.mark();
        if mark != CallMark::default() {
            store.tenant(call.row.tenant, Actor::System).await?.mark_address(tx, *address, mark).await?;
        }
    }
    Ok(end_lost_calls(tx, &ends, now).await?)
}

/// Another node held us for dead, took these calls' claims over and settled them by what was written of them: how they truly ended says more.
/// Gives those that were corrected; their day does not count them any more.
pub(super) async fn correct_taken_over(tx: &mut Tx, answers: &[&AttemptRow], counts: &mut CycleRows) -> Result<Vec<AttemptId>, StoreError> {
    let ids: Vec<AttemptId> = answers.iter().map(|answer| answer.id).collect();
    let records: HashMap<AttemptId, CallRow> = calls_by_id(tx, &ids).await?.into_iter().map(|row| (row.attempt, row)).collect();
    let (mut settled, mut corrected) = (Vec::new(), Vec::new());
    for stored in attempts_by_id(tx, &ids).await? {
        let Some(answer) = answers.iter().find(|answer| answer.id == stored.id) else { continue };
        let ended_by_other = records.get(&stored.id).filter(|record| record.ended_by == CRASH);
        // A call that was taken over between its claim and its first record was called unknown, and the record that is there now is ours.
        let was_unseen = stored.disposition == Disposition::Unknown && answer.disposition != Disposition::Unknown;
        if ended_by_other.is_none() && !was_unseen {
            // Our own, from a commit that stood though its answer was lost.
            continue;
        }
        // It was counted at the other's hour: there it stays, by our word.
        counts.count(&Counted::of(&stored), stored.disposition, &stored.cause, -1);
        counts.count(&Counted { cost: answer.cost, ..Counted::of(&stored) }, answer.disposition, &answer.cause, 1);
        settled.push(SettledRow { id: stored.id, state: answer.state, disposition: answer.disposition, cause: answer.cause.clone(), parts_heard: stored.parts_heard, settled_at: answer.settled_at });
        corrected.push(stored.id);
        if let Some(record) = ended_by_other
            && let Some(answered_at) = record.answered_at
        {
            // The record that the other ended does not tell what it was about to do; whether it abandoned somebody it does.
            let counted = AbandonmentDay { abandoned: record.abandoned.into(), silent: record.silent.into(), ..AbandonmentDay::of_call(&remembered(record, record.state_at)) };
            add_abandonment(tx, record.tenant, record.campaign, &day_of(answered_at, &counted, -1)).await?;
        }
    }
    settle_attempts(tx, &settled).await?;
    set_costs(tx, &answers.iter().filter(|answer| corrected.contains(&answer.id)).map(|answer| (answer.id, answer.cost)).collect::<Vec<_>>()).await?;
    revive_calls(tx, &corrected).await?;
    Ok(corrected)
}
