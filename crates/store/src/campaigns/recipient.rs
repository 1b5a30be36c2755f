//! The people of a campaign, each with where they stand in it.

use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::campaigns::sequence::EndReason;
use clarion_domain::id::{AttemptId, CampaignId, ContactId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;

use crate::attempts::CallRow;
use crate::db::{DbError, Params, Row, sql};
use crate::links::LinkClicks;
use crate::params;
use crate::store::{Page, StoreError, Tenant};

/// Where one recipient stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecipientState {
    /// Not asked about yet.
    Waiting,
    /// The rules put them off.
    Deferred { until: Instant, rules: Vec<String> },
    /// Another attempt is planned: after a failure, or because the wire was busy.
    Due { at: Instant, why: String },
    /// The rules refused them.
    Refused { rules: Vec<String>, rule_pack: String },
    /// Claimed, and no answer of the carrier yet.
    InFlight,
    /// Stopped before anything went to them.
    Stopped,
    /// How the last attempt stands.
    Attempted { attempt: AttemptId, disposition: Disposition, cause: String, try_number: i64, at: Instant },
}

/// One line of the listing.
#[derive(Debug, Clone)]
pub struct RecipientRow {
    pub position: i64,
    pub contact_id: ContactId,
    /// Empty when erased.
    pub number: Personal,
    /// The tenant's own reference; empty when they gave none, or when erased.
    pub reference: Personal,
    pub state: RecipientState,
    /// At which step of the campaign they stand, from 1 on.
    pub step: i64,
    /// Why it is over for them; of a plain campaign only when they were stopped.
    pub ended: Option<EndReason>,
    /// What became of the last attempt's short links; `None` for one without.
    pub clicks: Option<LinkClicks>,
    /// The last attempt's record, when it was a call.
    pub call: Option<CallRow>,
    /// The last attempt, whatever stands after it.
    pub last: Option<LastTry>,
}

/// Which try the last attempt was, and when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastTry {
    pub number: i64,
    pub at: Instant,
}

impl RecipientRow {
    /// The last attempt, where there was one.
    #[must_use]
    pub fn attempt(&self) -> Option<AttemptId> {
        if let RecipientState::Attempted { attempt, .. } = &self.state { Some(*attempt) } else { None }
    }
}

/// What narrows the listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientFilter {
    Every,
    Waiting,
    /// Deferred or due.
    Due,
    Refused,
    InFlight,
    /// For whom it ended before the last step.
    Stopped,
    /// Of the last attempt, with nothing planned after it.
    Disposition(Disposition),
}

impl Tenant {
    /// Recipients after a position, in the order of the audience.
    pub async fn recipients(&self, id: CampaignId, filter: RecipientFilter, after: Option<i64>, limit: i64) -> Result<Page<RecipientRow>, StoreError> {
        let campaign = self.campaign(id).await?;
        let positions = self.positions((id, campaign.first), campaign.asked_below(), filter, after.unwrap_or(-1), limit + 1).await?;
        let select = sql!(
            "SELECT r.position, r.contact_id, c.wrapped_key, a.sealed_number, d.kind, d.rules, d.rule_pack, d.decided_at, u.due_at, u.why,
                    t.id, t.disposition, t.cause, t.try_number, t.claimed_at, COALESCE(f.step, 1), COALESCE(f.ended, ''), c.sealed_profile
             FROM recipient r
             LEFT JOIN recipient f ON f.campaign_id = $3 AND f.position = r.position
             LEFT JOIN contact c ON c.id = r.contact_id
             LEFT JOIN address a ON a.id = r.address_id
             LEFT JOIN decision d ON d.campaign_id = r.campaign_id AND d.position = r.position
             LEFT JOIN due u ON u.campaign_id = r.campaign_id AND u.position = r.position AND u.due_at = (SELECT MIN(e.due_at) FROM due e WHERE e.campaign_id = r.campaign_id AND e.position = r.position)
             LEFT JOIN attempt t ON t.id = (SELECT MAX(l.id) FROM attempt l WHERE l.contact_id = r.contact_id AND +l.campaign_id = r.campaign_id AND l.position = r.position)
             WHERE r.campaign_id = $1 AND r.position = $2 LIMIT 1"
        );
        let batch: Vec<Params> = positions.iter().map(|position| params![id, *position, campaign.first]).collect();
        let mut rows = Vec::with_capacity(positions.len());
        for mut row in self.db().query_many(select, &batch).await?.into_iter().flatten() {
            let profile: Option<Vec<u8>> = row.take(17)?;
            rows.push(self.read_recipient(row, profile.as_deref(), campaign.asked_below(), campaign.state == CampaignState::Cancelled)?);
        }
        let attempts: Vec<AttemptId> = rows.iter().filter_map(RecipientRow::attempt).collect();
        let mut clicks = self.clicks_of(&attempts).await?;
        for row in &mut rows {
            row.clicks = row.attempt().and_then(|attempt| clicks.remove(&attempt));
        }
        if campaign.channel == Channel::Voice {
            let mut calls = self.calls(&attempts).await?;
            for row in &mut rows {
                row.call = row.attempt().and_then(|attempt| calls.remove(&attempt));
            }
        }
        Ok(Page::cut(rows, limit, |row: &RecipientRow| row.position))
    }

    /// The same through all steps of a campaign: what is due or decided where they stand, and their last attempt at any step. Clicks,
    /// calls and references are not asked for.
    pub(crate) async fn recipients_through(&self, id: CampaignId, after: Option<i64>, limit: i64) -> Result<Page<RecipientRow>, StoreError> {
        let campaign = self.campaign(id).await?;
        let positions = self.positions((id, id), campaign.asked_below(), RecipientFilter::Every, after.unwrap_or(-1), limit + 1).await?;
        let select = sql!(
            "SELECT r.position, r.contact_id, c.wrapped_key, a.sealed_number, d.kind, d.rules, d.rule_pack, d.decided_at, u.due_at, u.why,
                    t.id, t.disposition, t.cause, t.try_number, t.claimed_at, r.step, r.ended
             FROM recipient r
             LEFT JOIN campaign s ON s.sequence_id = r.campaign_id AND s.step = r.step
             LEFT JOIN contact c ON c.id = r.contact_id
             LEFT JOIN address a ON a.id = r.address_id
             LEFT JOIN decision d ON d.campaign_id = s.id AND d.position = r.position
             LEFT JOIN due u ON u.campaign_id = s.id AND u.position = r.position AND u.due_at = (SELECT MIN(e.due_at) FROM due e WHERE e.campaign_id = s.id AND e.position = r.position)
             LEFT JOIN attempt t ON t.id = (SELECT MAX(l.id) FROM attempt l WHERE l.contact_id = r.contact_id AND l.position = r.position AND +l.campaign_id IN (SELECT x.id FROM campaign x WHERE x.sequence_id = r.campaign_id))
             WHERE r.campaign_id = $1 AND r.position = $2 LIMIT 1"
        );
        let batch: Vec<Params> = positions.iter().map(|position| params![id, *position]).collect();
        let mut rows = Vec::with_capacity(positions.len());
        for row in self.db().query_many(select, &batch).await?.into_iter().flatten() {
            rows.push(self.read_recipient(row, None, campaign.asked_below(), campaign.state == CampaignState::Cancelled)?);
        }
        Ok(Page::cut(rows, limit, |row: &RecipientRow| row.position))
    }

    pub(super) async fn positions(&self, (id, first): (CampaignId, CampaignId), next_position: i64, filter: RecipientFilter, after: i64, limit: i64) -> Result<Vec<i64>, StoreError> {
        let disposition = if let RecipientFilter::Disposition(disposition) = filter { disposition.as_str() } else { "" };
        let rows = match filter {
            RecipientFilter::Every => {
                let select = sql!("SELECT position FROM recipient WHERE campaign_id = $1 AND position > $2 ORDER BY position LIMIT $3");
                self.db().query(select, &params![id, after, limit]).await?
            }
            RecipientFilter::Waiting => {
                let select = sql!("SELECT position FROM recipient WHERE campaign_id = $1 AND position > $2 AND ended = '' ORDER BY position LIMIT $3");
                self.db().query(select, &params![id, after.max(next_position.saturating_sub(1)), limit]).await?
            }
            RecipientFilter::Due => {
                let select = sql!("SELECT DISTINCT position FROM due WHERE campaign_id = $1 AND position > $2 ORDER BY position LIMIT $3");
                self.db().query(select, &params![id, after, limit]).await?
            }
            RecipientFilter::Refused => {
                let select = sql!("SELECT position FROM decision WHERE campaign_id = $1 AND position > $2 AND kind = 'refused' ORDER BY position LIMIT $3");
                self.db().query(select, &params![id, after, limit]).await?
            }
            RecipientFilter::InFlight => {
                let select = sql!(
                    "SELECT r.position FROM recipient r WHERE r.campaign_id = $1 AND r.position > $2 AND r.position < $4
                       AND NOT EXISTS (SELECT 1 FROM recipient f WHERE f.campaign_id = $5 AND f.position = r.position AND f.ended <> '')
                       AND NOT EXISTS (SELECT 1 FROM attempt t WHERE t.contact_id = r.contact_id AND +t.campaign_id = r.campaign_id AND t.position = r.position)
                       AND NOT EXISTS (SELECT 1 FROM due u WHERE u.campaign_id = r.campaign_id AND u.position = r.position)
                       AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.campaign_id = r.campaign_id AND d.position = r.position AND d.kind = 'refused')
                     ORDER BY r.position LIMIT $3"
                );
                self.db().query(select, &params![id, after, limit, next_position, first]).await?
            }
            RecipientFilter::Stopped => {
                let select = sql!("SELECT position FROM recipient WHERE campaign_id = $1 AND position > $2 AND ended NOT IN ('', 'completed') ORDER BY position LIMIT $3");
                self.db().query(select, &params![first, after, limit]).await?
            }
            RecipientFilter::Disposition(_) => {
                let select = sql!(
                    "SELECT DISTINCT t.position FROM attempt t WHERE t.campaign_id = $1 AND t.position > $2 AND t.disposition = $4
                       AND NOT EXISTS (SELECT 1 FROM attempt l WHERE l.contact_id = t.contact_id AND +l.campaign_id = t.campaign_id AND l.position = t.position AND l.id > t.id)
                       AND NOT EXISTS (SELECT 1 FROM due u WHERE u.campaign_id = t.campaign_id AND u.position = t.position)
                     ORDER BY t.position LIMIT $3"
                );
                self.db().query(select, &params![id, after, limit, disposition]).await?
            }
        };
        rows.into_iter().map(|mut row| Ok(row.take(0)?)).collect()
    }

    /// `profile` is sealed; without one there is no reference.
    fn read_recipient(&self, mut row: Row, profile: Option<&[u8]>, next_position: i64, is_cancelled: bool) -> Result<RecipientRow, StoreError> {
        let (wrapped, sealed): (Option<Vec<u8>>, Option<Vec<u8>>) = (row.take(2)?, row.take(3)?);
        let (number, reference) = match wrapped {
            Some(wrapped) => {
                let key = self.store.keyring().unwrap(&wrapped)?;
                let number = sealed.map(|sealed| key.open_text("address.number", &sealed)).transpose()?;
                (number.unwrap_or_default(), Self::open_profile(&key, profile)?.reference)
            }
            None => Default::default(),
        };
        let position: i64 = row.take(0)?;
        let (step, ended): (i64, String) = (row.take(15)?, row.take(16)?);
        let ended: Option<EndReason> = match ended.as_str() {
            "" => None,
            word => Some(word.parse().map_err(|error| DbError::Failed(format!("ended: {error}")))?),
        };
        let contact_id = row.take(1)?;
        let (number_of_try, claimed_at): (Option<i64>, Option<Instant>) = (row.take(13)?, row.take(14)?);
        let last = number_of_try.zip(claimed_at).map(|(number, at)| LastTry { number, at });
        let state = match state_of(row, position < next_position, last)? {
            RecipientState::Waiting | RecipientState::InFlight if ended.is_some() => RecipientState::Stopped,
            // Of a cancelled campaign whoever was put off is due no more, and not on the way either.
            RecipientState::InFlight if is_cancelled => RecipientState::Stopped,
            state => state,
        };
        Ok(RecipientRow { position, contact_id, number: number.into(), reference: reference.into(), state, step, ended, clicks: None, call: None, last })
    }
}

/// The latest word counts: what is due, then the last attempt or a refusal that came after it.
fn state_of(mut row: Row, asked: bool, last: Option<LastTry>) -> Result<RecipientState, StoreError> {
    let kind: Option<String> = row.take(4)?;
    let rules: Vec<String> = row.take::<Option<String>>(5)?.unwrap_or_default().split(',').filter(|rule| !rule.is_empty()).map(str::to_owned).collect();
    if let Some(at) = row.take::<Option<Instant>>(8)? {
        let why: String = row.take::<Option<String>>(9)?.unwrap_or_default();
        return Ok(if why.starts_with("deferred") { RecipientState::Deferred { until: at, rules } } else { RecipientState::Due { at, why } });
    }
    let refused_at: Option<Instant> = if kind.as_deref() == Some("refused") { row.take(7)? } else { None };
    let attempt: Option<AttemptId> = row.take(10)?;
    match (attempt.zip(last), refused_at) {
        (None, None) => Ok(if asked { RecipientState::InFlight } else { RecipientState::Waiting }),
        (Some((attempt, last)), refused) if refused.is_none_or(|at| last.at > at) => Ok(RecipientState::Attempted {
            attempt,
            disposition: row.word(11)?,
            cause: row.take(12)?,
            try_number: last.number,
            at: last.at,
        }),
        _ => Ok(RecipientState::Refused { rules, rule_pack: row.take::<Option<String>>(6)?.unwrap_or_default() }),
    }
}
