//! The audited acts.

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::Query;
use crate::api::caller::Caller;
use crate::api::page::{Cursor, Limit, Listing, limit_of};
use crate::api::problem::Problem;
use crate::api::wire::{Act, AuditEventId, Time, object_id};

/// One act.
#[derive(Serialize, ToSchema)]
pub struct AuditEvent {
    id: AuditEventId,
    at: Time,
    /// `user:usr_…`, `key:key_…`, `operator`, `system` or `subject`.
    actor: String,
    act: Act,
    /// What kind of record: `campaign`, `import`, `contact` ….
    object_kind: String,
    /// Which one; null when the act has no single object.
    object_id: Option<String>,
    detail: String,
    /// `acts`, or `sign_ins`, which are kept for another time.
    chain: String,
    /// Its place in the chain, from 1; no number is left out.
    #[schema(minimum = 1)]
    number: i64,
    /// Over what it says and the hash of the entry before it. Kept elsewhere, it shows whether anything up to here was changed since.
    #[schema(min_length = 64, max_length = 64)]
    hash: String,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Only acts on this kind of record: `campaign`, `import`, `contact` ….
    object_kind: Option<String>,
    act: Option<Act>,
    /// The `next` of the page before; left out for the first page.
    after: Option<Cursor>,
    /// How many at most; 50 when left out.
    limit: Option<Limit>,
}

/// The audited acts, the newest first
#[utoipa::path(get, path = "/audit-events", tag = "audit", params(EventQuery), responses((status = 200, body = Listing<AuditEvent>)))]
pub async fn list(caller: Caller, Query(query): Query<EventQuery>) -> Result<Json<Listing<AuditEvent>>, Problem> {
    let kind = query.object_kind.unwrap_or_default();
    let act = query.act.map_or("", |act| act.0.as_str());
    let page = caller.tenant.audit_events(&kind, act, query.after.map(|cursor| cursor.0), limit_of(query.limit)).await?;
    Ok(Listing::of(page, |event| AuditEvent {
        id: event.id.into(),
        at: event.at.into(),
        actor: event.actor,
        act: event.act.into(),
        object_id: object_id(&event.object_kind, event.object_id),
        object_kind: event.object_kind,
        detail: event.detail,
        chain: event.chain.as_str().to_owned(),
        number: event.number,
        hash: event.hash,
    }))
}
