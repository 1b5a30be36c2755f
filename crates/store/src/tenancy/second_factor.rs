//! The second factor of a sign-in: a secret that an authenticator application shares, ten recovery codes, and the half of a sign-in
//! that waits for either. What a code is the edge computes; here stands what was used already.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{TenantId, UserId};
use clarion_domain::time::{Instant, MINUTE_MS};
use zeroize::Zeroizing;

use super::session::{hash, new_token};
use crate::db::{Tx, sql};
use crate::params;
use crate::seal::random_bytes;
use crate::store::{Store, StoreError, Tenant};

const LABEL: &str = "user.totp";
/// As long as the hash of HMAC-SHA-1, as RFC 4226 asks.
pub const TOTP_SECRET_BYTES: usize = 20;
pub const RECOVERY_CODES: usize = 10;
/// A right password is good for so long without its code.
pub const HALF_SIGN_IN_MS: i64 = 5 * MINUTE_MS;
/// Letters and digits that are not mistaken for each other: twenty-four of them are 120 bits, which a fast hash keeps.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz123456789";
const CODE_LETTERS: usize = 24;

/// A user's secret as kept.
pub struct SecondFactor {
    pub secret: Zeroizing<Vec<u8>>,
    /// Since when it is asked for; `None` while its first code was not given.
    pub since: Option<Instant>,
    pub recovery_codes_left: i64,
}

/// A code is random enough that a plain hash tells nothing; it stands for one user alone.
fn code_hash(user: UserId, code: &str) -> [u8; 32] {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    blake3::derive_key("clarion recovery code 2026", format!("{user} {plain}").as_bytes())
}

fn new_code() -> Result<String, StoreError> {
    let bytes = random_bytes::<CODE_LETTERS>()?;
    let letters: Vec<char> = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect();
    Ok(letters.chunks(4).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>().join("-"))
}

impl Store {
    /// Whose half of a sign-in this token is, while it may still be completed.
    pub async fn half_sign_in(&self, token: &str, now: Instant) -> Result<Option<(TenantId, UserId)>, StoreError> {
        let select = sql!("SELECT tenant_id, user_id FROM half_sign_in WHERE token_hash = $1 AND expires_at > $2");
        let Some(mut row) = self.db().query_first(select, &params![&hash(token), now]).await? else { return Ok(None) };
        Ok(Some((row.take(0)?, row.take(1)?)))
    }
}

impl Tenant {
    /// The password was right: gives the token under which the code is awaited.
    pub async fn begin_half_sign_in(&self, user: UserId, now: Instant) -> Result<String, StoreError> {
        let token = new_token()?;
        let insert = sql!("INSERT INTO half_sign_in (token_hash, user_id, tenant_id, expires_at) VALUES ($1, $2, $3, $4)");
        self.db().execute(insert, &params![&hash(&token), user, self.id, now.plus_ms(HALF_SIGN_IN_MS)]).await?;
        Ok(token)
    }

    pub async fn end_half_sign_in(&self, token: &str) -> Result<(), StoreError> {
        self.db().execute(sql!("DELETE FROM half_sign_in WHERE token_hash = $1 AND tenant_id = $2"), &params![&hash(token), self.id]).await?;
        Ok(())
    }

    pub async fn second_factor(&self, user: UserId) -> Result<Option<SecondFactor>, StoreError> {
        let select = sql!(
            "SELECT u.sealed_totp, u.totp_since, (SELECT COUNT(*) FROM recovery_code c WHERE c.user_id = u.id AND c.used_at IS NULL)
             FROM user_account u WHERE u.tenant_id = $1 AND u.id = $2"
        );
        let mut row = self.db().query_first(select, &params![self.id, user]).await?.ok_or(StoreError::NotFound("user"))?;
        let Some(sealed) = row.take::<Option<Vec<u8>>>(0)? else { return Ok(None) };
        Ok(Some(SecondFactor { secret: self.keys.data.open(LABEL, &sealed)?, since: row.take(1)?, recovery_codes_left: row.take(2)? }))
    }

    /// The secret that the user is to take into their application: a fresh one, or that of before when its first code was not given yet.
    pub async fn offer_second_factor(&self, user: UserId) -> Result<SecondFactor, StoreError> {
        if let Some(kept) = self.second_factor(user).await? {
            return Ok(kept);
        }
        let sealed = self.keys.data.seal(LABEL, &random_bytes::<TOTP_SECRET_BYTES>()?)?;
        let update = sql!("UPDATE user_account SET sealed_totp = $3 WHERE tenant_id = $1 AND id = $2 AND sealed_totp IS NULL");
        self.db().execute(update, &params![self.id, user, sealed]).await?;
        self.second_factor(user).await?.ok_or(StoreError::NotFound("user"))
    }

    /// The first code was right, that of `step`: from now on one is asked for. Gives the recovery codes, of which only hashes are kept.
    pub async fn confirm_second_factor(&self, user: UserId, step: i64, now: Instant) -> Result<Vec<String>, StoreError> {
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE user_account SET totp_since = $3, totp_step = $4 WHERE tenant_id = $1 AND id = $2 AND sealed_totp IS NOT NULL AND totp_since IS NULL");
        if tx.execute(update, &params![self.id, user, now, step]).await? == 0 {
            return Err(StoreError::Conflict("the second factor is on already: reload the page".into()));
        }
        let codes = self.put_recovery_codes(&mut tx, user).await?;
        self.audit(&mut tx, now, Act::Changed, "user", user.0, "second factor on").await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Ten new codes; those of before are good no more.
    pub async fn renew_recovery_codes(&self, user: UserId, now: Instant) -> Result<Vec<String>, StoreError> {
        let mut tx = self.db().begin().await?;
        let codes = self.put_recovery_codes(&mut tx, user).await?;
        self.audit(&mut tx, now, Act::Changed, "user", user.0, "new recovery codes").await?;
        tx.commit().await?;
        Ok(codes)
    }

    pub(super) async fn put_recovery_codes(&self, tx: &mut Tx, user: UserId) -> Result<Vec<String>, StoreError> {
        tx.execute(sql!("DELETE FROM recovery_code WHERE tenant_id = $1 AND user_id = $2"), &params![self.id, user]).await?;
        let mut codes = Vec::with_capacity(RECOVERY_CODES);
        for _ in 0..RECOVERY_CODES {
            let code = new_code()?;
            let insert = sql!("INSERT INTO recovery_code (user_id, tenant_id, code_hash, used_at) VALUES ($1, $2, $3, NULL)");
            tx.execute(insert, &params![user, self.id, code_hash(user, &code)]).await?;
            codes.push(code);
        }
        Ok(codes)
    }

    /// Uses the code of a step up: `false` when it, or a later one, was used before, or the account is locked.
    pub async fn use_totp_step(&self, user: UserId, step: i64, now: Instant) -> Result<bool, StoreError> {
        let update = sql!("UPDATE user_account SET totp_step = $3 WHERE tenant_id = $1 AND id = $2 AND totp_since IS NOT NULL AND totp_step < $3 AND locked_until <= $4");
        Ok(self.db().execute(update, &params![self.id, user, step, now]).await? == 1)
    }

    /// Uses a recovery code up: `false` when there is no such one, it was used before, or the account is locked.
    pub async fn use_recovery_code(&self, user: UserId, code: &str, now: Instant) -> Result<bool, StoreError> {
        let mut tx = self.db().begin().await?;
        let update = sql!(
            "UPDATE recovery_code SET used_at = $4 WHERE tenant_id = $1 AND user_id = $2 AND code_hash = $3 AND used_at IS NULL
             AND EXISTS (SELECT 1 FROM user_account u WHERE u.id = $2 AND u.locked_until <= $4)"
        );
        if tx.execute(update, &params![self.id, user, code_hash(user, code), now]).await? == 0 {
            return Ok(false);
        }
        self.audit(&mut tx, now, Act::Changed, "user", user.0, "recovery code used").await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes the application's secret away; `why` stands in the audit. When another than the user does it, passkeys go too and the user's
    /// sessions end.
    pub async fn remove_second_factor(&self, user: UserId, why: &str, ends_sessions: bool, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE user_account SET sealed_totp = NULL, totp_since = NULL, totp_step = 0 WHERE tenant_id = $1 AND id = $2");
        if tx.execute(update, &params![self.id, user]).await? == 0 {
            return Err(StoreError::NotFound("user"));
        }
        if ends_sessions {
            tx.execute(sql!("DELETE FROM passkey WHERE tenant_id = $1 AND user_id = $2"), &params![self.id, user]).await?;
            tx.execute(sql!("DELETE FROM web_session WHERE tenant_id = $1 AND user_id = $2"), &params![self.id, user]).await?;
            tx.execute(sql!("DELETE FROM half_sign_in WHERE tenant_id = $1 AND user_id = $2"), &params![self.id, user]).await?;
        }
        self.forget_codes_of_none(&mut tx, user).await?;
        self.audit(&mut tx, now, Act::Changed, "user", user.0, why).await?;
        Ok(tx.commit().await?)
    }

    /// Whether everybody here must have a second factor.
    pub async fn require_second_factor(&self, needed: bool, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        tx.execute(sql!("UPDATE tenant SET needs_second_factor = $2 WHERE id = $1"), &params![self.id, needed]).await?;
        self.audit(&mut tx, now, Act::Changed, "tenant", self.id.0, if needed { "second factor needed" } else { "second factor not needed" }).await?;
        Ok(tx.commit().await?)
    }
}
