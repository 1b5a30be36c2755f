//! Legal holds: nothing about a person is deleted until the hold is lifted.

use axum::Json;
use axum::http::StatusCode;
use clarion_store::privacy::LegalHold as Stored;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{ContactId, Time};

/// A legal hold.
#[derive(Serialize, ToSchema)]
pub struct LegalHold {
    contact: ContactId,
    /// The matter, as your lawyers name it.
    reference: String,
    set_by: String,
    set_at: Time,
}

impl From<Stored> for LegalHold {
    fn from(hold: Stored) -> Self {
        Self { contact: hold.contact_id.into(), reference: hold.reference, set_by: hold.set_by, set_at: hold.set_at.into() }
    }
}

/// What the hold is for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reference": "matter 2026/118"}))]
pub struct Matter {
    #[schema(min_length = 1, max_length = 100)]
    reference: String,
}

/// The legal holds, the newest first
#[utoipa::path(get, path = "/legal-holds", tag = "privacy", responses((status = 200, body = Listing<LegalHold>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<LegalHold>>, Problem> {
    Ok(Listing::whole(caller.tenant.legal_holds().await?, LegalHold::from))
}

/// Put a contact under a legal hold
///
/// No erasure and no retention sweep takes anything of theirs while it stands.
#[utoipa::path(put, path = "/contacts/{contact}/legal-hold", tag = "privacy", params(("contact" = ContactId, Path)), request_body = Matter, responses((status = 204)))]
pub async fn set(caller: Caller, Id(id): Id<ContactId>, Body(matter): Body<Matter>) -> Result<StatusCode, Problem> {
    caller.tenant.set_legal_hold(id.0, &matter.reference, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lift a legal hold
#[utoipa::path(delete, path = "/contacts/{contact}/legal-hold", tag = "privacy", params(("contact" = ContactId, Path)), responses((status = 204)))]
pub async fn lift(caller: Caller, Id(id): Id<ContactId>) -> Result<StatusCode, Problem> {
    caller.tenant.lift_legal_hold(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}
