//! Who is on a list.

use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Body, Id, Query};
use crate::api::caller::Caller;
use crate::api::page::{Cursor, Limit, Listing, limit_of};
use crate::api::problem::Problem;
use crate::api::wire::{ContactId, LineType, ListId, Time};

/// One line of a listing of contacts.
#[derive(Serialize, ToSchema)]
pub struct ContactLine {
    id: ContactId,
    reference: String,
    first_name: String,
    last_name: String,
    /// The first number, masked unless revealed; null when the person was erased.
    number: Option<String>,
    line_type: Option<LineType>,
    /// Two letters of ISO 3166; empty when the person was erased.
    region: String,
    created_at: Time,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MemberQuery {
    /// Only contacts on this list.
    list: Option<ListId>,
    /// Show whole numbers. Needs the right `reveal_personal`, and is audited.
    reveal: Option<bool>,
    /// The `next` of the page before; left out for the first page.
    after: Option<Cursor>,
    /// How many at most; 50 when left out.
    limit: Option<Limit>,
}

/// The contacts, or those of one list, in the order in which they were made
#[utoipa::path(get, path = "/contacts", tag = "contacts", params(MemberQuery), responses((status = 200, body = Listing<ContactLine>), (status = 404)))]
pub async fn all(caller: Caller, Query(query): Query<MemberQuery>) -> Result<Json<Listing<ContactLine>>, Problem> {
    let list = query.list.map(|list| list.0);
    if let Some(list) = list {
        caller.tenant.list(list).await?;
    }
    let shown = caller.shown(query.reveal, "list", list.map_or(0, |list| list.0)).await?;
    let page = caller.tenant.contacts(list, query.after.map(|cursor| cursor.0), limit_of(query.limit)).await?;
    Ok(Listing::of(page, |entry| ContactLine {
        id: entry.contact_id.into(),
        reference: entry.profile.reference,
        first_name: entry.profile.first_name,
        last_name: entry.profile.last_name,
        number: entry.number.map(|number| shown.of(&number)),
        line_type: entry.line_type.map(LineType),
        region: entry.region,
        created_at: entry.created_at.into(),
    }))
}

/// A contact to put on a list or take off it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"contact": "<contact>"}))]
pub struct Member {
    contact: ContactId,
}

/// Put a contact on a list
#[utoipa::path(post, path = "/lists/{list}/add", tag = "contacts", params(("list" = ListId, Path)), request_body = Member, responses((status = 204)))]
pub async fn add(caller: Caller, Id(list): Id<ListId>, Body(member): Body<Member>) -> Result<StatusCode, Problem> {
    caller.tenant.add_to_list(list.0, member.contact.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a contact off a list
#[utoipa::path(post, path = "/lists/{list}/remove", tag = "contacts", params(("list" = ListId, Path)), request_body = Member, responses((status = 204)))]
pub async fn remove(caller: Caller, Id(list): Id<ListId>, Body(member): Body<Member>) -> Result<StatusCode, Problem> {
    caller.tenant.remove_from_list(list.0, member.contact.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}
