//! What a tenant asks of itself beyond the rules: its own hours and caps. They can only narrow.

use axum::Json;
use axum::response::{IntoResponse, Response};
use clarion_store::compliance::{LimitCap as StoredCap, Limits as Stored};
use clarion_store::tenancy::Carried;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::preference::Hours;
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::tenancy::approval::{Approval, waits};
use crate::api::wire::Purpose;

/// At most so many attempts to a person in any period, all campaigns together.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitCap {
    #[schema(minimum = 1, maximum = 1000)]
    count_max: u16,
    #[schema(minimum = 1, maximum = 8760)]
    period_hours: u32,
    /// Counts and limits attempts of this purpose alone; null for every purpose.
    purpose: Option<Purpose>,
}

/// A tenant's own limits. What the rules forbid stays forbidden.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"hours": {"monday": "09:00-17:00"}, "caps": [{"count_max": 2, "period_hours": 24, "purpose": null}]}))]
pub struct Limits {
    /// In the person's own zone; null for the rules' own hours.
    hours: Option<Hours>,
    #[schema(max_items = 10)]
    caps: Vec<LimitCap>,
}

impl From<Stored> for Limits {
    fn from(stored: Stored) -> Self {
        let cap = |cap: StoredCap| LimitCap { count_max: cap.count_max, period_hours: cap.period_hours, purpose: cap.purpose.map(Purpose) };
        Self { hours: stored.hours.map(Hours::from), caps: stored.caps.into_iter().map(cap).collect() }
    }
}

impl From<Limits> for Stored {
    fn from(limits: Limits) -> Self {
        let cap = |cap: LimitCap| StoredCap { count_max: cap.count_max, period_hours: cap.period_hours, purpose: cap.purpose.map(|purpose| purpose.0) };
        Self { hours: limits.hours.map(Into::into), caps: limits.caps.into_iter().map(cap).collect() }
    }
}

/// Your organisation's own limits
#[utoipa::path(get, path = "/limits", tag = "compliance", responses((status = 200, body = Limits)))]
pub async fn get(caller: Caller) -> Result<Json<Limits>, Problem> {
    Ok(Json(caller.tenant.written_limits().await?.into()))
}

/// Replace your organisation's own limits
///
/// Running campaigns keep to them from their next decision on. Where your organisation asks for a second person before they become wider,
/// the answer is 202 with the request that waits for one.
#[utoipa::path(put, path = "/limits", tag = "compliance", request_body = Limits, responses((status = 200, body = Limits), (status = 202, body = Approval)))]
pub async fn set(caller: Caller, Body(new): Body<Limits>) -> Result<Response, Problem> {
    match caller.tenant.replace_limits(&new.into(), caller.now).await? {
        Carried::Done => Ok(get(caller).await?.into_response()),
        Carried::Waits(approval) => waits(&caller, approval).await,
    }
}
