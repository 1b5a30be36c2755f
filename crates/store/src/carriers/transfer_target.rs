//! A tenant's lines to which people are put through, in groups that a script names.

use clarion_domain::audit::event::Act;
use clarion_domain::carriers::transfer_target::{SipLine, TransferAddress};
use clarion_domain::compliance::window::WeekHours;
use clarion_domain::id::TransferTargetId;
use clarion_domain::time::Instant;

use crate::compliance::Week;
use crate::db::{DbError, Row, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{FieldFault, StoreError, Tenant};

pub const TARGET_CAPACITY_MAX: u32 = 10_000;

/// What a target is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTransferTarget {
    /// What scripts call it; several targets may share one group.
    pub group: String,
    pub name: String,
    /// A number in E.164, or `sip:user@host`.
    pub address: String,
    /// How a SIP address is reached.
    pub line: SipLine,
    /// In the tenant's zone; nothing written is always.
    pub hours: Week,
    /// Calls that it takes at the same time.
    pub capacity: u32,
    /// Lower is asked first.
    pub priority: i64,
    pub enabled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferTargetRecord {
    pub id: TransferTargetId,
    pub target: NewTransferTarget,
    /// Free agents as the call centre last said over the API, and when.
    pub told: Option<(u32, Instant)>,
    pub created_by: String,
    pub created_at: Instant,
}

impl TransferTargetRecord {
    /// The address, which was checked when it was stored.
    pub fn address(&self) -> Result<TransferAddress, StoreError> {
        TransferAddress::parse(&self.target.address).map_err(|error| StoreError::Invalid(error.to_string()))
    }

    pub fn hours(&self) -> Result<WeekHours, StoreError> {
        let hours = self.target.hours.hours().map_err(|error| StoreError::Invalid(error.to_string()))?;
        Ok(hours.unwrap_or_else(WeekHours::always))
    }
}

fn read(mut row: Row) -> Result<TransferTargetRecord, DbError> {
    let number = |value: i64| u32::try_from(value).unwrap_or(0);
    let target = NewTransferTarget {
        group: row.take(1)?,
        name: row.take(2)?,
        address: row.take(3)?,
        line: row.json(12)?,
        hours: row.json(4)?,
        capacity: number(row.take(5)?),
        priority: row.take(8)?,
        enabled: row.take(9)?,
    };
    let told = row.take::<Option<i64>>(6)?.map(number).zip(row.take::<Option<Instant>>(7)?);
    Ok(TransferTargetRecord { id: row.take(0)?, target, told, created_by: row.take(10)?, created_at: row.take(11)? })
}

/// Group names are words of a script.
fn is_group_name(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-')
}

fn check(new: &NewTransferTarget) -> Result<(), StoreError> {
    let mut faults = Vec::new();
    let mut fault = |field, message: String| faults.push(FieldFault { field, message });
    if !is_group_name(&new.group) {
        fault("group", "a group has 1 to 40 small letters, digits, - and _: scripts name it so".into());
    }
    if new.name.trim().is_empty() || new.name.chars().count() > 60 {
        fault("name", "give it a name of 1 to 60 characters".into());
    }
    if let Err(error) = TransferAddress::parse(&new.address) {
        fault("address", error.to_string());
    }
    for problem in new.line.faults() {
        fault(problem.field, problem.problem);
    }
    if let Err(error) = new.hours.hours() {
        fault("hours", error.to_string());
    }
    if !(1..=TARGET_CAPACITY_MAX).contains(&new.capacity) {
        fault("capacity", format!("1 to {TARGET_CAPACITY_MAX} calls at the same time"));
    }
    if !(0..=1_000).contains(&new.priority) {
        fault("priority", "0 to 1,000; the lowest is asked first".into());
    }
    if faults.is_empty() { Ok(()) } else { Err(StoreError::Faults(faults)) }
}

fn text<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Invalid(error.to_string()))
}

fn taken(new: &NewTransferTarget) -> StoreError {
    StoreError::Conflict(format!("a transfer target called “{}” exists already: choose another name", new.name.trim()))
}

impl Tenant {
    pub async fn transfer_targets(&self) -> Result<Vec<TransferTargetRecord>, StoreError> {
        let select = sql!(
            "SELECT id, group_name, name, address, hours, capacity, told_free, told_at, priority, enabled, created_by, created_at, line
             FROM transfer_target WHERE tenant_id = $1 ORDER BY group_name, priority, name"
        );
        Ok(self.db().query(select, &params![self.id()]).await?.into_iter().map(read).collect::<Result<_, _>>()?)
    }

    pub async fn transfer_target(&self, id: TransferTargetId) -> Result<TransferTargetRecord, StoreError> {
        self.transfer_targets().await?.into_iter().find(|target| target.id == id).ok_or(StoreError::NotFound("transfer target"))
    }

    pub async fn add_transfer_target(&self, new: &NewTransferTarget, now: Instant) -> Result<TransferTargetId, StoreError> {
        check(new)?;
        let id = TransferTargetId(self.store().next_id(now));
        let insert = sql!(
            "INSERT INTO transfer_target (id, tenant_id, group_name, name, address, hours, capacity, told_free, told_at, priority, enabled, created_by, created_at, line)
             VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, NULL, $8, $9, $10, $11, $12)"
        );
        let mut tx = self.db().begin().await?;
        let values = params![
            id, self.id(), new.group.as_str(), new.name.trim(), new.address.trim(), text(&new.hours)?, i64::from(new.capacity), new.priority, new.enabled,
            self.actor().to_string(), now, text(&new.line)?
        ];
        match tx.execute(insert, &values).await {
            Err(DbError::Unique) => return Err(taken(new)),
            other => other?,
        };
        self.audit(&mut tx, now, Act::Created, "transfer target", id.0, new.name.trim()).await?;
        tx.commit().await?;
        self.store().signals().raise(Signal::Calls);
        Ok(id)
    }

    pub async fn change_transfer_target(&self, id: TransferTargetId, new: &NewTransferTarget, now: Instant) -> Result<(), StoreError> {
        check(new)?;
        let update = sql!(
            "UPDATE transfer_target SET group_name = $3, name = $4, address = $5, hours = $6, capacity = $7, priority = $8, enabled = $9, line = $10
             WHERE id = $1 AND tenant_id = $2"
        );
        let values = params![
            id, self.id(), new.group.as_str(), new.name.trim(), new.address.trim(), text(&new.hours)?, i64::from(new.capacity), new.priority, new.enabled,
            text(&new.line)?
        ];
        let mut tx = self.db().begin().await?;
        match tx.execute(update, &values).await {
            Err(DbError::Unique) => return Err(taken(new)),
            Ok(0) => return Err(StoreError::NotFound("transfer target")),
            other => other?,
        };
        self.audit(&mut tx, now, Act::Changed, "transfer target", id.0, if new.enabled { "" } else { "disabled" }).await?;
        tx.commit().await?;
        self.store().signals().raise(Signal::Calls);
        Ok(())
    }

    pub async fn delete_transfer_target(&self, id: TransferTargetId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        if tx.execute(sql!("DELETE FROM transfer_target WHERE id = $1 AND tenant_id = $2"), &params![id, self.id()]).await? == 0 {
            return Err(StoreError::NotFound("transfer target"));
        }
        self.audit(&mut tx, now, Act::Deleted, "transfer target", id.0, "").await?;
        tx.commit().await?;
        self.store().signals().raise(Signal::Calls);
        Ok(())
    }

    /// The call centre says how many of its agents are free; `None` goes back to the fixed capacity.
    pub async fn tell_free_agents(&self, id: TransferTargetId, free: Option<u32>, now: Instant) -> Result<(), StoreError> {
        let update = sql!("UPDATE transfer_target SET told_free = $3, told_at = $4 WHERE id = $1 AND tenant_id = $2");
        let told = free.map(i64::from);
        if self.db().execute(update, &params![id, self.id(), told, told.map(|_| now)]).await? == 0 {
            return Err(StoreError::NotFound("transfer target"));
        }
        self.store().signals().raise(Signal::Calls);
        Ok(())
    }
}
