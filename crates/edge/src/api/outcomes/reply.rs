//! The inbox: replies that a person should read.

use axum::Json;
use clarion_store::outcomes::{ReplyRecord, ReplyState as StoredState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{Body, Id, Query};
use crate::api::caller::{Caller, Shown};
use crate::api::contacts::contact::RevealQuery;
use crate::api::page::{Cursor, Limit, Listing, limit_of};
use crate::api::problem::Problem;
use crate::api::wire::{CampaignId, ContactId, ReplyId, ReplyMeaning, Time, UserId};

/// Where a reply stands in the inbox.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplyState {
    New,
    Assigned,
    Closed,
}

impl From<StoredState> for ReplyState {
    fn from(state: StoredState) -> Self {
        match state {
            StoredState::New => Self::New,
            StoredState::Assigned => Self::Assigned,
            StoredState::Closed => Self::Closed,
        }
    }
}

impl From<ReplyState> for StoredState {
    fn from(state: ReplyState) -> Self {
        match state {
            ReplyState::New => Self::New,
            ReplyState::Assigned => Self::Assigned,
            ReplyState::Closed => Self::Closed,
        }
    }
}

/// A reply.
#[derive(Serialize, ToSchema)]
pub struct Reply {
    id: ReplyId,
    /// Null when nobody with this number is known.
    contact: Option<ContactId>,
    /// The campaign that last wrote to this number.
    campaign: Option<CampaignId>,
    /// E.164, masked unless revealed; empty when the person was erased.
    number: String,
    body: String,
    /// What the machine made of it.
    meaning: ReplyMeaning,
    state: ReplyState,
    assigned_to: Option<UserId>,
    received_at: Time,
    closed_at: Option<Time>,
}

fn show(reply: ReplyRecord, shown: Shown) -> Reply {
    Reply {
        id: reply.id.into(),
        contact: reply.contact.map(ContactId),
        campaign: reply.campaign.map(CampaignId),
        number: shown.of(&reply.number),
        body: reply.body.reveal().to_owned(),
        meaning: reply.meaning.into(),
        state: reply.state.into(),
        assigned_to: reply.assigned_to.map(UserId),
        received_at: reply.received_at.into(),
        closed_at: reply.closed_at.map(Time),
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReplyQuery {
    state: Option<ReplyState>,
    /// Show whole numbers. Needs the right `reveal_personal`, and is audited.
    reveal: Option<bool>,
    /// The `next` of the page before; left out for the first page.
    after: Option<Cursor>,
    /// How many at most; 50 when left out.
    limit: Option<Limit>,
}

/// Who shall answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"user": "<user>"}))]
pub struct Assignment {
    user: UserId,
}

/// What a person made of a reply that the machine was not sure of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"means_stop": true}))]
pub struct Meaning {
    /// Whether the person wants to get no more messages.
    means_stop: bool,
}

async fn read(caller: &Caller, id: ReplyId, reveal: Option<bool>) -> Result<Json<Reply>, Problem> {
    let reply = caller.tenant.reply(id.0).await?;
    let shown = caller.shown(reveal, "reply", id.0.0).await?;
    Ok(Json(show(reply, shown)))
}

/// The inbox, the newest first
#[utoipa::path(get, path = "/replies", tag = "outcomes", params(ReplyQuery), responses((status = 200, body = Listing<Reply>)))]
pub async fn list(caller: Caller, Query(query): Query<ReplyQuery>) -> Result<Json<Listing<Reply>>, Problem> {
    let shown = caller.shown(query.reveal, "reply", 0).await?;
    let page = caller.tenant.replies(query.state.map(StoredState::from), query.after.map(|cursor| cursor.0), limit_of(query.limit)).await?;
    Ok(Listing::of(page, |reply| show(reply, shown)))
}

/// One reply
#[utoipa::path(get, path = "/replies/{reply}", tag = "outcomes", params(("reply" = ReplyId, Path), RevealQuery), responses((status = 200, body = Reply)))]
pub async fn get(caller: Caller, Id(id): Id<ReplyId>, Query(query): Query<RevealQuery>) -> Result<Json<Reply>, Problem> {
    read(&caller, id, query.reveal).await
}

/// Give a reply to a user of yours
#[utoipa::path(post, path = "/replies/{reply}/assign", tag = "outcomes", params(("reply" = ReplyId, Path)), request_body = Assignment, responses((status = 200, body = Reply)))]
pub async fn assign(caller: Caller, Id(id): Id<ReplyId>, Body(to): Body<Assignment>) -> Result<Json<Reply>, Problem> {
    caller.tenant.reply(id.0).await?;
    caller.tenant.assign_reply(id.0, to.user.0, caller.now).await?;
    read(&caller, id, None).await
}

/// Close a reply
///
/// One that holds its person back is decided instead: closed unread, it would hold them for ever.
#[utoipa::path(post, path = "/replies/{reply}/close", tag = "outcomes", params(("reply" = ReplyId, Path)), responses((status = 200, body = Reply)))]
pub async fn close(caller: Caller, Id(id): Id<ReplyId>) -> Result<Json<Reply>, Problem> {
    caller.tenant.reply(id.0).await?;
    caller.tenant.close_reply(id.0, caller.now).await?;
    read(&caller, id, None).await
}

/// Decide about a reply: does it mean stop?
///
/// `means_stop` puts the number on the suppression list; otherwise what was inferred from this very reply is lifted: a
/// stop that stands beside a wrong number is not. Either way
/// the hold that waited for this ends, unless another reply waits to be decided, and the reply is closed.
#[utoipa::path(post, path = "/replies/{reply}/decide", tag = "outcomes", params(("reply" = ReplyId, Path)), request_body = Meaning, responses((status = 200, body = Reply)))]
pub async fn decide(caller: Caller, Id(id): Id<ReplyId>, Body(made): Body<Meaning>) -> Result<Json<Reply>, Problem> {
    caller.tenant.decide_reply(id.0, made.means_stop, caller.now).await?;
    read(&caller, id, None).await
}
