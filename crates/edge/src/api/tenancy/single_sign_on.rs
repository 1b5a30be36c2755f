//! Single sign-on: your organisation's identity provider.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use clarion_store::StoreError;
use clarion_store::tenancy::{NewSingleSignOn, SingleSignOn as Stored};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::wire::{Role, UserId};

/// An identity provider, without the client's secret.
#[derive(Serialize, ToSchema)]
pub struct SingleSignOn {
    issuer: String,
    client_id: String,
    has_secret: bool,
    role_claim: String,
    roles: BTreeMap<String, Role>,
    only_way: bool,
    break_glass: Option<UserId>,
}

impl From<Stored> for SingleSignOn {
    fn from(stored: Stored) -> Self {
        Self {
            issuer: stored.issuer,
            client_id: stored.client_id,
            has_secret: stored.has_secret,
            role_claim: stored.role_claim,
            roles: stored.roles.into_iter().map(|(value, role)| (value, role.into())).collect(),
            only_way: stored.only_way,
            break_glass: stored.break_glass.map(UserId),
        }
    }
}

/// What an identity provider is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"issuer": "https://login.example.com", "client_id": "clarion", "secret": "as the provider gave it", "role_claim": "groups", "roles": {"clarion-managers": "manager"}, "only_way": false, "break_glass": null}))]
pub struct SingleSignOnTerms {
    /// The provider's address, as it calls itself.
    #[schema(min_length = 1, max_length = 2000)]
    issuer: String,
    #[schema(min_length = 1, max_length = 200)]
    client_id: String,
    /// The client's secret; the one that is kept stays when null.
    #[schema(max_length = 200)]
    secret: Option<String>,
    /// The claim whose values give roles; empty when roles are given here.
    #[schema(max_length = 200)]
    role_claim: String,
    /// Which value gives which role; never that of an owner.
    roles: BTreeMap<String, Role>,
    /// Nobody but the owner below signs in by another way.
    only_way: bool,
    /// The owner who may sign in with a password all the same.
    break_glass: Option<UserId>,
}

/// Your organisation's identity provider
#[utoipa::path(get, path = "/single-sign-on", tag = "tenancy", responses((status = 200, body = SingleSignOn), (status = 404)))]
pub async fn get(caller: Caller) -> Result<Json<SingleSignOn>, Problem> {
    Ok(Json(caller.tenant.single_sign_on().await?.ok_or(StoreError::NotFound("single sign-on"))?.into()))
}

/// Set your organisation's identity provider
///
/// OpenID Connect, by the code flow with PKCE. Its address must be on the public internet, or in a network that the operator allows.
/// Another issuer than before knows nobody yet: people are met anew by their verified e-mail address.
#[utoipa::path(put, path = "/single-sign-on", tag = "tenancy", request_body = SingleSignOnTerms, responses((status = 200, body = SingleSignOn)))]
pub async fn set(caller: Caller, Body(terms): Body<SingleSignOnTerms>) -> Result<Json<SingleSignOn>, Problem> {
    let settings = Stored {
        issuer: terms.issuer,
        client_id: terms.client_id,
        has_secret: false,
        role_claim: terms.role_claim,
        roles: terms.roles.into_iter().map(|(value, role)| (value, role.0)).collect(),
        only_way: terms.only_way,
        break_glass: terms.break_glass.map(|user| user.0),
    };
    caller.tenant.set_single_sign_on(&NewSingleSignOn { settings: &settings, secret: terms.secret.as_deref() }, caller.now).await?;
    get(caller).await
}

/// Remove your organisation's identity provider
#[utoipa::path(delete, path = "/single-sign-on", tag = "tenancy", responses((status = 204), (status = 404)))]
pub async fn remove(caller: Caller) -> Result<StatusCode, Problem> {
    caller.tenant.remove_single_sign_on(caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}
