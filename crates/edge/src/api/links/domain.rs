//! The name under which short links stand.

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use clarion_store::links::LinkDomain as Stored;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::wire::Time;

/// The name of your short links.
#[derive(Serialize, ToSchema)]
pub struct LinkDomain {
    /// The name that is wanted.
    host: String,
    /// It was seen to point here, and to be yours.
    verified: bool,
    /// The name under which links stand: `host` once it is verified, and until then the one before.
    links_under: Option<String>,
    /// `https` or `http`, as `links_under` answers; empty without one.
    scheme: String,
    /// The TXT record of the name's DNS that shows it to be yours; null for an address.
    record: Option<String>,
    /// What stands in that record.
    record_value: String,
    /// Whether links that a text marks are made short.
    enabled: bool,
    /// How long a link leads somewhere, from when it is sent.
    expires_days: u32,
    /// A look is under way.
    checking: bool,
    /// Since when `links_under` fails: it is looked at again and again, and given up after a day.
    failing_since: Option<Time>,
    checked_at: Option<Time>,
    /// What the last look found wrong; empty when nothing.
    last_error: String,
    created_by: String,
    created_at: Time,
}

impl From<Stored> for LinkDomain {
    fn from(stored: Stored) -> Self {
        Self {
            verified: stored.is_verified(),
            record: stored.record(),
            record_value: stored.token,
            links_under: stored.verified_host,
            failing_since: stored.failing_since.map(Time),
            host: stored.host,
            scheme: stored.scheme,
            enabled: stored.enabled,
            expires_days: stored.expires_days,
            checking: stored.check_due,
            checked_at: stored.checked_at.map(Time),
            last_error: stored.last_error,
            created_by: stored.created_by,
            created_at: stored.created_at.into(),
        }
    }
}

/// A name of your own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"host": "go.example.com"}))]
pub struct NewLinkDomain {
    /// A name that points to this server, with a port where it needs one.
    #[schema(min_length = 1, max_length = 253)]
    host: String,
}

/// How links are made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"enabled": true, "expires_days": 30}))]
pub struct LinkSettings {
    enabled: bool,
    #[schema(minimum = 1, maximum = 400)]
    expires_days: u32,
}

async fn held(caller: &Caller) -> Result<Json<LinkDomain>, Problem> {
    let domain = caller.tenant.link_domain().await?.ok_or(clarion_store::StoreError::NotFound("name for short links"))?;
    Ok(Json(domain.into()))
}

/// The name of your short links
#[utoipa::path(get, path = "/link-domain", tag = "links", responses((status = 200, body = LinkDomain), (status = 404)))]
pub async fn get(caller: Caller) -> Result<Json<LinkDomain>, Problem> {
    held(&caller).await
}

/// Name the host of your short links
///
/// It is looked at at once: its DNS must hold `record`, and it must point to this server. Until then links go on under the name before; once
/// it is verified it takes that one's place, whose links lead nowhere then.
#[utoipa::path(put, path = "/link-domain", tag = "links", request_body = NewLinkDomain, responses((status = 200, body = LinkDomain)))]
pub async fn set(caller: Caller, headers: HeaderMap, Body(new): Body<NewLinkDomain>) -> Result<Json<LinkDomain>, Problem> {
    let portal = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    caller.tenant.set_link_host(&new.host, portal, caller.now).await?;
    held(&caller).await
}

/// Forget the name of your short links
///
/// Links that were sent under it lead nowhere any more.
#[utoipa::path(delete, path = "/link-domain", tag = "links", responses((status = 204), (status = 404)))]
pub async fn remove(caller: Caller) -> Result<StatusCode, Problem> {
    caller.tenant.remove_link_host(caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have the name looked at again
#[utoipa::path(post, path = "/link-domain/check", tag = "links", responses((status = 200, body = LinkDomain), (status = 404)))]
pub async fn check(caller: Caller) -> Result<Json<LinkDomain>, Problem> {
    caller.tenant.check_link_host(caller.now).await?;
    held(&caller).await
}

/// Switch short links on or off, and say how long they are good
///
/// Links that were sent go on leading somewhere until they expire.
#[utoipa::path(put, path = "/link-domain/settings", tag = "links", request_body = LinkSettings, responses((status = 200, body = LinkDomain), (status = 404)))]
pub async fn settings(caller: Caller, Body(new): Body<LinkSettings>) -> Result<Json<LinkDomain>, Problem> {
    caller.tenant.set_link_expiry(new.expires_days, caller.now).await?;
    caller.tenant.enable_links(new.enabled, caller.now).await?;
    held(&caller).await
}
