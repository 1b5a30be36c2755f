//! What a crash leaves behind: claims without attempts. They may have been sent or not, so they are `unknown`.

use clarion_domain::attempts::attempt::AttemptState;
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::compliance::abandonment::{AbandonmentDay, london_day};
use clarion_domain::id::AttemptId;
use clarion_domain::outcomes::cause::Cause;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::Instant;
use clarion_store::StoreError;
use clarion_store::attempts::{AttemptRow, ClaimRow, add_attempts, answered_calls_lost, attempts_by_id, end_lost_calls, claims_of_silent_nodes, recipients_at, recover_notices, remove_claims};
use clarion_store::db::Tx;
use clarion_store::outcomes::{AbandonmentDay as DayRow, add_abandonment};
use clarion_store::reports::add_measures;

use crate::attempts::{Counted, CycleRows, Sender};

/// A node that was not seen for so long is dead.
pub(super) const NODE_DEAD_MS: i64 = 30_000;

impl Sender {
    /// Settles what this node left in an earlier life, and what dead nodes left. Returns how many attempts became `unknown`.
    pub(super) async fn recover(&mut self, now: Instant) -> Result<usize, StoreError> {
        let mut unknown = 0;
        loop {
            let mut tx = self.store.db().begin().await?;
            let claims = claims_of_silent_nodes(&mut tx, self.store.node(), now.plus_ms(-NODE_DEAD_MS), self.started_at).await?;
            if claims.is_empty() {
                recover_notices(&mut tx, &self.store, now.plus_ms(-NODE_DEAD_MS), self.started_at).await?;
                tx.commit().await?;
                return Ok(unknown);
            }
            for claim in &claims {
                unknown += settle_claim(&mut tx, claim, now).await?;
            }
            tx.commit().await?;
        }
    }
}

/// Whoever had answered and met nobody was abandoned, by a crash as by anything else: the day's count says so.
async fn end_calls(tx: &mut Tx, claim: &ClaimRow, lost: &[AttemptId], now: Instant) -> Result<(), StoreError> {
    for call in answered_calls_lost(tx, lost).await? {
        let added = AbandonmentDay::of_lost_call(call.put_through, call.heard_message, call.heard_information);
        let day = DayRow { day: london_day(call.answered_at).to_string(), abandoned: added.abandoned.into(), passed: added.put_through.into(), answered: 1, ..DayRow::default() };
        add_abandonment(tx, claim.tenant, claim.campaign, &day).await?;
    }
    Ok(end_lost_calls(tx, lost, now).await?)
}

async fn settle_claim(tx: &mut Tx, claim: &ClaimRow, now: Instant) -> Result<usize, StoreError> {
    // Another node may have come first: then it is its work.
    if remove_claims(tx, &[claim.id]).await? != [true] {
        return Ok(0);
    }
    let ids: Vec<AttemptId> = (0..claim.items.len() as i64).map(|index| AttemptId(claim.first_attempt.0 + index)).collect();
    let known: Vec<AttemptId> = attempts_by_id(tx, &ids).await?.into_iter().map(|row| row.id).collect();
    let open: Vec<(AttemptId, (u32, u8))> = ids
        .into_iter()
        .zip(claim.items.iter().copied())
        .enumerate()
        .filter(|(index, (id, _))| !known.contains(id) && !claim.released.iter().any(|released| usize::from(*released) == *index))
        .map(|(_, item)| item)
        .collect();
    let positions: Vec<u32> = open.iter().map(|(_, (position, _))| *position).collect();
    let people = recipients_at(tx, claim.campaign, &positions).await?;
    let mut rows = CycleRows::default();
    let cause = Cause::AnswerLost.to_string();
    let segments = u16::from(claim.channel == Channel::Sms);
    for ((id, (position, try_number)), (contact, address)) in open.into_iter().zip(people) {
        let counted = Counted { tenant: claim.tenant, campaign: claim.campaign, channel: claim.channel, answered_at: now, segments, cost: 0 };
        rows.count(&counted, Disposition::Unknown, &cause, 1);
        rows.attempts.push(AttemptRow {
            id,
            tenant: claim.tenant,
            campaign: claim.campaign,
            position,
            try_number,
            contact,
            address,
            channel: claim.channel,
            trunk: claim.trunk,
            state: AttemptState::Settled,
            disposition: Disposition::Unknown,
            cause: cause.clone(),
            decision: claim.decision.as_str().into(),
            segments,
            cost: 0,
            sealed_body: None,
            carrier_message_id: String::new(),
            parts_heard: 0,
            claimed_at: claim.claimed_at,
            answered_at: now,
            settled_at: Some(now),
        });
    }
    add_attempts(tx, &rows.attempts).await?;
    if claim.channel == Channel::Voice {
        end_calls(tx, claim, &rows.attempts.iter().map(|row| row.id).collect::<Vec<_>>(), now).await?;
    }
    add_measures(tx, &rows.measures).await?;
    Ok(rows.attempts.len())
}
