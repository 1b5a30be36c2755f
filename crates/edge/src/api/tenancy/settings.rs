//! What the organisation says of itself, and with what its campaigns begin.

use axum::Json;
use clarion_store::tenancy::TenantSettings as Stored;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::wire::Region;

/// The settings of your organisation.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Harbour Credit", "zone": "Europe/London", "default_region": "GB", "contact_details": "1 Quay Street, Bristol", "help_text": "Harbour Credit, 020 7946 0000",
    "default_sender": "", "default_caller": ""
}))]
pub struct Settings {
    /// As the people you contact know you.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// In which your users read times; an IANA name.
    #[schema(min_length = 1, max_length = 60)]
    zone: String,
    /// Numbers without a country code are read as numbers from there.
    default_region: Region,
    /// How people reach you; shown to the public.
    #[schema(max_length = 500)]
    contact_details: String,
    /// Sent to whoever replies HELP.
    #[schema(min_length = 1, max_length = 459)]
    help_text: String,
    /// One of your senders, with which a campaign of messages that is made in the portal begins; empty for none.
    #[schema(max_length = 100)]
    default_sender: String,
    /// One of your numbers, for campaigns of calls; empty for none.
    #[schema(max_length = 100)]
    default_caller: String,
}

impl From<Settings> for Stored {
    fn from(settings: Settings) -> Self {
        let Settings { name, zone, default_region, contact_details, help_text, default_sender, default_caller } = settings;
        Self { name, zone, default_region: default_region.0.as_str().to_owned(), contact_details, help_text, default_sender, default_caller }
    }
}

/// The settings of your organisation
#[utoipa::path(get, path = "/settings", tag = "tenancy", responses((status = 200, body = Settings)))]
pub async fn get(caller: Caller) -> Result<Json<Settings>, Problem> {
    let Stored { name, zone, default_region, contact_details, help_text, default_sender, default_caller } = caller.tenant.settings().await?;
    let default_region = default_region.parse().map_err(|_| Problem::invalid("the stored country does not read: set the settings anew"))?;
    Ok(Json(Settings { name, zone, default_region, contact_details, help_text, default_sender, default_caller }))
}

/// Replace the settings of your organisation
#[utoipa::path(put, path = "/settings", tag = "tenancy", request_body = Settings, responses((status = 200, body = Settings)))]
pub async fn set(caller: Caller, Body(new): Body<Settings>) -> Result<Json<Settings>, Problem> {
    caller.tenant.change_settings(&new.into(), caller.now).await?;
    get(caller).await
}
