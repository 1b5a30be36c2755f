//! Why a recipient was not contacted: refusals for good, deferrals with their end.

use clarion_domain::id::CampaignId;
use clarion_domain::time::Instant;

use crate::db::{DbError, Tx, sql};
use crate::params;

/// One decision that was not a permit.
#[derive(Debug, Clone)]
pub struct DecisionRow {
    pub position: u32,
    /// `refused` or `deferred`.
    pub kind: &'static str,
    /// Rule ids with a comma between them.
    pub rules: String,
    /// Name, date and revision of the rule pack.
    pub rule_pack: String,
    pub until: Option<Instant>,
}

/// Keeps the last decision of each recipient, and counts refusals (a recipient is refused at most once).
pub async fn record_decisions(tx: &mut Tx, campaign: CampaignId, decisions: &[DecisionRow], now: Instant) -> Result<(), DbError> {
    let upsert = sql!(
        "INSERT INTO decision (campaign_id, position, kind, rules, rule_pack, until_at, decided_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (campaign_id, position) DO UPDATE SET kind = excluded.kind, rules = excluded.rules, rule_pack = excluded.rule_pack,
         until_at = excluded.until_at, decided_at = excluded.decided_at"
    );
    let batch: Vec<_> = decisions
        .iter()
        .map(|made| params![campaign, i64::from(made.position), made.kind, made.rules.as_str(), made.rule_pack.as_str(), made.until, now])
        .collect();
    tx.execute_many(upsert, &batch).await?;

    let mut counts = std::collections::BTreeMap::<&str, i64>::new();
    for made in decisions.iter().filter(|made| made.kind == "refused") {
        *counts.entry(&made.rules).or_default() += 1;
    }
    let count = sql!(
        "INSERT INTO decision_count (campaign_id, kind, rules, n) VALUES ($1, 'refused', $2, $3)
         ON CONFLICT (campaign_id, kind, rules) DO UPDATE SET n = decision_count.n + excluded.n"
    );
    let batch: Vec<_> = counts.into_iter().map(|(rules, n)| params![campaign, rules, n]).collect();
    tx.execute_many(count, &batch).await?;
    Ok(())
}
