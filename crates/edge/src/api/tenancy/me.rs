//! Whom a key stands for, and what it may do.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::wire::{ApiKeyId, NumberMode, Right, Role, TenantId, UserId};

/// The caller.
#[derive(Serialize, ToSchema)]
pub struct Me {
    tenant: TenantId,
    tenant_name: String,
    /// Whether real numbers are loaded and contacted, or only those reserved for drama.
    number_mode: NumberMode,
    /// ISO country by which numbers without a country code are read.
    default_region: String,
    /// IANA time zone of the tenant.
    zone: String,
    api_key: ApiKeyId,
    role: Role,
    /// For whom the key acts; null for one that the operator made.
    user: Option<UserId>,
    /// What the key may do now: never more than its user may.
    rights: Vec<Right>,
}

/// Whom this key stands for, and what it may do
#[utoipa::path(get, path = "/me", tag = "tenancy", responses((status = 200, body = Me)))]
pub async fn get(caller: Caller) -> Result<Json<Me>, Problem> {
    let record = caller.tenant.record().await?;
    let rights = clarion_domain::tenancy::role::Right::ALL.iter().filter(|right| caller.may(**right));
    Ok(Json(Me {
        tenant: record.id.into(),
        tenant_name: record.name,
        number_mode: record.number_mode.into(),
        default_region: record.default_region,
        zone: record.zone,
        api_key: caller.key.into(),
        role: caller.role.into(),
        user: caller.user.map(|(user, _)| user.into()),
        rights: rights.map(|right| (*right).into()).collect(),
    }))
}
