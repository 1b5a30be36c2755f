//! How long each class of record is kept.

use axum::Json;
use clarion_domain::privacy::retention::Trigger as TriggerWord;
use clarion_store::privacy::RetentionRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{RecordClass, RetentionAction, Trigger};

/// The clock of one class.
#[derive(Serialize, ToSchema)]
pub struct Retention {
    class: RecordClass,
    purpose: &'static str,
    /// What starts the clock.
    trigger: Trigger,
    /// Days that hold now; null for what is kept as long as the tenant.
    period_days: Option<u32>,
    default_days: u32,
    /// It may not be kept shorter than this: the law wants the proof.
    floor_days: u32,
    /// It may not be kept longer than this.
    ceiling_days: u32,
    action: RetentionAction,
    /// The law.
    reference: &'static str,
}

impl From<RetentionRow> for Retention {
    fn from(row: RetentionRow) -> Self {
        let default = row.default;
        let days = (default.trigger != TriggerWord::TenantEnd).then(|| row.own_period_days.unwrap_or(default.period_days));
        Self {
            class: default.class.into(),
            purpose: default.purpose,
            trigger: default.trigger.into(),
            period_days: days,
            default_days: default.period_days,
            floor_days: default.floor_days,
            ceiling_days: default.ceiling_days,
            action: default.action.into(),
            reference: default.reference,
        }
    }
}

/// How long to keep a class.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"period_days": 30}))]
pub struct Period {
    /// Within floor and ceiling; null goes back to the default.
    #[schema(maximum = 3650)]
    period_days: Option<u32>,
}

/// How long each class of record is kept
#[utoipa::path(get, path = "/retention", tag = "privacy", responses((status = 200, body = Listing<Retention>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<Retention>>, Problem> {
    Ok(Listing::whole(caller.tenant.retention().await?, Retention::from))
}

/// Change how long a class is kept
///
/// The next sweep keeps to it.
#[utoipa::path(put, path = "/retention/{class}", tag = "privacy", params(("class" = RecordClass, Path)), request_body = Period, responses((status = 200, body = Retention)))]
pub async fn set(caller: Caller, Id(class): Id<RecordClass>, Body(period): Body<Period>) -> Result<Json<Retention>, Problem> {
    caller.tenant.set_retention(class.0, period.period_days, caller.now).await?;
    let rows = caller.tenant.retention().await?;
    rows.into_iter().find(|row| row.default.class == class.0).map(|row| Json(row.into())).ok_or_else(Problem::internal)
}
