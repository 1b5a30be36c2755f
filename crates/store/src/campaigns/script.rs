//! Voice scripts kept for use again.

use clarion_domain::audit::event::Act;
use clarion_domain::contacts::list::ListName;
use clarion_domain::id::ScriptId;
use clarion_domain::time::Instant;

use crate::db::{DbError, Row, sql};
use crate::params;
use crate::store::{FieldFault, StoreError, Tenant};

#[derive(Debug, Clone)]
pub struct ScriptRecord {
    pub id: ScriptId,
    pub name: String,
    /// As its author wrote it.
    pub body: String,
    pub created_by: String,
    pub created_at: Instant,
}

fn read(mut row: Row) -> Result<ScriptRecord, StoreError> {
    Ok(ScriptRecord { id: row.take(0)?, name: row.take(1)?, body: row.take(2)?, created_by: row.take(3)?, created_at: row.take(4)? })
}

fn taken(name: &ListName) -> StoreError {
    StoreError::Conflict(format!("a script called “{name}” exists already: choose another name"))
}

fn checked_name(name: &str) -> Result<ListName, StoreError> {
    ListName::new(name).map_err(|error| StoreError::Faults(vec![FieldFault { field: "name", message: error.to_string() }]))
}

impl Tenant {
    /// Keeps a script, finished or not: what it lacks is said when a campaign would use it.
    pub async fn create_script(&self, name: &str, body: &str, now: Instant) -> Result<ScriptId, StoreError> {
        let name = checked_name(name)?;
        let id = ScriptId(self.store.next_id(now));
        let mut tx = self.db().begin().await?;
        let insert = sql!("INSERT INTO script (id, tenant_id, name, body, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)");
        match tx.execute(insert, &params![id, self.id, name.as_str(), body, self.actor.to_string(), now]).await {
            Err(DbError::Unique) => return Err(taken(&name)),
            other => other?,
        };
        self.audit(&mut tx, now, Act::Created, "script", id.0, name.as_str()).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Campaigns keep the script that they were given.
    pub async fn change_script(&self, id: ScriptId, name: &str, body: &str, now: Instant) -> Result<(), StoreError> {
        let name = checked_name(name)?;
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE script SET name = $3, body = $4 WHERE id = $1 AND tenant_id = $2");
        match tx.execute(update, &params![id, self.id, name.as_str(), body]).await {
            Err(DbError::Unique) => return Err(taken(&name)),
            Ok(0) => return Err(StoreError::NotFound("script")),
            other => other?,
        };
        self.audit(&mut tx, now, Act::Changed, "script", id.0, name.as_str()).await?;
        Ok(tx.commit().await?)
    }

    pub async fn delete_script(&self, id: ScriptId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        if tx.execute(sql!("DELETE FROM script WHERE id = $1 AND tenant_id = $2"), &params![id, self.id]).await? == 0 {
            return Err(StoreError::NotFound("script"));
        }
        self.audit(&mut tx, now, Act::Deleted, "script", id.0, "").await?;
        Ok(tx.commit().await?)
    }

    pub async fn script(&self, id: ScriptId) -> Result<ScriptRecord, StoreError> {
        let select = sql!("SELECT id, name, body, created_by, created_at FROM script WHERE id = $1 AND tenant_id = $2");
        read(self.db().query_first(select, &params![id, self.id]).await?.ok_or(StoreError::NotFound("script"))?)
    }

    /// Every script by name.
    pub async fn scripts(&self) -> Result<Vec<ScriptRecord>, StoreError> {
        let select = sql!("SELECT id, name, body, created_by, created_at FROM script WHERE tenant_id = $1 ORDER BY name");
        self.db().query(select, &params![self.id]).await?.into_iter().map(read).collect()
    }
}
