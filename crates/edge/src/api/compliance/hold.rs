//! Holds: a person is not contacted until somebody, or a date, ends it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use clarion_store::compliance::{HoldEntry, NewHold as StoredHold};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::made;
use crate::api::body::{Body, Id, Query};
use crate::api::caller::Caller;
use crate::api::page::{Listing, PageQuery};
use crate::api::problem::Problem;
use crate::api::wire::{ContactId, HoldId, HoldReason, Time};

/// A hold.
#[derive(Serialize, ToSchema)]
pub struct Hold {
    id: HoldId,
    contact: ContactId,
    reason: HoldReason,
    /// The reference of the notice or case.
    note_reference: String,
    /// When it is expected to end.
    until: Option<Time>,
    lifted_at: Option<Time>,
    created_by: String,
    created_at: Time,
}

impl From<HoldEntry> for Hold {
    fn from(hold: HoldEntry) -> Self {
        Self {
            id: clarion_domain::id::HoldId(hold.id).into(),
            contact: hold.contact_id.into(),
            reason: hold.reason.into(),
            note_reference: hold.note_reference,
            until: hold.until.map(Time),
            lifted_at: hold.lifted_at.map(Time),
            created_by: hold.created_by,
            created_at: hold.created_at.into(),
        }
    }
}

/// A hold to set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"contact": "<contact>", "reason": "dispute", "note_reference": "case 4711"}))]
pub struct NewHold {
    contact: ContactId,
    reason: HoldReason,
    /// The reference of the notice or case; never what is written in it.
    #[serde(default)]
    #[schema(max_length = 200)]
    note_reference: String,
    /// When it is expected to end; no end when left out.
    until: Option<Time>,
}

/// The holds that stand, the newest first
#[utoipa::path(get, path = "/holds", tag = "compliance", params(PageQuery), responses((status = 200, body = Listing<Hold>)))]
pub async fn list(caller: Caller, Query(page): Query<PageQuery>) -> Result<Json<Listing<Hold>>, Problem> {
    Ok(Listing::of(caller.tenant.holds(page.after(), page.limit()).await?, Hold::from))
}

/// Every hold of a contact, those that are over too
#[utoipa::path(get, path = "/contacts/{contact}/holds", tag = "compliance", params(("contact" = ContactId, Path)), responses((status = 200, body = Listing<Hold>)))]
pub async fn of_contact(caller: Caller, Id(id): Id<ContactId>) -> Result<Json<Listing<Hold>>, Problem> {
    caller.tenant.contact(id.0).await?;
    Ok(Listing::whole(caller.tenant.holds_of(id.0).await?, Hold::from))
}

/// Hold a contact
///
/// Nobody contacts the person, at any of their numbers, while a hold stands.
#[utoipa::path(post, path = "/holds", tag = "compliance", request_body = NewHold, responses((status = 201, body = Hold), (status = 404)))]
pub async fn create(caller: Caller, Body(new): Body<NewHold>) -> Result<Response, Problem> {
    let hold = StoredHold { reason: new.reason.0, note_reference: &new.note_reference, until: new.until.map(|at| at.0) };
    let id = caller.tenant.add_hold(new.contact.0, &hold, caller.now).await?;
    let hold = caller.tenant.holds_of(new.contact.0).await?.into_iter().find(|hold| hold.id == id).ok_or_else(Problem::internal)?;
    Ok(made(format!("/contacts/{}/holds", new.contact.0), Hold::from(hold)))
}

/// Lift a hold
#[utoipa::path(post, path = "/holds/{hold}/lift", tag = "compliance", params(("hold" = HoldId, Path)), responses((status = 204)))]
pub async fn lift(caller: Caller, Id(id): Id<HoldId>) -> Result<StatusCode, Problem> {
    caller.tenant.lift_hold(id.0.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}
