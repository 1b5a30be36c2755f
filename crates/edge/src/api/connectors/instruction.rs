//! The register of instructions: recorded, replaced, revoked.

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use clarion_domain::time::Instant;
use clarion_store::connectors::{InstructionRecord, NewInstruction as StoredInstruction};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::made;
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{InstructionId, InstructionKind, InstructionStanding, LegalBasis, Time};

/// What a client instructed, as it was agreed.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "pull", "reference": "NW-2026-014", "fields": ["phone", "reference", "first_name"], "purpose": "Appointment reminders, daily from the booking system",
    "legal_basis": "contract", "agreed_by": "Grace Hopper, data protection lead", "valid_from": "2020-11-01T00:00:00Z", "valid_until": "2090-11-01T00:00:00Z"}))]
pub struct NewInstruction {
    kind: InstructionKind,
    /// The client's own, such as the number of their letter. A new version keeps it.
    #[schema(min_length = 1, max_length = 100)]
    reference: String,
    /// Those that were agreed: of a pull, fields of contacts; of an export, columns of results.
    #[schema(min_items = 1)]
    fields: Vec<String>,
    #[schema(min_length = 10, max_length = 1000)]
    purpose: String,
    legal_basis: LegalBasis,
    /// Who agreed on the client's side.
    #[schema(min_length = 3, max_length = 200)]
    agreed_by: String,
    valid_from: Time,
    valid_until: Time,
}

/// One version of an instruction.
#[derive(Serialize, ToSchema)]
pub struct Instruction {
    id: InstructionId,
    version: i64,
    standing: InstructionStanding,
    instruction: NewInstruction,
    recorded_by: String,
    recorded_at: Time,
    replaced_at: Option<Time>,
    revoked_at: Option<Time>,
    revoked_by: String,
    revoked_why: String,
}

/// Why an instruction ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"why": "The client ended the contract, letter of 2 November"}))]
pub struct Revocation {
    #[schema(min_length = 1, max_length = 1000)]
    why: String,
}

impl From<NewInstruction> for StoredInstruction {
    fn from(new: NewInstruction) -> Self {
        Self {
            kind: new.kind.0,
            reference: new.reference,
            fields: new.fields,
            purpose: new.purpose,
            legal_basis: new.legal_basis.0,
            agreed_by: new.agreed_by,
            valid_from: new.valid_from.0,
            valid_until: new.valid_until.0,
        }
    }
}

fn shown(record: InstructionRecord, now: Instant) -> Instruction {
    let standing = record.standing(now).into();
    let new = record.new;
    Instruction {
        id: record.id.into(),
        version: record.version,
        standing,
        instruction: NewInstruction {
            kind: new.kind.into(),
            reference: new.reference,
            fields: new.fields,
            purpose: new.purpose,
            legal_basis: new.legal_basis.into(),
            agreed_by: new.agreed_by,
            valid_from: new.valid_from.into(),
            valid_until: new.valid_until.into(),
        },
        recorded_by: record.recorded_by,
        recorded_at: record.recorded_at.into(),
        replaced_at: record.replaced_at.map(Time),
        revoked_at: record.revoked_at.map(Time),
        revoked_by: record.revoked_by,
        revoked_why: record.revoked_why,
    }
}

async fn one(caller: &Caller, id: InstructionId) -> Result<Instruction, Problem> {
    Ok(shown(caller.tenant.instruction(id.0).await?, caller.now))
}

/// Every version of every instruction, the newest first
#[utoipa::path(get, path = "/instructions", tag = "connectors", responses((status = 200, body = Listing<Instruction>)))]
pub async fn list(caller: Caller) -> Result<Json<Listing<Instruction>>, Problem> {
    let now = caller.now;
    Ok(Listing::whole(caller.tenant.instructions().await?, |record| shown(record, now)))
}

/// Record an instruction
///
/// It is never edited: a new version replaces it. Nothing is pulled from a client, or exported to one, without one.
#[utoipa::path(post, path = "/instructions", tag = "connectors", request_body = NewInstruction, responses((status = 201, body = Instruction)))]
pub async fn record(caller: Caller, Body(new): Body<NewInstruction>) -> Result<Response, Problem> {
    let id = InstructionId(caller.tenant.record_instruction(&new.into(), caller.now).await?);
    Ok(made(format!("/instructions/{}", id.0), one(&caller, id).await?))
}

/// One version of an instruction
#[utoipa::path(get, path = "/instructions/{instruction}", tag = "connectors", params(("instruction" = InstructionId, Path)), responses((status = 200, body = Instruction)))]
pub async fn get(caller: Caller, Id(id): Id<InstructionId>) -> Result<Json<Instruction>, Problem> {
    Ok(Json(one(&caller, id).await?))
}

/// Replace an instruction by a new version
///
/// Kind and reference stay those that it has. What works under it works under the new version from then on.
#[utoipa::path(post, path = "/instructions/{instruction}/versions", tag = "connectors", params(("instruction" = InstructionId, Path)), request_body = NewInstruction, responses((status = 201, body = Instruction)))]
pub async fn replace(caller: Caller, Id(id): Id<InstructionId>, Body(new): Body<NewInstruction>) -> Result<Response, Problem> {
    let next = InstructionId(caller.tenant.replace_instruction(id.0, &new.into(), caller.now).await?);
    Ok(made(format!("/instructions/{}", next.0), one(&caller, next).await?))
}

/// Revoke an instruction
///
/// What works under it stops at once, and what is being pulled is not kept.
#[utoipa::path(post, path = "/instructions/{instruction}/revoke", tag = "connectors", params(("instruction" = InstructionId, Path)), request_body = Revocation, responses((status = 204)))]
pub async fn revoke(caller: Caller, Id(id): Id<InstructionId>, Body(revocation): Body<Revocation>) -> Result<StatusCode, Problem> {
    caller.tenant.revoke_instruction(id.0, &revocation.why, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}
