//! The activity log: what each user does with the portal and each key with the API, in order. Network addresses are sealed.

use clarion_domain::id::{SessionId, TenantId, floor_at};
use clarion_domain::personal::Personal;
use clarion_domain::privacy::retention::RecordClass;
use clarion_domain::tenancy::activity::ActivityKind;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;

use crate::db::{Params, sql};
use crate::params;
use crate::privacy::{Find, SWEEP_BATCH, SweepCount, Target};
use crate::store::{Page, Store, StoreError, Tenant};

const ADDRESS_LABEL: &str = "activity.address";

/// One thing done, to be written.
#[derive(Debug, Clone)]
pub struct NewActivity {
    pub id: i64,
    pub tenant: TenantId,
    pub actor: Actor,
    /// 0 for a key.
    pub session: SessionId,
    pub at: Instant,
    pub kind: ActivityKind,
    pub method: String,
    /// Without its query: what was typed is not kept.
    pub path: String,
    /// The site that somebody came in from or left for.
    pub site: String,
    /// The answer's status; 0 while it is not known.
    pub status: u16,
    pub address: Option<Personal>,
    pub browser: String,
    pub system: String,
}

/// The same, as it was kept.
#[derive(Debug, Clone)]
pub struct ActivityRecord {
    pub id: i64,
    pub session: SessionId,
    pub at: Instant,
    pub kind: ActivityKind,
    pub method: String,
    pub path: String,
    pub site: String,
    pub status: i64,
    pub address: Option<Personal>,
    pub browser: String,
    pub system: String,
}

impl Store {
    /// Writes what was done, and how what was written before ended, in one transaction. What is there already stays: of a commit whose answer was lost
    /// nobody knows whether it was done, and the same is written again.
    pub async fn write_activity(&self, rows: &[NewActivity], ended: &[(i64, u16)]) -> Result<(), StoreError> {
        let mut inserts: Vec<Params> = Vec::with_capacity(rows.len());
        for row in rows {
            let sealed = match &row.address {
                Some(address) => Some(self.tenant(row.tenant, row.actor).await?.keys.data.seal(ADDRESS_LABEL, address.reveal().as_bytes())?),
                None => None,
            };
            inserts.push(params![
                row.id, row.tenant, row.actor.to_string(), row.session, row.at, row.kind.as_str(), row.method.as_str(), row.path.as_str(), row.site.as_str(), i64::from(row.status), sealed,
                row.browser.as_str(), row.system.as_str()
            ]);
        }
        let mut tx = self.db().begin().await?;
        let insert = sql!(
            "INSERT INTO activity (id, tenant_id, actor, session_id, at, kind, method, path, site, status, sealed_address, browser, system)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (id) DO NOTHING"
        );
        tx.execute_many(insert, &inserts).await?;
        let ended: Vec<Params> = ended.iter().map(|(id, status)| params![i64::from(*status), *id]).collect();
        tx.execute_many(sql!("UPDATE activity SET status = $1 WHERE id = $2"), &ended).await?;
        Ok(tx.commit().await?)
    }
}

impl Tenant {
    /// What one user or key did, the newest first.
    pub async fn activity(&self, of: Actor, before: Option<i64>, limit: i64) -> Result<Page<ActivityRecord>, StoreError> {
        let select = sql!(
            "SELECT id, session_id, at, kind, method, path, site, status, sealed_address, browser, system FROM activity
             WHERE tenant_id = $1 AND actor = $2 AND id < $3 ORDER BY id DESC LIMIT $4"
        );
        let mut records = Vec::new();
        for mut row in self.db().query(select, &params![self.id, of.to_string(), before.unwrap_or(i64::MAX), limit + 1]).await? {
            let sealed: Option<Vec<u8>> = row.take(8)?;
            let address = sealed.map(|sealed| self.keys.data.open_text(ADDRESS_LABEL, &sealed)).transpose()?.map(Personal::from);
            let (id, session, at, kind) = (row.take(0)?, row.take(1)?, row.take(2)?, row.word(3)?);
            let (method, path, site, status) = (row.take(4)?, row.take(5)?, row.take(6)?, row.take(7)?);
            records.push(ActivityRecord { id, session, at, kind, method, path, site, status, address, browser: row.take(9)?, system: row.take(10)? });
        }
        Ok(Page::cut(records, limit, |record| record.id))
    }

    pub(crate) async fn sweep_activity_log(&self, before: Instant, now: Instant) -> Result<SweepCount, StoreError> {
        let values = |after: i64| -> Params { params![self.id, after, floor_at(before.ms()), before, SWEEP_BATCH] };
        let find = sql!("SELECT id FROM activity WHERE tenant_id = $1 AND id > $2 AND id < $3 AND at < $4 ORDER BY id LIMIT $5");
        let target = Target { class: RecordClass::PortalActivity, source: "activity" };
        self.sweep_batches(target, 0, Find { statement: find, values: &values }, &[sql!("DELETE FROM activity WHERE id = $1")], now).await
    }
}
