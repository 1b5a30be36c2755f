//! What a crash leaves behind: claims without attempts. A message may have been sent or not, so it is `unknown`, and costs what it would have cost: the
//! carrier may bill it. A call is `unknown` too, unless its record tells what was done for the person.

use std::collections::HashMap;

use clarion_domain::attempts::attempt::AttemptState;
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::carriers::call_price::CallPrice;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::id::{AttemptId, TrunkId};
use clarion_domain::outcomes::cause::Cause;
use clarion_domain::outcomes::cost::Cost;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::Instant;
use clarion_store::attempts::{AttemptRow, ClaimRow, add_attempts, attempts_by_id, claims_of_silent_nodes, recipients_at, recover_notices, remove_claims};
use clarion_store::db::Tx;
use clarion_store::reports::add_measures;
use clarion_store::{Store, StoreError};

use crate::attempts::{Counted, CycleRows, Sender};
use crate::calls::{LostCall, end_calls, lost_calls};

/// A node that was not seen for so long is dead.
pub(crate) const NODE_DEAD_MS: i64 = 30_000;

impl Sender {
    /// Settles what this node left in an earlier life, and what dead nodes left. Returns how many messages became `unknown`.
    pub(super) async fn recover(&mut self, now: Instant) -> Result<usize, StoreError> {
        let settled = settle_left(&self.store, Channel::Sms, self.started_at, now).await?;
        let mut tx = self.store.db().begin().await?;
        recover_notices(&mut tx, &self.store, Channel::Sms, now.plus_ms(-NODE_DEAD_MS), self.started_at).await?;
        tx.commit().await?;
        Ok(settled)
    }
}

/// Settles the claims of a channel that were left: by this node before `started_at`, by nodes that are dead. Returns how many attempts that made.
pub(crate) async fn settle_left(store: &Store, channel: Channel, started_at: Instant, now: Instant) -> Result<usize, StoreError> {
    let mut settled = 0;
    loop {
        let mut tx = store.db().begin().await?;
        let claims = claims_of_silent_nodes(&mut tx, store.node(), channel, now.plus_ms(-NODE_DEAD_MS), started_at).await?;
        if claims.is_empty() {
            return Ok(settled);
        }
        for claim in &claims {
            settled += settle_claim(store, &mut tx, claim, now).await?;
        }
        tx.commit().await?;
    }
}

/// What a trunk asks.
enum Price {
    Segment(Cost),
    Call(CallPrice),
}

impl Price {
    /// Of one attempt: its segments, or what its call came to.
    fn of(&self, segments: u16, call: Option<&LostCall>) -> i64 {
        match self {
            Self::Segment(each) => Cost::of_segments(*each, segments).0,
            Self::Call(price) => call.map_or(0, |call| call.cost(price)),
        }
    }
}

/// `None` for a trunk that was removed.
async fn price_of(store: &Store, id: TrunkId) -> Result<Option<Price>, StoreError> {
    let trunk = store.trunks().await?.into_iter().find(|trunk| trunk.id == id);
    Ok(trunk.map(|trunk| match trunk.settings {
        TrunkSettings::Sip(sip) => Price::Call(sip.price()),
        TrunkSettings::Smpp(_) | TrunkSettings::Http(_) => Price::Segment(Cost(trunk.cost_per_segment)),
    }))
}

async fn settle_claim(store: &Store, tx: &mut Tx, claim: &ClaimRow, now: Instant) -> Result<usize, StoreError> {
    // Another node may have come first: then it is its work.
    if remove_claims(tx, &[claim.id]).await? != [true] {
        return Ok(0);
    }
    let ids: Vec<AttemptId> = (0..claim.items.len() as i64).map(|index| AttemptId(claim.first_attempt.0 + index)).collect();
    let known: Vec<AttemptId> = attempts_by_id(tx, &ids).await?.into_iter().map(|row| row.id).collect();
    // An earlier version did not say how many segments there were: one, at least.
    let segments_of = |index| claim.segments.get(index).copied().unwrap_or(1).max(1);
    let open: Vec<(AttemptId, (u32, u8), u8)> = ids
        .into_iter()
        .zip(claim.items.iter().copied())
        .enumerate()
        .filter(|(index, (id, _))| !known.contains(id) && !claim.released.iter().any(|released| usize::from(*released) == *index))
        .map(|(index, (id, item))| (id, item, segments_of(index)))
        .collect();
    let positions: Vec<u32> = open.iter().map(|(_, (position, _), _)| *position).collect();
    let people = recipients_at(tx, claim.campaign, &positions).await?;
    let mut rows = CycleRows::default();
    let calls = match claim.channel {
        Channel::Voice => lost_calls(tx, &open.iter().map(|(id, ..)| *id).collect::<Vec<_>>(), now).await?,
        Channel::Sms => HashMap::new(),
    };
    let may_cost = claim.channel == Channel::Sms || calls.values().any(LostCall::was_answered);
    let price = if may_cost { price_of(store, claim.trunk).await? } else { None };
    for (id, (position, try_number), segments) in open {
        // By their own place: one whose row is gone must not lend their attempt to the next.
        let Some((contact, address)) = people.get(&position).copied() else { continue };
        let segments = if claim.channel == Channel::Sms { u16::from(segments) } else { 0 };
        let cost = price.as_ref().map_or(0, |price| price.of(segments, calls.get(&id)));
        let (disposition, cause) = calls.get(&id).map_or((Disposition::Unknown, Cause::AnswerLost), LostCall::outcome);
        let row = AttemptRow {
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
            disposition,
            cause: cause.to_string(),
            decision: claim.decision.as_str().into(),
            segments,
            cost,
            sealed_body: None,
            carrier_message_id: String::new(),
            parts_heard: 0,
            claimed_at: claim.claimed_at,
            answered_at: now,
            settled_at: Some(now),
        };
        rows.count(&Counted::of(&row), row.disposition, &row.cause, 1);
        rows.step(row.campaign, row.position, row.disposition);
        rows.attempts.push(row);
    }
    add_attempts(tx, &rows.attempts).await?;
    clarion_store::webhooks::tell_settled(tx, store, rows.attempts.iter(), &[], now).await?;
    if claim.channel == Channel::Voice {
        end_calls(store, tx, &calls, &rows.attempts.iter().map(|row| (row.id, row.address)).collect::<Vec<_>>(), now).await?;
    }
    add_measures(tx, &rows.measures).await?;
    clarion_store::campaigns::move_on(tx, store, &rows.steps, now).await?;
    Ok(rows.attempts.len())
}
