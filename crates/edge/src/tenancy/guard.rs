//! Every route asks for a session and one right; a handler gets the session that the guard has checked.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::MethodRouter;
use clarion_domain::tenancy::role::Right;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;
use clarion_store::Tenant;
use clarion_store::tenancy::{SessionUser, TenantRecord};
use jiff::tz::TimeZone;

use super::came_from::CameFrom;
use super::recorder::{Doer, EXIT_PATH, recorded};
use crate::config::Cookies;
use crate::page::fault::{Fault, framed};
use crate::page::when;
use crate::portal::Portal;

/// A signed-in user, their tenant's rows, and the time of the request.
#[derive(Clone)]
pub struct Session {
    pub user: SessionUser,
    pub tenant: Tenant,
    pub record: TenantRecord,
    pub zone: TimeZone,
    pub now: Instant,
    pub token: String,
    /// Replies that wait for somebody; 0 for whoever does not answer them.
    pub open_replies: i64,
}

impl Session {
    pub fn may(&self, right: Right) -> bool {
        self.user.role.may(right)
    }

    /// Whom the activity log names.
    pub fn doer(&self) -> Doer {
        Doer { tenant: self.user.tenant_id, actor: Actor::User(self.user.user_id), session: self.user.session, now: self.now }
    }

    /// What a password of somebody here must not be made of.
    pub fn names<'a>(&'a self, username: &'a str, display_name: &'a str) -> [&'a str; 4] {
        [username, display_name, &self.record.name, &self.record.slug]
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        parts.extensions.get::<Session>().cloned().ok_or(Fault::SignedOut)
    }
}

/// Which right a route asks for; `None` lets every signed-in user in.
#[derive(Clone)]
struct Asks {
    portal: Portal,
    right: Option<Right>,
}

/// Puts the guard before a route.
pub fn asks(portal: &Portal, right: impl Into<Option<Right>>, methods: MethodRouter<Portal>) -> MethodRouter<Portal> {
    methods.route_layer(from_fn_with_state(Asks { portal: portal.clone(), right: right.into() }, guard))
}

async fn guard(State(asks): State<Asks>, request: Request, next: Next) -> Response {
    let session = match session(&asks.portal, request.headers()).await {
        Err(fault) => return fault.into_response(),
        Ok(None) => return signed_out(&request),
        Ok(Some(session)) => session,
    };
    let (recorder, doer) = (&asks.portal.recorder, session.doer());
    recorder.came_in(doer, &CameFrom::of(request.extensions(), request.headers()));
    recorded(recorder, doer, request, async |request| answer(&asks, session, request, next).await).await
}

async fn answer(asks: &Asks, session: Session, mut request: Request, next: Next) -> Response {
    if asks.right.is_some_and(|right| !session.may(right)) {
        return framed(&session, Fault::NotAllowed.into_response());
    }
    if session.record.needs_second_factor && !session.user.has_second_factor && !session.user.by_provider && !leads_to_one(request.uri().path()) {
        return if request.method() == Method::GET { Redirect::to("/account/second-factor").into_response() } else { framed(&session, Fault::NeedsSecondFactor.into_response()) };
    }
    request.extensions_mut().insert(session.clone());
    framed(&session, next.run(request).await)
}

/// What is open to somebody who must set up a second factor first.
fn leads_to_one(path: &str) -> bool {
    path == "/sign-out" || path == EXIT_PATH || path == "/account" || path.starts_with("/account/")
}

/// An address that is none.
pub async fn nowhere(State(portal): State<Portal>, headers: HeaderMap) -> Response {
    let fault = Fault::NotFound("page").into_response();
    match session(&portal, &headers).await {
        Ok(Some(session)) => framed(&session, fault),
        _ => fault,
    }
}

/// A page asked for without a session leads to the sign-in and back; an act is not repeated afterwards.
fn signed_out(request: &Request) -> Response {
    if request.method() != Method::GET || request.headers().contains_key("hx-request") {
        return Fault::SignedOut.into_response();
    }
    let path = request.uri().path();
    if path == "/" { Redirect::to("/sign-in") } else { Redirect::to(&format!("/sign-in?next={path}")) }.into_response()
}

pub async fn session(portal: &Portal, headers: &HeaderMap) -> Result<Option<Session>, Fault> {
    let now = (portal.config.clock)();
    let Some(token) = cookie(headers, cookie_name(portal.config.cookies)) else { return Ok(None) };
    let Some(user) = portal.store.session_user(token, now).await? else { return Ok(None) };
    let tenant = portal.store.tenant(user.tenant_id, Actor::User(user.user_id)).await?;
    let record = tenant.record().await?;
    let open_replies = if user.role.may(Right::AnswerReplies) { tenant.open_replies().await? } else { 0 };
    Ok(Some(Session { zone: when::zone(&record.zone), user, tenant, record, now, token: token.to_owned(), open_replies }))
}

pub fn cookie_name(cookies: Cookies) -> &'static str {
    match cookies {
        Cookies::Secure => "__Host-clarion",
        Cookies::PlainLoopback => "clarion",
    }
}

/// Holds the half of a sign-in that waits for its code.
pub fn half_cookie_name(cookies: Cookies) -> &'static str {
    match cookies {
        Cookies::Secure => "__Host-clarion-half",
        Cookies::PlainLoopback => "clarion-half",
    }
}

pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(found, _)| *found == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_own_cookie_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "theme=dark; clarion=abc; x=clarion=no".parse().expect("a header"));
        assert_eq!(cookie(&headers, "clarion"), Some("abc"));
        assert_eq!(cookie(&headers, "__Host-clarion"), None);
    }
}
