//! The suppression list: numbers never to contact.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use clarion_store::compliance::SuppressionEntry;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::answer::made;
use crate::api::body::{Body, Id, Query};
use crate::api::caller::{Caller, Shown};
use crate::api::contacts::contact::RevealQuery;
use crate::api::page::{Cursor, Limit, Listing, limit_of};
use crate::api::problem::Problem;
use crate::api::wire::{SuppressionId, SuppressionReason, SuppressionScope, Time};

/// An entry of the list.
#[derive(Serialize, ToSchema)]
pub struct Suppression {
    id: SuppressionId,
    /// E.164, masked unless revealed; empty for the tombstone of an erased person.
    number: String,
    scope: SuppressionScope,
    reason: SuppressionReason,
    /// How it came: `reply`, a ticket's reference.
    source: String,
    created_by: String,
    created_at: Time,
}

pub fn show(entry: SuppressionEntry, shown: Shown) -> Suppression {
    Suppression {
        id: entry.id.into(),
        number: shown.of(&entry.number),
        scope: entry.scope.into(),
        reason: entry.reason.into(),
        source: entry.source,
        created_by: entry.created_by,
        created_at: entry.created_at.into(),
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuppressionQuery {
    reason: Option<SuppressionReason>,
    /// Show whole numbers. Needs the right `reveal_personal`, and is audited.
    reveal: Option<bool>,
    /// The `next` of the page before; left out for the first page.
    after: Option<Cursor>,
    /// How many at most; 50 when left out.
    limit: Option<Limit>,
}

/// A number to put on the list.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"number": "07700 900123", "scope": "every", "reason": "tenant_list", "source": "ticket 4711"}))]
pub struct NewSuppression {
    /// As people write it; with its country code when it is not of your country.
    #[schema(min_length = 1, max_length = 100)]
    number: String,
    scope: SuppressionScope,
    /// Every reason but `erased`, which comes only from an erasure. `wrong_person` stops everything, whatever scope is asked for.
    reason: SuppressionReason,
    /// How it came. Never personal data.
    #[serde(default)]
    #[schema(max_length = 200)]
    source: String,
}

/// The number to check.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"number": "07700 900123"}))]
pub struct NumberToCheck {
    #[schema(min_length = 1, max_length = 100)]
    number: String,
}

/// What the list says about a number.
#[derive(Serialize, ToSchema)]
pub struct SuppressionCheck {
    suppressed: bool,
    entries: Vec<Suppression>,
}

/// Why the person may be contacted again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"why": "asked for it in writing, ticket 4712"}))]
pub struct Lifting {
    /// Kept in the audit. Never personal data.
    #[schema(min_length = 1, max_length = 200)]
    why: String,
}

/// The list, the newest first
#[utoipa::path(get, path = "/suppressions", tag = "compliance", params(SuppressionQuery), responses((status = 200, body = Listing<Suppression>)))]
pub async fn list(caller: Caller, Query(query): Query<SuppressionQuery>) -> Result<Json<Listing<Suppression>>, Problem> {
    let shown = caller.shown(query.reveal, "suppression", 0).await?;
    let page = caller.tenant.suppressions(query.reason.map(|reason| reason.0), query.after.map(|cursor| cursor.0), limit_of(query.limit)).await?;
    Ok(Listing::of(page, |entry| show(entry, shown)))
}

/// Put a number on the list
///
/// 201 when it is new there, 200 when it stood there already for this reason and scope.
#[utoipa::path(post, path = "/suppressions", tag = "compliance", request_body = NewSuppression, responses((status = 201, body = Suppression), (status = 200, body = Suppression)))]
pub async fn create(caller: Caller, Body(new): Body<NewSuppression>) -> Result<Response, Problem> {
    let e164 = number(&caller, &new.number).await?;
    let added = caller.tenant.suppress(&new.number, new.scope.0, new.reason.0, &new.source, caller.now).await?;
    let entries = caller.tenant.suppressions_of(&e164).await?;
    let entry = entries.into_iter().find(|entry| entry.scope == new.reason.0.stops(new.scope.0) && entry.reason == new.reason.0);
    let entry = entry.ok_or_else(|| Problem::conflict("the number stood on the list already for another reason, or was lifted at the same moment: check it"))?;
    let shown = caller.shown(None, "suppression", 0).await?;
    let id = entry.id;
    Ok(if added { made(format!("/suppressions/{id}"), show(entry, shown)) } else { Json(show(entry, shown)).into_response() })
}

async fn number(caller: &Caller, typed: &str) -> Result<String, Problem> {
    caller.tenant.read_number(typed).await?.ok_or_else(|| Problem::invalid_field("number", "this is no phone number: write it with its country code, such as +44 7700 900123"))
}

/// Check a number
#[utoipa::path(post, path = "/suppressions/check", tag = "compliance", request_body = NumberToCheck, responses((status = 200, body = SuppressionCheck)))]
pub async fn check(caller: Caller, Body(asked): Body<NumberToCheck>) -> Result<Json<SuppressionCheck>, Problem> {
    let e164 = number(&caller, &asked.number).await?;
    let shown = caller.shown(None, "suppression", 0).await?;
    let entries: Vec<_> = caller.tenant.suppressions_of(&e164).await?.into_iter().map(|entry| show(entry, shown)).collect();
    Ok(Json(SuppressionCheck { suppressed: !entries.is_empty(), entries }))
}

/// One entry
#[utoipa::path(get, path = "/suppressions/{suppression}", tag = "compliance", params(("suppression" = SuppressionId, Path), RevealQuery), responses((status = 200, body = Suppression)))]
pub async fn get(caller: Caller, Id(id): Id<SuppressionId>, Query(query): Query<RevealQuery>) -> Result<Json<Suppression>, Problem> {
    let entry = caller.tenant.suppression(id.0).await?;
    let shown = caller.shown(query.reveal, "suppression", id.0.0).await?;
    Ok(Json(show(entry, shown)))
}

/// Take an entry off the list
///
/// The reason stands in the body rather than in the address, and is kept in the audit. The tombstone of an erased
/// person stays.
#[utoipa::path(post, path = "/suppressions/{suppression}/lift", tag = "compliance", params(("suppression" = SuppressionId, Path)), request_body = Lifting, responses((status = 204)))]
pub async fn lift(caller: Caller, Id(id): Id<SuppressionId>, Body(lifting): Body<Lifting>) -> Result<StatusCode, Problem> {
    caller.tenant.unsuppress(id.0, &lifting.why, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}
