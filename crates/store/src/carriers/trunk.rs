//! A configured connection to a carrier: the operator's, or one tenant's own.

use clarion_domain::audit::event::Act;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::carriers::trunk::TrunkKind;
use clarion_domain::id::{TenantId, TrunkId};
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;

use crate::db::{DbError, Row, sql};
use crate::params;
use crate::signal::Signal;
use crate::store::{Store, StoreError, Tenant};

/// What a new trunk is made of.
#[derive(Debug, Clone)]
pub struct NewTrunk {
    pub name: String,
    pub settings: TrunkSettings,
    /// Password of the account, or the provider's key.
    pub secret: Personal,
    /// Segments a second at most; of a SIP trunk, calls.
    pub rate_per_second: i64,
    /// Ten-thousandths of the currency unit.
    pub cost_per_segment: i64,
    /// ISO 4217.
    pub currency: String,
}

/// A trunk as stored, without its secret.
#[derive(Debug, Clone)]
pub struct TrunkRecord {
    pub id: TrunkId,
    /// `None` for a trunk of the operator's, which every tenant's routes may use.
    pub tenant: Option<TenantId>,
    pub name: String,
    pub settings: TrunkSettings,
    pub rate_per_second: i64,
    pub cost_per_segment: i64,
    pub currency: String,
    pub enabled: bool,
    /// Grows with each change: the driver connects anew when it does.
    pub version: i64,
    pub created_by: String,
    pub created_at: Instant,
}

fn read(mut row: Row) -> Result<TrunkRecord, DbError> {
    Ok(TrunkRecord {
        id: row.take(0)?,
        tenant: row.take(1)?,
        name: row.take(2)?,
        settings: row.json(3)?,
        rate_per_second: row.take(4)?,
        cost_per_segment: row.take(5)?,
        currency: row.take(6)?,
        enabled: row.take(7)?,
        version: row.take(8)?,
        created_by: row.take(9)?,
        created_at: row.take(10)?,
    })
}

/// `has_secret`: it comes with one, or keeps the one that it has.
fn check(new: &NewTrunk, has_secret: bool) -> Result<(), StoreError> {
    let mut faults: Vec<_> = new.settings.faults().iter().map(ToString::to_string).collect();
    let is_sip = new.settings.kind() == TrunkKind::Sip;
    if !has_secret && matches!(&new.settings, TrunkSettings::Sip(sip) if sip.register) {
        faults.push("secret: a trunk that registers needs its account's password; leave register out if the carrier knows you by your address".into());
    }
    if new.name.trim().is_empty() || new.name.chars().count() > 60 {
        faults.push("name: 1 to 60 characters".into());
    }
    if !(1..=1_000_000).contains(&new.rate_per_second) {
        faults.push(format!("rate_per_second: 1 to 1,000,000 {} a second", if is_sip { "calls" } else { "segments" }));
    }
    if !(0..=100_000_000).contains(&new.cost_per_segment) {
        faults.push("cost_per_segment: 0 to 10,000 units".into());
    }
    if new.currency.len() != 3 || !new.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        faults.push("currency: three capital letters, such as GBP".into());
    }
    if faults.is_empty() { Ok(()) } else { Err(StoreError::Invalid(faults.join("; "))) }
}

fn as_json(settings: &TrunkSettings) -> Result<String, StoreError> {
    serde_json::to_string(settings).map_err(|error| StoreError::Invalid(error.to_string()))
}

const SECRET_LABEL: &str = "trunk.secret";

impl Store {
    /// Every trunk, for the engine and the operator.
    pub async fn trunks(&self) -> Result<Vec<TrunkRecord>, StoreError> {
        let select = sql!("SELECT id, tenant_id, name, settings, rate_per_second, cost_per_segment, currency, enabled, version, created_by, created_at FROM trunk ORDER BY id");
        Ok(self.db().query(select, &[]).await?.into_iter().map(read).collect::<Result<_, _>>()?)
    }

    /// A trunk's secret, for its driver and for checking its webhooks.
    pub async fn trunk_secret(&self, id: TrunkId) -> Result<Personal, StoreError> {
        let select = sql!("SELECT sealed_secret FROM trunk WHERE id = $1");
        let mut row = self.db().query_first(select, &params![id]).await?.ok_or(StoreError::NotFound("trunk"))?;
        let Some(sealed) = row.take::<Option<Vec<u8>>>(0)? else { return Ok(Personal::default()) };
        let (wrapped, sealed) = sealed.split_at_checked(WRAPPED_BYTES).ok_or(crate::seal::SealError::DoesNotOpen)?;
        Ok(self.keyring().unwrap(wrapped)?.open_text(SECRET_LABEL, sealed)?.into())
    }

    /// A secret has a key of its own, wrapped beside it: an operator's trunk belongs to no tenant.
    fn seal_secret(&self, secret: &Personal) -> Result<Option<Vec<u8>>, StoreError> {
        if secret.is_empty() {
            return Ok(None);
        }
        let key = crate::seal::DataKey::random()?;
        let mut sealed = self.keyring().wrap(&key)?;
        sealed.extend(key.seal(SECRET_LABEL, secret.reveal().as_bytes())?);
        Ok(Some(sealed))
    }
}

/// Number of the root key, nonce, key, tag.
const WRAPPED_BYTES: usize = 4 + 12 + 32 + 16;

impl Tenant {
    /// The trunks that this tenant's routes may use: its own and the operator's.
    pub async fn trunks(&self) -> Result<Vec<TrunkRecord>, StoreError> {
        let select = sql!(
            "SELECT id, tenant_id, name, settings, rate_per_second, cost_per_segment, currency, enabled, version, created_by, created_at
             FROM trunk WHERE tenant_id IS NULL OR tenant_id = $1 ORDER BY name"
        );
        Ok(self.db().query(select, &params![self.id()]).await?.into_iter().map(read).collect::<Result<_, _>>()?)
    }

    pub async fn trunk(&self, id: TrunkId) -> Result<TrunkRecord, StoreError> {
        self.trunks().await?.into_iter().find(|trunk| trunk.id == id).ok_or(StoreError::NotFound("trunk"))
    }

    /// Adds a trunk: this tenant's own, or, for the operator, one that all tenants share.
    pub async fn add_trunk(&self, new: &NewTrunk, shared: bool, now: Instant) -> Result<TrunkId, StoreError> {
        check(new, !new.secret.is_empty())?;
        let id = TrunkId(self.store().next_id(now));
        let insert = sql!(
            "INSERT INTO trunk (id, tenant_id, name, kind, settings, sealed_secret, rate_per_second, cost_per_segment, currency, enabled, version, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, 1, $10, $11)"
        );
        let owner = (!shared).then_some(self.id());
        let values = params![
            id, owner, new.name.trim(), new.settings.kind().as_str(), as_json(&new.settings)?, self.store().seal_secret(&new.secret)?,
            new.rate_per_second, new.cost_per_segment, new.currency.as_str(), self.actor().to_string(), now
        ];
        let mut tx = self.db().begin().await?;
        match tx.execute(insert, &values).await {
            Err(DbError::Unique) => return Err(StoreError::Conflict(format!("a trunk called {} exists already: choose another name", new.name.trim()))),
            other => other?,
        };
        self.audit(&mut tx, now, Act::Created, "trunk", id.0, "").await?;
        tx.commit().await?;
        self.store().signals().raise(Signal::Carriers);
        Ok(id)
    }

    /// Changes a trunk of this tenant's (or the operator's, when the actor is the operator). An empty secret keeps the old one.
    pub async fn change_trunk(&self, id: TrunkId, new: &NewTrunk, enabled: bool, now: Instant) -> Result<(), StoreError> {
        check(new, !new.secret.is_empty() || self.has_trunk_secret(id).await?)?;
        let sealed = self.store().seal_secret(&new.secret)?;
        let update = sql!(
            "UPDATE trunk SET name = $2, kind = $3, settings = $4, sealed_secret = COALESCE($5, sealed_secret), rate_per_second = $6,
             cost_per_segment = $7, currency = $8, enabled = $9, version = version + 1 WHERE id = $1 AND (tenant_id = $10 OR (tenant_id IS NULL AND CAST($11 AS BIGINT) = 1))"
        );
        let operator = self.actor() == clarion_domain::tenancy::tenant::Actor::Operator;
        let values = params![
            id, new.name.trim(), new.settings.kind().as_str(), as_json(&new.settings)?, sealed, new.rate_per_second, new.cost_per_segment,
            new.currency.as_str(), enabled, self.id(), operator
        ];
        let mut tx = self.db().begin().await?;
        let touched = match tx.execute(update, &values).await {
            Err(DbError::Unique) => return Err(StoreError::Conflict(format!("a trunk called {} exists already: choose another name", new.name.trim()))),
            other => other?,
        };
        if touched == 0 {
            return Err(StoreError::Invalid("this trunk is the operator's: only the operator can change it".into()));
        }
        self.audit(&mut tx, now, Act::Changed, "trunk", id.0, if enabled { "" } else { "disabled" }).await?;
        tx.commit().await?;
        self.store().signals().raise(Signal::Carriers);
        Ok(())
    }

    async fn has_trunk_secret(&self, id: TrunkId) -> Result<bool, StoreError> {
        let select = sql!("SELECT COUNT(*) FROM trunk WHERE id = $1 AND sealed_secret IS NOT NULL");
        Ok(self.db().query_first(select, &params![id]).await?.map(|mut row| row.take::<i64>(0)).transpose()? == Some(1))
    }

    /// Takes a trunk out of use or back into it, whatever its settings: one that stands in the way must always be possible to stop. None is
    /// deleted, as attempts and their costs refer to it.
    pub async fn enable_trunk(&self, id: TrunkId, enabled: bool, now: Instant) -> Result<(), StoreError> {
        let update = sql!("UPDATE trunk SET enabled = $2, version = version + 1 WHERE id = $1 AND (tenant_id = $3 OR (tenant_id IS NULL AND CAST($4 AS BIGINT) = 1))");
        let operator = self.actor() == clarion_domain::tenancy::tenant::Actor::Operator;
        let mut tx = self.db().begin().await?;
        if tx.execute(update, &params![id, enabled, self.id(), operator]).await? == 0 {
            return Err(StoreError::Invalid("this trunk is the operator's: only the operator can change it".into()));
        }
        self.audit(&mut tx, now, Act::Changed, "trunk", id.0, if enabled { "enabled" } else { "disabled" }).await?;
        tx.commit().await?;
        self.store().signals().raise(Signal::Carriers);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(settings: &str, rate_per_second: i64) -> NewTrunk {
        NewTrunk { name: "Voice".into(), settings: serde_json::from_str(settings).expect("reads"), secret: Personal::default(), rate_per_second, cost_per_segment: 0, currency: "GBP".into() }
    }

    fn said(new: &NewTrunk, has_secret: bool) -> String {
        check(new, has_secret).map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn a_trunk_that_registers_needs_a_password() {
        let registers = new(r#"{"kind":"sip","hosts":["sip.carrier.example"],"username":"northwind","register":true}"#, 5);
        assert!(said(&registers, false).starts_with("secret: a trunk that registers needs its account's password"));
        assert_eq!(said(&registers, true), "");
        assert_eq!(said(&new(r#"{"kind":"sip","hosts":["sip.carrier.example"]}"#, 5), false), "", "known by our address");
    }

    #[test]
    fn a_rate_is_of_what_the_trunk_carries() {
        assert_eq!(said(&new(r#"{"kind":"sip","hosts":["sip.carrier.example"]}"#, 0), false), "rate_per_second: 1 to 1,000,000 calls a second");
        let smpp = new(r#"{"kind":"smpp","host":"127.0.0.1","port":2775,"system_id":"clarion"}"#, 0);
        assert_eq!(said(&smpp, false), "rate_per_second: 1 to 1,000,000 segments a second");
    }
}
