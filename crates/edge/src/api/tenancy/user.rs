//! The people of the tenant: to whom replies can be given, and who may sign in to the portal, as what.

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use clarion_domain::id;
use clarion_store::tenancy::{NewUser as StoreUser, PasskeyRecord, SessionRecord, User as Stored};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::made;
use crate::api::body::{Body, Id, Ids};
use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{PasskeyId, Role, SessionId, Time, UserId};
use crate::tenancy::password::{check_password, hash_password};

/// A user.
#[derive(Serialize, ToSchema)]
pub struct User {
    id: UserId,
    display_name: String,
    role: Role,
    /// Can sign in.
    active: bool,
    /// A code or a passkey is asked for beside the password.
    second_factor: bool,
}

impl From<Stored> for User {
    fn from(user: Stored) -> Self {
        Self { id: user.id.into(), display_name: user.display_name, role: user.role.into(), active: user.deactivated_at.is_none(), second_factor: user.second_factor_since.is_some() }
    }
}

/// A sign-in that lasts.
#[derive(Serialize, ToSchema)]
pub struct WebSession {
    id: SessionId,
    browser: String,
    /// Network address without its last part.
    place: String,
    created_at: Time,
    /// To the minute.
    seen_at: Time,
}

impl From<SessionRecord> for WebSession {
    fn from(session: SessionRecord) -> Self {
        Self { id: session.id.into(), browser: session.browser, place: session.place, created_at: session.created_at.into(), seen_at: session.seen_at.into() }
    }
}

/// A passkey.
#[derive(Serialize, ToSchema)]
pub struct Passkey {
    id: PasskeyId,
    name: String,
    /// The portal's address where it was made.
    origin: String,
    created_at: Time,
    used_at: Option<Time>,
}

impl From<PasskeyRecord> for Passkey {
    fn from(key: PasskeyRecord) -> Self {
        Self { id: key.id.into(), name: key.name, origin: key.origin, created_at: key.created_at.into(), used_at: key.used_at.map(Time) }
    }
}

/// Whether a second factor is everybody's own choice.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"needed": true}))]
pub struct SecondFactorRule {
    needed: bool,
}

/// Somebody who is to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "grace", "display_name": "Grace Hopper", "role": "agent", "password": "four other plain words"}))]
pub struct NewUser {
    /// What they sign in with; unique in the whole installation, without regard to case.
    #[schema(min_length = 1, max_length = 80, pattern = "^\\S+$")]
    username: String,
    #[schema(min_length = 1, max_length = 80)]
    display_name: String,
    role: Role,
    /// The first one: they should change it.
    #[schema(min_length = 12, max_length = 200)]
    password: String,
}

/// A user's name and role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"display_name": "Grace Hopper", "role": "supervisor"}))]
pub struct UserTerms {
    #[schema(min_length = 1, max_length = 80)]
    display_name: String,
    role: Role,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"password": "four other plain words"}))]
pub struct NewPassword {
    #[schema(min_length = 12, max_length = 200)]
    password: String,
}

async fn hashed(caller: &Caller, new: &str, username: &str, display_name: &str) -> Result<String, Problem> {
    let tenant = caller.tenant.record().await?;
    check_password(new, &[username, display_name, &tenant.name, &tenant.slug]).map_err(|error| Problem::invalid_field("password", error.to_string()))?;
    hash_password(new).await.map_err(|_| Problem::internal())
}

async fn show(caller: &Caller, id: id::UserId) -> Result<Json<User>, Problem> {
    Ok(Json(caller.tenant.user(id).await?.into()))
}

/// The users of your organisation
#[utoipa::path(get, path = "/users", tag = "tenancy", responses((status = 200, body = Listing<User>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<User>>, Problem> {
    Ok(Listing::whole(caller.tenant.users().await?, User::from))
}

/// Let somebody sign in
#[utoipa::path(post, path = "/users", tag = "tenancy", request_body = NewUser, responses((status = 201, body = User)))]
pub async fn create(caller: Caller, Body(new): Body<NewUser>) -> Result<Response, Problem> {
    let hash = hashed(&caller, &new.password, &new.username, &new.display_name).await?;
    let user = StoreUser { username: &new.username, display_name: &new.display_name, role: new.role.0, password_hash: &hash };
    let id = caller.tenant.create_user(&user, caller.now).await?;
    Ok(made(format!("/users/{id}"), User::from(caller.tenant.user(id).await?)))
}

/// One user
#[utoipa::path(get, path = "/users/{user}", tag = "tenancy", params(("user" = UserId, Path)), responses((status = 200, body = User)))]
pub async fn get(caller: Caller, Id(id): Id<UserId>) -> Result<Json<User>, Problem> {
    show(&caller, id.0).await
}

/// Change a user's name and role
///
/// The last active owner stays one.
#[utoipa::path(put, path = "/users/{user}", tag = "tenancy", params(("user" = UserId, Path)), request_body = UserTerms, responses((status = 200, body = User)))]
pub async fn change(caller: Caller, Id(id): Id<UserId>, Body(terms): Body<UserTerms>) -> Result<Json<User>, Problem> {
    caller.tenant.change_user(id.0, &terms.display_name, terms.role.0, caller.now).await?;
    show(&caller, id.0).await
}

/// Set a user's password
///
/// Lifts a lock, and signs the person out everywhere.
#[utoipa::path(put, path = "/users/{user}/password", tag = "tenancy", params(("user" = UserId, Path)), request_body = NewPassword, responses((status = 204)))]
pub async fn set_password(caller: Caller, Id(id): Id<UserId>, Body(new): Body<NewPassword>) -> Result<StatusCode, Problem> {
    let user = caller.tenant.user(id.0).await?;
    caller.tenant.set_password(user.id, &hashed(&caller, &new.password, &user.username, &user.display_name).await?, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a user in again
#[utoipa::path(post, path = "/users/{user}/activate", tag = "tenancy", params(("user" = UserId, Path)), responses((status = 200, body = User)))]
pub async fn activate(caller: Caller, Id(id): Id<UserId>) -> Result<Json<User>, Problem> {
    caller.tenant.set_user_active(id.0, true, caller.now).await?;
    show(&caller, id.0).await
}

/// Deactivate a user
///
/// They are signed out at once and cannot sign in. The last active owner stays one.
#[utoipa::path(post, path = "/users/{user}/deactivate", tag = "tenancy", params(("user" = UserId, Path)), responses((status = 200, body = User)))]
pub async fn deactivate(caller: Caller, Id(id): Id<UserId>) -> Result<Json<User>, Problem> {
    caller.tenant.set_user_active(id.0, false, caller.now).await?;
    show(&caller, id.0).await
}

/// Sign a user out everywhere
#[utoipa::path(post, path = "/users/{user}/end-sessions", tag = "tenancy", params(("user" = UserId, Path)), responses((status = 200, body = User)))]
pub async fn end_sessions(caller: Caller, Id(id): Id<UserId>) -> Result<Json<User>, Problem> {
    let user = caller.tenant.user(id.0).await?;
    caller.tenant.end_sessions(user.id, None, caller.now).await?;
    show(&caller, id.0).await
}

/// A user's sessions
///
/// Those that live, that last used first.
#[utoipa::path(get, path = "/users/{user}/sessions", tag = "tenancy", params(("user" = UserId, Path)), responses((status = 200, body = Listing<WebSession>)))]
pub async fn sessions(caller: Caller, Id(id): Id<UserId>) -> Result<Json<Listing<WebSession>>, Problem> {
    let user = caller.tenant.user(id.0).await?;
    Ok(Listing::whole(caller.tenant.sessions(user.id, caller.now).await?, WebSession::from))
}

/// End one of a user's sessions
///
/// Its next request is that of a stranger.
#[utoipa::path(delete, path = "/users/{user}/sessions/{session}", tag = "tenancy", params(("user" = UserId, Path), ("session" = SessionId, Path)), responses((status = 204)))]
pub async fn end_session(caller: Caller, Ids(user, session): Ids<UserId, SessionId>) -> Result<StatusCode, Problem> {
    caller.tenant.end_session(user.0, session.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a user's passkey away
///
/// They are signed out everywhere.
#[utoipa::path(delete, path = "/users/{user}/passkeys/{passkey}", tag = "tenancy", params(("user" = UserId, Path), ("passkey" = PasskeyId, Path)), responses((status = 204)))]
pub async fn remove_passkey(caller: Caller, Ids(user, passkey): Ids<UserId, PasskeyId>) -> Result<StatusCode, Problem> {
    caller.tenant.remove_passkey(user.0, passkey.0, true, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A user's passkeys
#[utoipa::path(get, path = "/users/{user}/passkeys", tag = "tenancy", params(("user" = UserId, Path)), responses((status = 200, body = Listing<Passkey>)))]
pub async fn passkeys(caller: Caller, Id(id): Id<UserId>) -> Result<Json<Listing<Passkey>>, Problem> {
    let user = caller.tenant.user(id.0).await?;
    Ok(Listing::whole(caller.tenant.passkeys(user.id).await?, Passkey::from))
}

/// Whether everybody must have a second factor
#[utoipa::path(get, path = "/second-factor", tag = "tenancy", responses((status = 200, body = SecondFactorRule)))]
pub async fn second_factor_rule(caller: Caller) -> Result<Json<SecondFactorRule>, Problem> {
    Ok(Json(SecondFactorRule { needed: caller.tenant.record().await?.needs_second_factor }))
}

/// Ask everybody for a second factor, or leave it to each
///
/// Whoever has none sets it up before anything else.
#[utoipa::path(put, path = "/second-factor", tag = "tenancy", request_body = SecondFactorRule, responses((status = 200, body = SecondFactorRule)))]
pub async fn set_second_factor_rule(caller: Caller, Body(rule): Body<SecondFactorRule>) -> Result<Json<SecondFactorRule>, Problem> {
    caller.tenant.require_second_factor(rule.needed, caller.now).await?;
    second_factor_rule(caller).await
}

/// Reset a user's second factor
///
/// For somebody who has lost phone and recovery codes. Their passkeys go too, they are signed out everywhere, and their password alone lets them in until
/// they set it up anew.
#[utoipa::path(post, path = "/users/{user}/reset-second-factor", tag = "tenancy", params(("user" = UserId, Path)), responses((status = 200, body = User)))]
pub async fn reset_second_factor(caller: Caller, Id(id): Id<UserId>) -> Result<Json<User>, Problem> {
    caller.tenant.remove_second_factor(id.0, "second factor reset", true, caller.now).await?;
    show(&caller, id.0).await
}
