//! The people who sign in. The store keeps what their password hashes to, and counts wrong ones.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{TenantId, UserId};
use clarion_domain::tenancy::role::{Right, Role};
use clarion_domain::time::{Instant, MINUTE_MS};

use crate::db::{DbError, Row, Tx, sql};
use crate::params;
use crate::store::{Store, StoreError, Tenant};

/// So many wrong passwords in a row lock an account.
pub const FAILURES_MAX: i64 = 10;
/// For how long.
pub const LOCKED_FOR_MS: i64 = 15 * MINUTE_MS;
pub const USERNAME_LENGTH_CHARS_MAX: usize = 80;
const NAME_LENGTH_CHARS_MAX: usize = 80;

/// What a new user is made of.
#[derive(Debug, Clone)]
pub struct NewUser<'a> {
    /// What they sign in with: unique in the whole installation, compared without regard to case.
    pub username: &'a str,
    pub display_name: &'a str,
    pub role: Role,
    /// PHC string: the store never sees a password.
    pub password_hash: &'a str,
}

/// A user as the team page shows them.
#[derive(Debug, Clone)]
pub struct User {
    pub id: UserId,
    pub username: String,
    pub display_name: String,
    pub role: Role,
    pub locked_until: Instant,
    pub deactivated_at: Option<Instant>,
    pub created_at: Instant,
    /// Since when a code or a passkey is asked for beside the password.
    pub second_factor_since: Option<Instant>,
}

/// What signing in needs to know.
#[derive(Debug, Clone)]
pub struct SignInRecord {
    pub id: UserId,
    pub tenant_id: TenantId,
    pub password_hash: String,
    pub locked_until: Instant,
    pub active: bool,
    /// A code or a passkey is asked for beside the password.
    pub has_second_factor: bool,
}

fn read(mut row: Row) -> Result<User, StoreError> {
    Ok(User { id: row.take(0)?, username: row.take(1)?, display_name: row.take(2)?, role: row.word(3)?, locked_until: row.take(4)?, deactivated_at: row.take(5)?, created_at: row.take(6)?, second_factor_since: row.take(7)? })
}

/// The one spelling in which a username is kept and compared.
pub(super) fn folded(username: &str) -> String {
    username.trim().to_lowercase()
}

impl Store {
    /// The user behind a username, in whichever tenant: before anybody is signed in there is no tenant to ask.
    pub async fn sign_in_record(&self, username: &str) -> Result<Option<SignInRecord>, StoreError> {
        let select = sql!("SELECT u.id, u.tenant_id, u.password_hash, u.locked_until, u.deactivated_at, COALESCE(u.totp_since, (SELECT MIN(p.created_at) FROM passkey p WHERE p.user_id = u.id)) FROM user_account u WHERE u.username = $1");
        let Some(mut row) = self.db().query_first(select, &params![folded(username)]).await? else { return Ok(None) };
        let (deactivated, second): (Option<Instant>, Option<Instant>) = (row.take(4)?, row.take(5)?);
        Ok(Some(SignInRecord { id: row.take(0)?, tenant_id: row.take(1)?, password_hash: row.take(2)?, locked_until: row.take(3)?, active: deactivated.is_none(), has_second_factor: second.is_some() }))
    }
}

impl Tenant {
    pub async fn create_user(&self, new: &NewUser<'_>, now: Instant) -> Result<UserId, StoreError> {
        let mut tx = self.db().begin().await?;
        let id = self.put_user(&mut tx, new, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    pub(super) async fn put_user(&self, tx: &mut Tx, new: &NewUser<'_>, now: Instant) -> Result<UserId, StoreError> {
        let username = folded(new.username);
        if username.is_empty() || username.chars().count() > USERNAME_LENGTH_CHARS_MAX || username.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
            return Err(StoreError::Invalid(format!("a username has 1 to {USERNAME_LENGTH_CHARS_MAX} characters and no spaces")));
        }
        let display_name = checked_name(new.display_name)?;
        let id = UserId(self.store.next_id(now));
        let insert = sql!(
            "INSERT INTO user_account (id, tenant_id, username, display_name, role, password_hash, failures, locked_until, deactivated_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, 0, NULL, $7)"
        );
        match tx.execute(insert, &params![id, self.id, username, display_name, new.role.as_str(), new.password_hash, now]).await {
            Err(DbError::Unique) => return Err(StoreError::Conflict("this username is taken: choose another".into())),
            other => other?,
        };
        self.audit(tx, now, Act::Created, "user", id.0, new.role.as_str()).await?;
        Ok(id)
    }

    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        let select = sql!("SELECT u.id, u.username, u.display_name, u.role, u.locked_until, u.deactivated_at, u.created_at, COALESCE(u.totp_since, (SELECT MIN(p.created_at) FROM passkey p WHERE p.user_id = u.id)) FROM user_account u WHERE u.tenant_id = $1 ORDER BY u.username");
        self.db().query(select, &params![self.id]).await?.into_iter().map(read).collect()
    }

    pub async fn user(&self, id: UserId) -> Result<User, StoreError> {
        let select = sql!("SELECT u.id, u.username, u.display_name, u.role, u.locked_until, u.deactivated_at, u.created_at, COALESCE(u.totp_since, (SELECT MIN(p.created_at) FROM passkey p WHERE p.user_id = u.id)) FROM user_account u WHERE u.tenant_id = $1 AND u.id = $2");
        read(self.db().query_first(select, &params![self.id, id]).await?.ok_or(StoreError::NotFound("user"))?)
    }

    /// Changes a user's name and role. The last active owner stays one. Who may no longer manage the team loses their open invitations.
    pub async fn change_user(&self, id: UserId, display_name: &str, role: Role, now: Instant) -> Result<(), StoreError> {
        let display_name = checked_name(display_name)?;
        let mut tx = self.db().begin().await?;
        if role != Role::Owner {
            self.needs_another_owner(&mut tx, id).await?;
        }
        let update = sql!("UPDATE user_account SET display_name = $3, role = $4 WHERE tenant_id = $1 AND id = $2");
        if tx.execute(update, &params![self.id, id, display_name, role.as_str()]).await? == 0 {
            return Err(StoreError::NotFound("user"));
        }
        if !role.may(Right::ManageTeam) {
            self.revoke_invitations_of(&mut tx, id, now).await?;
        }
        self.audit(&mut tx, now, Act::Changed, "user", id.0, role.as_str()).await?;
        Ok(tx.commit().await?)
    }

    /// Sets a new password, lifts a lock, and ends the user's sessions.
    pub async fn set_password(&self, id: UserId, password_hash: &str, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE user_account SET password_hash = $3, failures = 0, locked_until = 0 WHERE tenant_id = $1 AND id = $2");
        if tx.execute(update, &params![self.id, id, password_hash]).await? == 0 {
            return Err(StoreError::NotFound("user"));
        }
        tx.execute(sql!("DELETE FROM web_session WHERE tenant_id = $1 AND user_id = $2"), &params![self.id, id]).await?;
        tx.execute(sql!("DELETE FROM half_sign_in WHERE tenant_id = $1 AND user_id = $2"), &params![self.id, id]).await?;
        self.audit(&mut tx, now, Act::Changed, "user", id.0, "password").await?;
        Ok(tx.commit().await?)
    }

    /// Deactivates a user at once, with their sessions, API keys and open invitations; or lets them in again.
    pub async fn set_user_active(&self, id: UserId, active: bool, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        if !active {
            self.needs_another_owner(&mut tx, id).await?;
        }
        let update = sql!("UPDATE user_account SET deactivated_at = $3 WHERE tenant_id = $1 AND id = $2");
        let at = if active { None } else { Some(now) };
        if tx.execute(update, &params![self.id, id, at]).await? == 0 {
            return Err(StoreError::NotFound("user"));
        }
        tx.execute(sql!("DELETE FROM web_session WHERE tenant_id = $1 AND user_id = $2"), &params![self.id, id]).await?;
        tx.execute(sql!("DELETE FROM half_sign_in WHERE tenant_id = $1 AND user_id = $2"), &params![self.id, id]).await?;
        if !active {
            self.revoke_keys_of(&mut tx, id, now).await?;
            self.revoke_invitations_of(&mut tx, id, now).await?;
        }
        self.audit(&mut tx, now, Act::Changed, "user", id.0, if active { "activated" } else { "deactivated" }).await?;
        Ok(tx.commit().await?)
    }

    /// Counts a wrong password; the tenth wrong password or code in a row locks the account. Audited each time. A locked account counts no
    /// further: otherwise anybody could keep it locked for ever.
    pub async fn record_wrong_password(&self, id: UserId, now: Instant) -> Result<(), StoreError> {
        self.record_wrong(id, ["wrong password", "wrong password, locked"], now).await
    }

    /// The same for a wrong code of the second factor.
    pub async fn record_wrong_code(&self, id: UserId, now: Instant) -> Result<(), StoreError> {
        self.record_wrong(id, ["wrong code", "wrong code, locked"], now).await
    }

    async fn record_wrong(&self, id: UserId, [wrong, locked]: [&str; 2], now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let count = sql!("UPDATE user_account SET failures = failures + 1 WHERE tenant_id = $1 AND id = $2 AND locked_until <= $3 RETURNING failures");
        let Some(mut row) = tx.query_first(count, &params![self.id, id, now]).await? else { return Ok(()) };
        let failures: i64 = row.take(0)?;
        let locks = failures >= FAILURES_MAX;
        if locks {
            tx.execute(sql!("DELETE FROM half_sign_in WHERE tenant_id = $1 AND user_id = $2"), &params![self.id, id]).await?;
            let lock = sql!("UPDATE user_account SET failures = 0, locked_until = $3 WHERE tenant_id = $1 AND id = $2");
            tx.execute(lock, &params![self.id, id, now.plus_ms(LOCKED_FOR_MS)]).await?;
        }
        self.audit(&mut tx, now, Act::SignInRefused, "user", id.0, if locks { locked } else { wrong }).await?;
        Ok(tx.commit().await?)
    }

    /// Before an owner is one no more, or is let in no more.
    async fn needs_another_owner(&self, tx: &mut Tx, id: UserId) -> Result<(), StoreError> {
        self.hold_owners(tx).await?;
        let mut row = tx.query_first(sql!("SELECT role FROM user_account WHERE tenant_id = $1 AND id = $2"), &params![self.id, id]).await?.ok_or(StoreError::NotFound("user"))?;
        if row.word::<Role>(0)? != Role::Owner {
            return Ok(());
        }
        let other = sql!("SELECT id FROM user_account WHERE tenant_id = $1 AND role = 'owner' AND deactivated_at IS NULL AND id <> $2 LIMIT 1");
        if tx.query_first(other, &params![self.id, id]).await?.is_none() {
            return Err(StoreError::Conflict("this is the last owner: make somebody else an owner first".into()));
        }
        let glass = sql!("SELECT tenant_id FROM single_sign_on WHERE tenant_id = $1 AND only_way = 1 AND break_glass_user = $2");
        if tx.query_first(glass, &params![self.id, id]).await?.is_some() {
            return Err(StoreError::Conflict("this owner is the one who may sign in with a password: name another owner under Single sign-on first".into()));
        }
        Ok(())
    }

    /// Until the commit nobody else changes who the owners are: two who demote each other would leave none.
    pub(super) async fn hold_owners(&self, tx: &mut Tx) -> Result<(), StoreError> {
        self.hold_tenant(tx).await
    }
}

pub(super) fn checked_name(name: &str) -> Result<&str, StoreError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_LENGTH_CHARS_MAX {
        return Err(StoreError::Invalid(format!("a name has 1 to {NAME_LENGTH_CHARS_MAX} characters")));
    }
    Ok(name)
}
