//! Invitations: a link by which somebody chooses their own username and password.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use clarion_store::tenancy::Invitation as Stored;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::made;
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::once::OnlyOnce;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{InvitationId, Role, Time};

/// An invitation that was neither accepted nor taken back.
#[derive(Serialize, ToSchema)]
pub struct Invitation {
    id: InvitationId,
    display_name: String,
    role: Role,
    /// By which they are met at a first single sign-on; empty when nobody said.
    email: String,
    created_by: String,
    created_at: Time,
    /// When its link ends: three days after it was made or renewed.
    expires_at: Time,
}

impl From<Stored> for Invitation {
    fn from(stored: Stored) -> Self {
        Self {
            id: stored.id.into(),
            display_name: stored.display_name,
            role: stored.role.into(),
            email: stored.email,
            created_by: stored.created_by,
            created_at: stored.created_at.into(),
            expires_at: stored.expires_at.into(),
        }
    }
}

/// Whom to invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"display_name": "Grace Hopper", "role": "agent"}))]
pub struct NewInvitation {
    #[schema(min_length = 1, max_length = 80)]
    display_name: String,
    role: Role,
    /// Their e-mail address, for single sign-on: whom your identity provider has verified by it needs no link.
    #[schema(max_length = 80)]
    email: Option<String>,
}

/// An invitation with its link.
#[derive(Serialize, ToSchema)]
pub struct MadeInvitation {
    id: InvitationId,
    /// The address of the link, below the portal's own. Pass it on now: nobody can be shown it again.
    #[schema(pattern = "^/invitation\\?t=[0-9a-f]{64}$")]
    link: String,
    expires_at: Time,
}

async fn with_link(caller: &Caller, id: clarion_domain::id::InvitationId, token: &str) -> Result<MadeInvitation, Problem> {
    let stored = caller.tenant.open_invitation(id).await?;
    Ok(MadeInvitation { id: id.into(), link: format!("/invitation?t={token}"), expires_at: stored.expires_at.into() })
}

/// The open invitations, the newest first
///
/// Those whose link is too old are among them: they can be renewed.
#[utoipa::path(get, path = "/invitations", tag = "tenancy", responses((status = 200, body = Listing<Invitation>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<Invitation>>, Problem> {
    Ok(Listing::whole(caller.tenant.open_invitations().await?, Invitation::from))
}

/// Invite somebody
///
/// Nothing is sent: pass the link on. It is shown this once and only its hash is kept, so a repetition under the same
/// `Idempotency-Key` is a conflict.
#[utoipa::path(post, path = "/invitations", tag = "tenancy", request_body = NewInvitation, responses((status = 201, body = MadeInvitation)))]
pub async fn create(caller: Caller, Body(new): Body<NewInvitation>) -> Result<Response, Problem> {
    let (id, token) = caller.tenant.invite_by(&new.display_name, new.role.0, new.email.as_deref().unwrap_or_default(), caller.now).await?;
    let mut response = made(format!("/invitations/{id}"), with_link(&caller, id, &token).await?);
    response.extensions_mut().insert(OnlyOnce);
    Ok(response)
}

/// One invitation
#[utoipa::path(get, path = "/invitations/{invitation}", tag = "tenancy", params(("invitation" = InvitationId, Path)), responses((status = 200, body = Invitation)))]
pub async fn get(caller: Caller, Id(id): Id<InvitationId>) -> Result<Json<Invitation>, Problem> {
    Ok(Json(caller.tenant.open_invitation(id.0).await?.into()))
}

/// Make a new link
///
/// The one of before is good no more.
#[utoipa::path(post, path = "/invitations/{invitation}/renew", tag = "tenancy", params(("invitation" = InvitationId, Path)), responses((status = 200, body = MadeInvitation)))]
pub async fn renew(caller: Caller, Id(id): Id<InvitationId>) -> Result<Response, Problem> {
    let token = caller.tenant.renew_invitation(id.0, caller.now).await?;
    let mut response = Json(with_link(&caller, id.0, &token).await?).into_response();
    response.extensions_mut().insert(OnlyOnce);
    Ok(response)
}

/// Take an invitation back
#[utoipa::path(delete, path = "/invitations/{invitation}", tag = "tenancy", params(("invitation" = InvitationId, Path)), responses((status = 204)))]
pub async fn revoke(caller: Caller, Id(id): Id<InvitationId>) -> Result<StatusCode, Problem> {
    caller.tenant.revoke_invitation(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}
