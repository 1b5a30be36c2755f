//! The names and numbers from which the tenant may send.

use axum::Json;
use axum::http::StatusCode;
use clarion_store::campaigns::SenderRecord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{SenderKind, Time};

/// A sender.
#[derive(Serialize, ToSchema)]
pub struct Sender {
    value: String,
    kind: SenderKind,
    /// Replies to it reach us: a STOP sent to it is heard.
    takes_replies: bool,
    /// Why you may use it.
    evidence: String,
    /// When you confirmed that somebody, or an announcement, answers this number day and night; no call shows it before.
    answered_at: Option<Time>,
    /// How it is known that this number takes calls; no call shows a mobile number before.
    inbound_evidence: String,
    inbound_at: Option<Time>,
    /// On the operator's list of numbers from which nobody calls (Do Not Originate): no call shows it.
    is_do_not_originate: bool,
    created_by: String,
    created_at: Time,
}

impl From<SenderRecord> for Sender {
    fn from(sender: SenderRecord) -> Self {
        Self {
            value: sender.value,
            kind: sender.kind.into(),
            takes_replies: sender.takes_replies,
            evidence: sender.evidence,
            answered_at: sender.answered_at.map(Into::into),
            inbound_evidence: sender.inbound_evidence,
            inbound_at: sender.inbound_at.map(Into::into),
            is_do_not_originate: sender.is_do_not_originate,
            created_by: sender.created_by,
            created_at: sender.created_at.into(),
        }
    }
}

/// A sender to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"value": "Northwind", "takes_replies": false, "evidence": "registered trade mark UK00003000000"}))]
pub struct NewSender {
    /// A brand of 3 to 11 characters, a short code, or a number with its country code.
    #[schema(min_length = 3, max_length = 16)]
    value: String,
    takes_replies: bool,
    /// Why you may use it: a registration, a contract, a letter of authority.
    #[schema(min_length = 1, max_length = 500)]
    evidence: String,
}

/// The sender to remove.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"value": "Northwind"}))]
pub struct SenderValue {
    #[schema(min_length = 1, max_length = 16)]
    value: String,
}

/// What you say of a number that calls show.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"value": "+442079460123", "answered": true}))]
pub struct SenderWord {
    #[schema(min_length = 1, max_length = 16)]
    value: String,
    /// Somebody, or an announcement, answers it day and night.
    answered: bool,
    /// How it is known that it takes calls: a test call, a letter of authority. Needed for a mobile number; taken back when left out.
    #[serde(default)]
    #[schema(max_length = 500)]
    inbound_evidence: String,
}

/// The senders
#[utoipa::path(get, path = "/senders", tag = "carriers", responses((status = 200, body = Listing<Sender>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<Sender>>, Problem> {
    Ok(Listing::whole(caller.tenant.senders().await?, Sender::from))
}

/// Add a sender
#[utoipa::path(post, path = "/senders", tag = "carriers", request_body = NewSender, responses((status = 200, body = Sender)))]
pub async fn create(caller: Caller, Body(new): Body<NewSender>) -> Result<Json<Sender>, Problem> {
    Ok(Json(caller.tenant.add_sender(&new.value, new.takes_replies, &new.evidence, caller.now).await?.into()))
}

/// Confirm a caller ID
///
/// Calls may show a number once it is known to be answered (UK-12), and a mobile number once it is known to take calls (UK-14). Each date is that of the first time.
#[utoipa::path(post, path = "/senders/confirm", tag = "carriers", request_body = SenderWord, responses((status = 200, body = Sender), (status = 404)))]
pub async fn confirm(caller: Caller, Body(word): Body<SenderWord>) -> Result<Json<Sender>, Problem> {
    Ok(Json(caller.tenant.attest_sender(&word.value, word.answered, &word.inbound_evidence, caller.now).await?.into()))
}

/// Remove a sender
///
/// A number stands in no address, so this is a POST. Refused while a campaign that is not over sends from it.
#[utoipa::path(post, path = "/senders/remove", tag = "carriers", request_body = SenderValue, responses((status = 204), (status = 404)))]
pub async fn remove(caller: Caller, Body(sender): Body<SenderValue>) -> Result<StatusCode, Problem> {
    caller.tenant.remove_sender(&sender.value, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}
