//! The rules that choose a trunk: by the longest prefix of the number, the sender, and the priority.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{RouteId, TenantId, TrunkId};
use clarion_domain::time::Instant;

use crate::db::{DbError, Row, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{Store, StoreError, Tenant};

/// A route to add.
#[derive(Debug, Clone)]
pub struct NewRoute {
    /// Digits with a plus that the number begins with: `+44`, `+` for every number.
    pub prefix: String,
    /// Only for this sender; empty for any.
    pub sender: String,
    pub trunk: TrunkId,
    /// The lowest goes first; the others are for when it is down.
    pub priority: i64,
}

/// A route as stored.
#[derive(Debug, Clone)]
pub struct RouteRecord {
    pub id: RouteId,
    /// `None` for a route of the operator's, which serves tenants that have none of their own.
    pub tenant: Option<TenantId>,
    pub prefix: String,
    pub sender: String,
    pub trunk: TrunkId,
    pub priority: i64,
}

fn read(mut row: Row) -> Result<RouteRecord, DbError> {
    Ok(RouteRecord { id: row.take(0)?, tenant: row.take(1)?, prefix: row.take(2)?, sender: row.take(3)?, trunk: row.take(4)?, priority: row.take(5)? })
}

impl Store {
    /// Every route, for the engine.
    pub async fn routes(&self) -> Result<Vec<RouteRecord>, StoreError> {
        let select = sql!("SELECT id, tenant_id, prefix, sender, trunk_id, priority FROM route ORDER BY priority, id");
        Ok(self.db().query(select, &[]).await?.into_iter().map(read).collect::<Result<_, _>>()?)
    }
}

impl Tenant {
    /// This tenant's routes and the operator's.
    pub async fn routes(&self) -> Result<Vec<RouteRecord>, StoreError> {
        let select = sql!("SELECT id, tenant_id, prefix, sender, trunk_id, priority FROM route WHERE tenant_id IS NULL OR tenant_id = $1 ORDER BY priority, id");
        Ok(self.db().query(select, &params![self.id()]).await?.into_iter().map(read).collect::<Result<_, _>>()?)
    }

    pub async fn add_route(&self, new: &NewRoute, shared: bool, now: Instant) -> Result<RouteId, StoreError> {
        let digits = new.prefix.strip_prefix('+').ok_or_else(|| StoreError::Invalid("prefix: begin with a plus: +44, or + for every number".into()))?;
        if digits.len() > 15 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(StoreError::Invalid("prefix: a plus and at most 15 digits".into()));
        }
        if !(1..=1_000).contains(&new.priority) {
            return Err(StoreError::Invalid("priority: 1 (first) to 1,000".into()));
        }
        self.trunk(new.trunk).await?;
        let id = RouteId(self.store().next_id(now));
        let insert = sql!("INSERT INTO route (id, tenant_id, prefix, sender, trunk_id, priority, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
        let owner = (!shared).then_some(self.id());
        let mut tx = self.db().begin().await?;
        tx.execute(insert, &params![id, owner, new.prefix.as_str(), new.sender.as_str(), new.trunk, new.priority, self.actor().to_string(), now]).await?;
        self.audit(&mut tx, now, Act::Created, "route", id.0, "").await?;
        tx.commit().await?;
        self.store().signals().raise(Signal::Carriers);
        Ok(id)
    }

    pub async fn remove_route(&self, id: RouteId, now: Instant) -> Result<(), StoreError> {
        let delete = sql!("DELETE FROM route WHERE id = $1 AND (tenant_id = $2 OR (tenant_id IS NULL AND CAST($3 AS BIGINT) = 1))");
        let operator = self.actor() == clarion_domain::tenancy::tenant::Actor::Operator;
        let mut tx = self.db().begin().await?;
        if tx.execute(delete, &params![id, self.id(), operator]).await? == 0 {
            return Err(StoreError::NotFound("route"));
        }
        self.audit(&mut tx, now, Act::Deleted, "route", id.0, "").await?;
        tx.commit().await?;
        self.store().signals().raise(Signal::Carriers);
        Ok(())
    }
}
