//! Accounts of the SFTP drop: a program's way to bring files. It may do nothing else.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{ListId, SftpAccountId, TenantId};
use clarion_domain::time::Instant;

use super::sftp_key::{Network, PublicKey, networks};
use super::upload::{IMPORT_BYTES_MAX, remove_upload};
use crate::db::{DbError, Row, Tx, sql};
use crate::params;
use crate::seal::{hex, random_bytes};
use crate::store::{FieldFault, Store, StoreError, Tenant};
use crate::tenancy::{FAILURES_MAX, LOCKED_FOR_MS};

/// Accounts of one tenant.
const ACCOUNTS_MAX: i64 = 50;
/// Public keys of one account.
const KEYS_MAX: i64 = 20;
const USERNAME_CHARS_MAX: usize = 60;
/// The most that may wait to be loaded, for any account.
pub const WAITING_BYTES_MAX: i64 = 16 * IMPORT_BYTES_MAX;
pub const DAY_FILES_MAX: i64 = 10_000;

/// What is chosen of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SftpAccountDraft {
    /// Unique in the whole installation, in lower case.
    pub username: String,
    /// The list on which the loaded contacts are put.
    pub list: Option<ListId>,
    /// A file whose header somebody confirmed before loads without a question.
    pub reuse_mapping: bool,
    /// A file loads only once it was renamed: one that is written under its own name waits.
    pub rename_only: bool,
    /// The networks that it may come from, separated by spaces; empty for any.
    pub networks: String,
    /// Bytes sent and not yet loaded, at most.
    pub waiting_bytes_max: i64,
    /// Files begun within 24 hours, at most.
    pub day_files_max: i64,
    pub enabled: bool,
}

impl SftpAccountDraft {
    #[must_use]
    pub fn new(username: &str) -> Self {
        Self { username: username.to_owned(), list: None, reuse_mapping: true, rename_only: false, networks: String::new(), waiting_bytes_max: 2 * IMPORT_BYTES_MAX, day_files_max: 200, enabled: true }
    }
}

#[derive(Debug, Clone)]
pub struct SftpKey {
    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// As in `authorized_keys`.
    pub public_key: String,
    pub added_by: String,
    pub added_at: Instant,
}

#[derive(Debug, Clone)]
pub struct SftpAccount {
    pub id: SftpAccountId,
    pub draft: SftpAccountDraft,
    pub list_name: Option<String>,
    pub has_password: bool,
    pub keys: Vec<SftpKey>,
    pub locked_until: Instant,
    pub used_at: Option<Instant>,
    pub created_by: String,
    pub created_at: Instant,
}

/// What signing in needs to know.
#[derive(Debug, Clone)]
pub struct SftpSignIn {
    pub id: SftpAccountId,
    pub tenant_id: TenantId,
    /// PHC string; empty when the account has no password.
    pub password_hash: String,
    pub fingerprints: Vec<String>,
    pub networks: Vec<Network>,
    pub enabled: bool,
    pub locked_until: Instant,
}

/// By what an account signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SftpProof {
    Key,
    Password,
}

fn read(mut row: Row) -> Result<SftpAccount, StoreError> {
    let draft = SftpAccountDraft {
        username: row.take(1)?,
        list: row.take(2)?,
        reuse_mapping: row.take(4)?,
        rename_only: row.take(5)?,
        networks: row.take(6)?,
        waiting_bytes_max: row.take(7)?,
        day_files_max: row.take(8)?,
        enabled: row.take(9)?,
    };
    let password: String = row.take(10)?;
    Ok(SftpAccount { id: row.take(0)?, draft, list_name: row.take(3)?, has_password: !password.is_empty(), keys: Vec::new(), locked_until: row.take(11)?, used_at: row.take(12)?, created_by: row.take(13)?, created_at: row.take(14)? })
}

/// A password that nobody has to think up: 160 random bits.
pub fn new_sftp_password() -> Result<String, StoreError> {
    Ok(hex(&random_bytes::<20>()?))
}

fn checked(draft: &SftpAccountDraft) -> Result<SftpAccountDraft, StoreError> {
    let username = draft.username.trim().to_lowercase();
    let mut faults = Vec::new();
    let mut fault = |field, message: String| faults.push(FieldFault { field, message });
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '-' | '_' | '.');
    if username.is_empty() || username.len() > USERNAME_CHARS_MAX || !username.chars().all(plain) {
        fault("username", format!("a username has 1 to {USERNAME_CHARS_MAX} letters a to z, digits, dots, dashes and underscores"));
    }
    if let Err(error) = networks(&draft.networks) {
        fault("networks", error.to_string());
    }
    if !(1..=WAITING_BYTES_MAX).contains(&draft.waiting_bytes_max) {
        fault("waiting_bytes_max", format!("what may wait is at most {} GiB", WAITING_BYTES_MAX >> 30));
    }
    if !(1..=DAY_FILES_MAX).contains(&draft.day_files_max) {
        fault("day_files_max", format!("1 to {DAY_FILES_MAX} files a day"));
    }
    if !faults.is_empty() {
        return Err(StoreError::Faults(faults));
    }
    Ok(SftpAccountDraft { username, networks: draft.networks.split_whitespace().collect::<Vec<_>>().join(" "), ..draft.clone() })
}

impl Store {
    /// The account behind a username, in whichever tenant.
    pub async fn sftp_sign_in(&self, username: &str) -> Result<Option<SftpSignIn>, StoreError> {
        let select = sql!("SELECT id, tenant_id, password_hash, networks, enabled, locked_until FROM sftp_account WHERE username = $1");
        let Some(mut row) = self.db().query_first(select, &params![username.to_lowercase()]).await? else { return Ok(None) };
        let id: SftpAccountId = row.take(0)?;
        let keys = self.db().query(sql!("SELECT fingerprint FROM sftp_key WHERE account_id = $1"), &params![id]).await?;
        let allowed: String = row.take(3)?;
        Ok(Some(SftpSignIn {
            id,
            tenant_id: row.take(1)?,
            password_hash: row.take(2)?,
            fingerprints: keys.into_iter().map(|mut row| row.take(0)).collect::<Result<_, _>>()?,
            networks: networks(&allowed).map_err(|error| StoreError::Invalid(error.to_string()))?,
            enabled: row.take(4)?,
            locked_until: row.take(5)?,
        }))
    }
}

impl Tenant {
    pub async fn sftp_accounts(&self) -> Result<Vec<SftpAccount>, StoreError> {
        let select = sql!(
            "SELECT a.id, a.username, a.list_id, l.name, a.reuse_mapping, a.rename_only, a.networks, a.waiting_bytes_max, a.day_files_max, a.enabled,
                a.password_hash, a.locked_until, a.used_at, a.created_by, a.created_at
             FROM sftp_account a LEFT JOIN contact_list l ON l.id = a.list_id WHERE a.tenant_id = $1 ORDER BY a.username"
        );
        let keys = sql!(
            "SELECT k.account_id, k.fingerprint, k.public_key, k.added_by, k.added_at FROM sftp_key k JOIN sftp_account a ON a.id = k.account_id
             WHERE a.tenant_id = $1 ORDER BY k.added_at, k.fingerprint"
        );
        let mut accounts = self.db().query(select, &params![self.id]).await?.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        for mut row in self.db().query(keys, &params![self.id]).await? {
            let id: SftpAccountId = row.take(0)?;
            let key = SftpKey { fingerprint: row.take(1)?, public_key: row.take(2)?, added_by: row.take(3)?, added_at: row.take(4)? };
            accounts.iter_mut().filter(|account| account.id == id).for_each(|account| account.keys.push(key.clone()));
        }
        Ok(accounts)
    }

    pub async fn sftp_account(&self, id: SftpAccountId) -> Result<SftpAccount, StoreError> {
        self.sftp_accounts().await?.into_iter().find(|account| account.id == id).ok_or(StoreError::NotFound("SFTP account"))
    }

    /// Makes an account; nobody can sign in with it before it has a key or a password.
    pub async fn create_sftp_account(&self, draft: &SftpAccountDraft, now: Instant) -> Result<SftpAccountId, StoreError> {
        let draft = checked(draft)?;
        let id = SftpAccountId(self.store.next_id(now));
        let mut tx = self.db().begin().await?;
        let count: i64 = tx.query(sql!("SELECT COUNT(*) FROM sftp_account WHERE tenant_id = $1"), &params![self.id]).await?.first_mut().map_or(Ok(0), |row| row.take(0))?;
        if count >= ACCOUNTS_MAX {
            return Err(StoreError::Conflict(format!("there are {ACCOUNTS_MAX} accounts already: delete one that is no longer used")));
        }
        if let Some(list) = draft.list {
            self.check_list(&mut tx, list).await?;
        }
        let insert = sql!(
            "INSERT INTO sftp_account (id, tenant_id, username, list_id, reuse_mapping, rename_only, networks, waiting_bytes_max, day_files_max, enabled,
                password_hash, failures, locked_until, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', 0, 0, $11, $12)"
        );
        let values = params![id, self.id, draft.username, draft.list, draft.reuse_mapping, draft.rename_only, draft.networks, draft.waiting_bytes_max, draft.day_files_max, draft.enabled, self.actor.to_string(), now];
        taken(tx.execute(insert, &values).await)?;
        self.audit(&mut tx, now, Act::Created, "sftp_account", id.0, "").await?;
        tx.commit().await?;
        Ok(id)
    }

    pub async fn change_sftp_account(&self, id: SftpAccountId, draft: &SftpAccountDraft, now: Instant) -> Result<(), StoreError> {
        let draft = checked(draft)?;
        let mut tx = self.db().begin().await?;
        if let Some(list) = draft.list {
            self.check_list(&mut tx, list).await?;
        }
        let update = sql!(
            "UPDATE sftp_account SET username = $3, list_id = $4, reuse_mapping = $5, rename_only = $6, networks = $7, waiting_bytes_max = $8, day_files_max = $9,
                enabled = $10, failures = 0, locked_until = 0 WHERE tenant_id = $1 AND id = $2"
        );
        let values = params![self.id, id, draft.username, draft.list, draft.reuse_mapping, draft.rename_only, draft.networks, draft.waiting_bytes_max, draft.day_files_max, draft.enabled];
        if taken(tx.execute(update, &values).await)? == 0 {
            return Err(StoreError::NotFound("SFTP account"));
        }
        self.audit(&mut tx, now, Act::Changed, "sftp_account", id.0, if draft.enabled { "" } else { "switched off" }).await?;
        Ok(tx.commit().await?)
    }

    /// Sets a password's hash, or takes the password away; lifts a lock.
    pub async fn set_sftp_password(&self, id: SftpAccountId, password_hash: Option<&str>, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE sftp_account SET password_hash = $3, failures = 0, locked_until = 0 WHERE tenant_id = $1 AND id = $2");
        if tx.execute(update, &params![self.id, id, password_hash.unwrap_or_default()]).await? == 0 {
            return Err(StoreError::NotFound("SFTP account"));
        }
        self.audit(&mut tx, now, Act::Changed, "sftp_account", id.0, if password_hash.is_some() { "password" } else { "no password" }).await?;
        Ok(tx.commit().await?)
    }

    /// Lets a key in; `line` is as in `authorized_keys`. Gives its fingerprint.
    pub async fn add_sftp_key(&self, id: SftpAccountId, line: &str, now: Instant) -> Result<String, StoreError> {
        let key = PublicKey::parse(line).map_err(|error| StoreError::Invalid(error.to_string()))?;
        let mut tx = self.db().begin().await?;
        self.known_account(&mut tx, id).await?;
        let count: i64 = tx.query(sql!("SELECT COUNT(*) FROM sftp_key WHERE account_id = $1"), &params![id]).await?.first_mut().map_or(Ok(0), |row| row.take(0))?;
        if count >= KEYS_MAX {
            return Err(StoreError::Conflict(format!("this account has {KEYS_MAX} keys already: remove one that is no longer used")));
        }
        let insert = sql!("INSERT INTO sftp_key (account_id, fingerprint, public_key, added_by, added_at) VALUES ($1, $2, $3, $4, $5)");
        match tx.execute(insert, &params![id, key.fingerprint.as_str(), key.line.as_str(), self.actor.to_string(), now]).await {
            Err(DbError::Unique) => return Err(StoreError::Conflict("this account has that key already".into())),
            other => other?,
        };
        self.audit(&mut tx, now, Act::Changed, "sftp_account", id.0, &format!("key {} added", key.fingerprint)).await?;
        tx.commit().await?;
        Ok(key.fingerprint)
    }

    pub async fn remove_sftp_key(&self, id: SftpAccountId, fingerprint: &str, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        self.known_account(&mut tx, id).await?;
        if tx.execute(sql!("DELETE FROM sftp_key WHERE account_id = $1 AND fingerprint = $2"), &params![id, fingerprint]).await? == 0 {
            return Err(StoreError::NotFound("key"));
        }
        self.audit(&mut tx, now, Act::Changed, "sftp_account", id.0, &format!("key {fingerprint} removed")).await?;
        Ok(tx.commit().await?)
    }

    /// Ends an account: half-sent files go, those that are whole stay among the imports. One in which results are laid stays, so that
    /// no export goes on for nobody.
    pub async fn delete_sftp_account(&self, id: SftpAccountId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        self.hold_sftp_account(&mut tx, id).await?;
        let exports = sql!("SELECT name FROM result_export WHERE tenant_id = $1 AND account_id = $2 ORDER BY id LIMIT 1");
        if let Some(mut row) = tx.query_first(exports, &params![self.id, id]).await? {
            return Err(StoreError::Conflict(format!("the export {:?} lays its files there: delete the export first", row.take::<String>(0)?)));
        }
        let open = sql!("SELECT f.import_id FROM sftp_file f JOIN import i ON i.id = f.import_id WHERE f.account_id = $1 AND i.state = 'receiving'");
        for mut row in tx.query(open, &params![id]).await? {
            remove_upload(&mut tx, row.take(0)?).await?;
        }
        tx.execute(sql!("DELETE FROM sftp_result WHERE file_id IN (SELECT id FROM sftp_file WHERE account_id = $1)"), &params![id]).await?;
        tx.execute(sql!("DELETE FROM sftp_file WHERE account_id = $1"), &params![id]).await?;
        tx.execute(sql!("DELETE FROM sftp_key WHERE account_id = $1"), &params![id]).await?;
        tx.execute(sql!("DELETE FROM sftp_account WHERE tenant_id = $1 AND id = $2"), &params![self.id, id]).await?;
        self.audit(&mut tx, now, Act::Deleted, "sftp_account", id.0, "").await?;
        Ok(tx.commit().await?)
    }

    /// There is such an account, and until the transaction ends nobody can delete it.
    pub(crate) async fn hold_sftp_account(&self, tx: &mut Tx, id: SftpAccountId) -> Result<(), StoreError> {
        let hold = sql!("UPDATE sftp_account SET username = username WHERE tenant_id = $1 AND id = $2");
        if tx.execute(hold, &params![self.id, id]).await? == 0 { Err(StoreError::NotFound("SFTP account")) } else { Ok(()) }
    }

    async fn known_account(&self, tx: &mut Tx, id: SftpAccountId) -> Result<(), StoreError> {
        let select = sql!("SELECT id FROM sftp_account WHERE tenant_id = $1 AND id = $2");
        tx.query_first(select, &params![self.id, id]).await?.map(|_| ()).ok_or(StoreError::NotFound("SFTP account"))
    }

    /// An account signed in. Forgets the wrong passwords before it.
    pub async fn record_sftp_sign_in(&self, id: SftpAccountId, proof: SftpProof, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE sftp_account SET used_at = $3, failures = 0 WHERE tenant_id = $1 AND id = $2");
        if tx.execute(update, &params![self.id, id, now]).await? == 0 {
            return Err(StoreError::NotFound("SFTP account"));
        }
        self.audit(&mut tx, now, Act::SignedIn, "sftp_account", id.0, if proof == SftpProof::Key { "by key" } else { "by password" }).await?;
        Ok(tx.commit().await?)
    }

    /// A sign-in was refused. The tenth wrong password in a row locks the account's password, as it does a user's.
    pub async fn record_sftp_refusal(&self, id: SftpAccountId, proof: SftpProof, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let mut why = "no key of this account";
        if proof == SftpProof::Password {
            let count = sql!("UPDATE sftp_account SET failures = failures + 1 WHERE tenant_id = $1 AND id = $2 RETURNING failures");
            let failures: i64 = tx.query_first(count, &params![self.id, id]).await?.ok_or(StoreError::NotFound("SFTP account"))?.take(0)?;
            why = "wrong password";
            if failures >= FAILURES_MAX {
                let lock = sql!("UPDATE sftp_account SET failures = 0, locked_until = $3 WHERE tenant_id = $1 AND id = $2");
                tx.execute(lock, &params![self.id, id, now.plus_ms(LOCKED_FOR_MS)]).await?;
                why = "wrong password, locked";
            }
        }
        self.audit(&mut tx, now, Act::SignInRefused, "sftp_account", id.0, why).await?;
        Ok(tx.commit().await?)
    }
}

fn taken(done: Result<u64, DbError>) -> Result<u64, StoreError> {
    match done {
        Err(DbError::Unique) => Err(StoreError::Faults(vec![FieldFault { field: "username", message: "this username is taken: choose another".into() }])),
        other => Ok(other?),
    }
}
