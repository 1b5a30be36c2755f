//! Fields beyond the standard ones: a column is stored only when its field was declared with a purpose.

use clarion_domain::audit::event::Act;
use clarion_domain::intake::mapping::StandardField;
use clarion_domain::time::Instant;

use crate::db::{DbError, sql};
use crate::params;
use crate::store::{StoreError, Tenant};

pub const DECLARED_FIELDS_MAX: usize = 50;
const PURPOSE_CHARS_MAX: usize = 1_000;
const NAME_CHARS_MAX: usize = 40;
const RETENTION_DAYS_MAX: i64 = 3_650;

#[derive(Debug, Clone)]
pub struct DeclaredField {
    /// As templates name it: `balance_due`.
    pub name: String,
    /// Why it is held, in words.
    pub purpose: String,
    pub retention_days: i64,
    pub declared_by: String,
    pub declared_at: Instant,
}

#[derive(Debug, Clone)]
pub struct NewDeclaredField<'a> {
    pub name: &'a str,
    pub purpose: &'a str,
    pub retention_days: i64,
}

impl NewDeclaredField<'_> {
    fn check(&self) -> Result<(), StoreError> {
        let mut letters = self.name.bytes();
        let begins = letters.next().is_some_and(|letter| letter.is_ascii_lowercase());
        let plain = letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_');
        if !begins || !plain || self.name.len() > NAME_CHARS_MAX {
            return Err(StoreError::Invalid(format!(
                "a field's name has at most {NAME_CHARS_MAX} lower-case letters, digits and underscores, and begins with a letter: balance_due"
            )));
        }
        if self.name.parse::<StandardField>().is_ok() {
            return Err(StoreError::Invalid(format!("{} is a field that every tenant has already: it needs no declaration", self.name)));
        }
        if self.purpose.trim().chars().count() < 10 {
            return Err(StoreError::Invalid("say in a few words why this field is held: people will read it when they ask".into()));
        }
        if self.purpose.chars().count() > PURPOSE_CHARS_MAX {
            return Err(StoreError::Invalid(format!("say why this field is held in at most {PURPOSE_CHARS_MAX} characters")));
        }
        if !(1..=RETENTION_DAYS_MAX).contains(&self.retention_days) {
            return Err(StoreError::Invalid(format!("the retention of a field is 1 to {RETENTION_DAYS_MAX} days")));
        }
        Ok(())
    }
}

impl Tenant {
    pub async fn declare_field(&self, new: &NewDeclaredField<'_>, now: Instant) -> Result<(), StoreError> {
        new.check()?;
        if self.declared_fields().await?.len() >= DECLARED_FIELDS_MAX {
            return Err(StoreError::Conflict(format!("at most {DECLARED_FIELDS_MAX} fields can be declared: withdraw one that is no longer needed")));
        }
        let mut tx = self.db().begin().await?;
        let insert = sql!("INSERT INTO declared_field (tenant_id, name, purpose, retention_days, declared_by, declared_at) VALUES ($1, $2, $3, $4, $5, $6)");
        match tx.execute(insert, &params![self.id, new.name, new.purpose.trim(), new.retention_days, self.actor.to_string(), now]).await {
            Err(DbError::Unique) => return Err(StoreError::Conflict(format!("{} is declared already", new.name))),
            other => other?,
        };
        self.audit(&mut tx, now, Act::Created, "declared_field", 0, new.name).await?;
        Ok(tx.commit().await?)
    }

    /// Changes why a field is held, or how long.
    pub async fn change_declared_field(&self, new: &NewDeclaredField<'_>, now: Instant) -> Result<(), StoreError> {
        new.check()?;
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE declared_field SET purpose = $1, retention_days = $2 WHERE tenant_id = $3 AND name = $4");
        if tx.execute(update, &params![new.purpose.trim(), new.retention_days, self.id, new.name]).await? == 0 {
            return Err(StoreError::NotFound("declared field"));
        }
        self.audit(&mut tx, now, Act::Changed, "declared_field", 0, new.name).await?;
        Ok(tx.commit().await?)
    }

    /// Withdraws a declaration: later files drop the column. Values held already stay until their contact goes.
    pub async fn withdraw_declared_field(&self, name: &str, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        if tx.execute(sql!("DELETE FROM declared_field WHERE tenant_id = $1 AND name = $2"), &params![self.id, name]).await? == 0 {
            return Err(StoreError::NotFound("declared field"));
        }
        self.audit(&mut tx, now, Act::Deleted, "declared_field", 0, name).await?;
        Ok(tx.commit().await?)
    }

    pub async fn declared_fields(&self) -> Result<Vec<DeclaredField>, StoreError> {
        let select = sql!("SELECT name, purpose, retention_days, declared_by, declared_at FROM declared_field WHERE tenant_id = $1 ORDER BY name");
        let mut fields = Vec::new();
        for mut row in self.db().query(select, &params![self.id]).await? {
            fields.push(DeclaredField { name: row.take(0)?, purpose: row.take(1)?, retention_days: row.take(2)?, declared_by: row.take(3)?, declared_at: row.take(4)? });
        }
        Ok(fields)
    }

    /// The names alone, as a mapping and a filter are checked against them.
    pub async fn declared_names(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.declared_fields().await?.into_iter().map(|field| field.name).collect())
    }
}
