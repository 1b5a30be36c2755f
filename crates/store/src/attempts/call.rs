//! A call's record: written when it is dialled, moved with each of its states, kept as the proof of its timings (UK-11).

use std::collections::HashMap;

use clarion_domain::id::{AttemptId, CampaignId, ContactId, NodeId, TenantId, TransferTargetId, TrunkId, floor_at};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::Instant;

use super::recording::end_lost_recordings;
use crate::db::{DbError, Row, Tx, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// A call as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRow {
    pub attempt: AttemptId,
    pub tenant: TenantId,
    pub campaign: CampaignId,
    pub position: u32,
    pub contact: ContactId,
    pub node: NodeId,
    pub trunk: TrunkId,
    /// To whom the person was put through.
    pub target: Option<TransferTargetId>,
    /// A word of `domain::attempts::call`.
    pub state: String,
    pub state_at: Instant,
    /// The script's step, by its name.
    pub step: String,
    pub dialled_at: Instant,
    pub ringing_at: Option<Instant>,
    pub answered_at: Option<Instant>,
    /// When the person was first heard.
    pub speech_at: Option<Instant>,
    /// When the first words were played to them.
    pub message_at: Option<Instant>,
    /// When the information message (UK-7) was played, as no agent was there.
    pub information_at: Option<Instant>,
    pub bridged_at: Option<Instant>,
    pub ended_at: Option<Instant>,
    pub ended_by: String,
    /// Who answered, as it was heard.
    pub verdict: String,
    /// What the verdict was made from, as JSON without personal data.
    pub features: String,
    pub abandoned: bool,
    /// The fallback prompt was heard in the place of words that could not be rendered.
    pub fell_back: bool,
    /// The person heard nothing within two seconds (UK-2).
    pub silent: bool,
    /// Nothing was heard of their agent within two seconds.
    pub agent_silent: bool,
}

/// Who ended a call that a node left when it died.
pub const CRASH: &str = "crash";

impl CallRow {
    /// For how long it rang, in milliseconds, whether or not it was answered.
    #[must_use]
    pub fn rang_ms(&self) -> Option<i64> {
        between(self.ringing_at, self.answered_at.or(self.ended_at))
    }

    /// From the answer to the end, in milliseconds. After a crash the end is when it was found, and not when it ended.
    #[must_use]
    pub fn lasted_ms(&self) -> Option<i64> {
        between(self.answered_at, self.ended_at).filter(|_| self.ended_by != CRASH)
    }

    /// From the answer to the first words played, in milliseconds.
    #[must_use]
    pub fn first_words_ms(&self) -> Option<i64> {
        between(self.answered_at, self.message_at)
    }

    /// With an agent, in milliseconds.
    #[must_use]
    pub fn talked_ms(&self) -> Option<i64> {
        between(self.bridged_at, self.ended_at).filter(|_| self.ended_by != CRASH)
    }
}

fn between(from: Option<Instant>, to: Option<Instant>) -> Option<i64> {
    from.zip(to).map(|(from, to)| (to.ms() - from.ms()).max(0))
}

/// Writes calls as they now stand. One that a crash ended, by another node's word, stays so until it is revived.
pub async fn write_calls(tx: &mut Tx, calls: &[CallRow]) -> Result<(), DbError> {
    let upsert = sql!(
        "INSERT INTO call (attempt_id, tenant_id, campaign_id, position, contact_id, node_id, trunk_id, target_id, state, state_at, step, dialled_at,
                           ringing_at, answered_at, speech_at, message_at, bridged_at, ended_at, ended_by, verdict, features, abandoned, information_at, fell_back, silent, agent_silent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)
         ON CONFLICT (attempt_id) DO UPDATE SET target_id = excluded.target_id, state = excluded.state, state_at = excluded.state_at, step = excluded.step,
         ringing_at = excluded.ringing_at, answered_at = excluded.answered_at, speech_at = excluded.speech_at, message_at = excluded.message_at,
         bridged_at = excluded.bridged_at, ended_at = excluded.ended_at, ended_by = excluded.ended_by, verdict = excluded.verdict,
         features = excluded.features, abandoned = excluded.abandoned, information_at = excluded.information_at, fell_back = excluded.fell_back,
         silent = excluded.silent, agent_silent = excluded.agent_silent
         WHERE call.ended_by <> 'crash'"
    );
    let batch: Vec<_> = calls
        .iter()
        .map(|call| {
            params![
                call.attempt, call.tenant, call.campaign, i64::from(call.position), call.contact, call.node, call.trunk, call.target, call.state.as_str(),
                call.state_at, call.step.as_str(), call.dialled_at, call.ringing_at, call.answered_at, call.speech_at, call.message_at, call.bridged_at,
                call.ended_at, call.ended_by.as_str(), call.verdict.as_str(), call.features.as_str(), call.abandoned, call.information_at, call.fell_back,
                call.silent, call.agent_silent
            ]
        })
        .collect();
    tx.execute_many(upsert, &batch).await?;
    Ok(())
}

/// Holds those of these records that are open until the transaction ends: whoever else writes one has done so before, or waits and finds it ended. What
/// is counted of a call is then what its record goes on to say.
pub async fn hold_calls(tx: &mut Tx, ids: &[AttemptId]) -> Result<(), DbError> {
    let hold = sql!("UPDATE call SET ended_by = ended_by WHERE attempt_id = $1 AND ended_at IS NULL");
    let batch: Vec<_> = ids.iter().map(|id| params![*id]).collect();
    tx.execute_many(hold, &batch).await?;
    Ok(())
}

/// A call that a dead node left, and what was done to its person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostEnd {
    pub attempt: AttemptId,
    pub abandoned: bool,
    pub silent: bool,
}

/// Ends the records of calls, and their recordings, that a dead node left, in the transaction that settles its claims.
pub async fn end_lost_calls(tx: &mut Tx, lost: &[LostEnd], now: Instant) -> Result<(), DbError> {
    let update = sql!("UPDATE call SET state = 'ended', state_at = $2, ended_at = $2, ended_by = 'crash', abandoned = $3, silent = $4 WHERE attempt_id = $1 AND ended_at IS NULL");
    let batch: Vec<_> = lost.iter().map(|end| params![end.attempt, now, end.abandoned, end.silent]).collect();
    tx.execute_many(update, &batch).await?;
    end_lost_recordings(tx, &lost.iter().map(|end| end.attempt).collect::<Vec<_>>(), now).await
}

/// Takes back that a crash ended these calls: the node that has them lives, and writes how they truly ended.
pub async fn revive_calls(tx: &mut Tx, ids: &[AttemptId]) -> Result<(), DbError> {
    let update = sql!("UPDATE call SET ended_by = '' WHERE attempt_id = $1 AND ended_by = 'crash'");
    let batch: Vec<_> = ids.iter().map(|id| params![*id]).collect();
    tx.execute_many(update, &batch).await?;
    Ok(())
}

/// Those of `ids` that have a record.
pub async fn calls_by_id(tx: &mut Tx, ids: &[AttemptId]) -> Result<Vec<CallRow>, DbError> {
    let select = sql!(
        "SELECT attempt_id, tenant_id, campaign_id, position, contact_id, node_id, trunk_id, target_id, state, state_at, step, dialled_at,
                ringing_at, answered_at, speech_at, message_at, bridged_at, ended_at, ended_by, verdict, features, abandoned, information_at, fell_back, silent, agent_silent
         FROM call WHERE attempt_id = $1"
    );
    let batch: Vec<_> = ids.iter().map(|id| params![*id]).collect();
    tx.query_many(select, &batch).await?.into_iter().flatten().map(read).collect()
}

/// A call that is over, as far as a pace learns from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastCall {
    pub dialled_at: Instant,
    pub information_at: Option<Instant>,
    pub bridged_at: Option<Instant>,
    pub ended_at: Instant,
}

/// How a tenant's calls went lately, added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PastTimes {
    pub calls: i64,
    pub answered: i64,
    /// From dialling to the answer, of all that were answered.
    pub ring_answered_ms: i64,
    /// From dialling to the end, of all others.
    pub ring_unanswered_ms: i64,
    /// From the answer to the end.
    pub talk_ms: i64,
}

fn read(mut row: Row) -> Result<CallRow, DbError> {
    Ok(CallRow {
        attempt: row.take(0)?,
        tenant: row.take(1)?,
        campaign: row.take(2)?,
        position: row.take::<i64>(3)?.try_into().unwrap_or(0),
        contact: row.take(4)?,
        node: row.take(5)?,
        trunk: row.take(6)?,
        target: row.take(7)?,
        state: row.take(8)?,
        state_at: row.take(9)?,
        step: row.take(10)?,
        dialled_at: row.take(11)?,
        ringing_at: row.take(12)?,
        answered_at: row.take(13)?,
        speech_at: row.take(14)?,
        message_at: row.take(15)?,
        bridged_at: row.take(16)?,
        ended_at: row.take(17)?,
        ended_by: row.take(18)?,
        verdict: row.take(19)?,
        features: row.take(20)?,
        abandoned: row.take(21)?,
        information_at: row.take(22)?,
        fell_back: row.take(23)?,
        silent: row.take(24)?,
        agent_silent: row.take(25)?,
    })
}

/// How a call ended, and what it cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallEnd {
    pub disposition: Disposition,
    pub cause: String,
    /// In ten-thousandths of the currency's unit.
    pub cost: i64,
    pub currency: String,
}

/// Live calls of one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveCount {
    pub state: String,
    pub n: i64,
}

impl Tenant {
    /// Calls of a campaign that are up now, oldest first, at most `limit`.
    pub async fn live_calls(&self, campaign: CampaignId, limit: i64) -> Result<Vec<CallRow>, StoreError> {
        let select = sql!(
            "SELECT attempt_id, tenant_id, campaign_id, position, contact_id, node_id, trunk_id, target_id, state, state_at, step, dialled_at,
                    ringing_at, answered_at, speech_at, message_at, bridged_at, ended_at, ended_by, verdict, features, abandoned, information_at, fell_back, silent, agent_silent
             FROM call WHERE campaign_id = $2 AND ended_at IS NULL AND tenant_id = $1 ORDER BY attempt_id LIMIT $3"
        );
        Ok(self.db().query(select, &params![self.id(), campaign, limit]).await?.into_iter().map(read).collect::<Result<_, _>>()?)
    }

    /// The last calls of a campaign that are over, dialled since, oldest first, at most `limit`.
    pub async fn past_calls(&self, campaign: CampaignId, since: Instant, limit: i64) -> Result<Vec<PastCall>, StoreError> {
        // Identifiers grow with time: the range spares the calls of other days.
        let select = sql!(
            "SELECT dialled_at, information_at, bridged_at, ended_at FROM call
             WHERE attempt_id >= $3 AND campaign_id = $2 AND tenant_id = $1 AND ended_at IS NOT NULL AND ended_by <> 'crash' ORDER BY attempt_id DESC LIMIT $4"
        );
        let rows = self.db().query(select, &params![self.id(), campaign, floor_at(since.ms()), limit]).await?;
        let read = |mut row: Row| Ok(PastCall { dialled_at: row.take(0)?, information_at: row.take(1)?, bridged_at: row.take(2)?, ended_at: row.take(3)? });
        let mut calls = rows.into_iter().map(read).collect::<Result<Vec<_>, DbError>>()?;
        calls.reverse();
        Ok(calls)
    }

    /// The tenant's last calls that are over, dialled since, at most `limit`, added up.
    pub async fn past_times(&self, since: Instant, limit: i64) -> Result<PastTimes, StoreError> {
        let select = sql!(
            "SELECT COUNT(*), COUNT(answered_at), CAST(COALESCE(SUM(answered_at - dialled_at), 0) AS BIGINT),
                    CAST(COALESCE(SUM(CASE WHEN answered_at IS NULL THEN ended_at - dialled_at ELSE 0 END), 0) AS BIGINT),
                    CAST(COALESCE(SUM(ended_at - answered_at), 0) AS BIGINT)
             FROM (SELECT dialled_at, answered_at, ended_at FROM call
                   WHERE attempt_id >= $2 AND tenant_id = $1 AND ended_at IS NOT NULL AND ended_by <> 'crash' ORDER BY attempt_id DESC LIMIT $3) c"
        );
        let Some(mut row) = self.db().query_first(select, &params![self.id(), floor_at(since.ms()), limit]).await? else { return Ok(PastTimes::default()) };
        Ok(PastTimes { calls: row.take(0)?, answered: row.take(1)?, ring_answered_ms: row.take(2)?, ring_unanswered_ms: row.take(3)?, talk_ms: row.take(4)? })
    }

    /// How a call ended; `None` while it is up.
    pub async fn call_end(&self, attempt: AttemptId) -> Result<Option<CallEnd>, StoreError> {
        let select = sql!("SELECT a.disposition, a.cause, a.cost, COALESCE(t.currency, '') FROM attempt a LEFT JOIN trunk t ON t.id = a.trunk_id WHERE a.id = $2 AND a.tenant_id = $1");
        let row = self.db().query_first(select, &params![self.id(), attempt]).await?;
        Ok(row.map(|mut row| Ok::<_, DbError>(CallEnd { disposition: row.word(0)?, cause: row.take(1)?, cost: row.take(2)?, currency: row.take(3)? })).transpose()?)
    }

    /// How many calls of a campaign are up now, by state.
    pub async fn live_call_counts(&self, campaign: CampaignId) -> Result<Vec<LiveCount>, StoreError> {
        let select = sql!("SELECT state, COUNT(*) FROM call WHERE campaign_id = $2 AND ended_at IS NULL AND tenant_id = $1 GROUP BY state ORDER BY state");
        let rows = self.db().query(select, &params![self.id(), campaign]).await?;
        Ok(rows.into_iter().map(|mut row| Ok(LiveCount { state: row.take(0)?, n: row.take(1)? })).collect::<Result<_, DbError>>()?)
    }

    /// The records of those of `attempts` that are calls.
    pub async fn calls(&self, attempts: &[AttemptId]) -> Result<HashMap<AttemptId, CallRow>, StoreError> {
        let select = sql!(
            "SELECT attempt_id, tenant_id, campaign_id, position, contact_id, node_id, trunk_id, target_id, state, state_at, step, dialled_at,
                    ringing_at, answered_at, speech_at, message_at, bridged_at, ended_at, ended_by, verdict, features, abandoned, information_at, fell_back, silent, agent_silent
             FROM call WHERE attempt_id = $2 AND tenant_id = $1"
        );
        let batch: Vec<_> = attempts.iter().map(|attempt| params![self.id(), *attempt]).collect();
        let rows = self.db().query_many(select, &batch).await?;
        Ok(rows.into_iter().flatten().map(|row| read(row).map(|call| (call.attempt, call))).collect::<Result<_, _>>()?)
    }

    /// The record of one call.
    pub async fn call(&self, attempt: AttemptId) -> Result<CallRow, StoreError> {
        let select = sql!(
            "SELECT attempt_id, tenant_id, campaign_id, position, contact_id, node_id, trunk_id, target_id, state, state_at, step, dialled_at,
                    ringing_at, answered_at, speech_at, message_at, bridged_at, ended_at, ended_by, verdict, features, abandoned, information_at, fell_back, silent, agent_silent
             FROM call WHERE attempt_id = $2 AND tenant_id = $1"
        );
        self.db().query_first(select, &params![self.id(), attempt]).await?.map(read).transpose()?.ok_or(StoreError::NotFound("call"))
    }
}
