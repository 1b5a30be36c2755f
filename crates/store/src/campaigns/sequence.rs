//! People move on through a campaign's steps: in the transaction that writes what became of a step, or that stops them.
//!
//! A step after the first is a row of `campaign` to the loops that send, and a person comes to it as one who is due. Where they
//! stand and why it ended is kept with the first step's recipient. Every write here names the step that it leaves, so that doing it
//! twice does it once.

use std::collections::BTreeMap;
use std::sync::Arc;

use clarion_domain::campaigns::sequence::{AfterRefusal, EndReason, Sequence, Wait, WaitFrom};
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
    let number = steps.number(step);
    let done = sql!(
        "SELECT r.position, r.contact_id, r.address_id FROM recipient r WHERE r.campaign_id = $1 AND r.position = $3 AND r.step = $4 AND r.ended = ''
           AND NOT EXISTS (SELECT 1 FROM due d WHERE d.campaign_id = $2 AND d.position = $3)"
    );
    let mut positions = positions.to_vec();
    positions.sort_unstable();
    positions.dedup();
    let batch: Vec<Params> = positions.iter().map(|position| params![steps.first(), step, i64::from(*position), number as i64]).collect();
    let mut leaving = Vec::new();
    for mut row in tx.query_many(done, &batch).await?.into_iter().flatten() {
        let position: i64 = row.take(0)?;
        leaving.push((u32::try_from(position).unwrap_or(u32::MAX), row.take(1)?, row.take(2)?));
    }
    let Some((next, wait)) = steps.ids.get(number).copied().zip(steps.sequence.step(number + 1).map(|step| step.wait)) else {
        let through: Vec<(u32, EndReason)> = leaving.iter().map(|(position, ..)| (*position, EndReason::Completed)).collect();
        return end(tx, store, steps, &through, now).await.map(|_| ());
    };
    positions.retain(|position| leaving.binary_search_by_key(position, |(leaves, ..)| *leaves).is_err());
    let entering = until_due(tx, step, leaving, wait, now).await?;
    enter(tx, steps, number + 1, next, &entering, now).await?;
    hear_late_tries(tx, steps, step, (next, wait), &positions, now).await
}

/// People on their way to the next step: position, contact, number, and until when they wait.
type Entering = Vec<(u32, ContactId, AddressId, Instant)>;

async fn until_due(tx: &mut Tx, step: CampaignId, leaving: Vec<(u32, ContactId, AddressId)>, wait: Wait, now: Instant) -> Result<Entering, StoreError> {
    if wait.from == WaitFrom::LastTry {
        return Ok(leaving.into_iter().map(|(position, contact, address)| (position, contact, address, wait.due(now, now, now))).collect());
    }
    // By the person, who has few attempts, not by the campaign, which has many: SQLite takes the other index without the plus.
    let first = sql!("SELECT MIN(t.claimed_at) FROM attempt t WHERE t.contact_id = $1 AND +t.campaign_id = $2 AND t.position = $3");
    let batch: Vec<Params> = leaving.iter().map(|(position, contact, _)| params![*contact, step, i64::from(*position)]).collect();
    let tries = tx.query_many(first, &batch).await?;
    let mut entering = Vec::with_capacity(leaving.len());
    for ((position, contact, address), rows) in leaving.into_iter().zip(tries) {
        let first_try: Option<Instant> = rows.into_iter().next().map_or(Ok(None), |mut row| row.take(0))?;
        entering.push((position, contact, address, wait.due(first_try.unwrap_or(now), now, now)));
    }
    Ok(entering)
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

/// A late receipt may plan one more try of a step for those who wait for the next already. That try puts the next step off where it counts from
/// the last one; and once the next step has begun for them, it does not come any more.
async fn hear_late_tries(tx: &mut Tx, steps: &Steps, step: CampaignId, (next, wait): (CampaignId, Wait), positions: &[u32], now: Instant) -> Result<(), StoreError> {
    let before = sql!(
        "SELECT d.due_at, (SELECT MAX(t.claimed_at) FROM attempt t WHERE t.contact_id = r.contact_id AND +t.campaign_id = $3 AND t.position = r.position)
         FROM recipient r JOIN due d ON (d.campaign_id, d.due_at, d.position) IN (SELECT n.campaign_id, n.due_at, n.position FROM due n WHERE n.campaign_id = $4 AND n.position = $2)
         WHERE r.campaign_id = $1 AND r.position = $2 AND d.why = 'next step'"
    );
    let batch: Vec<Params> = positions.iter().map(|position| params![steps.first(), i64::from(*position), step, next]).collect();
    let (mut overtaken, mut put_off) = (Vec::new(), Vec::new());
    for (position, rows) in positions.iter().zip(tx.query_many(before, &batch).await?) {
        let Some(mut row) = rows.into_iter().next() else {
            overtaken.push(params![step, i64::from(*position), steps.first(), steps.number(step) as i64]);
            continue;
        };
        let (due_at, last_try): (Instant, Option<Instant>) = (row.take(0)?, row.take(1)?);
        let later = last_try.map(|tried| wait.due(tried, tried, now)).filter(|later| wait.from == WaitFrom::LastTry && *later > due_at);
        put_off.extend(later.map(|later| params![next, due_at, i64::from(*position), later]));
    }
    tx.execute_many(sql!("UPDATE due SET due_at = $4 WHERE campaign_id = $1 AND due_at = $2 AND position = $3"), &put_off).await?;
    let drop = sql!(
        "DELETE FROM due WHERE (campaign_id, due_at, position) IN (SELECT d.campaign_id, d.due_at, d.position FROM due d WHERE d.campaign_id = $1 AND d.position = $2)
           AND EXISTS (SELECT 1 FROM recipient r WHERE r.campaign_id = $3 AND r.position = $2 AND r.step > $4)"
    );
    tx.execute_many(drop, &overtaken).await?;
    Ok(())
}

/// The first try of a step begins for these: tries of earlier steps that are still planned do not come any more.
pub async fn begin_step(tx: &mut Tx, record: &CampaignRecord, positions: &[u32]) -> Result<(), StoreError> {
    if record.step <= 1 || positions.is_empty() {
        return Ok(());
    }
    let delete = sql!(
        "DELETE FROM due WHERE (campaign_id, due_at, position) IN
           (SELECT d.campaign_id, d.due_at, d.position FROM campaign c JOIN due d ON d.campaign_id = c.id WHERE c.sequence_id = $1 AND c.step < $3 AND d.position = $2)"
    );
    let batch: Vec<Params> = positions.iter().map(|position| params![record.first, i64::from(*position), i64::from(record.step)]).collect();
    tx.execute_many(delete, &batch).await?;
    Ok(())
}

/// It is over for these, whichever step they stand at. Returns for how many this is news.
pub(super) async fn end(tx: &mut Tx, store: &Store, steps: &Steps, who: &[(u32, EndReason)], now: Instant) -> Result<usize, StoreError> {
    if who.is_empty() {
        return Ok(0);
    }
    // What is due goes first: a claim that takes the same row then waits for this, and finds it gone.
    forget_due_of(tx, steps, who.iter().filter(|who| who.1 != EndReason::Completed)).await?;
    let close = sql!("UPDATE recipient SET ended = $3, moved_at = $4 WHERE campaign_id = $1 AND position = $2 AND ended = ''");
    let batch: Vec<Params> = who.iter().map(|(position, why)| params![steps.first(), i64::from(*position), why.to_string(), now]).collect();
    let closed = tx.execute_many(close, &batch).await?;
    let (closed, rest): (Vec<_>, Vec<_>) = who.iter().zip(closed).partition(|(_, touched)| *touched == 1);
    let closed: Vec<&(u32, EndReason)> = closed.into_iter().map(|(who, _)| who).collect();
    let overruled = overrule(tx, steps, rest.into_iter().map(|(who, _)| who).filter(|who| is_from_outside(&who.1)).collect()).await?;
    if steps.sequence.evergreen.is_some_and(|evergreen| evergreen.again_after_days.is_some()) {
        // A late answer to a campaign that is over: nobody comes to it again, and nobody would take the row away.
        let again = sql!(
            "INSERT INTO comes_again (campaign_id, ended_at, position)
             SELECT id, CAST($2 AS BIGINT), CAST($3 AS BIGINT) FROM campaign WHERE id = $1 AND state IN ('running', 'paused')"
        );
        let batch: Vec<Params> = closed.iter().map(|(position, _)| params![steps.first(), now, i64::from(*position)]).collect();
        tx.execute_many(again, &batch).await?;
    }
    // Until the row was closed they could move on, with a time at the next step.
    forget_due_of(tx, steps, closed.iter().copied().filter(|who| is_from_outside(&who.1))).await?;

    let (mut counts, mut told) = (BTreeMap::<(usize, String), i64>::new(), Vec::new());
    for (who, (step, contact)) in closed.iter().zip(stood(tx, steps, &closed).await?) {
        if step > 1 {
            *counts.entry((step, String::new())).or_default() -= 1;
        }
        *counts.entry((step, who.1.to_string())).or_default() += 1;
        told.push(SequenceEnd { contact, step, why: who.1.clone() });
    }
    for (who, (step, _)) in overruled.iter().zip(stood(tx, steps, &overruled).await?) {
        *counts.entry((step, EndReason::Completed.to_string())).or_default() -= 1;
        *counts.entry((step, who.1.to_string())).or_default() += 1;
    }
    add_counts(tx, steps.first(), &counts).await?;
    tell_sequence_ends(tx, store, steps.tenant, steps.first(), &told, now).await?;
    if let Some(last) = closed.iter().filter(|who| is_from_outside(&who.1)).map(|who| who.0).max() {
        // Whoever is behind the cursor was claimed, or is due: the fence is for those before it alone.
        tx.execute(sql!("UPDATE campaign SET stops = stops + 1 WHERE id = $1 AND next_position <= $2"), &params![steps.first(), i64::from(last)]).await?;
    }
    Ok(closed.len() + overruled.len())
}

/// Who is through or refused was claimed or decided: no claim can be under way for them, and no try is left to stop.
fn is_from_outside(why: &EndReason) -> bool {
    !matches!(why, EndReason::Completed | EndReason::Refused | EndReason::Suppressed)
}

/// For somebody who is through, a try of the last step may still be planned, or be planned yet by a late receipt: a stop holds for them too. It was told
/// that they are through, and when they were stands.
async fn overrule<'a>(tx: &mut Tx, steps: &Steps, who: Vec<&'a (u32, EndReason)>) -> Result<Vec<&'a (u32, EndReason)>, StoreError> {
    let change = sql!("UPDATE recipient SET ended = $3 WHERE campaign_id = $1 AND position = $2 AND ended = 'completed'");
    let batch: Vec<Params> = who.iter().map(|(position, why)| params![steps.first(), i64::from(*position), why.to_string()]).collect();
    let changed = tx.execute_many(change, &batch).await?;
    Ok(who.into_iter().zip(changed).filter(|(_, touched)| *touched == 1).map(|(who, _)| who).collect())
}

/// At which step they stand, and who they are; read behind the lock that closing took.
async fn stood(tx: &mut Tx, steps: &Steps, who: &[&(u32, EndReason)]) -> Result<Vec<(usize, ContactId)>, StoreError> {
    let read = sql!("SELECT step, contact_id FROM recipient WHERE campaign_id = $1 AND position = $2");
    let batch: Vec<Params> = who.iter().map(|(position, _)| params![steps.first(), i64::from(*position)]).collect();
    let rows = tx.query_many(read, &batch).await?;
    let stood = rows.into_iter().flatten().map(|mut row| Ok((usize::try_from(row.take::<i64>(0)?).unwrap_or(1), row.take(1)?)));
    Ok(stood.collect::<Result<_, DbError>>()?)
}

/// Nothing is due for these any more, at whichever step.
async fn forget_due_of<'a>(tx: &mut Tx, steps: &Steps, who: impl Iterator<Item = &'a (u32, EndReason)>) -> Result<(), StoreError> {
    let forget = sql!(
        "DELETE FROM due WHERE (campaign_id, due_at, position) IN
           (SELECT d.campaign_id, d.due_at, d.position FROM campaign c JOIN due d ON d.campaign_id = c.id WHERE c.sequence_id = $1 AND d.position = $2)"
    );
    let batch: Vec<Params> = who.map(|(position, _)| params![steps.first(), i64::from(*position)]).collect();
    tx.execute_many(forget, &batch).await?;
    Ok(())
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
