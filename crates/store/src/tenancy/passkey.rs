//! Passkeys: the public halves of key pairs on users' devices, and the challenges that were signed. A challenge vouches for itself, so that
//! strangers who only ask for some fill nothing. What a signature is the edge computes; here stands what was used already.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{PasskeyId, TenantId, UserId};
use clarion_domain::time::{Instant, MINUTE_MS};

use crate::db::{DbError, Row, Tx, sql};
use crate::params;
use crate::seal::random_bytes;
use crate::store::{FieldFault, Store, StoreError, Tenant};

/// How long a device may take to sign.
pub const CHALLENGE_MS: i64 = 5 * MINUTE_MS;
const CHANCE_BYTES: usize = 16;
/// When it ends, and chance.
const SAID_BYTES: usize = 8 + CHANCE_BYTES;
pub const CHALLENGE_BYTES: usize = SAID_BYTES + 32;
const PASSKEYS_MAX: i64 = 20;
const NAME_LENGTH_CHARS_MAX: usize = 60;

/// A passkey as its owner sees it.
#[derive(Debug, Clone)]
pub struct PasskeyRecord {
    pub id: PasskeyId,
    pub name: String,
    /// Where it was made, and where alone it is good: `https://contact.example.net`.
    pub origin: String,
    pub created_at: Instant,
    pub used_at: Option<Instant>,
}

/// What checking a signature needs.
#[derive(Debug, Clone)]
pub struct KnownPasskey {
    pub id: PasskeyId,
    pub tenant: TenantId,
    pub user: UserId,
    pub credential_id: Vec<u8>,
    pub public_key: Vec<u8>,
    pub origin: String,
    pub counter: i64,
}

/// A passkey that a device has just made, its answer checked.
#[derive(Debug, Clone)]
pub struct NewPasskey<'a> {
    pub credential_id: &'a [u8],
    pub public_key: &'a [u8],
    pub origin: &'a str,
    pub counter: u32,
    pub name: &'a str,
}

fn hash(challenge: &[u8]) -> [u8; 32] {
    blake3::derive_key("clarion passkey challenge 2026", challenge)
}

fn read(mut row: Row) -> Result<PasskeyRecord, StoreError> {
    Ok(PasskeyRecord { id: row.take(0)?, name: row.take(1)?, origin: row.take(2)?, created_at: row.take(3)?, used_at: row.take(4)? })
}

impl Store {
    /// Something to sign: for a user who registers a passkey, or for whoever signs in.
    pub async fn new_passkey_challenge(&self, user: Option<UserId>, now: Instant) -> Result<[u8; CHALLENGE_BYTES], StoreError> {
        let mut challenge = [0; CHALLENGE_BYTES];
        let (said, code) = challenge.split_at_mut(SAID_BYTES);
        said[..8].copy_from_slice(&now.plus_ms(CHALLENGE_MS).ms().to_be_bytes());
        said[8..].copy_from_slice(&random_bytes::<CHANCE_BYTES>()?);
        code.copy_from_slice(self.keyring().challenge_code(self.keyring().current(), said, user)?.as_bytes());
        Ok(challenge)
    }

    /// When a challenge ends that this installation made for this user, or for whoever signs in; `None` when it did not.
    fn made_here(&self, challenge: &[u8], user: Option<UserId>) -> Result<Option<Instant>, StoreError> {
        let Ok(challenge) = <&[u8; CHALLENGE_BYTES]>::try_from(challenge) else { return Ok(None) };
        let (said, code) = challenge.split_at(SAID_BYTES);
        let Ok(code) = <[u8; 32]>::try_from(code) else { return Ok(None) };
        let Some((ends, _)) = said.split_first_chunk::<8>() else { return Ok(None) };
        // One that was given out just before the root key was rotated is good too.
        for number in self.keyring().numbers() {
            if self.keyring().challenge_code(number, said, user)? == blake3::Hash::from_bytes(code) {
                return Ok(Some(Instant(i64::from_be_bytes(*ends))));
            }
        }
        Ok(None)
    }

    /// Uses a challenge up: `false` when it was never given to this user, was used, or is too old.
    pub async fn use_passkey_challenge(&self, challenge: &[u8], user: Option<UserId>, now: Instant) -> Result<bool, StoreError> {
        let Some(ends) = self.made_here(challenge, user)?.filter(|ends| *ends > now) else { return Ok(false) };
        self.db().execute(sql!("DELETE FROM passkey_challenge WHERE expires_at <= $1"), &params![now]).await?;
        let used = sql!("INSERT INTO passkey_challenge (challenge_hash, user_id, expires_at) VALUES ($1, $2, $3) ON CONFLICT (challenge_hash) DO NOTHING");
        Ok(self.db().execute(used, &params![hash(challenge), user, ends]).await? == 1)
    }

    /// The passkey of this identifier, in whichever tenant, of a user who may sign in.
    pub async fn passkey_by_credential(&self, credential_id: &[u8]) -> Result<Option<KnownPasskey>, StoreError> {
        let select = sql!(
            "SELECT p.id, p.tenant_id, p.user_id, p.credential_id, p.public_key, p.origin, p.counter FROM passkey p JOIN user_account u ON u.id = p.user_id
             WHERE p.credential_id = $1 AND u.deactivated_at IS NULL"
        );
        let Some(mut row) = self.db().query_first(select, &params![credential_id.to_vec()]).await? else { return Ok(None) };
        Ok(Some(KnownPasskey {
            id: row.take(0)?,
            tenant: row.take(1)?,
            user: row.take(2)?,
            credential_id: row.take(3)?,
            public_key: row.take(4)?,
            origin: row.take(5)?,
            counter: row.take(6)?,
        }))
    }
}

impl Tenant {
    /// A user's passkeys, the oldest first.
    pub async fn passkeys(&self, user: UserId) -> Result<Vec<PasskeyRecord>, StoreError> {
        let select = sql!("SELECT id, name, origin, created_at, used_at FROM passkey WHERE tenant_id = $1 AND user_id = $2 ORDER BY id");
        self.db().query(select, &params![self.id, user]).await?.into_iter().map(read).collect()
    }

    /// Identifiers that a device that holds one of them already is told of.
    pub async fn passkey_credentials(&self, user: UserId) -> Result<Vec<Vec<u8>>, StoreError> {
        let select = sql!("SELECT credential_id FROM passkey WHERE tenant_id = $1 AND user_id = $2 ORDER BY id");
        self.db().query(select, &params![self.id, user]).await?.into_iter().map(|mut row| Ok(row.take(0)?)).collect()
    }

    /// Keeps a passkey. With the first second factor that a user has come ten recovery codes.
    pub async fn add_passkey(&self, user: UserId, new: &NewPasskey<'_>, now: Instant) -> Result<(PasskeyId, Vec<String>), StoreError> {
        let name = checked_name(new.name)?;
        let mut tx = self.db().begin().await?;
        let count = sql!("SELECT COUNT(*), (SELECT COUNT(*) FROM recovery_code c WHERE c.tenant_id = $1 AND c.user_id = $2) FROM passkey WHERE tenant_id = $1 AND user_id = $2");
        let mut row = tx.query_first(count, &params![self.id, user]).await?.ok_or(StoreError::NotFound("user"))?;
        let (held, codes): (i64, i64) = (row.take(0)?, row.take(1)?);
        if held >= PASSKEYS_MAX {
            return Err(StoreError::Conflict(format!("you have {PASSKEYS_MAX} passkeys already: remove one that you no longer use")));
        }
        let id = PasskeyId(self.store.next_id(now));
        let insert = sql!("INSERT INTO passkey (id, tenant_id, user_id, credential_id, public_key, origin, counter, name, created_at, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL)");
        let values = params![id, self.id, user, new.credential_id.to_vec(), new.public_key.to_vec(), new.origin, i64::from(new.counter), name, now];
        match tx.execute(insert, &values).await {
            Err(DbError::Unique) => return Err(StoreError::Conflict("this passkey is registered already".into())),
            other => other?,
        };
        let codes = if codes == 0 { self.put_recovery_codes(&mut tx, user).await? } else { Vec::new() };
        self.audit(&mut tx, now, Act::Created, "passkey", id.0, "").await?;
        tx.commit().await?;
        Ok((id, codes))
    }

    pub async fn rename_passkey(&self, user: UserId, id: PasskeyId, name: &str, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE passkey SET name = $4 WHERE tenant_id = $1 AND user_id = $2 AND id = $3");
        if tx.execute(update, &params![self.id, user, id, checked_name(name)?]).await? == 0 {
            return Err(StoreError::NotFound("passkey"));
        }
        self.audit(&mut tx, now, Act::Changed, "passkey", id.0, "name").await?;
        Ok(tx.commit().await?)
    }

    /// A signature was right. `false` when its counter has gone back: somebody else signs with a copy.
    pub async fn use_passkey(&self, id: PasskeyId, counter: u32, now: Instant) -> Result<bool, StoreError> {
        let update = sql!("UPDATE passkey SET counter = $3, used_at = $4 WHERE tenant_id = $1 AND id = $2 AND (counter < $3 OR (counter = 0 AND $3 = 0))");
        Ok(self.db().execute(update, &params![self.id, id, i64::from(counter), now]).await? == 1)
    }

    /// A passkey that was refused; `why` stands in the audit.
    pub async fn refuse_passkey(&self, user: UserId, why: &str, now: Instant) -> Result<(), StoreError> {
        self.audit_alone(now, Act::SignInRefused, "user", user.0, why).await
    }

    /// Takes a passkey away; with the last second factor go its recovery codes. When another than the user does it, the user's sessions end.
    pub async fn remove_passkey(&self, user: UserId, id: PasskeyId, ends_sessions: bool, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        if tx.execute(sql!("DELETE FROM passkey WHERE tenant_id = $1 AND user_id = $2 AND id = $3"), &params![self.id, user, id]).await? == 0 {
            return Err(StoreError::NotFound("passkey"));
        }
        if ends_sessions {
            tx.execute(sql!("DELETE FROM web_session WHERE tenant_id = $1 AND user_id = $2"), &params![self.id, user]).await?;
        }
        self.forget_codes_of_none(&mut tx, user).await?;
        self.audit(&mut tx, now, Act::Deleted, "passkey", id.0, "").await?;
        Ok(tx.commit().await?)
    }

    /// Without any second factor recovery codes stand for nothing.
    pub(super) async fn forget_codes_of_none(&self, tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
        let delete = sql!(
            "DELETE FROM recovery_code WHERE tenant_id = $1 AND user_id = $2 AND NOT EXISTS (SELECT 1 FROM passkey p WHERE p.user_id = $2)
             AND NOT EXISTS (SELECT 1 FROM user_account u WHERE u.id = $2 AND u.totp_since IS NOT NULL)"
        );
        tx.execute(delete, &params![self.id, user]).await?;
        Ok(())
    }
}

fn checked_name(name: &str) -> Result<&str, StoreError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_LENGTH_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(StoreError::Faults(vec![FieldFault { field: "name", message: format!("name it with 1 to {NAME_LENGTH_CHARS_MAX} characters, for instance after the device") }]));
    }
    Ok(name)
}
