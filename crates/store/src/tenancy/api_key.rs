//! API keys: a program's way in. The secret is shown once; only its hash is kept.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{ApiKeyId, TenantId};
use clarion_domain::tenancy::role::Role;
use clarion_domain::time::{Instant, MINUTE_MS};

use crate::db::{Row, sql};
use crate::params;
use crate::seal::{hex, random_bytes};
use crate::store::{Page, Store, StoreError, Tenant};

/// What every secret begins with, so that a scanner for leaked secrets finds it.
pub const SECRET_PREFIX: &str = "clr_";
/// The longest name of a key.
pub const NAME_LENGTH_CHARS_MAX: usize = 100;
/// Keys of a tenant that are not revoked.
const LIVE_KEYS_MAX: i64 = 200;
/// `used_at` is told to the minute, so that a busy key does not write at every request.
const USED_AT_GRAIN_MS: i64 = MINUTE_MS;

/// A key as stored: everything but its secret.
#[derive(Debug, Clone)]
pub struct ApiKeyRecord {
    pub id: ApiKeyId,
    pub tenant_id: TenantId,
    pub name: String,
    pub role: Role,
    pub created_by: String,
    pub created_at: Instant,
    /// When it last signed a request in, to the minute.
    pub used_at: Option<Instant>,
    pub revoked_at: Option<Instant>,
}

fn read(mut row: Row) -> Result<ApiKeyRecord, StoreError> {
    Ok(ApiKeyRecord {
        id: row.take(0)?,
        tenant_id: row.take(1)?,
        name: row.take(2)?,
        role: row.word(3)?,
        created_by: row.take(4)?,
        created_at: row.take(5)?,
        used_at: row.take(6)?,
        revoked_at: row.take(7)?,
    })
}

/// The secret is 256 random bits: a plain hash of it tells nothing, and is quick enough for every request.
fn secret_hash(secret: &str) -> [u8; 32] {
    blake3::derive_key("clarion api key secret", secret.as_bytes())
}

impl Store {
    /// Whose key this secret is; `None` when there is no such key or it was revoked.
    pub async fn api_key_by_secret(&self, secret: &str, now: Instant) -> Result<Option<ApiKeyRecord>, StoreError> {
        if !secret.starts_with(SECRET_PREFIX) {
            return Ok(None);
        }
        let select = sql!("SELECT id, tenant_id, name, role, created_by, created_at, used_at, revoked_at FROM api_key WHERE secret_hash = $1");
        let Some(row) = self.db().query_first(select, &params![secret_hash(secret)]).await? else { return Ok(None) };
        let key = read(row)?;
        if key.revoked_at.is_some() {
            return Ok(None);
        }
        if key.used_at.is_none_or(|used_at| used_at.plus_ms(USED_AT_GRAIN_MS) <= now) {
            self.db().execute(sql!("UPDATE api_key SET used_at = $2 WHERE id = $1"), &params![key.id, now]).await?;
        }
        Ok(Some(key))
    }
}

impl Tenant {
    /// Makes a key and gives its secret, which nobody can be shown again.
    pub async fn create_api_key(&self, name: &str, role: Role, now: Instant) -> Result<(ApiKeyRecord, String), StoreError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_LENGTH_CHARS_MAX || name.chars().any(char::is_control) {
            return Err(StoreError::Invalid(format!("a key's name has 1 to {NAME_LENGTH_CHARS_MAX} visible characters: say which program uses it")));
        }
        let secret = format!("{SECRET_PREFIX}{}", hex(&random_bytes::<32>()?));
        let key = ApiKeyRecord {
            id: ApiKeyId(self.store.next_id(now)),
            tenant_id: self.id,
            name: name.to_owned(),
            role,
            created_by: self.actor.to_string(),
            created_at: now,
            used_at: None,
            revoked_at: None,
        };
        let mut tx = self.db().begin().await?;
        let count = sql!("SELECT COUNT(*) FROM api_key WHERE tenant_id = $1 AND revoked_at IS NULL");
        let live: i64 = tx.query(count, &params![self.id]).await?.first_mut().map_or(Ok(0), |row| row.take(0))?;
        if live >= LIVE_KEYS_MAX {
            return Err(StoreError::Conflict(format!("there are {LIVE_KEYS_MAX} keys already: revoke one that is no longer used")));
        }
        let insert = sql!("INSERT INTO api_key (id, tenant_id, name, role, secret_hash, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)");
        let values = params![key.id, self.id, key.name.as_str(), role.as_str(), secret_hash(&secret), key.created_by.as_str(), now];
        tx.execute(insert, &values).await?;
        self.audit(&mut tx, now, Act::Created, "api_key", key.id.0, role.as_str()).await?;
        tx.commit().await?;
        Ok((key, secret))
    }

    /// Every key, revoked ones too, the newest first; `before` is a page's cursor.
    pub async fn api_keys(&self, before: Option<i64>, limit: i64) -> Result<Page<ApiKeyRecord>, StoreError> {
        let select = sql!(
            "SELECT id, tenant_id, name, role, created_by, created_at, used_at, revoked_at FROM api_key
             WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
        );
        let rows = self.db().query(select, &params![self.id, before.unwrap_or(i64::MAX), limit + 1]).await?;
        let keys = rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(keys, limit, |key| key.id.0))
    }

    pub async fn api_key(&self, id: ApiKeyId) -> Result<ApiKeyRecord, StoreError> {
        let select = sql!("SELECT id, tenant_id, name, role, created_by, created_at, used_at, revoked_at FROM api_key WHERE tenant_id = $1 AND id = $2");
        read(self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("API key"))?)
    }

    /// Ends a key: its next request is refused. Revoking it again changes nothing.
    pub async fn revoke_api_key(&self, id: ApiKeyId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE api_key SET revoked_at = $3 WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL");
        if tx.execute(update, &params![self.id, id, now]).await? == 0 {
            drop(tx);
            return self.api_key(id).await.map(|_| ());
        }
        self.audit(&mut tx, now, Act::Deleted, "api_key", id.0, "").await?;
        Ok(tx.commit().await?)
    }
}
