//! Single sign-on: a tenant's identity provider, and whom of its users the provider speaks of.

use std::collections::BTreeMap;

use clarion_domain::audit::event::Act;
use clarion_domain::id::{InvitationId, TenantId, UserId};
use clarion_domain::tenancy::role::Role;
use clarion_domain::time::Instant;
use zeroize::Zeroizing;

use super::session::SignInFrom;
use super::user::{NewUser, folded};
use crate::db::{DbError, Tx, sql};
use crate::params;
use crate::store::{FieldFault, Store, StoreError, Tenant};

const LABEL: &str = "single_sign_on.secret";
const TEXT_LENGTH_CHARS_MAX: usize = 200;
const ROLES_MAX: usize = 50;
/// No password hashes to it: whoever has it signs in by their provider alone.
const NO_PASSWORD: &str = "-";

/// A tenant's identity provider, as its owners wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingleSignOn {
    pub issuer: String,
    pub client_id: String,
    pub has_secret: bool,
    /// The claim whose values give roles; empty: roles are given here.
    pub role_claim: String,
    /// Which value gives which role; never that of an owner.
    pub roles: BTreeMap<String, Role>,
    /// Nobody but the break-glass owner signs in by another way.
    pub only_way: bool,
    /// The owner who may sign in with a password all the same.
    pub break_glass: Option<UserId>,
}

/// What a tenant's owners say of their provider; the secret stays as it is when `None`.
#[derive(Debug, Clone)]
pub struct NewSingleSignOn<'a> {
    pub settings: &'a SingleSignOn,
    pub secret: Option<&'a str>,
}

/// What a provider says of a person, its token checked.
#[derive(Debug, Clone)]
pub struct ProvidedPerson<'a> {
    pub issuer: &'a str,
    pub subject: &'a str,
    /// Only one that the provider has verified.
    pub email: Option<&'a str>,
    /// The values of the role claim.
    pub values: &'a [String],
}

/// Whom a provider's word lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provided {
    User(UserId),
    /// Nobody here is known as that person, or they are deactivated.
    Stranger,
    /// Roles are the provider's to give, and it gives this person none.
    NoRole,
}

fn subject_hash(person: &ProvidedPerson<'_>) -> [u8; 32] {
    blake3::derive_key("clarion single sign-on subject 2026", format!("{}\n{}", person.issuer.trim_end_matches('/'), person.subject).as_bytes())
}

/// The most that any of the claim's values gives.
fn given_role(settings: &SingleSignOn, person: &ProvidedPerson<'_>) -> Option<Role> {
    Role::ALL.iter().copied().filter(|role| *role != Role::Owner).find(|role| person.values.iter().any(|value| settings.roles.get(value) == Some(role)))
}

impl Store {
    /// Whether some tenant has a provider.
    pub async fn has_any_provider(&self) -> Result<bool, StoreError> {
        Ok(self.db().query_first(sql!("SELECT tenant_id FROM single_sign_on LIMIT 1"), &[]).await?.is_some())
    }

    /// The tenant of this short name, when it has a provider.
    pub async fn tenant_with_provider(&self, slug: &str) -> Result<Option<TenantId>, StoreError> {
        let select = sql!("SELECT t.id FROM tenant t JOIN single_sign_on s ON s.tenant_id = t.id WHERE t.slug = $1");
        Ok(self.db().query_first(select, &params![slug.trim().to_lowercase()]).await?.map(|mut row| row.take(0)).transpose()?)
    }

    /// Whether this user's organisation lets them in by its provider alone.
    pub async fn needs_provider(&self, user: UserId) -> Result<Option<String>, StoreError> {
        let select = sql!(
            "SELECT t.slug FROM user_account u JOIN single_sign_on s ON s.tenant_id = u.tenant_id JOIN tenant t ON t.id = u.tenant_id
             WHERE u.id = $1 AND s.only_way = 1 AND COALESCE(s.break_glass_user, 0) <> u.id"
        );
        Ok(self.db().query_first(select, &params![user]).await?.map(|mut row| row.take(0)).transpose()?)
    }
}

impl Tenant {
    pub async fn single_sign_on(&self) -> Result<Option<SingleSignOn>, StoreError> {
        let select = sql!("SELECT issuer, client_id, sealed_secret, role_claim, roles, only_way, break_glass_user FROM single_sign_on WHERE tenant_id = $1");
        let Some(mut row) = self.db().query_first(select, &params![self.id]).await? else { return Ok(None) };
        let secret: Option<Vec<u8>> = row.take(2)?;
        Ok(Some(SingleSignOn { issuer: row.take(0)?, client_id: row.take(1)?, has_secret: secret.is_some(), role_claim: row.take(3)?, roles: row.json(4)?, only_way: row.take(5)?, break_glass: row.take(6)? }))
    }

    /// The client's secret, for the provider alone.
    pub async fn provider_secret(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let select = sql!("SELECT sealed_secret FROM single_sign_on WHERE tenant_id = $1");
        let Some(mut row) = self.db().query_first(select, &params![self.id]).await? else { return Ok(None) };
        let sealed: Option<Vec<u8>> = row.take(0)?;
        Ok(sealed.map(|sealed| self.keys.data.open(LABEL, &sealed)).transpose()?)
    }

    /// Sets the provider. Another issuer knows nobody yet, and is not told the secret of the one before. Where it becomes the only way, whoever came
    /// in by another is signed out.
    pub async fn set_single_sign_on(&self, new: &NewSingleSignOn<'_>, now: Instant) -> Result<(), StoreError> {
        let wanted = new.settings;
        let mut tx = self.db().begin().await?;
        self.check_single_sign_on(&mut tx, new).await?;
        let sealed = new.secret.filter(|secret| !secret.is_empty()).map(|secret| self.keys.data.seal(LABEL, secret.as_bytes())).transpose()?;
        let roles = serde_json::to_string(&wanted.roles).map_err(|error| DbError::Failed(error.to_string()))?;
        let held = tx.query_first(sql!("SELECT issuer FROM single_sign_on WHERE tenant_id = $1"), &params![self.id]).await?;
        let before: Option<String> = held.map(|mut row| row.take(0)).transpose()?;
        let is_another = before.is_some_and(|before| before.trim_end_matches('/') != wanted.issuer.trim().trim_end_matches('/'));
        let put = sql!(
            "INSERT INTO single_sign_on (tenant_id, issuer, client_id, sealed_secret, role_claim, roles, only_way, break_glass_user, changed_by, changed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (tenant_id) DO UPDATE SET issuer = $2, client_id = $3, sealed_secret = CASE WHEN CAST($11 AS BIGINT) = 1 THEN $4 ELSE single_sign_on.sealed_secret END,
                 role_claim = $5, roles = $6, only_way = $7, break_glass_user = $8, changed_by = $9, changed_at = $10"
        );
        let by = self.actor.to_string();
        let replaces = i64::from(new.secret.is_some() || is_another);
        tx.execute(put, &params![self.id, wanted.issuer.trim(), wanted.client_id.trim(), sealed, wanted.role_claim.trim(), roles, wanted.only_way, wanted.break_glass, by, now, replaces]).await?;
        if is_another {
            tx.execute(sql!("UPDATE user_account SET subject_hash = NULL WHERE tenant_id = $1"), &params![self.id]).await?;
        }
        if wanted.only_way {
            tx.execute(sql!("DELETE FROM web_session WHERE tenant_id = $1 AND by_provider = 0 AND user_id <> $2"), &params![self.id, wanted.break_glass]).await?;
            tx.execute(sql!("DELETE FROM half_sign_in WHERE tenant_id = $1 AND user_id <> $2"), &params![self.id, wanted.break_glass]).await?;
        }
        let what = if wanted.only_way { "single sign-on, the only way" } else { "single sign-on" };
        self.audit(&mut tx, now, Act::Changed, "tenant", self.id.0, what).await?;
        Ok(tx.commit().await?)
    }

    async fn check_single_sign_on(&self, tx: &mut Tx, new: &NewSingleSignOn<'_>) -> Result<(), StoreError> {
        let wanted = new.settings;
        let mut faults = Vec::new();
        let mut fault = |field, message: String| faults.push(FieldFault { field, message });
        if let Err(why) = self.store.webhook_networks().check(wanted.issuer.trim()) {
            fault("issuer", why.to_string());
        } else if wanted.issuer.contains('?') {
            fault("issuer", "an issuer's address has no question mark: it is what the provider calls itself".into());
        }
        let plain = |text: &str| text.chars().count() <= TEXT_LENGTH_CHARS_MAX && !text.chars().any(char::is_control);
        if wanted.client_id.trim().is_empty() || !plain(&wanted.client_id) {
            fault("client_id", format!("enter the client's identifier at the provider, at most {TEXT_LENGTH_CHARS_MAX} characters"));
        }
        if new.secret.is_some_and(|secret| !plain(secret)) {
            fault("secret", format!("a secret has at most {TEXT_LENGTH_CHARS_MAX} characters"));
        }
        if !plain(&wanted.role_claim) || wanted.roles.len() > ROLES_MAX || wanted.roles.keys().any(|value| value.is_empty() || !plain(value)) {
            fault("roles", format!("at most {ROLES_MAX} values, each of 1 to {TEXT_LENGTH_CHARS_MAX} characters"));
        } else if wanted.roles.values().any(|role| *role == Role::Owner) {
            fault("roles", "no value makes an owner: owners are made here, by owners".into());
        } else if wanted.role_claim.trim().is_empty() != wanted.roles.is_empty() {
            fault("roles", "name the claim and say which of its values gives which role, or leave both empty".into());
        }
        self.hold_owners(tx).await?;
        let usable = sql!("SELECT id FROM user_account WHERE tenant_id = $1 AND id = $2 AND role = 'owner' AND deactivated_at IS NULL AND password_hash <> $3");
        let is_usable = tx.query_first(usable, &params![self.id, wanted.break_glass, NO_PASSWORD]).await?.is_some();
        if (wanted.only_way || wanted.break_glass.is_some()) && !is_usable {
            fault("break_glass", "name an active owner who has a password, and may sign in with it when the provider does not answer".into());
        }
        if faults.is_empty() { Ok(()) } else { Err(StoreError::Faults(faults)) }
    }

    pub async fn remove_single_sign_on(&self, now: Instant) -> Result<(), StoreError> {
        let mut tx = self.db().begin().await?;
        if tx.execute(sql!("DELETE FROM single_sign_on WHERE tenant_id = $1"), &params![self.id]).await? == 0 {
            return Err(StoreError::NotFound("single sign-on"));
        }
        tx.execute(sql!("UPDATE user_account SET subject_hash = NULL WHERE tenant_id = $1"), &params![self.id]).await?;
        self.audit(&mut tx, now, Act::Changed, "tenant", self.id.0, "single sign-on removed").await?;
        Ok(tx.commit().await?)
    }

    /// The user whom the provider speaks of: known by subject, by the verified e-mail address that is their username, or invited by it.
    /// Nobody else is let in. A role that the claim gives is taken over, except from and to that of an owner; where it gives none, an owner alone
    /// is let in.
    pub async fn provided_user(&self, person: &ProvidedPerson<'_>, now: Instant) -> Result<Provided, StoreError> {
        let hash = subject_hash(person);
        let settings = self.single_sign_on().await?.ok_or(StoreError::NotFound("single sign-on"))?;
        let mut tx = self.db().begin().await?;
        let known = sql!("SELECT id FROM user_account WHERE tenant_id = $1 AND subject_hash = $2");
        let found: Option<UserId> = tx.query_first(known, &params![self.id, hash]).await?.map(|mut row| row.take(0)).transpose()?;
        let user = match (found, person.email) {
            (Some(user), _) => Some(user),
            (None, Some(email)) => self.meet(&mut tx, email, hash, now).await?,
            (None, None) => None,
        };
        let Some(user) = user else {
            self.audit(&mut tx, now, Act::SignInRefused, "tenant", self.id.0, "single sign-on: nobody here is known as that person").await?;
            tx.commit().await?;
            return Ok(Provided::Stranger);
        };
        let select = sql!("SELECT role, deactivated_at FROM user_account WHERE tenant_id = $1 AND id = $2");
        let mut row = tx.query_first(select, &params![self.id, user]).await?.ok_or(StoreError::NotFound("user"))?;
        let (role, deactivated): (Role, Option<Instant>) = (row.word(0)?, row.take(1)?);
        if deactivated.is_some() {
            self.audit(&mut tx, now, Act::SignInRefused, "user", user.0, "single sign-on: deactivated").await?;
            tx.commit().await?;
            return Ok(Provided::Stranger);
        }
        let given = given_role(&settings, person);
        if given.is_none() && role != Role::Owner && !settings.role_claim.is_empty() {
            // Whoever was met just now stays unmet, and their invitation open.
            drop(tx);
            let (kind, object) = found.map_or(("tenant", self.id.0), |user| ("user", user.0));
            self.audit_alone(now, Act::SignInRefused, kind, object, "single sign-on: the provider's claim gives no role").await?;
            return Ok(Provided::NoRole);
        }
        if let Some(given) = given.filter(|given| *given != role && role != Role::Owner) {
            tx.execute(sql!("UPDATE user_account SET role = $3 WHERE tenant_id = $1 AND id = $2"), &params![self.id, user, given.as_str()]).await?;
            self.audit(&mut tx, now, Act::Changed, "user", user.0, &format!("{given}, by the provider's claim")).await?;
        }
        tx.commit().await?;
        Ok(Provided::User(user))
    }

    /// A first sign-in: somebody whose username this address is, or who was invited by it.
    async fn meet(&self, tx: &mut Tx, email: &str, hash: [u8; 32], now: Instant) -> Result<Option<UserId>, StoreError> {
        let email = folded(email);
        let bind = sql!("UPDATE user_account SET subject_hash = $3 WHERE tenant_id = $1 AND username = $2 AND subject_hash IS NULL AND deactivated_at IS NULL RETURNING id");
        if let Some(mut row) = tx.query_first(bind, &params![self.id, email.as_str(), hash]).await? {
            let user: UserId = row.take(0)?;
            self.audit(tx, now, Act::Changed, "user", user.0, "known to the identity provider from now on").await?;
            return Ok(Some(user));
        }
        let invited = sql!("SELECT id, display_name, role FROM invitation WHERE tenant_id = $1 AND email = $2 AND expires_at > $3 AND accepted_at IS NULL AND revoked_at IS NULL ORDER BY id DESC LIMIT 1");
        let Some(mut row) = tx.query_first(invited, &params![self.id, email.as_str(), now]).await? else { return Ok(None) };
        let (invitation, name, role): (InvitationId, String, Role) = (row.take(0)?, row.take(1)?, row.word(2)?);
        let user = self.put_user(tx, &NewUser { username: &email, display_name: &name, role, password_hash: NO_PASSWORD }, now).await?;
        tx.execute(sql!("UPDATE user_account SET subject_hash = $3 WHERE tenant_id = $1 AND id = $2"), &params![self.id, user, hash]).await?;
        let accept = sql!("UPDATE invitation SET accepted_at = $3, user_id = $4 WHERE tenant_id = $1 AND id = $2 AND accepted_at IS NULL AND revoked_at IS NULL");
        if tx.execute(accept, &params![self.id, invitation, now, user]).await? == 0 {
            return Err(StoreError::NotFound("invitation"));
        }
        self.audit(tx, now, Act::Changed, "invitation", invitation.0, "accepted by single sign-on").await?;
        Ok(Some(user))
    }

    /// A session that the provider opens.
    pub async fn open_provided_session(&self, user: UserId, from: SignInFrom<'_>, now: Instant) -> Result<String, StoreError> {
        self.open_session_by(user, from, true, now).await
    }
}
