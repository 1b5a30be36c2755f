//! Tenants themselves.

use clarion_domain::audit::event::Act;
use clarion_domain::id::TenantId;
use clarion_domain::tenancy::four_eyes::FourEyes;
use clarion_domain::tenancy::tenant::{Actor, NumberMode};
use clarion_domain::time::Instant;

use crate::db::{DbError, Row, Tx, sql};
use crate::params;
use crate::seal::{DataKey, IndexKey};
use crate::store::{Store, StoreError, Tenant, TenantKeys};

/// What a new tenant is made of.
#[derive(Debug, Clone)]
pub struct NewTenant<'a> {
    /// Short, lower case, unique: `northwind`.
    pub slug: &'a str,
    /// As people read it, and as messages name it.
    pub name: &'a str,
    pub number_mode: NumberMode,
    /// ISO country by which numbers without a country code are read: `GB`.
    pub default_region: &'a str,
    /// IANA name of the zone in which the tenant's users read times.
    pub zone: &'a str,
    /// What a person who replies HELP reads.
    pub help_text: &'a str,
}

/// A tenant as stored.
#[derive(Debug, Clone)]
pub struct TenantRecord {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub number_mode: NumberMode,
    pub default_region: String,
    pub zone: String,
    pub help_text: String,
    /// TOML of the tenant's own, narrower windows and caps; empty for the rule pack's.
    pub limits: String,
    pub created_at: Instant,
    /// Everybody here must have a second factor.
    pub needs_second_factor: bool,
    /// Which acts wait for a second person.
    pub four_eyes: FourEyes,
    /// How people reach it; may be empty.
    pub contact_details: String,
    /// With which a new campaign of messages, or of calls, begins; empty for none.
    pub default_sender: String,
    pub default_caller: String,
}

pub(super) fn read_four_eyes(text: &str) -> Result<FourEyes, StoreError> {
    if text.is_empty() {
        return Ok(FourEyes::default());
    }
    Ok(serde_json::from_str(text).map_err(|error| DbError::Failed(format!("four_eyes: {error}")))?)
}

fn read(mut row: Row) -> Result<TenantRecord, StoreError> {
    Ok(TenantRecord {
        id: row.take(0)?,
        slug: row.take(1)?,
        name: row.take(2)?,
        number_mode: row.word(3)?,
        default_region: row.take(4)?,
        zone: row.take(5)?,
        help_text: row.take(6)?,
        limits: row.take(7)?,
        created_at: row.take(8)?,
        needs_second_factor: row.take(9)?,
        four_eyes: read_four_eyes(&row.take::<String>(10)?)?,
        contact_details: row.take(11)?,
        default_sender: row.take(12)?,
        default_caller: row.take(13)?,
    })
}

impl Store {
    pub async fn create_tenant(&self, new: &NewTenant<'_>, now: Instant) -> Result<TenantId, StoreError> {
        let plain = !new.slug.is_empty() && new.slug.len() <= 40 && new.slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !plain {
            return Err(StoreError::Invalid("a tenant's short name has 1 to 40 lower-case letters, digits and hyphens".into()));
        }
        let id = TenantId(self.next_id(now));
        let (index, data) = (DataKey::random()?, DataKey::random()?);
        let insert = sql!(
            "INSERT INTO tenant (id, slug, name, number_mode, default_region, zone, help_text, limits, wrapped_index_key, wrapped_data_key, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, '', $8, $9, $10)"
        );
        let values = params![id, new.slug, new.name, new.number_mode.as_str(), new.default_region, new.zone, new.help_text, self.keyring().wrap(&index)?, self.keyring().wrap(&data)?, now];
        match self.db().execute(insert, &values).await {
            Err(DbError::Unique) => return Err(StoreError::Conflict(format!("a tenant with the short name {} exists already", new.slug))),
            other => other?,
        };
        self.tenant(id, Actor::Operator).await?.audit_alone(now, Act::Created, "tenant", id.0, "").await?;
        self.audit_operator(now, Act::Created, "tenant", &id.to_string()).await?;
        Ok(id)
    }

    pub async fn tenants(&self) -> Result<Vec<TenantRecord>, StoreError> {
        let select = sql!("SELECT id, slug, name, number_mode, default_region, zone, help_text, limits, created_at, needs_second_factor, four_eyes, contact_details, default_sender, default_caller FROM tenant ORDER BY id");
        self.db().query(select, &[]).await?.into_iter().map(read).collect()
    }

    pub(crate) async fn load_tenant_keys(&self, id: TenantId) -> Result<TenantKeys, StoreError> {
        let select = sql!("SELECT wrapped_index_key, wrapped_data_key FROM tenant WHERE id = $1");
        let mut row = self.db().query_first(select, &params![id]).await?.ok_or(StoreError::NotFound("tenant"))?;
        let (index, data): (Vec<u8>, Vec<u8>) = (row.take(0)?, row.take(1)?);
        Ok(TenantKeys { index: IndexKey::from_key(&self.keyring().unwrap(&index)?), data: self.keyring().unwrap(&data)? })
    }
}

impl Tenant {
    /// The tenant's own record.
    pub async fn record(&self) -> Result<TenantRecord, StoreError> {
        let select = sql!("SELECT id, slug, name, number_mode, default_region, zone, help_text, limits, created_at, needs_second_factor, four_eyes, contact_details, default_sender, default_caller FROM tenant WHERE id = $1");
        read(self.db().query_first(select, &params![self.id]).await?.ok_or(StoreError::NotFound("tenant"))?)
    }

    /// Until the commit nobody else holds it. By a column that no other row refers to: for a key, set to what it is, SQLite looks through every row that
    /// refers to it.
    pub(crate) async fn hold_tenant(&self, tx: &mut Tx) -> Result<(), StoreError> {
        tx.execute(sql!("UPDATE tenant SET name = name WHERE id = $1"), &params![self.id]).await?;
        Ok(())
    }
}
