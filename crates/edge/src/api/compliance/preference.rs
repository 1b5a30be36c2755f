//! What a person asked of when and how they are contacted.

use axum::Json;
use clarion_store::compliance::{Preference as Stored, Week};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::wire::ContactId;

/// Spans of each day, such as `08:00-12:00, 13:00-17:30`; a day without any is closed. All blank: any hour.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hours {
    #[schema(max_length = 200)]
    monday: String,
    #[schema(max_length = 200)]
    tuesday: String,
    #[schema(max_length = 200)]
    wednesday: String,
    #[schema(max_length = 200)]
    thursday: String,
    #[schema(max_length = 200)]
    friday: String,
    #[schema(max_length = 200)]
    saturday: String,
    #[schema(max_length = 200)]
    sunday: String,
}

impl From<Week> for Hours {
    fn from(week: Week) -> Self {
        let Week { monday, tuesday, wednesday, thursday, friday, saturday, sunday } = week;
        Self { monday, tuesday, wednesday, thursday, friday, saturday, sunday }
    }
}

impl From<Hours> for Week {
    fn from(hours: Hours) -> Self {
        let Hours { monday, tuesday, wednesday, thursday, friday, saturday, sunday } = hours;
        Self { monday, tuesday, wednesday, thursday, friday, saturday, sunday }
    }
}

/// A person's wishes; hours are in the person's own zone.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"hours": {"saturday": "10:00-12:00"}, "no_sms": false, "no_voice": true}))]
pub struct Preference {
    hours: Hours,
    no_sms: bool,
    no_voice: bool,
}

/// A contact's wishes
#[utoipa::path(get, path = "/contacts/{contact}/preference", tag = "compliance", params(("contact" = ContactId, Path)), responses((status = 200, body = Preference)))]
pub async fn get(caller: Caller, Id(id): Id<ContactId>) -> Result<Json<Preference>, Problem> {
    caller.tenant.contact(id.0).await?;
    let wishes = caller.tenant.preference(id.0).await?.unwrap_or_default();
    Ok(Json(Preference { hours: wishes.hours.into(), no_sms: wishes.no_sms, no_voice: wishes.no_voice }))
}

/// Set a contact's wishes
///
/// Replaces them all; wishes for nothing remove them.
#[utoipa::path(put, path = "/contacts/{contact}/preference", tag = "compliance", params(("contact" = ContactId, Path)), request_body = Preference, responses((status = 200, body = Preference)))]
pub async fn set(caller: Caller, Id(id): Id<ContactId>, Body(new): Body<Preference>) -> Result<Json<Preference>, Problem> {
    let wishes = Stored { hours: new.hours.into(), no_sms: new.no_sms, no_voice: new.no_voice };
    caller.tenant.set_preference(id.0, &wishes, caller.now).await?;
    Ok(Json(Preference { hours: wishes.hours.into(), no_sms: wishes.no_sms, no_voice: wishes.no_voice }))
}
