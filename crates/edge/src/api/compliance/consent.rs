//! The consent ledger: records are added and withdrawn, never changed.

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use clarion_store::compliance::{ConsentEntry, NewConsent as StoredConsent};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::made;
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{Channel, ConsentId, ConsentKind, ContactId, ObtainedIn, Purpose, Time};

/// A consent on record.
#[derive(Serialize, ToSchema)]
pub struct Consent {
    id: ConsentId,
    channel: Channel,
    purpose: Purpose,
    kind: ConsentKind,
    given_at: Time,
    expires_at: Option<Time>,
    withdrawn_at: Option<Time>,
    /// Where the proof lies.
    evidence: String,
    wording_version: String,
    obtained_in: ObtainedIn,
    refusal_offered: bool,
    created_by: String,
    created_at: Time,
}

impl From<ConsentEntry> for Consent {
    fn from(consent: ConsentEntry) -> Self {
        Self {
            id: clarion_domain::id::ConsentId(consent.id).into(),
            channel: consent.channel.into(),
            purpose: consent.purpose.into(),
            kind: consent.kind.into(),
            given_at: consent.given_at.into(),
            expires_at: consent.expires_at.map(Time),
            withdrawn_at: consent.withdrawn_at.map(Time),
            evidence: consent.evidence,
            wording_version: consent.wording_version,
            obtained_in: consent.obtained_in.into(),
            refusal_offered: consent.refusal_offered,
            created_by: consent.created_by,
            created_at: consent.created_at.into(),
        }
    }
}

/// A consent to record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "contact": "<contact>", "channel": "sms", "purpose": "marketing", "kind": "express", "given_at": "2026-11-01T10:00:00Z",
    "evidence": "web form, log line 812", "wording_version": "2026-09", "obtained_in": "other", "refusal_offered": true
}))]
pub struct NewConsent {
    contact: ContactId,
    channel: Channel,
    purpose: Purpose,
    kind: ConsentKind,
    given_at: Time,
    expires_at: Option<Time>,
    /// Where the proof lies: a form's version and log line, a call's reference. Never what the person said.
    #[schema(min_length = 1, max_length = 200)]
    evidence: String,
    /// Which wording was agreed to.
    #[schema(min_length = 1, max_length = 200)]
    wording_version: String,
    /// In which dealings the number was obtained; a soft opt-in rests on it.
    obtained_in: ObtainedIn,
    /// The person could refuse, free of charge, when the number was obtained.
    refusal_offered: bool,
}

/// The consents of a contact, the oldest first
#[utoipa::path(get, path = "/contacts/{contact}/consents", tag = "compliance", params(("contact" = ContactId, Path)), responses((status = 200, body = Listing<Consent>)))]
pub async fn of_contact(caller: Caller, Id(id): Id<ContactId>) -> Result<Json<Listing<Consent>>, Problem> {
    caller.tenant.contact(id.0).await?;
    Ok(Listing::whole(caller.tenant.consents_of(id.0).await?, Consent::from))
}

/// Record a consent
#[utoipa::path(post, path = "/consents", tag = "compliance", request_body = NewConsent, responses((status = 201, body = Consent), (status = 404)))]
pub async fn create(caller: Caller, Body(new): Body<NewConsent>) -> Result<Response, Problem> {
    let consent = StoredConsent {
        channel: new.channel.0,
        purpose: new.purpose.0,
        kind: new.kind.0,
        given_at: new.given_at.0,
        expires_at: new.expires_at.map(|at| at.0),
        evidence: &new.evidence,
        wording_version: &new.wording_version,
        obtained_in: new.obtained_in.0,
        refusal_offered: new.refusal_offered,
    };
    let id = caller.tenant.add_consent(new.contact.0, &consent, caller.now).await?;
    let consent = caller.tenant.consents_of(new.contact.0).await?.into_iter().find(|consent| consent.id == id).ok_or_else(Problem::internal)?;
    Ok(made(format!("/contacts/{}/consents", new.contact.0), Consent::from(consent)))
}

/// Withdraw a consent
///
/// As easy as giving it: one step, no reason asked.
#[utoipa::path(post, path = "/consents/{consent}/withdraw", tag = "compliance", params(("consent" = ConsentId, Path)), responses((status = 204)))]
pub async fn withdraw(caller: Caller, Id(id): Id<ConsentId>) -> Result<StatusCode, Problem> {
    caller.tenant.withdraw_consent(id.0.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}
