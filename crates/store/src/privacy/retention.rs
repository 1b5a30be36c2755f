//! How long a tenant keeps each class of record: the defaults, and what it changed within floor and ceiling.

use std::collections::HashMap;

use clarion_domain::audit::event::Act;
use clarion_domain::privacy::retention::{RETENTION, RecordClass, Retention, Trigger};
use clarion_domain::time::Instant;

use crate::db::sql;
use crate::params;
use crate::store::{StoreError, Tenant};

/// One class with the tenant's own period, if it has one.
#[derive(Debug, Clone)]
pub struct RetentionRow {
    pub default: &'static Retention,
    pub own_period_days: Option<u32>,
}

impl RetentionRow {
    /// In words: `90 days`, or how long instead.
    #[must_use]
    pub fn period(&self) -> String {
        match self.default.trigger {
            Trigger::TenantEnd => "as long as this organisation uses the service".into(),
            _ => format!("{} days", self.own_period_days.unwrap_or(self.default.period_days)),
        }
    }

    /// Records whose clock started before this are due.
    #[must_use]
    pub fn due_before(&self, now: Instant) -> Option<Instant> {
        self.default.due_before(self.own_period_days, now)
    }
}

impl Tenant {
    /// Every class, in the order of `RecordClass`.
    pub async fn retention(&self) -> Result<Vec<RetentionRow>, StoreError> {
        let select = sql!("SELECT class, period_days FROM retention_setting WHERE tenant_id = $1");
        let mut own = HashMap::new();
        for mut row in self.db().query(select, &params![self.id]).await? {
            let (class, days): (RecordClass, i64) = (row.word(0)?, row.take(1)?);
            own.insert(class, u32::try_from(days).unwrap_or(u32::MAX));
        }
        Ok(RETENTION.iter().map(|default| RetentionRow { default, own_period_days: own.get(&default.class).copied() }).collect())
    }

    /// The tenant's own period of a class; `None` goes back to the default. The next sweep keeps to it.
    pub async fn set_retention(&self, class: RecordClass, period_days: Option<u32>, now: Instant) -> Result<(), StoreError> {
        if let Some(days) = period_days {
            if class.retention().trigger == Trigger::TenantEnd {
                return Err(StoreError::Invalid(format!("{} entries are kept as long as the tenant is here: no period can be set", class.as_str())));
            }
            class.retention().check_period(days).map_err(|error| StoreError::Invalid(error.to_string()))?;
        }
        let mut tx = self.db().begin().await?;
        tx.execute(sql!("DELETE FROM retention_setting WHERE tenant_id = $1 AND class = $2"), &params![self.id, class.as_str()]).await?;
        if let Some(days) = period_days {
            let insert = sql!("INSERT INTO retention_setting (tenant_id, class, period_days, set_by, set_at) VALUES ($1, $2, $3, $4, $5)");
            tx.execute(insert, &params![self.id, class.as_str(), i64::from(days), self.actor.to_string(), now]).await?;
        }
        let said = period_days.map_or_else(|| format!("{class}: default"), |days| format!("{class}: {days} days"));
        self.audit(&mut tx, now, Act::Changed, "retention", 0, &said).await?;
        Ok(tx.commit().await?)
    }
}
