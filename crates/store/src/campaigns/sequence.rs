//! People move on through a campaign's steps: in the transaction that writes what became of a step, or that stops them.
//!
//! A step after the first is a row of `campaign` to the loops that send, and a person comes to it as one who is due. Where they
//! stand and why it ended is kept with the first step's recipient. Every write here names the step that it leaves, so that doing it
//! twice does it once.

use std::collections::BTreeMap;
use std::sync::Arc;

use clarion_domain::campaigns::sequence::{AfterRefusal, EndReason, Sequence};
use clarion_domain::id::{AddressId, CampaignId, ContactId, TenantId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::Instant;

use super::campaign::CampaignRecord;
use super::draft::{CampaignDraft, values};
use crate::attempts::{Candidate, add_due};
use crate::db::{DbError, Params, Tx, sql};
use crate::params;
use crate::store::{Store, StoreError, Tenant};
use crate::webhooks::{SequenceEnd, tell_sequence_ends};

/// Why somebody is due at a step that has not asked about them yet.
pub const NEXT_STEP: &str = "next step";

/// A started campaign's steps. They do not change any more.
#[derive(Debug)]
pub struct Steps {
    pub tenant: TenantId,
    /// The rows of the steps, the first first.
    pub ids: Vec<CampaignId>,
    pub sequence: Sequence,
}

/// What became of a person at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepEvent {
    /// How an attempt stands.
    Attempt(Disposition),
    Refused { suppressed: bool },
}

/// The same, of somebody in the audience.
#[derive(Debug, Clone, Copy)]
pub struct StepNews {
    /// The row of the step.
    pub campaign: CampaignId,
    pub position: u32,
    pub event: StepEvent,
}

impl Steps {
    fn first(&self) -> CampaignId {
        self.ids[0]
    }

    /// The number of a step, from 1 on.
    fn number(&self, step: CampaignId) -> usize {
        self.ids.iter().position(|id| *id == step).map_or(1, |place| place + 1)
    }
}

/// The steps of the campaign that this is a step of; `None` when nobody's way through it is kept.
async fn steps_of(tx: &mut Tx, store: &Store, step: CampaignId) -> Result<Option<Arc<Steps>>, StoreError> {
    if let Some(known) = store.known_steps(step) {
        return Ok(known);
    }
    let select = sql!("SELECT f.tenant_id, f.sequence, f.id FROM campaign c JOIN campaign f ON f.id = c.sequence_id WHERE c.id = $1");
    let Some(mut row) = tx.query_first(select, &params![step]).await? else { return Ok(None) };
    let (tenant, text, first): (TenantId, String, CampaignId) = (row.take(0)?, row.take(1)?, row.take(2)?);
    let steps = match text.as_str() {
        "" => None,
        text => {
            let sequence: Sequence = serde_json::from_str(text).map_err(|error| DbError::Failed(format!("sequence: {error}")))?;
            let ids = step_ids(tx, first).await?;
            sequence.is_tracked().then(|| Arc::new(Steps { tenant, ids, sequence }))
        }
    };
    store.know_steps(step, steps.clone());
    Ok(steps)
}

/// The rows of a campaign's steps, the first first.
pub(super) async fn step_ids(tx: &mut Tx, first: CampaignId) -> Result<Vec<CampaignId>, DbError> {
    let rows = tx.query(sql!("SELECT id FROM campaign WHERE sequence_id = $1 ORDER BY step"), &params![first]).await?;
    rows.into_iter().map(|mut row| row.take(0)).collect()
}

/// Moves people on, or ends it for them, by what became of them at a step. Planned tries must stand already: who has one stays where
/// they are.
pub async fn move_on(tx: &mut Tx, store: &Store, news: &[StepNews], now: Instant) -> Result<(), StoreError> {
    let mut by_step = BTreeMap::<CampaignId, Vec<&StepNews>>::new();
    for one in news {
        by_step.entry(one.campaign).or_default().push(one);
    }
    for (step, news) in by_step {
        let Some(steps) = steps_of(tx, store, step).await? else { continue };
        let stops = &steps.sequence.stops;
        let (mut ended, mut onward) = (Vec::new(), Vec::new());
        for one in news {
            let why = match one.event {
                StepEvent::Attempt(disposition) => stops.on_outcome(disposition),
                StepEvent::Refused { suppressed: true } => Some(EndReason::Suppressed),
                StepEvent::Refused { .. } if stops.after_refusal == AfterRefusal::Stop => Some(EndReason::Refused),
                StepEvent::Refused { .. } => None,
            };
            match why {
                Some(why) => ended.push((one.position, why)),
                None => onward.push(one.position),
            }
        }
        end(tx, store, &steps, &ended, now).await?;
        go_on(tx, store, &steps, step, &onward, now).await?;
    }
    Ok(())
}

/// Those of `positions` who are done with a step come to the next, or are through.
async fn go_on(tx: &mut Tx, store: &Store, steps: &Steps, step: CampaignId, positions: &[u32], now: Instant) -> Result<(), StoreError> {
    if positions.is_empty() {
        return Ok(());
    }
    let (first, number) = (steps.first(), steps.number(step));
    let done = sql!(
        "SELECT r.position, r.contact_id, r.address_id, (SELECT MIN(t.claimed_at) FROM attempt t WHERE t.contact_id = r.contact_id AND t.campaign_id = $2)
         FROM recipient r WHERE r.campaign_id = $1 AND r.position = $3 AND r.step = $4 AND r.ended = ''
           AND NOT EXISTS (SELECT 1 FROM due d WHERE d.campaign_id = $2 AND d.position = $3)"
    );
    let mut positions = positions.to_vec();
    positions.sort_unstable();
    positions.dedup();
    let batch: Vec<Params> = positions.iter().map(|position| params![first, step, i64::from(*position), number as i64]).collect();
    let mut leaving = Vec::new();
    for mut row in tx.query_many(done, &batch).await?.into_iter().flatten() {
        let (position, contact, address, first_try): (i64, ContactId, AddressId, Option<Instant>) = (row.take(0)?, row.take(1)?, row.take(2)?, row.take(3)?);
        leaving.push((u32::try_from(position).unwrap_or(u32::MAX), contact, address, first_try.unwrap_or(now)));
    }
    let Some((next, wait)) = steps.ids.get(number).copied().zip(steps.sequence.step(number + 1).map(|step| step.wait)) else {
        let through: Vec<(u32, EndReason)> = leaving.iter().map(|(position, ..)| (*position, EndReason::Completed)).collect();
        return end(tx, store, steps, &through, now).await.map(|_| ());
    };
    enter(tx, steps, number + 1, next, &leaving.iter().map(|(position, contact, address, first_try)| (*position, *contact, *address, wait.due(*first_try, now, now))).collect::<Vec<_>>(), now).await?;
    drop_overtaken(tx, first, step, next, &positions).await
}

/// People stand before a step from now on, each until their time.
async fn enter(tx: &mut Tx, steps: &Steps, number: usize, next: CampaignId, who: &[(u32, ContactId, AddressId, Instant)], now: Instant) -> Result<(), StoreError> {
    let leave = sql!("UPDATE recipient SET step = $3, moved_at = $5 WHERE campaign_id = $1 AND position = $2 AND step = $4 AND ended = ''");
    let batch: Vec<Params> = who.iter().map(|(position, ..)| params![steps.first(), i64::from(*position), number as i64, number as i64 - 1, now]).collect();
    let moved = tx.execute_many(leave, &batch).await?;
    let who: Vec<_> = who.iter().zip(moved).filter(|(_, touched)| *touched == 1).map(|(who, _)| *who).collect();
    if who.is_empty() {
        return Ok(());
    }
    let place = sql!("INSERT INTO recipient (campaign_id, position, contact_id, address_id) VALUES ($1, $2, $3, $4) ON CONFLICT (campaign_id, position) DO NOTHING");
    let batch: Vec<Params> = who.iter().map(|(position, contact, address, _)| params![next, i64::from(*position), *contact, *address]).collect();
    tx.execute_many(place, &batch).await?;
    let candidate = |position, contact, address| Candidate { position, contact, address, try_number: 1, due_at: None, ended: false };
    let due: Vec<_> = who.iter().map(|(position, contact, address, at)| (candidate(*position, *contact, *address), *at, NEXT_STEP.to_owned())).collect();
    add_due(tx, next, &due).await?;
    let count = who.len() as i64;
    let mut counts = BTreeMap::from([((number, String::new()), count)]);
    if number > 2 {
        counts.insert((number - 1, String::new()), -count);
    }
    add_counts(tx, steps.first(), &counts).await?;
    let grow = sql!("UPDATE campaign SET audience_size = audience_size + $2, next_position = next_position + $2 WHERE id = $1");
    tx.execute(grow, &params![next, count]).await?;
    Ok(())
}

/// A late receipt may have planned one more try of a step whose successor has begun meanwhile: that one does not come any more.
async fn drop_overtaken(tx: &mut Tx, first: CampaignId, step: CampaignId, next: CampaignId, positions: &[u32]) -> Result<(), StoreError> {
    let delete = sql!(
        "DELETE FROM due WHERE campaign_id = $1 AND position = $2
           AND EXISTS (SELECT 1 FROM recipient r WHERE r.campaign_id = $3 AND r.position = $2 AND r.step > (SELECT c.step FROM campaign c WHERE c.id = $1))
           AND NOT EXISTS (SELECT 1 FROM due n WHERE n.campaign_id = $4 AND n.position = $2 AND n.why = 'next step')"
    );
    let batch: Vec<Params> = positions.iter().map(|position| params![step, i64::from(*position), first, next]).collect();
    tx.execute_many(delete, &batch).await?;
    Ok(())
}

/// The first try of a step begins for these: tries of earlier steps that are still planned do not come any more.
pub async fn begin_step(tx: &mut Tx, record: &CampaignRecord, positions: &[u32]) -> Result<(), StoreError> {
    if record.step <= 1 || positions.is_empty() {
        return Ok(());
    }
    let delete = sql!("DELETE FROM due WHERE position = $2 AND campaign_id IN (SELECT c.id FROM campaign c WHERE c.sequence_id = $1 AND c.step < $3)");
    let batch: Vec<Params> = positions.iter().map(|position| params![record.first, i64::from(*position), i64::from(record.step)]).collect();
    tx.execute_many(delete, &batch).await?;
    Ok(())
}

/// It is over for these, whichever step they stand at. Returns for how many it was not over yet.
pub(super) async fn end(tx: &mut Tx, store: &Store, steps: &Steps, who: &[(u32, EndReason)], now: Instant) -> Result<usize, StoreError> {
    if who.is_empty() {
        return Ok(0);
    }
    // What is due goes first: a claim that takes the same row then waits for this, and finds it gone.
    let forget = sql!("DELETE FROM due WHERE campaign_id = $1 AND position = $2");
    let stopped = |who: &&(u32, EndReason)| who.1 != EndReason::Completed;
    let batch: Vec<Params> = who.iter().filter(stopped).flat_map(|(position, _)| steps.ids.iter().map(move |id| params![*id, i64::from(*position)])).collect();
    tx.execute_many(forget, &batch).await?;
    let read = sql!("SELECT step, contact_id FROM recipient WHERE campaign_id = $1 AND position = $2");
    let batch: Vec<Params> = who.iter().map(|(position, _)| params![steps.first(), i64::from(*position)]).collect();
    let stood = tx.query_many(read, &batch).await?;
    let close = sql!("UPDATE recipient SET ended = $3, moved_at = $4 WHERE campaign_id = $1 AND position = $2 AND ended = ''");
    let batch: Vec<Params> = who.iter().map(|(position, why)| params![steps.first(), i64::from(*position), why.to_string(), now]).collect();
    let closed = tx.execute_many(close, &batch).await?;
    let (mut counts, mut told, mut fence) = (BTreeMap::<(usize, String), i64>::new(), Vec::new(), 0i64);
    for (((_, why), rows), _) in who.iter().zip(stood).zip(closed).filter(|(_, touched)| *touched == 1) {
        let Some(mut row) = rows.into_iter().next() else { continue };
        let (step, contact): (i64, ContactId) = (row.take(0)?, row.take(1)?);
        let step = usize::try_from(step).unwrap_or(1);
        if step > 1 {
            *counts.entry((step, String::new())).or_default() -= 1;
        }
        *counts.entry((step, why.to_string())).or_default() += 1;
        // Who is through or refused was claimed or decided: no claim can be under way for them.
        fence += i64::from(!matches!(why, EndReason::Completed | EndReason::Refused | EndReason::Suppressed));
        told.push(SequenceEnd { contact, step, why: why.clone() });
    }
    add_counts(tx, steps.first(), &counts).await?;
    tell_sequence_ends(tx, store, steps.tenant, steps.first(), &told, now).await?;
    if fence > 0 {
        tx.execute(sql!("UPDATE campaign SET stops = stops + $2 WHERE id = $1"), &params![steps.first(), fence]).await?;
    }
    Ok(told.len())
}

async fn add_counts(tx: &mut Tx, first: CampaignId, counts: &BTreeMap<(usize, String), i64>) -> Result<(), DbError> {
    let upsert = sql!(
        "INSERT INTO step_count (campaign_id, step, ended, n) VALUES ($1, $2, $3, $4)
         ON CONFLICT (campaign_id, step, ended) DO UPDATE SET n = step_count.n + excluded.n"
    );
    let batch: Vec<Params> = counts.iter().map(|((step, ended), n)| params![first, *step as i64, ended.as_str(), *n]).collect();
    tx.execute_many(upsert, &batch).await?;
    Ok(())
}

impl Tenant {
    /// The rows of the steps after the first, at the campaign's start.
    pub(super) async fn make_steps(&self, tx: &mut Tx, record: &CampaignRecord, now: Instant) -> Result<(), StoreError> {
        let draft = CampaignDraft::from(record);
        let insert = sql!(
            "INSERT INTO campaign (id, tenant_id, name, channel, purpose, underlying_purpose, not_marketing_reason, legal_basis, assessment_reference,
                                   list_id, filter_id, body, sender, schedule, retry, rate_per_second, starts_at, script, call_settings, recording, sequence, state, audience_size, next_position,
                                   state_reason, created_by, created_at, started_by, started_at, finished_at, sequence_id, step)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 'starting', 0, 0, '', $22, $23, $22, $23, NULL, $24, $25)"
        );
        for number in 2..=record.sequence.steps() {
            let Some(step) = draft.at_step(number) else { continue };
            let name = format!("{}, step {number}", record.name);
            let id = CampaignId(self.store.next_id(now));
            let all = [params![id, self.id], values(&step, &name)?, params![self.actor.to_string(), now, record.id, number as i64]].concat();
            tx.execute(insert, &all).await?;
        }
        Ok(())
    }

    /// The rows of a started campaign's steps, the first first.
    pub async fn step_ids(&self, first: CampaignId) -> Result<Vec<CampaignId>, StoreError> {
        let select = sql!("SELECT id FROM campaign WHERE sequence_id = $1 AND tenant_id = $2 ORDER BY step");
        let rows = self.db().query(select, &params![first, self.id]).await?;
        Ok(rows.into_iter().map(|mut row| row.take(0)).collect::<Result<_, DbError>>()?)
    }

    /// How many people stand at which step, and why it ended for how many.
    pub async fn step_counts(&self, record: &CampaignRecord) -> Result<StepCounts, StoreError> {
        let mut counts = StepCounts { standing: vec![0; record.sequence.steps()], ended: Vec::new() };
        let select = sql!(
            "SELECT s.step, s.ended, s.n FROM step_count s JOIN campaign c ON c.id = s.campaign_id
             WHERE s.campaign_id = $1 AND c.tenant_id = $2 AND s.n <> 0 ORDER BY s.step, s.ended"
        );
        let mut beyond = 0;
        for mut row in self.db().query(select, &params![record.id, self.id]).await? {
            let (step, ended, n): (i64, String, i64) = (row.take(0)?, row.take(1)?, row.take(2)?);
            let step = usize::try_from(step).unwrap_or(1);
            beyond += n;
            if !ended.is_empty() {
                let why = ended.parse().map_err(|error| DbError::Failed(format!("ended: {error}")))?;
                counts.ended.push((step, why, n));
            } else if let Some(standing) = counts.standing.get_mut(step - 1) {
                *standing += n;
            }
        }
        counts.standing[0] = record.audience_size - beyond;
        Ok(counts)
    }
}

/// Where the people of a campaign stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepCounts {
    /// By step, the first first.
    pub standing: Vec<i64>,
    /// At which step, why, how many.
    pub ended: Vec<(usize, EndReason, i64)>,
}

impl StepCounts {
    /// By reason, over all steps, the most frequent first.
    #[must_use]
    pub fn reasons(&self) -> Vec<(EndReason, i64)> {
        let mut sums = BTreeMap::<&EndReason, i64>::new();
        for (_, why, n) in &self.ended {
            *sums.entry(why).or_default() += n;
        }
        let mut reasons: Vec<_> = sums.into_iter().map(|(why, n)| (why.clone(), n)).collect();
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        reasons
    }
}
