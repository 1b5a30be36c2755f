//! The counts of a span, added up by the database: a page costs it a few rows, however many hours and campaigns they are of.
//!
//! Each is of all campaigns, found by the tenant's hours, or of one through all its steps, found by theirs: two texts, for no engine
//! takes the better index for a condition that may be either.

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::id::CampaignId;
use clarion_domain::outcomes::disposition::Disposition;

use super::measure::Span;
use crate::db::{DbError, Params, Statement, Value, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

/// Attempts that ended in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndingSum {
    pub channel: Channel,
    pub disposition: Disposition,
    pub cause: String,
    pub n: i64,
    pub segments: i64,
    pub cost: i64,
}

/// Attempts of one campaign, or of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CampaignSum {
    pub campaign: CampaignId,
    pub n: i64,
    /// Those of them that ended in one of the words asked for.
    pub reached: i64,
}

fn text_for(campaign: Option<CampaignId>, all: &'static Statement, through: &'static Statement) -> &'static Statement {
    if campaign.is_some() { through } else { all }
}

/// The parameters that both texts take, and the campaign behind them for the one that asks for it.
fn with(mut params: Params, campaign: Option<CampaignId>) -> Params {
    params.extend(campaign.map(Value::from));
    params
}

impl Tenant {
    /// What the attempts of a span came to, by channel, ending and cause.
    pub async fn ending_sums(&self, campaign: Option<CampaignId>, (from, to): Span) -> Result<Vec<EndingSum>, StoreError> {
        let all = sql!(
            "SELECT channel, disposition, cause, CAST(SUM(n) AS BIGINT), CAST(SUM(segments) AS BIGINT), CAST(SUM(cost) AS BIGINT) FROM measure
             WHERE tenant_id = $1 AND hour >= $2 AND hour < $3 AND n <> 0
             GROUP BY channel, disposition, cause"
        );
        let through = sql!(
            "SELECT channel, disposition, cause, CAST(SUM(n) AS BIGINT), CAST(SUM(segments) AS BIGINT), CAST(SUM(cost) AS BIGINT) FROM measure
             WHERE campaign_id IN (SELECT c.id FROM campaign f JOIN campaign c ON c.id = f.id OR c.sequence_id = f.id WHERE f.tenant_id = $1 AND f.id = $4) AND hour >= $2 AND hour < $3 AND n <> 0
             GROUP BY channel, disposition, cause"
        );
        let rows = self.db().query(text_for(campaign, all, through), &with(params![self.id(), from, to], campaign)).await?;
        let read = rows.into_iter().map(|mut row| {
            Ok(EndingSum { channel: row.word(0)?, disposition: row.word(1)?, cause: row.take(2)?, n: row.take(3)?, segments: row.take(4)?, cost: row.take(5)? })
        });
        Ok(read.collect::<Result<_, DbError>>()?)
    }

    /// How many attempts of a span each campaign made, the newest first, and how many of them ended in a word that counts as reached.
    pub async fn campaign_sums(&self, campaign: Option<CampaignId>, (from, to): Span, reached: impl Fn(Disposition) -> bool, limit: i64) -> Result<Vec<CampaignSum>, StoreError> {
        let all = sql!(
            "SELECT campaign_id, CAST(SUM(n) AS BIGINT), CAST(SUM(CASE WHEN $4 LIKE '% ' || disposition || ' %' THEN n ELSE 0 END) AS BIGINT) FROM measure
             WHERE tenant_id = $1 AND hour >= $2 AND hour < $3 AND n <> 0
             GROUP BY campaign_id ORDER BY campaign_id DESC LIMIT $5"
        );
        let through = sql!(
            "SELECT campaign_id, CAST(SUM(n) AS BIGINT), CAST(SUM(CASE WHEN $4 LIKE '% ' || disposition || ' %' THEN n ELSE 0 END) AS BIGINT) FROM measure
             WHERE campaign_id IN (SELECT c.id FROM campaign f JOIN campaign c ON c.id = f.id OR c.sequence_id = f.id WHERE f.tenant_id = $1 AND f.id = $6) AND hour >= $2 AND hour < $3 AND n <> 0
             GROUP BY campaign_id ORDER BY campaign_id DESC LIMIT $5"
        );
        let words: Vec<&str> = Disposition::ALL.iter().filter(|word| reached(**word)).map(|word| word.as_str()).collect();
        let words = format!(" {} ", words.join(" "));
        let rows = self.db().query(text_for(campaign, all, through), &with(params![self.id(), from, to, words, limit], campaign)).await?;
        Ok(rows.into_iter().map(|mut row| Ok(CampaignSum { campaign: row.take(0)?, n: row.take(1)?, reached: row.take(2)? })).collect::<Result<_, DbError>>()?)
    }

    /// How many attempts each of these spans has, in their order: days begin where the tenant's zone says, which no database knows.
    pub async fn attempts_within(&self, campaign: Option<CampaignId>, spans: &[Span]) -> Result<Vec<i64>, StoreError> {
        let all = sql!("SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM measure WHERE tenant_id = $1 AND hour >= $2 AND hour < $3");
        let through = sql!(
            "SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM measure
             WHERE campaign_id IN (SELECT c.id FROM campaign f JOIN campaign c ON c.id = f.id OR c.sequence_id = f.id WHERE f.tenant_id = $1 AND f.id = $4) AND hour >= $2 AND hour < $3"
        );
        let batch: Vec<Params> = spans.iter().map(|(from, to)| with(params![self.id(), *from, *to], campaign)).collect();
        let rows = self.db().query_many(text_for(campaign, all, through), &batch).await?;
        Ok(rows.into_iter().flatten().map(|mut row| row.take(0)).collect::<Result<_, DbError>>()?)
    }
}
