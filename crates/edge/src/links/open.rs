//! Somebody opens a short link. It stands before the portal and the API, and answers only under a name that a tenant has shown to point
//! here; everything else goes on to them.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use clarion_domain::links::{code, host, opener};
use clarion_domain::tenancy::places::counted;
use clarion_domain::tenancy::tenant::Actor;
use clarion_store::links::{LinkHost, TOKEN_PATH};
use clarion_store::{Store, StoreError};
use maud::{Markup, html};

use crate::config::Clock;
use crate::page::layout::{PLAIN_POLICY, plain_document};
use crate::rate::Rate;
use crate::tenancy::came_from::CameFrom;

const WAIT_SECONDS: &str = "60";
/// How often a network may ask in vain. Many phones share one address of their network: a campaign whose links have expired must not
/// lock the others out at once.
const MISSES_PER_MINUTE: u32 = 100;
/// A code that was cut off or run together on its way still gets the page that says so.
const ODD_CODE_CHARS_MAX: usize = 40;

#[derive(Clone)]
struct LinkDoor {
    store: Store,
    clock: Clock,
    misses: Arc<Rate<IpAddr>>,
}

/// Puts the door of short links before a router.
pub fn with_links(router: Router, store: Store, clock: Clock) -> Router {
    router.layer(from_fn_with_state(LinkDoor { store, clock, misses: Arc::new(Rate::new(MISSES_PER_MINUTE)) }, before))
}

async fn before(State(door): State<LinkDoor>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let asks = if path == TOKEN_PATH { Some(Asks::Tokens) } else { path.strip_prefix('/').filter(|code| code::read(code).is_some()).map(|code| Asks::Link(code.to_owned())) };
    let Some(asks) = asks else { return after(&door, request, next).await };
    let Some(host) = host_of(&request) else { return next.run(request).await };
    let opener = Opener::of(&request);
    let answered = match &asks {
        Asks::Tokens => door.tokens(&host).await,
        Asks::Link(code) => door.link(&host, code, &opener).await,
    };
    match answered {
        Ok(Some(response)) => response,
        Ok(None) => next.run(request).await,
        Err(error) => {
            tracing::error!(%error, "a short link could not be looked up");
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, WAIT_SECONDS)]).into_response()
        }
    }
}

/// What counts of a request.
struct Opener {
    method: Method,
    from: Option<IpAddr>,
    looks_ahead: bool,
}

impl Opener {
    fn of(request: &Request) -> Self {
        let looks_ahead = opener::looks_ahead(|name| word(request.headers(), name));
        Self { method: request.method().clone(), from: address(request), looks_ahead }
    }
}

enum Asks {
    Tokens,
    Link(String),
}

/// What looks like a mistyped code, and is nothing of the portal's, gets the page of the name's owner.
async fn after(door: &LinkDoor, request: Request, next: Next) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let odd = request.method() == Method::GET && (1..=ODD_CODE_CHARS_MAX).contains(&path.len()) && path.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let host = if odd { host_of(&request) } else { None };
    let from = address(&request);
    let response = next.run(request).await;
    let Some(host) = host.filter(|_| response.status() == StatusCode::NOT_FOUND) else { return response };
    match door.store.link_host(&host).await {
        Ok(Some(owner)) => door.missed(&owner, from),
        _ => response,
    }
}

fn host_of(request: &Request) -> Option<String> {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    named.and_then(host::named)
}

fn address(request: &Request) -> Option<IpAddr> {
    CameFrom::of(request.extensions(), request.headers()).address
}

impl LinkDoor {
    async fn tokens(&self, host: &str) -> Result<Option<Response>, StoreError> {
        let tokens = self.store.link_tokens(host).await?;
        let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
        Ok((!tokens.is_empty()).then(|| (plain, tokens.join("\n")).into_response()))
    }

    async fn link(&self, host: &str, code: &str, opener: &Opener) -> Result<Option<Response>, StoreError> {
        let Some(owner) = self.store.link_host(host).await? else { return Ok(None) };
        let (now, from) = ((self.clock)(), opener.from);
        if opener.method != Method::GET && opener.method != Method::HEAD {
            return Ok(Some((StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response()));
        }
        if from.is_some_and(|from| self.misses.wait_seconds(&counted(from), now).is_some()) {
            return Ok(Some(wait(&owner)));
        }
        if code::read(code).as_deref() == Some(code::SAMPLE_CODE) {
            let text = html! { p { "This link is from a test message. In the campaign each person has a link of their own in its place." } };
            return Ok(Some(page(StatusCode::OK, &owner, "This is a test", &text)));
        }
        let tenant = self.store.tenant(owner.tenant, Actor::System).await?;
        let counts = opener.method == Method::GET && !opener.looks_ahead;
        match tenant.follow_link(code, counts, now).await? {
            Some(target) => Ok(Some(leads_to(&target, &owner))),
            None => Ok(Some(self.missed(&owner, from))),
        }
    }

    fn missed(&self, owner: &LinkHost, from: Option<IpAddr>) -> Response {
        let standing = from.and_then(|from| self.misses.take(counted(from), (self.clock)()));
        if standing.is_some_and(|standing| standing.wait_seconds.is_some()) {
            return wait(owner);
        }
        let text = html! { p { "It was only good for a while, or it was cut off on its way. Check that it is whole, or ask " (owner.name) " for what you need." } };
        page(StatusCode::NOT_FOUND, owner, "This link leads nowhere any more", &text)
    }
}

fn word<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Found (302), kept by nobody, and without a word to the target of where somebody came from.
fn leads_to(target: &str, owner: &LinkHost) -> Response {
    // As browsers write it: a header holds plain letters alone.
    let location = url::Url::parse(target).ok().and_then(|url| HeaderValue::from_str(url.as_str()).ok());
    let Some(location) = location else { return page(StatusCode::NOT_FOUND, owner, "This link leads nowhere any more", &html! {}) };
    private((StatusCode::FOUND, [(header::LOCATION, location)]).into_response())
}

fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, PLAIN_POLICY),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn wait(owner: &LinkHost) -> Response {
    let text = html! { p { "Too many links were asked for from your network that lead nowhere. Try again in a minute." } };
    let mut response = page(StatusCode::TOO_MANY_REQUESTS, owner, "Try again in a minute", &text);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(WAIT_SECONDS));
    response
}

/// A page of the organisation's, as plain as can be: who sent the link, and nothing of whom it was sent to.
fn page(status: StatusCode, owner: &LinkHost, title: &str, text: &Markup) -> Response {
    let content = html! {
        main #main {
            p.soft { (owner.name) }
            h1 { (title) }
            (text)
            @if !owner.contact_details.is_empty() { p.lines { (owner.contact_details) } }
        }
    };
    private((status, plain_document(&format!("{title} – {}", owner.name), "door", &content)).into_response())
}
