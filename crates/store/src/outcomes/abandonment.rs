//! How many answered calls of a campaign met nobody, by calendar day: counted in the transaction that ends the call, so that
//! no restart forgets one (UK-1, UK-4).

use clarion_domain::compliance::abandonment::AbandonmentDay as Counts;
use clarion_domain::id::{CampaignId, TenantId};
use clarion_domain::time::Instant;

use crate::db::{DbError, Row, Tx, sql};
use crate::params;
use crate::store::{Store, StoreError};

/// One campaign's day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AbandonmentDay {
    /// `2026-11-24`, in the zone of the rule.
    pub day: String,
    /// Answered by a person, ended by us with nobody there for them.
    pub abandoned: i64,
    /// Answered by a person and passed to an agent.
    pub passed: i64,
    /// Ended because a machine was heard.
    pub machine_ended: i64,
    pub answered: i64,
    /// Answered by a person who heard nothing within two seconds.
    pub silent: i64,
    /// From then on, for the rest of the day, the campaign has one call for each free agent.
    pub latched_at: Option<Instant>,
}

impl AbandonmentDay {
    /// As the rules count.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let number = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
        Counts { put_through: number(self.passed), abandoned: number(self.abandoned), silent: number(self.silent), judged_machine: number(self.machine_ended) }
    }
}

fn read(mut row: Row) -> Result<AbandonmentDay, DbError> {
    Ok(AbandonmentDay { day: row.take(0)?, abandoned: row.take(1)?, passed: row.take(2)?, machine_ended: row.take(3)?, answered: row.take(4)?, latched_at: row.take(5)?, silent: row.take(6)? })
}

/// Adds to a day's counts. Its latch is not theirs to move.
pub async fn add_abandonment(tx: &mut Tx, tenant: TenantId, campaign: CampaignId, add: &AbandonmentDay) -> Result<(), DbError> {
    let upsert = sql!(
        "INSERT INTO abandonment (campaign_id, day, tenant_id, abandoned, passed, machine_ended, answered, silent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (campaign_id, day) DO UPDATE SET abandoned = abandonment.abandoned + excluded.abandoned, passed = abandonment.passed + excluded.passed,
         machine_ended = abandonment.machine_ended + excluded.machine_ended, answered = abandonment.answered + excluded.answered,
         silent = abandonment.silent + excluded.silent"
    );
    tx.execute(upsert, &params![campaign, add.day.as_str(), tenant, add.abandoned, add.passed, add.machine_ended, add.answered, add.silent]).await?;
    Ok(())
}

/// Latches a day: no restart forgets it, and a second time changes nothing.
pub async fn latch_day(tx: &mut Tx, tenant: TenantId, campaign: CampaignId, day: &str, now: Instant) -> Result<(), DbError> {
    let upsert = sql!(
        "INSERT INTO abandonment (campaign_id, day, tenant_id, abandoned, passed, machine_ended, answered, latched_at) VALUES ($1, $2, $3, 0, 0, 0, 0, $4)
         ON CONFLICT (campaign_id, day) DO UPDATE SET latched_at = COALESCE(abandonment.latched_at, excluded.latched_at)"
    );
    tx.execute(upsert, &params![campaign, day, tenant, now]).await?;
    Ok(())
}

impl Store {
    /// A campaign's days from `since` on, newest first, at most 30.
    pub async fn abandonment_days(&self, campaign: CampaignId, since: &str) -> Result<Vec<AbandonmentDay>, StoreError> {
        let select = sql!(
            "SELECT day, abandoned, passed, machine_ended, answered, latched_at, silent FROM abandonment WHERE campaign_id = $1 AND day >= $2 ORDER BY day DESC LIMIT 30"
        );
        Ok(self.db().query(select, &params![campaign, since]).await?.into_iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Whoever heard nothing within two seconds in the days from `since` on, by tenant; tenants of whom nobody did are left out.
    pub async fn silent_calls(&self, since: &str) -> Result<Vec<(TenantId, i64)>, StoreError> {
        let select = sql!("SELECT tenant_id, CAST(SUM(silent) AS BIGINT) FROM abandonment WHERE day >= $1 AND silent <> 0 GROUP BY tenant_id ORDER BY tenant_id");
        let rows = self.db().query(select, &params![since]).await?;
        Ok(rows.into_iter().map(|mut row| Ok((row.take(0)?, row.take(1)?))).collect::<Result<_, DbError>>()?)
    }
}
