//! Which acts wait for a second person.

use axum::Json;
use axum::response::{IntoResponse, Response};
use clarion_domain::tenancy::four_eyes::FourEyes as Policy;
use clarion_store::tenancy::Carried;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::approval::{Approval, waits};
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::problem::Problem;

/// When a second person is asked for.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"erase_list_above": 0, "start_campaign_above": 1000, "raise_limits": true}))]
pub struct FourEyes {
    /// To erase a list with more people than this, or take an import back that brought more; null never asks.
    #[schema(minimum = 0, maximum = 100000000)]
    erase_list_above: Option<u32>,
    /// To start or schedule a campaign for more people than this; null never asks.
    #[schema(minimum = 0, maximum = 100000000)]
    start_campaign_above: Option<u32>,
    /// To make your organisation's own limits wider.
    raise_limits: bool,
}

impl From<Policy> for FourEyes {
    fn from(policy: Policy) -> Self {
        Self { erase_list_above: policy.erase_list_above, start_campaign_above: policy.start_campaign_above, raise_limits: policy.raise_limits }
    }
}

impl From<FourEyes> for Policy {
    fn from(wire: FourEyes) -> Self {
        Self { erase_list_above: wire.erase_list_above, start_campaign_above: wire.start_campaign_above, raise_limits: wire.raise_limits }
    }
}

/// Which acts wait for a second person
#[utoipa::path(get, path = "/four-eyes", tag = "tenancy", responses((status = 200, body = FourEyes)))]
pub async fn get(caller: Caller) -> Result<Json<FourEyes>, Problem> {
    Ok(Json(caller.tenant.record().await?.four_eyes.into()))
}

/// Say which acts wait for a second person
///
/// Asking more often takes effect at once. Asking less often is itself an act for two: the answer is 202 with the request that waits.
#[utoipa::path(put, path = "/four-eyes", tag = "tenancy", request_body = FourEyes, responses((status = 200, body = FourEyes), (status = 202, body = Approval)))]
pub async fn set(caller: Caller, Body(new): Body<FourEyes>) -> Result<Response, Problem> {
    match caller.tenant.set_four_eyes(new.into(), caller.now).await? {
        Carried::Done => Ok(get(caller).await?.into_response()),
        Carried::Waits(approval) => waits(&caller, approval).await,
    }
}
