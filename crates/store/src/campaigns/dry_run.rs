//! A dry run is asked for by a row and answered by a worker: who asks need not be able to send.

use clarion_domain::campaigns::pacing::Bottleneck;
use clarion_domain::id::{CampaignId, TenantId};
use clarion_domain::time::{DAY_MS, Instant};
use serde::{Deserialize, Serialize};

use crate::compliance::RuleReason;
use crate::db::{DbError, Row, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{Store, StoreError, Tenant};

/// Answers are kept this long.
const KEPT_MS: i64 = 30 * DAY_MS;

/// What a start now would lead to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DryRunResult {
    /// The instant for which it was decided.
    pub at_ms: i64,
    pub audience: u64,
    /// May be contacted now.
    pub eligible: u64,
    pub deferred: u64,
    pub refused: u64,
    /// Eligible or deferred, but the text cannot be filled for them: they would not be contacted.
    pub unrenderable: u64,
    /// Deferred people by the quarter of an hour in which they may be contacted, the earliest first.
    pub deferred_until: Vec<DeferredGroup>,
    /// By rule, the most frequent first. A person may be refused by several.
    pub refused_by: Vec<RefusedGroup>,
    /// The same of those who are deferred.
    #[serde(default)]
    pub deferred_by: Vec<RefusedGroup>,
    /// Of a campaign of calls; nothing then tells of messages.
    #[serde(default)]
    pub calls: Option<CallForecast>,
    /// Missing fields, by how many people lack them.
    pub missing_fields: Vec<MissingField>,
    /// Of the messages that can be filled, to those who are eligible or deferred.
    pub messages: u64,
    pub segments: u64,
    /// Messages that need UCS-2.
    pub messages_ucs2: u64,
    /// Messages for which no route names a trunk.
    pub unrouted: u64,
    /// By currency, in ten-thousandths of its unit.
    pub costs: Vec<DryRunCost>,
    /// Time spent sending, closed hours left out.
    pub sending_ms: u64,
    pub starts_at_ms: Option<i64>,
    /// `None` when some are never sent.
    pub finishes_at_ms: Option<i64>,
    /// Messages that closed hours, the campaign's end or missing trunks leave unsent.
    pub left_unsent: u64,
    pub bottleneck: Option<Bottleneck>,
    /// The rule packs that decided.
    pub rule_packs: Vec<String>,
    /// The steps after the first, each for the whole audience as if it began at the same moment: whom nothing stops comes so far.
    #[serde(default)]
    pub steps: Vec<DryRunResult>,
}

/// The calls of a start now: one to each person who is eligible or deferred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallForecast {
    pub calls: u64,
    /// By the limits of the campaign, its trunks and its agents.
    pub calls_an_hour: u64,
    /// Lines of agents to whom the script puts people through.
    pub agents: u32,
    pub answered_percent: u8,
    pub ring_answered_ms: u32,
    pub ring_unanswered_ms: u32,
    pub talk_ms: u32,
    /// Calls of the tenant from which these times are; 0 when they are assumed.
    pub learned_from: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeferredGroup {
    pub until_ms: i64,
    pub people: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedGroup {
    #[serde(flatten)]
    pub reason: RuleReason,
    pub people: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingField {
    pub field: String,
    pub people: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRunCost {
    pub currency: String,
    pub amount: i64,
}

/// A dry run as asked for, with its answer when there is one.
#[derive(Debug, Clone)]
pub struct DryRunRecord {
    pub id: i64,
    pub campaign_id: CampaignId,
    pub asked_by: String,
    pub asked_at: Instant,
    pub done_at: Option<Instant>,
    /// `Err` is the sentence that says why it failed; `None` while it runs.
    pub result: Option<Result<DryRunResult, String>>,
}

fn read(mut row: Row) -> Result<DryRunRecord, StoreError> {
    let state: String = row.take(2)?;
    let result = match state.as_str() {
        "done" => Some(Ok(row.json(3)?)),
        "failed" => Some(Err(row.take(3)?)),
        _ => None,
    };
    Ok(DryRunRecord { id: row.take(0)?, campaign_id: row.take(1)?, result, asked_by: row.take(4)?, asked_at: row.take(5)?, done_at: row.take(6)? })
}

impl Tenant {
    /// Asks for a dry run; one that is waiting already answers for both.
    pub async fn ask_dry_run(&self, campaign: CampaignId, now: Instant) -> Result<i64, StoreError> {
        let mut tx = self.db().begin().await?;
        self.campaign_in(&mut tx, campaign).await?;
        let waiting = sql!("SELECT id FROM dry_run WHERE campaign_id = $1 AND tenant_id = $2 AND state = 'asked' LIMIT 1");
        if let Some(mut row) = tx.query_first(waiting, &params![campaign, self.id]).await? {
            return Ok(row.take(0)?);
        }
        let forget = sql!("DELETE FROM dry_run WHERE tenant_id = $1 AND asked_at < $2");
        tx.execute(forget, &params![self.id, now.plus_ms(-KEPT_MS)]).await?;
        let insert = sql!("INSERT INTO dry_run (id, tenant_id, campaign_id, state, result, asked_by, asked_at, done_at) VALUES ($1, $2, $3, 'asked', '', $4, $5, NULL)");
        let id = self.store.next_id(now);
        tx.execute(insert, &params![id, self.id, campaign, self.actor.to_string(), now]).await?;
        tx.commit().await?;
        self.store.signals().raise(Signal::Campaigns);
        Ok(id)
    }

    pub async fn dry_run(&self, id: i64) -> Result<DryRunRecord, StoreError> {
        let select = sql!("SELECT id, campaign_id, state, result, asked_by, asked_at, done_at FROM dry_run WHERE id = $1 AND tenant_id = $2");
        read(self.db().query_first(select, &params![id, self.id]).await?.ok_or(StoreError::NotFound("dry run"))?)
    }

    /// The newest of a campaign, if one was ever asked for.
    pub async fn latest_dry_run(&self, campaign: CampaignId) -> Result<Option<DryRunRecord>, StoreError> {
        let select = sql!(
            "SELECT id, campaign_id, state, result, asked_by, asked_at, done_at FROM dry_run
             WHERE campaign_id = $1 AND tenant_id = $2 ORDER BY id DESC LIMIT 1"
        );
        self.db().query_first(select, &params![campaign, self.id]).await?.map(read).transpose()
    }

    pub async fn answer_dry_run(&self, id: i64, result: &Result<DryRunResult, String>, now: Instant) -> Result<(), StoreError> {
        let (state, text) = match result {
            Ok(result) => ("done", serde_json::to_string(result).map_err(|error| DbError::Failed(error.to_string()))?),
            Err(why) => ("failed", why.clone()),
        };
        let update = sql!("UPDATE dry_run SET state = $3, result = $4, done_at = $5 WHERE id = $1 AND tenant_id = $2 AND state = 'asked'");
        self.db().execute(update, &params![id, self.id, state, text, now]).await?;
        Ok(())
    }
}

impl Store {
    /// The oldest that waits for its answer.
    pub async fn next_dry_run(&self) -> Result<Option<(TenantId, i64, CampaignId)>, StoreError> {
        let select = sql!("SELECT tenant_id, id, campaign_id FROM dry_run WHERE state = 'asked' ORDER BY id LIMIT 1");
        let row = self.db().query_first(select, &[]).await?;
        row.map(|mut row| Ok((row.take(0)?, row.take(1)?, row.take(2)?))).transpose()
    }
}
