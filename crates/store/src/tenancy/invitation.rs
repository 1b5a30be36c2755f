//! Invitations: a link by which somebody chooses their own username and password. Good once, for three days; only its hash is kept.

use clarion_domain::audit::event::Act;
use clarion_domain::id::{InvitationId, TenantId, UserId};
use clarion_domain::tenancy::role::Role;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::{HOUR_MS, Instant};

use super::session::new_token;
use super::user::{NewUser, checked_name, folded};
use crate::db::{Row, Tx, sql};
use crate::params;
use crate::store::{FieldFault, Store, StoreError, Tenant};

/// How long a link is good for.
pub const INVITATION_KEPT_MS: i64 = 72 * HOUR_MS;
const OPEN_MAX: i64 = 200;

#[derive(Debug, Clone)]
pub struct Invitation {
    pub id: InvitationId,
    pub tenant_id: TenantId,
    pub display_name: String,
    pub role: Role,
    pub created_by: String,
    pub created_at: Instant,
    pub expires_at: Instant,
    /// By which they are met at a first single sign-on; empty when nobody said.
    pub email: String,
}

fn read(mut row: Row) -> Result<Invitation, StoreError> {
    Ok(Invitation { id: row.take(0)?, tenant_id: row.take(1)?, display_name: row.take(2)?, role: row.word(3)?, created_by: row.take(4)?, created_at: row.take(5)?, expires_at: row.take(6)?, email: row.take(7)? })
}

/// It becomes their username.
fn checked_email(email: &str) -> Result<String, StoreError> {
    let email = folded(email);
    let (name, host) = email.split_once('@').unwrap_or_default();
    if !email.is_empty() && (name.is_empty() || !host.contains('.') || email.chars().count() > 80 || email.chars().any(|letter| letter.is_whitespace() || letter.is_control())) {
        return Err(StoreError::Faults(vec![FieldFault { field: "email", message: "enter an e-mail address of at most 80 characters, or leave it empty".into() }]));
    }
    Ok(email)
}

fn hash(token: &str) -> [u8; 32] {
    blake3::derive_key("clarion invitation 2026", token.as_bytes())
}

impl Store {
    /// The invitation behind a link; `None` when there is none, or it was used, taken back or is too old.
    pub async fn invitation_by_token(&self, token: &str, now: Instant) -> Result<Option<Invitation>, StoreError> {
        let select = sql!(
            "SELECT id, tenant_id, display_name, role, created_by, created_at, expires_at, email FROM invitation
             WHERE token_hash = $1 AND expires_at > $2 AND accepted_at IS NULL AND revoked_at IS NULL"
        );
        self.db().query_first(select, &params![hash(token), now]).await?.map(read).transpose()
    }
}

impl Tenant {
    /// Makes an invitation and gives the token of its link, which nobody can be shown again.
    pub async fn invite(&self, display_name: &str, role: Role, now: Instant) -> Result<(InvitationId, String), StoreError> {
        self.invite_by(display_name, role, "", now).await
    }

    /// The same for somebody of this e-mail address, who may then come by single sign-on instead of the link.
    pub async fn invite_by(&self, display_name: &str, role: Role, email: &str, now: Instant) -> Result<(InvitationId, String), StoreError> {
        let (display_name, email, token) = (checked_name(display_name)?, checked_email(email)?, new_token()?);
        let id = InvitationId(self.store.next_id(now));
        let mut tx = self.db().begin().await?;
        let count = sql!("SELECT COUNT(*) FROM invitation WHERE tenant_id = $1 AND accepted_at IS NULL AND revoked_at IS NULL");
        let open: i64 = tx.query(count, &params![self.id]).await?.first_mut().map_or(Ok(0), |row| row.take(0))?;
        if open >= OPEN_MAX {
            return Err(StoreError::Conflict(format!("there are {OPEN_MAX} open invitations already: take some back first")));
        }
        let insert = sql!("INSERT INTO invitation (id, tenant_id, token_hash, display_name, role, created_by, created_at, expires_at, email) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
        tx.execute(insert, &params![id, self.id, hash(&token), display_name, role.as_str(), self.actor.to_string(), now, now.plus_ms(INVITATION_KEPT_MS), email]).await?;
        self.audit(&mut tx, now, Act::Created, "invitation", id.0, role.as_str()).await?;
        tx.commit().await?;
        Ok((id, token))
    }

    /// Those neither accepted nor taken back, the newest first; links that are too old among them, for they can be renewed.
    pub async fn open_invitations(&self) -> Result<Vec<Invitation>, StoreError> {
        let select = sql!(
            "SELECT id, tenant_id, display_name, role, created_by, created_at, expires_at, email FROM invitation
             WHERE tenant_id = $1 AND accepted_at IS NULL AND revoked_at IS NULL ORDER BY id DESC"
        );
        self.db().query(select, &params![self.id]).await?.into_iter().map(read).collect()
    }

    pub async fn open_invitation(&self, id: InvitationId) -> Result<Invitation, StoreError> {
        self.open_invitations().await?.into_iter().find(|found| found.id == id).ok_or(StoreError::NotFound("invitation"))
    }

    /// A new link in the place of the old one, good for three days from now.
    pub async fn renew_invitation(&self, id: InvitationId, now: Instant) -> Result<String, StoreError> {
        let token = new_token()?;
        let mut tx = self.db().begin().await?;
        // Whoever renews it vouches for it from now on.
        let update = sql!("UPDATE invitation SET token_hash = $3, expires_at = $4, created_by = $5 WHERE tenant_id = $1 AND id = $2 AND accepted_at IS NULL AND revoked_at IS NULL");
        if tx.execute(update, &params![self.id, id, hash(&token), now.plus_ms(INVITATION_KEPT_MS), self.actor.to_string()]).await? == 0 {
            return Err(StoreError::NotFound("invitation"));
        }
        self.audit(&mut tx, now, Act::Changed, "invitation", id.0, "new link").await?;
        tx.commit().await?;
        Ok(token)
    }

    /// Whoever may no longer invite takes their open invitations with them, those by their keys too: otherwise they could come in by one.
    pub(super) async fn revoke_invitations_of(&self, tx: &mut Tx, user: UserId, now: Instant) -> Result<(), StoreError> {
        let mut makers = vec![Actor::User(user)];
        for mut row in tx.query(sql!("SELECT id FROM api_key WHERE tenant_id = $1 AND user_id = $2"), &params![self.id, user]).await? {
            makers.push(Actor::ApiKey(row.take(0)?));
        }
        let revoke = sql!("UPDATE invitation SET revoked_at = $3 WHERE tenant_id = $1 AND created_by = $2 AND accepted_at IS NULL AND revoked_at IS NULL RETURNING id");
        for maker in makers {
            for mut row in tx.query(revoke, &params![self.id, maker.to_string(), now]).await? {
                self.audit(tx, now, Act::Deleted, "invitation", row.take(0)?, "whoever made it may no longer invite").await?;
            }
        }
        Ok(())
    }

    /// Takes an invitation back: its link is good no more.
    pub async fn revoke_invitation(&self, id: InvitationId, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        let update = sql!("UPDATE invitation SET revoked_at = $3 WHERE tenant_id = $1 AND id = $2 AND accepted_at IS NULL AND revoked_at IS NULL");
        if tx.execute(update, &params![self.id, id, now]).await? == 0 {
            return Err(StoreError::NotFound("invitation"));
        }
        self.audit(&mut tx, now, Act::Deleted, "invitation", id.0, "").await?;
        Ok(tx.commit().await?)
    }

    /// Makes the invited person a user; the link is then used up. Nothing happens when it was used meanwhile, or the username is taken.
    pub async fn accept_invitation(&self, token: &str, username: &str, password_hash: &str, now: Instant) -> Result<UserId, StoreError> {
        let invitation = self.store.invitation_by_token(token, now).await?.filter(|found| found.tenant_id == self.id).ok_or(StoreError::NotFound("invitation"))?;
        let new = NewUser { username, display_name: &invitation.display_name, role: invitation.role, password_hash };
        let mut tx = self.db().begin().await?;
        let user = self.put_user(&mut tx, &new, now).await?;
        let update = sql!("UPDATE invitation SET accepted_at = $3, user_id = $4 WHERE tenant_id = $1 AND id = $2 AND accepted_at IS NULL AND revoked_at IS NULL AND token_hash = $5");
        if tx.execute(update, &params![self.id, invitation.id, now, user, hash(token)]).await? == 0 {
            return Err(StoreError::NotFound("invitation"));
        }
        self.audit(&mut tx, now, Act::Changed, "invitation", invitation.id.0, "accepted").await?;
        tx.commit().await?;
        Ok(user)
    }
}
