//! Texts kept for use again.

use clarion_domain::audit::event::Act;
use clarion_domain::campaigns::template::Template;
use clarion_domain::contacts::list::ListName;
use clarion_domain::id::TemplateId;
use clarion_domain::intake::mapping::StandardField;
use clarion_domain::time::Instant;

use crate::db::{DbError, Row, sql};
use crate::params;
use crate::store::{FieldFault, StoreError, Tenant};

#[derive(Debug, Clone)]
pub struct TemplateRecord {
    pub id: TemplateId,
    pub name: String,
    pub body: String,
    pub created_by: String,
    pub created_at: Instant,
}

fn read(mut row: Row) -> Result<TemplateRecord, StoreError> {
    Ok(TemplateRecord { id: row.take(0)?, name: row.take(1)?, body: row.take(2)?, created_by: row.take(3)?, created_at: row.take(4)? })
}

impl Tenant {
    /// The fields that a text may name: the standard ones, then those that the tenant declared.
    pub async fn template_fields(&self) -> Result<Vec<String>, StoreError> {
        let standard = StandardField::ALL.iter().filter(|field| **field != StandardField::Phone).map(|field| field.as_str().to_owned());
        Ok(standard.chain(self.declared_names().await?).collect())
    }

    /// Parses a text with this tenant's fields.
    pub async fn parse_template(&self, body: &str) -> Result<Template, StoreError> {
        let fields = self.template_fields().await?;
        let known: Vec<&str> = fields.iter().map(String::as_str).collect();
        Template::parse(body, &known).map_err(|error| StoreError::Faults(vec![FieldFault { field: "body", message: error.to_string() }]))
    }

    pub async fn create_template(&self, name: &str, body: &str, now: Instant) -> Result<TemplateId, StoreError> {
        let name = self.checked_template(name, body).await?;
        let id = TemplateId(self.store.next_id(now));
        let mut tx = self.db().begin().await?;
        let insert = sql!("INSERT INTO template (id, tenant_id, name, body, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)");
        match tx.execute(insert, &params![id, self.id, name.as_str(), body, self.actor.to_string(), now]).await {
            Err(DbError::Unique) => return Err(taken(&name)),
            other => other?,
        };
        self.audit(&mut tx, now, Act::Created, "template", id.0, name.as_str()).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Campaigns keep the text that they were given.
    pub async fn change_template(&self, id: TemplateId, name: &str, body: &str, now: Instant) -> Result<(), StoreError> {
        let name = self.checked_template(name, body).await?;
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE template SET name = $3, body = $4 WHERE id = $1 AND tenant_id = $2");
        match tx.execute(update, &params![id, self.id, name.as_str(), body]).await {
            Err(DbError::Unique) => return Err(taken(&name)),
            Ok(0) => return Err(StoreError::NotFound("template")),
            other => other?,
        };
        self.audit(&mut tx, now, Act::Changed, "template", id.0, name.as_str()).await?;
        Ok(tx.commit().await?)
    }

    pub async fn delete_template(&self, id: TemplateId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        if tx.execute(sql!("DELETE FROM template WHERE id = $1 AND tenant_id = $2"), &params![id, self.id]).await? == 0 {
            return Err(StoreError::NotFound("template"));
        }
        self.audit(&mut tx, now, Act::Deleted, "template", id.0, "").await?;
        Ok(tx.commit().await?)
    }

    pub async fn template(&self, id: TemplateId) -> Result<TemplateRecord, StoreError> {
        let select = sql!("SELECT id, name, body, created_by, created_at FROM template WHERE id = $1 AND tenant_id = $2");
        read(self.db().query_first(select, &params![id, self.id]).await?.ok_or(StoreError::NotFound("template"))?)
    }

    /// Every template by name.
    pub async fn templates(&self) -> Result<Vec<TemplateRecord>, StoreError> {
        let select = sql!("SELECT id, name, body, created_by, created_at FROM template WHERE tenant_id = $1 ORDER BY name");
        self.db().query(select, &params![self.id]).await?.into_iter().map(read).collect()
    }

    async fn checked_template(&self, name: &str, body: &str) -> Result<ListName, StoreError> {
        let name = ListName::new(name).map_err(|error| StoreError::Faults(vec![FieldFault { field: "name", message: error.to_string() }]))?;
        self.parse_template(body).await?;
        Ok(name)
    }
}

fn taken(name: &ListName) -> StoreError {
    StoreError::Conflict(format!("a template called “{name}” exists already: choose another name"))
}
