//! Who calls: the API key behind a request, its tenant, and what its role may do.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use clarion_domain::audit::event::Act;
use clarion_domain::id::{ApiKeyId, SessionId, UserId};
use clarion_domain::personal::Personal;
use clarion_domain::tenancy::activity::ActivityKind;
use clarion_domain::tenancy::role::{Right, Role};
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;
use clarion_store::Tenant;

use super::problem::Problem;
use super::rate_limit;
use super::Api;
use crate::tenancy::came_from::CameFrom;
use crate::tenancy::recorder::Doer;

/// An authenticated request's tenant, key and time. The only way to a tenant's rows in this API.
#[derive(Clone)]
pub struct Caller {
    pub tenant: Tenant,
    pub key: ApiKeyId,
    pub role: Role,
    /// For whom the key acts, and what they are now.
    pub user: Option<(UserId, Role)>,
    /// When the request came in.
    pub now: Instant,
}

impl Caller {
    /// A key never may more than whoever it acts for may now.
    pub fn may(&self, right: Right) -> bool {
        self.role.may(right) && self.user.is_none_or(|(_, role)| role.may(right))
    }

    pub fn require(&self, right: Right) -> Result<(), Problem> {
        if self.may(right) {
            return Ok(());
        }
        if let Some((_, role)) = self.user.filter(|_| self.role.may(right)) {
            return Err(Problem::forbidden(format!("this needs the right {right}, which whoever this key acts for no longer has, being {role}: use a key of somebody who has it")));
        }
        let able: Vec<&str> = Role::ALL.iter().filter(|role| role.may(right)).map(|role| role.as_str()).collect();
        Err(Problem::forbidden(format!("this needs the right {right}, which the role {} does not have: use a key of one of the roles {}", self.role, able.join(", "))))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::unauthenticated)
    }
}

/// Lets a request through when its key is known, not revoked, has not asked too often, and its user may still sign in.
pub async fn authenticate(State(api): State<Api>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let now = api.now();
    let secret = bearer(request.headers()).ok_or_else(Problem::unauthenticated)?;
    let from = CameFrom::of(request.extensions(), request.headers());
    let stranger = api.rates.before(from.network(), secret, now)?;
    let Some(key) = api.store.api_key_by_secret(secret, now).await? else {
        tracing::warn!("an API request was refused: its key is unknown, revoked, or of somebody deactivated");
        stranger.was_refused();
        return Err(Problem::unauthenticated());
    };
    stranger.was_right();
    let standing = api.rates.take(key.id, now);
    if let Some(spent) = standing.filter(|standing| standing.wait_seconds.is_some()) {
        return Ok(rate_limit::spent(spent));
    }
    let tenant = api.store.tenant(key.tenant_id, Actor::ApiKey(key.id)).await?;
    let doer = Doer { tenant: key.tenant_id, actor: Actor::ApiKey(key.id), session: SessionId(0), now };
    api.recorder.came_in(doer, &from);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(Caller { tenant, key: key.id, role: key.role, user: key.user.zip(key.user_role), now });
    let mut response = next.run(request).await;
    if let Some(standing) = standing {
        rate_limit::tell(response.headers_mut(), standing);
    }
    // Written behind: what a program changes has its event in the audit, and many a second must not cost a commit each.
    let kind = if method == Method::GET { ActivityKind::Page } else { ActivityKind::Act };
    api.recorder.looked(doer, kind, method.as_str(), &full(&path), response.status());
    Ok(response)
}

/// Within the nested router the address has lost what it was nested under.
fn full(path: &str) -> String {
    if path.starts_with("/api/v1") { path.to_owned() } else { format!("/api/v1{path}") }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

/// How this caller is shown numbers and references.
#[derive(Clone, Copy)]
pub struct Shown {
    whole: bool,
}

impl Shown {
    pub fn of(self, value: &Personal) -> String {
        value.shown(self.whole)
    }
}

impl Caller {
    /// Numbers are masked unless the request asks for whole ones, which needs its right and is audited first.
    pub async fn shown(&self, reveal: Option<bool>, object_kind: &str, object_id: i64) -> Result<Shown, Problem> {
        let whole = reveal.unwrap_or(false);
        if whole {
            self.require(Right::RevealPersonal)?;
            self.tenant.audit_alone(self.now, Act::Revealed, object_kind, object_id, "").await?;
        }
        Ok(Shown { whole })
    }
}
