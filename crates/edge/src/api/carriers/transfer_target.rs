//! Transfer targets: the lines to which people are put through, and the call centre's word on its free agents.

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use clarion_domain::carriers::transfer_target::SipLine as StoredLine;
use clarion_store::carriers::{NewTransferTarget as Stored, TransferTargetRecord};
use clarion_store::compliance::Week;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::made;
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::compliance::preference::Hours;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{AudioEncryption, SipTransport, Time, TransferTargetId, VoiceCodec};

/// Free agents more than this are no call centre's.
const FREE_AGENTS_MAX: u32 = 10_000;

/// A line to which people are put through.
#[derive(Serialize, ToSchema)]
pub struct TransferTarget {
    id: TransferTargetId,
    /// What scripts call it; several targets may share one.
    group: String,
    name: String,
    /// A number with its country code, or `sip:user@host`.
    address: String,
    /// How a SIP address is reached; without meaning for a number, whose trunk says it.
    line: SipLine,
    /// In your zone; null for always.
    hours: Option<Hours>,
    /// Calls that it takes at the same time.
    capacity: u32,
    /// The lowest is asked first.
    priority: i64,
    enabled: bool,
    /// What the call centre last said; null when the capacity alone counts.
    told: Option<Told>,
    created_by: String,
    created_at: Time,
}

/// How a call centre's SIP address is reached. What is left out is UDP, A-law before µ-law, and encryption where its side can.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SipLine {
    #[serde(default = "line_default::transport")]
    #[schema(required = false)]
    transport: SipTransport,
    /// The preferred one first.
    #[serde(default = "line_default::codecs")]
    #[schema(required = false, min_items = 1, max_items = 2)]
    codecs: Vec<VoiceCodec>,
    #[serde(default = "line_default::encryption")]
    #[schema(required = false)]
    encryption: AudioEncryption,
    /// PEM of the authority that signed its certificate, or that certificate; without it and without a pin a public authority must have.
    #[serde(default)]
    tls_ca_pem: String,
    /// SHA-256 of its certificate: trusted whoever signed it.
    #[serde(default)]
    #[schema(pattern = "^(([0-9A-Fa-f]{2}:?){32})?$")]
    tls_pin_sha256: String,
}

mod line_default {
    use clarion_domain::carriers::transfer_target::SipLine;

    use crate::api::wire::{AudioEncryption, SipTransport, VoiceCodec};

    pub fn transport() -> SipTransport {
        SipLine::default().transport.into()
    }
    pub fn codecs() -> Vec<VoiceCodec> {
        SipLine::default().codecs.into_iter().map(Into::into).collect()
    }
    pub fn encryption() -> AudioEncryption {
        SipLine::default().encryption.into()
    }
}

impl From<StoredLine> for SipLine {
    fn from(line: StoredLine) -> Self {
        Self { transport: line.transport.into(), codecs: line.codecs.into_iter().map(Into::into).collect(), encryption: line.encryption.into(), tls_ca_pem: line.tls_ca_pem, tls_pin_sha256: line.tls_pin_sha256 }
    }
}

impl From<SipLine> for StoredLine {
    fn from(line: SipLine) -> Self {
        Self { transport: line.transport.0, codecs: line.codecs.into_iter().map(|codec| codec.0).collect(), encryption: line.encryption.0, tls_ca_pem: line.tls_ca_pem, tls_pin_sha256: line.tls_pin_sha256 }
    }
}

/// The call centre's word.
#[derive(Serialize, ToSchema)]
pub struct Told {
    free_agents: u32,
    at: Time,
}

impl From<TransferTargetRecord> for TransferTarget {
    fn from(record: TransferTargetRecord) -> Self {
        let target = record.target;
        Self {
            id: record.id.into(),
            group: target.group,
            name: target.name,
            address: target.address,
            line: target.line.into(),
            hours: (!target.hours.is_blank()).then(|| target.hours.into()),
            capacity: target.capacity,
            priority: target.priority,
            enabled: target.enabled,
            told: record.told.map(|(free_agents, at)| Told { free_agents, at: at.into() }),
            created_by: record.created_by,
            created_at: record.created_at.into(),
        }
    }
}

/// What a transfer target is made of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"group": "agents", "name": "Leeds", "address": "+442079460123", "hours": {"monday": "09:00-17:00"}, "capacity": 10, "priority": 1}))]
pub struct NewTransferTarget {
    #[schema(pattern = "^[a-z0-9_-]{1,40}$")]
    group: String,
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    /// A number with its country code, such as `+442079460123`, or `sip:agents@centre.example`.
    #[schema(min_length = 1, max_length = 255)]
    address: String,
    /// How a SIP address is reached; the defaults when left out.
    line: Option<SipLine>,
    /// In your zone; always when null or left out.
    hours: Option<Hours>,
    /// Calls that it takes at the same time.
    #[schema(minimum = 1, maximum = 10000)]
    capacity: u32,
    /// The lowest is asked first.
    #[schema(minimum = 0, maximum = 1000)]
    priority: i64,
    /// Taken as true when left out.
    enabled: Option<bool>,
}

impl From<NewTransferTarget> for Stored {
    fn from(new: NewTransferTarget) -> Self {
        Self {
            group: new.group,
            name: new.name,
            address: new.address,
            line: new.line.map_or_else(Default::default, Into::into),
            hours: new.hours.map_or_else(Week::default, Into::into),
            capacity: new.capacity,
            priority: new.priority,
            enabled: new.enabled.unwrap_or(true),
        }
    }
}

/// How many agents are free.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"free_agents": 7}))]
pub struct FreeAgents {
    /// Null goes back to the fixed capacity. A number that is not said again for five minutes is no longer that of free agents: the target then takes no more
    /// calls at once than it says, and none where it says 0.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(minimum = 0, maximum = 10000, required = true)]
    free_agents: Option<u32>,
}

/// Every transfer target, by group and priority
#[utoipa::path(get, path = "/transfer-targets", tag = "carriers", responses((status = 200, body = Listing<TransferTarget>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<TransferTarget>>, Problem> {
    Ok(Listing::whole(caller.tenant.transfer_targets().await?, TransferTarget::from))
}

/// Add a transfer target
#[utoipa::path(post, path = "/transfer-targets", tag = "carriers", request_body = NewTransferTarget, responses((status = 201, body = TransferTarget)))]
pub async fn create(caller: Caller, Body(new): Body<NewTransferTarget>) -> Result<Response, Problem> {
    let id = caller.tenant.add_transfer_target(&new.into(), caller.now).await?;
    Ok(made(format!("/transfer-targets/{id}"), TransferTarget::from(caller.tenant.transfer_target(id).await?)))
}

/// One transfer target
#[utoipa::path(get, path = "/transfer-targets/{target}", tag = "carriers", params(("target" = TransferTargetId, Path)), responses((status = 200, body = TransferTarget)))]
pub async fn get(caller: Caller, Id(id): Id<TransferTargetId>) -> Result<Json<TransferTarget>, Problem> {
    Ok(Json(caller.tenant.transfer_target(id.0).await?.into()))
}

/// Change a transfer target
///
/// Running campaigns keep to it from their next call on.
#[utoipa::path(put, path = "/transfer-targets/{target}", tag = "carriers", params(("target" = TransferTargetId, Path)), request_body = NewTransferTarget, responses((status = 200, body = TransferTarget)))]
pub async fn change(caller: Caller, Id(id): Id<TransferTargetId>, Body(new): Body<NewTransferTarget>) -> Result<Json<TransferTarget>, Problem> {
    caller.tenant.change_transfer_target(id.0, &new.into(), caller.now).await?;
    Ok(Json(caller.tenant.transfer_target(id.0).await?.into()))
}

/// Remove a transfer target
#[utoipa::path(delete, path = "/transfer-targets/{target}", tag = "carriers", params(("target" = TransferTargetId, Path)), responses((status = 204)))]
pub async fn remove(caller: Caller, Id(id): Id<TransferTargetId>) -> Result<StatusCode, Problem> {
    caller.tenant.delete_transfer_target(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say how many agents are free
///
/// For the call centre's own program: say it whenever it changes, and at least every five minutes. Calls are launched for free agents alone.
#[utoipa::path(put, path = "/transfer-targets/{target}/free-agents", tag = "carriers", params(("target" = TransferTargetId, Path)), request_body = FreeAgents, responses((status = 200, body = TransferTarget)))]
pub async fn free_agents(caller: Caller, Id(id): Id<TransferTargetId>, Body(told): Body<FreeAgents>) -> Result<Json<TransferTarget>, Problem> {
    if told.free_agents.is_some_and(|free| free > FREE_AGENTS_MAX) {
        return Err(Problem::invalid_field("free_agents", format!("0 to {FREE_AGENTS_MAX}, or null")));
    }
    caller.tenant.tell_free_agents(id.0, told.free_agents, caller.now).await?;
    Ok(Json(caller.tenant.transfer_target(id.0).await?.into()))
}
