//! API keys: made, listed, revoked. The secret is shown once.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clarion_store::tenancy::ApiKeyRecord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::{Body, Id, Query};
use crate::api::caller::Caller;
use crate::api::once::OnlyOnce;
use crate::api::page::{Listing, PageQuery};
use crate::api::problem::Problem;
use crate::api::wire::{ApiKeyId, Role, Time, UserId};

/// A key, without its secret.
#[derive(Serialize, ToSchema)]
pub struct ApiKey {
    id: ApiKeyId,
    name: String,
    role: Role,
    /// For whom it acts: it never may more than they may, and ends when they are deactivated. Null for one that the operator made.
    user: Option<UserId>,
    created_by: String,
    created_at: Time,
    /// When it last signed a request in, to the minute.
    used_at: Option<Time>,
    revoked_at: Option<Time>,
}

impl From<ApiKeyRecord> for ApiKey {
    fn from(key: ApiKeyRecord) -> Self {
        Self {
            id: key.id.into(),
            name: key.name,
            role: key.role.into(),
            user: key.user.map(UserId),
            created_by: key.created_by,
            created_at: key.created_at.into(),
            used_at: key.used_at.map(Time),
            revoked_at: key.revoked_at.map(Time),
        }
    }
}

/// What a new key is made of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// Which program uses it.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    role: Role,
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
pub struct MadeApiKey {
    key: ApiKey,
    /// Keep it now: nobody can be shown it again.
    #[schema(pattern = "^clr_[0-9a-f]{64}$")]
    secret: String,
}

/// The keys, revoked ones too, the newest first
#[utoipa::path(get, path = "/api-keys", tag = "tenancy", params(PageQuery), responses((status = 200, body = Listing<ApiKey>)))]
pub async fn list(caller: Caller, Query(page): Query<PageQuery>) -> Result<Json<Listing<ApiKey>>, Problem> {
    Ok(Listing::of(caller.tenant.api_keys(page.after(), page.limit()).await?, ApiKey::from))
}

/// Make a key
///
/// The answer holds the secret. It is shown this once and only its hash is kept, so a repetition under the same
/// `Idempotency-Key` is a conflict.
#[utoipa::path(post, path = "/api-keys", tag = "tenancy", request_body = NewApiKey, responses((status = 201, body = MadeApiKey)))]
pub async fn create(caller: Caller, Body(new): Body<NewApiKey>) -> Result<Response, Problem> {
    let (key, secret) = caller.tenant.create_api_key(&new.name, new.role.0, caller.now).await?;
    let address = format!("/api/v1/api-keys/{}", key.id);
    let mut response = (StatusCode::CREATED, [(header::LOCATION, address)], Json(MadeApiKey { key: key.into(), secret })).into_response();
    response.extensions_mut().insert(OnlyOnce);
    Ok(response)
}

/// One key
#[utoipa::path(get, path = "/api-keys/{api_key}", tag = "tenancy", params(("api_key" = ApiKeyId, Path)), responses((status = 200, body = ApiKey)))]
pub async fn get(caller: Caller, Id(id): Id<ApiKeyId>) -> Result<Json<ApiKey>, Problem> {
    Ok(Json(caller.tenant.api_key(id.0).await?.into()))
}

/// Revoke a key
///
/// Its next request is refused. Revoking it again changes nothing; a key may revoke itself.
#[utoipa::path(delete, path = "/api-keys/{api_key}", tag = "tenancy", params(("api_key" = ApiKeyId, Path)), responses((status = 204)))]
pub async fn revoke(caller: Caller, Id(id): Id<ApiKeyId>) -> Result<StatusCode, Problem> {
    caller.tenant.revoke_api_key(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}
