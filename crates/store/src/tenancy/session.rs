//! Portal sessions: the browser holds a random token, the table its hash.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{SessionId, TenantId, UserId};
use clarion_domain::tenancy::role::Role;
use clarion_domain::time::{HOUR_MS, Instant, MINUTE_MS};

use crate::db::sql;
use crate::params;
use crate::seal::{hex, random_bytes};
use crate::store::{Store, StoreError, Tenant};

/// A session ends so long after signing in, whatever happens in it.
pub const ABSOLUTE_MS: i64 = 12 * HOUR_MS;
/// And so long after the last request.
pub const IDLE_MS: i64 = 60 * MINUTE_MS;
/// A request moves `seen_at` only when it is older than this: reading a page must not cost a commit.
const TOUCH_MS: i64 = MINUTE_MS;

/// Who is behind a session.
#[derive(Debug, Clone)]
pub struct SessionUser {
    pub user_id: UserId,
    pub tenant_id: TenantId,
    pub username: String,
    pub display_name: String,
    pub role: Role,
    pub session: SessionId,
    pub has_second_factor: bool,
    /// The organisation's identity provider let them in: what it asks for beside a password is its own to say.
    pub by_provider: bool,
}

/// Where a sign-in came from, as far as it is kept: no more than its owner needs to know their own.
#[derive(Debug, Clone, Copy, Default)]
pub struct SignInFrom<'a> {
    /// `Firefox on Windows`.
    pub browser: &'a str,
    /// The network address without its last part.
    pub place: &'a str,
}

/// One of a user's sessions, as they see it.
#[derive(Debug, Clone)]
pub struct SessionRecord {
    pub id: SessionId,
    pub browser: String,
    pub place: String,
    pub created_at: Instant,
    /// To the minute.
    pub seen_at: Instant,
}

/// 256 random bits.
pub(super) fn new_token() -> Result<String, StoreError> {
    Ok(hex(&random_bytes::<32>()?))
}

pub(super) fn hash(token: &str) -> [u8; 16] {
    let mut hash = [0; 16];
    blake3::Hasher::new_derive_key("clarion web session 2026").update(token.as_bytes()).finalize_xof().fill(&mut hash);
    hash
}

impl Store {
    /// The user of a live session, or nothing: unknown, expired, idle for too long, or of a deactivated user.
    pub async fn session_user(&self, token: &str, now: Instant) -> Result<Option<SessionUser>, StoreError> {
        let select = sql!(
            "SELECT u.id, u.tenant_id, u.username, u.display_name, u.role, s.seen_at, s.id, COALESCE(u.totp_since, (SELECT MIN(p.created_at) FROM passkey p WHERE p.user_id = u.id)), s.by_provider FROM web_session s JOIN user_account u ON u.id = s.user_id
             WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.seen_at > $3 AND u.deactivated_at IS NULL"
        );
        let hash = hash(token);
        let Some(mut row) = self.db().query_first(select, &params![&hash, now, now.plus_ms(-IDLE_MS)]).await? else { return Ok(None) };
        let seen_at: Instant = row.take(5)?;
        if seen_at.plus_ms(TOUCH_MS) < now {
            self.db().execute(sql!("UPDATE web_session SET seen_at = $2 WHERE token_hash = $1"), &params![&hash, now]).await?;
        }
        let second: Option<Instant> = row.take(7)?;
        Ok(Some(SessionUser { by_provider: row.take(8)?, session: row.take(6)?, has_second_factor: second.is_some(), user_id: row.take(0)?, tenant_id: row.take(1)?, username: row.take(2)?, display_name: row.take(3)?, role: row.word(4)? }))
    }

    /// Removes what has ended; returns how many.
    pub async fn sweep_sessions(&self, now: Instant) -> Result<u64, StoreError> {
        self.db().execute(sql!("DELETE FROM half_sign_in WHERE expires_at <= $1"), &params![now]).await?;
        Ok(self.db().execute(sql!("DELETE FROM web_session WHERE expires_at <= $1 OR seen_at <= $2"), &params![now, now.plus_ms(-IDLE_MS)]).await?)
    }
}

impl Tenant {
    /// As `open_session_from`, from nowhere in particular.
    pub async fn open_session(&self, user: UserId, now: Instant) -> Result<String, StoreError> {
        self.open_session_from(user, SignInFrom::default(), now).await
    }

    /// Begins a session and returns its token, which is kept nowhere. Forgets the wrong passwords before it.
    pub async fn open_session_from(&self, user: UserId, from: SignInFrom<'_>, now: Instant) -> Result<String, StoreError> {
        self.open_session_by(user, from, false, now).await
    }

    pub(super) async fn open_session_by(&self, user: UserId, from: SignInFrom<'_>, by_provider: bool, now: Instant) -> Result<String, StoreError> {
        let token = new_token()?;
        let mut tx = self.db().begin().await?;
        let forget = sql!("UPDATE user_account SET failures = 0 WHERE tenant_id = $1 AND id = $2");
        if tx.execute(forget, &params![self.id, user]).await? == 0 {
            return Err(StoreError::NotFound("user"));
        }
        let insert = sql!("INSERT INTO web_session (token_hash, user_id, tenant_id, created_at, seen_at, expires_at, id, browser, place, by_provider) VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9)");
        tx.execute(insert, &params![&hash(&token), user, self.id, now, now.plus_ms(ABSOLUTE_MS), self.store.next_id(now), from.browser, from.place, by_provider]).await?;
        self.audit(&mut tx, now, Act::SignedIn, "user", user.0, if by_provider { "by the identity provider" } else { "" }).await?;
        tx.commit().await?;
        Ok(token)
    }

    pub async fn close_session(&self, user: UserId, token: &str, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        tx.execute(sql!("DELETE FROM web_session WHERE token_hash = $1"), &params![&hash(token)]).await?;
        self.audit(&mut tx, now, Act::SignedOut, "user", user.0, "").await?;
        Ok(tx.commit().await?)
    }

    /// A user's live sessions, that last used first.
    pub async fn sessions(&self, user: UserId, now: Instant) -> Result<Vec<SessionRecord>, StoreError> {
        let select = sql!(
            "SELECT id, browser, place, created_at, seen_at FROM web_session
             WHERE tenant_id = $1 AND user_id = $2 AND expires_at > $3 AND seen_at > $4 ORDER BY seen_at DESC, id DESC"
        );
        let rows = self.db().query(select, &params![self.id, user, now, now.plus_ms(-IDLE_MS)]).await?;
        rows.into_iter().map(|mut row| Ok(SessionRecord { id: row.take(0)?, browser: row.take(1)?, place: row.take(2)?, created_at: row.take(3)?, seen_at: row.take(4)? })).collect()
    }

    /// Ends one of a user's sessions: its next request is that of a stranger.
    pub async fn end_session(&self, user: UserId, session: SessionId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        if tx.execute(sql!("DELETE FROM web_session WHERE tenant_id = $1 AND user_id = $2 AND id = $3"), &params![self.id, user, session]).await? == 0 {
            return Err(StoreError::NotFound("session"));
        }
        self.audit(&mut tx, now, Act::SignedOut, "user", user.0, "one session ended").await?;
        Ok(tx.commit().await?)
    }

    /// Ends a user's sessions, all but `except`; gives how many.
    pub async fn end_sessions(&self, user: UserId, except: Option<SessionId>, now: Instant) -> Result<u64, StoreError> {
        let mut tx = self.db().begin().await?;
        let delete = sql!("DELETE FROM web_session WHERE tenant_id = $1 AND user_id = $2 AND id <> $3");
        let ended = tx.execute(delete, &params![self.id, user, except.unwrap_or(SessionId(-1))]).await?;
        if except.is_none() {
            tx.execute(sql!("DELETE FROM half_sign_in WHERE tenant_id = $1 AND user_id = $2"), &params![self.id, user]).await?;
        }
        self.audit(&mut tx, now, Act::SignedOut, "user", user.0, if except.is_some() { "other sessions ended" } else { "all sessions ended" }).await?;
        tx.commit().await?;
        Ok(ended)
    }
}
