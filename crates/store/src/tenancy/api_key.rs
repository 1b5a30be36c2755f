//! API keys: a program's way in. The secret is shown once; only its hash is kept.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{ApiKeyId, TenantId, UserId};
use clarion_domain::tenancy::role::{Right, Role};
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::{Instant, MINUTE_MS};

use crate::db::{DbError, Row, Tx, sql};
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
    /// For whom it acts; `None` for one that the operator made for the organisation.
    pub user: Option<UserId>,
    /// What that user is now.
    pub user_role: Option<Role>,
}

impl ApiKeyRecord {
    /// What the key may do: never more than its user may now.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.role.may(right) && self.user_role.is_none_or(|role| role.may(right))
    }
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
        user: row.take(8)?,
        user_role: match row.take::<Option<String>>(9)? {
            Some(role) => Some(role.parse().map_err(|error| DbError::Failed(format!("a key's user: {error}")))?),
            None => None,
        },
    })
}

/// The secret is 256 random bits: a plain hash of it tells nothing, and is quick enough for every request.
fn secret_hash(secret: &str) -> [u8; 32] {
    blake3::derive_key("clarion api key secret", secret.as_bytes())
}

impl Store {
    /// Whose key this secret is; `None` when there is no such key, or it was revoked, or its user deactivated.
    pub async fn api_key_by_secret(&self, secret: &str, now: Instant) -> Result<Option<ApiKeyRecord>, StoreError> {
        if !secret.starts_with(SECRET_PREFIX) {
            return Ok(None);
        }
        let select = sql!(
            "SELECT k.id, k.tenant_id, k.name, k.role, k.created_by, k.created_at, k.used_at, k.revoked_at, k.user_id, u.role, u.deactivated_at
             FROM api_key k LEFT JOIN user_account u ON u.id = k.user_id WHERE k.secret_hash = $1"
        );
        let Some(mut row) = self.db().query_first(select, &params![secret_hash(secret)]).await? else { return Ok(None) };
        let deactivated: Option<Instant> = row.take(10)?;
        let key = read(row)?;
        if key.revoked_at.is_some() || deactivated.is_some() {
            return Ok(None);
        }
        if key.used_at.is_none_or(|used_at| used_at.plus_ms(USED_AT_GRAIN_MS) <= now) {
            self.db().execute(sql!("UPDATE api_key SET used_at = $2 WHERE id = $1"), &params![key.id, now]).await?;
        }
        Ok(Some(key))
    }
}

impl Tenant {
    /// Makes a key that acts for whoever makes it, and gives its secret, which nobody can be shown again. What a key makes acts for the
    /// same user; what the operator makes acts for nobody in particular.
    pub async fn create_api_key(&self, name: &str, role: Role, now: Instant) -> Result<(ApiKeyRecord, String), StoreError> {
        let user = match self.actor {
            Actor::User(user) => Some(user),
            Actor::ApiKey(key) => self.api_key(key).await?.user,
            _ => None,
        };
        self.create_api_key_for(user, name, role, now).await
    }

    /// The same for a user of the operator's choice.
    pub async fn create_api_key_for(&self, user: Option<UserId>, name: &str, role: Role, now: Instant) -> Result<(ApiKeyRecord, String), StoreError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > NAME_LENGTH_CHARS_MAX || name.chars().any(char::is_control) {
            return Err(StoreError::Invalid(format!("a key's name has 1 to {NAME_LENGTH_CHARS_MAX} visible characters: say which program uses it")));
        }
        let user_role = match user {
            Some(user) => {
                let user = self.user(user).await?;
                if user.deactivated_at.is_some() {
                    return Err(StoreError::Conflict("this user is deactivated: a key of theirs would let nobody in".into()));
                }
                if Right::ALL.iter().any(|right| role.may(*right) && !user.role.may(*right)) {
                    return Err(StoreError::Invalid(format!("a key may do no more than its user, who is {}: choose that role or a lesser one", user.role)));
                }
                Some(user.role)
            }
            None => None,
        };
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
            user,
            user_role,
        };
        let mut tx = self.db().begin().await?;
        let count = sql!("SELECT COUNT(*) FROM api_key WHERE tenant_id = $1 AND revoked_at IS NULL");
        let live: i64 = tx.query(count, &params![self.id]).await?.first_mut().map_or(Ok(0), |row| row.take(0))?;
        if live >= LIVE_KEYS_MAX {
            return Err(StoreError::Conflict(format!("there are {LIVE_KEYS_MAX} keys already: revoke one that is no longer used")));
        }
        let insert = sql!("INSERT INTO api_key (id, tenant_id, name, role, secret_hash, created_by, created_at, user_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
        let values = params![key.id, self.id, key.name.as_str(), role.as_str(), secret_hash(&secret), key.created_by.as_str(), now, user];
        tx.execute(insert, &values).await?;
        self.audit(&mut tx, now, Act::Created, "api_key", key.id.0, role.as_str()).await?;
        tx.commit().await?;
        Ok((key, secret))
    }

    /// Every key, revoked ones too, the newest first; `before` is a page's cursor.
    pub async fn api_keys(&self, before: Option<i64>, limit: i64) -> Result<Page<ApiKeyRecord>, StoreError> {
        let select = sql!(
            "SELECT k.id, k.tenant_id, k.name, k.role, k.created_by, k.created_at, k.used_at, k.revoked_at, k.user_id, u.role
             FROM api_key k LEFT JOIN user_account u ON u.id = k.user_id WHERE k.tenant_id = $1 AND k.id < $2 ORDER BY k.id DESC LIMIT $3"
        );
        let rows = self.db().query(select, &params![self.id, before.unwrap_or(i64::MAX), limit + 1]).await?;
        let keys = rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(keys, limit, |key| key.id.0))
    }

    pub async fn api_key(&self, id: ApiKeyId) -> Result<ApiKeyRecord, StoreError> {
        let select = sql!(
            "SELECT k.id, k.tenant_id, k.name, k.role, k.created_by, k.created_at, k.used_at, k.revoked_at, k.user_id, u.role
             FROM api_key k LEFT JOIN user_account u ON u.id = k.user_id WHERE k.tenant_id = $1 AND k.id = $2"
        );
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

impl Tenant {
    /// Whoever is let in no more takes their keys with them.
    pub(super) async fn revoke_keys_of(&self, tx: &mut Tx, user: UserId, now: Instant) -> Result<(), StoreError> {
        let revoke = sql!("UPDATE api_key SET revoked_at = $3 WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL RETURNING id");
        for mut row in tx.query(revoke, &params![self.id, user, now]).await? {
            self.audit(tx, now, Act::Deleted, "api_key", row.take(0)?, "its user was deactivated").await?;
        }
        Ok(())
    }
}

/// Keys of before act for the user who made them, or who made the key that made them.
pub(crate) async fn bind_to_makers(tx: &mut Tx) -> Result<(), DbError> {
    let mut users = std::collections::HashMap::new();
    // A key is younger than the one that made it.
    for mut row in tx.query(sql!("SELECT id, created_by FROM api_key ORDER BY id"), &[]).await? {
        let (id, by): (ApiKeyId, String) = (row.take(0)?, row.take(1)?);
        let user = match by.parse() {
            Ok(Actor::User(user)) => Some(user),
            Ok(Actor::ApiKey(maker)) => users.get(&maker).copied(),
            _ => None,
        };
        if let Some(user) = user {
            users.insert(id, user);
            tx.execute(sql!("UPDATE api_key SET user_id = $2 WHERE id = $1"), &params![id, user]).await?;
        }
    }
    let gone = sql!(
        "UPDATE api_key SET revoked_at = (SELECT u.deactivated_at FROM user_account u WHERE u.id = api_key.user_id)
         WHERE revoked_at IS NULL AND user_id IN (SELECT id FROM user_account WHERE deactivated_at IS NOT NULL)"
    );
    tx.execute(gone, &[]).await?;
    Ok(())
}
