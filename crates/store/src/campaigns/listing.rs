//! Campaigns in pages and in counts.

use std::collections::{BTreeSet, HashMap};

use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::id::CampaignId;

use super::campaign::{CampaignRecord, read};
use crate::db::{Params, sql};
use crate::params;
use crate::store::{Page, StoreError, Tenant};

/// What narrows a listing.
#[derive(Debug, Clone, Copy, Default)]
pub struct CampaignQuery<'a> {
    pub state: Option<CampaignState>,
    /// A part of the name, without regard to case.
    pub text: &'a str,
    pub before: Option<i64>,
    pub limit: i64,
}

/// Refusals of one campaign by the rules that made them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionCount {
    /// `refused`.
    pub kind: String,
    /// Rule ids with commas between.
    pub rules: String,
    pub n: i64,
}

/// `%` and `_` mean themselves.
fn like(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.trim().chars().flat_map(char::to_lowercase) {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

impl Tenant {
    /// The newest first.
    pub async fn campaigns(&self, query: &CampaignQuery<'_>) -> Result<Page<CampaignRecord>, StoreError> {
        let select = sql!(
            "SELECT id, name, channel, purpose, underlying_purpose, not_marketing_reason, legal_basis, assessment_reference, state, list_id, filter_id,
                    body, sender, schedule, retry, rate_per_second, starts_at, audience_size, next_position, state_reason,
                    created_by, created_at, started_by, started_at, finished_at, script, call_settings, recording, sequence_id, step, sequence, stops
             FROM campaign WHERE tenant_id = $1 AND step = 1 AND id < $2 AND ($3 = '' OR state = $3) AND ($4 = '%%' OR LOWER(name) LIKE $4 ESCAPE '\\')
             ORDER BY id DESC LIMIT $5"
        );
        let state = query.state.map_or("", CampaignState::as_str);
        let values = params![self.id, query.before.unwrap_or(i64::MAX), state, like(query.text), query.limit + 1];
        let rows = self.db().query(select, &values).await?.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::cut(rows, query.limit, |campaign: &CampaignRecord| campaign.id.0))
    }

    /// How many campaigns are in each state; states without any are left out.
    pub async fn campaign_counts(&self) -> Result<Vec<(CampaignState, i64)>, StoreError> {
        let select = sql!("SELECT state, COUNT(*) FROM campaign WHERE tenant_id = $1 AND step = 1 GROUP BY state ORDER BY state");
        let rows = self.db().query(select, &params![self.id]).await?;
        rows.into_iter().map(|mut row| Ok((row.word(0)?, row.take(1)?))).collect()
    }

    /// The refusals of a campaign, the most frequent first.
    pub async fn decision_counts(&self, id: CampaignId) -> Result<Vec<DecisionCount>, StoreError> {
        let select = sql!(
            "SELECT d.kind, d.rules, d.n FROM decision_count d JOIN campaign c ON c.id = d.campaign_id
             WHERE d.campaign_id = $1 AND c.tenant_id = $2 ORDER BY d.n DESC, d.rules"
        );
        let rows = self.db().query(select, &params![id, self.id]).await?;
        rows.into_iter().map(|mut row| Ok(DecisionCount { kind: row.take(0)?, rules: row.take(1)?, n: row.take(2)? })).collect()
    }
}

impl Tenant {
    /// The names of the newest campaigns, to choose from.
    pub async fn campaign_names(&self) -> Result<Vec<(CampaignId, String)>, StoreError> {
        let rows = self.db().query(sql!("SELECT id, name FROM campaign WHERE tenant_id = $1 AND step = 1 ORDER BY id DESC LIMIT 1000"), &params![self.id]).await?;
        rows.into_iter().map(|mut row| Ok((row.take(0)?, row.take(1)?))).collect()
    }

    /// The names of these; later steps have names of their own, since they are counted apart.
    pub async fn campaign_names_of(&self, ids: impl IntoIterator<Item = CampaignId>) -> Result<HashMap<CampaignId, String>, StoreError> {
        let ids: BTreeSet<CampaignId> = ids.into_iter().collect();
        let batch: Vec<Params> = ids.into_iter().map(|id| params![self.id, id]).collect();
        let rows = self.db().query_many(sql!("SELECT id, name FROM campaign WHERE tenant_id = $1 AND id = $2"), &batch).await?;
        rows.into_iter().flatten().map(|mut row| Ok((row.take(0)?, row.take(1)?))).collect()
    }
}
