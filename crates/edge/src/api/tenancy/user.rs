//! The people of the tenant, to whom replies can be given.

use axum::Json;
use clarion_store::tenancy::User as Stored;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{Role, UserId};

/// A user.
#[derive(Serialize, ToSchema)]
pub struct User {
    id: UserId,
    display_name: String,
    role: Role,
    /// Can sign in.
    active: bool,
}

impl From<Stored> for User {
    fn from(user: Stored) -> Self {
        Self { id: user.id.into(), display_name: user.display_name, role: user.role.into(), active: user.deactivated_at.is_none() }
    }
}

/// The users of your organisation
#[utoipa::path(get, path = "/users", tag = "tenancy", responses((status = 200, body = Listing<User>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<User>>, Problem> {
    Ok(Listing::whole(caller.tenant.users().await?, User::from))
}
