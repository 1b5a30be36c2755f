//! Stops from outside: a reply, or a word of the client's own system. They win against a step that is about to be made.

use std::collections::BTreeMap;

use clarion_domain::audit::event::Act;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::campaigns::sequence::{EndReason, Sequence, StopResult, ToldReason};
use clarion_domain::id::{CampaignId, ContactId};
use clarion_domain::outcomes::reply::ReplyMeaning;
use clarion_domain::time::Instant;

use super::sequence::{Steps, end, step_ids};
use crate::db::{DbError, Params, Tx, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{StoreError, Tenant};

/// People named in one request.
pub const STOPS_MAX: usize = 10_000;

/// Of those, in one transaction.
const STOPS_AT_ONCE: usize = 1_000;

/// Until its audience is frozen, a campaign has nobody to stop.
const NOBODY_IN_YET: &str = "this campaign's people are not in it yet: tell it again once the campaign runs, suppress them, or take them off its list";

/// Whom to stop: by our identifier, or by the client's own reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopWhom {
    Contact(ContactId),
    Reference(String),
}

impl Tenant {
    /// Stops people in a campaign, each once however often it is told. What is on the wire at that moment is not called back.
    pub async fn stop_recipients(&self, id: CampaignId, whom: &[StopWhom], reason: &ToldReason, now: Instant) -> Result<Vec<StopResult>, StoreError> {
        if whom.len() > STOPS_MAX {
            return Err(StoreError::Invalid(format!("{} people are named: name at most {STOPS_MAX} in one request", whom.len())));
        }
        let record = self.campaign(id).await?;
        if matches!(record.state, CampaignState::Draft | CampaignState::Scheduled | CampaignState::Starting) {
            return Err(StoreError::Conflict(NOBODY_IN_YET.into()));
        }
        let first = record.first;
        let steps = Steps { tenant: self.id, ids: self.step_ids(first).await?, sequence: record.sequence };
        let mut results = Vec::with_capacity(whom.len());
        // So many in one transaction: messages go on between.
        for some in whom.chunks(STOPS_AT_ONCE) {
            results.extend(self.stop_some(first, &steps, some, reason, now).await?);
        }
        self.store.signals().raise(Signal::Campaigns);
        Ok(results)
    }

    async fn stop_some(&self, first: CampaignId, steps: &Steps, whom: &[StopWhom], reason: &ToldReason, now: Instant) -> Result<Vec<StopResult>, StoreError> {
        let contacts = self.named(whom).await?;
        let select = sql!("SELECT position, ended FROM recipient WHERE contact_id = $1 AND campaign_id = $2 ORDER BY position DESC LIMIT 1");
        let batch: Vec<Params> = contacts.iter().map(|(_, contact)| params![*contact, first]).collect();
        let mut tx = self.db().begin().await?;
        let mut results = vec![StopResult::Unknown; whom.len()];
        let mut ending = BTreeMap::<u32, EndReason>::new();
        for ((place, _), rows) in contacts.iter().zip(tx.query_many(select, &batch).await?) {
            let Some(mut row) = rows.into_iter().next() else { continue };
            let (position, ended): (i64, String) = (row.take(0)?, row.take(1)?);
            let position = u32::try_from(position).unwrap_or(u32::MAX);
            // Who is through may be tried once more yet: that is stopped too, though it was over.
            let is_open = matches!(ended.as_str(), "" | "completed");
            let is_first = is_open && ending.insert(position, EndReason::Told(reason.clone())).is_none();
            let result = if is_first && ended.is_empty() { StopResult::Stopped } else { StopResult::Over };
            results[*place] = results[*place].min(result);
        }
        let stopped = end(&mut tx, &self.store, steps, &ending.into_iter().collect::<Vec<_>>(), now).await?;
        if stopped > 0 {
            self.audit(&mut tx, now, Act::Changed, "campaign", first.0, &format!("stopped for {stopped} people: {reason}")).await?;
        }
        tx.commit().await?;
        Ok(results)
    }

    /// The contacts that are meant, each with the place of whom it stands for: several may bear one reference.
    async fn named(&self, whom: &[StopWhom]) -> Result<Vec<(usize, ContactId)>, StoreError> {
        let by_id = sql!("SELECT id FROM contact WHERE tenant_id = $1 AND id = $2");
        let by_reference = sql!("SELECT id FROM contact WHERE tenant_id = $1 AND reference_index = $2");
        let (mut ids, mut references) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
        for (place, one) in whom.iter().enumerate() {
            let (asked, value) = match one {
                StopWhom::Contact(id) => (&mut ids, params![self.id, *id]),
                StopWhom::Reference(reference) => (&mut references, params![self.id, self.reference_index(reference)]),
            };
            asked.0.push(place);
            asked.1.push(value);
        }
        let mut found = Vec::with_capacity(whom.len());
        for (select, (places, batch)) in [(by_id, ids), (by_reference, references)] {
            for (place, rows) in places.into_iter().zip(self.db().query_many(select, &batch).await?) {
                for mut row in rows {
                    found.push((place, row.take(0)?));
                }
            }
        }
        Ok(found)
    }

    /// A reply ends the sequences that its sender is in, wherever their rules say so; also one whose last step may be tried once more.
    pub async fn stop_on_reply_in_tx(&self, tx: &mut Tx, number: &str, meaning: ReplyMeaning, text: &str, now: Instant) -> Result<(), StoreError> {
        let select = sql!(
            "SELECT r.campaign_id, r.position, c.sequence FROM address a JOIN recipient r ON r.contact_id = a.contact_id JOIN campaign c ON c.id = r.campaign_id
             WHERE a.tenant_id = $1 AND a.number_index = $2 AND c.tenant_id = $1 AND c.step = 1 AND c.state IN ('running', 'paused') AND c.sequence <> ''
               AND (r.ended = '' OR (r.ended = 'completed'
                    AND NOT EXISTS (SELECT 1 FROM recipient n WHERE n.contact_id = r.contact_id AND n.campaign_id = r.campaign_id AND n.position > r.position)))
             ORDER BY r.campaign_id, r.position"
        );
        for mut row in tx.query(select, &params![self.id, self.number_index(number)]).await? {
            let (first, position, text_of): (CampaignId, i64, String) = (row.take(0)?, row.take(1)?, row.take(2)?);
            let sequence: Sequence = serde_json::from_str(&text_of).map_err(|error| DbError::Failed(format!("sequence: {error}")))?;
            let Some(why) = sequence.stops.on_reply(meaning, text).filter(|_| sequence.is_tracked()) else { continue };
            let steps = Steps { tenant: self.id, ids: step_ids(tx, first).await?, sequence };
            end(tx, &self.store, &steps, &[(u32::try_from(position).unwrap_or(u32::MAX), why)], now).await?;
        }
        Ok(())
    }
}
