//! Single sign-on: to the organisation's identity provider and back, by the code flow with PKCE. What belongs to one sign-in is random and
//! stands in a cookie of the browser that began it: nothing is kept here, and nobody else's answer fits.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::MINUTE_MS;
use clarion_store::Tenant;
use clarion_store::seal::random_bytes;
use clarion_store::tenancy::{Provided, ProvidedPerson, SingleSignOn};
use maud::html;

use super::came_from::CameFrom;
use super::guard::{cookie, cookie_name};
use super::provider::{Attempt, ProviderFault, code_challenge, escaped};
use super::recorder::Doer;
use super::sign_in::{BY_PROVIDER, COOKIE_SECONDS, form, is_own_path, with_cookie};
use super::webauthn::text;
use crate::config::Cookies;
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, summary};
use crate::page::icon::mark;
use crate::page::layout::document;
use crate::portal::Portal;

const ROOT: &str = "/sign-in/sso";
const ATTEMPT_MS: i64 = 10 * MINUTE_MS;

fn attempt_cookie(cookies: Cookies) -> &'static str {
    match cookies {
        Cookies::Secure => "__Host-clarion-sso",
        Cookies::PlainLoopback => "clarion-sso",
    }
}

/// The address of this portal as the browser knows it; the provider takes only one that was registered there.
pub fn own_address(portal: &Portal, headers: &HeaderMap) -> String {
    if let Some(address) = &portal.config.public_url {
        return address.trim_end_matches('/').to_owned();
    }
    let scheme = if portal.config.cookies == Cookies::Secure { "https" } else { "http" };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    format!("{scheme}://{host}")
}

/// Where a tenant's provider leads back to. Each tenant has its own, and a provider takes only what was registered there: so one tenant's
/// provider cannot have an answer of another's redeemed as its own.
pub fn callback(portal: &Portal, headers: &HeaderMap, slug: &str) -> String {
    format!("{}{ROOT}/{slug}/callback", own_address(portal, headers))
}

fn refused(why: &str) -> Response {
    form(&Fields::new().with(BY_PROVIDER, "yes"), &Problems::one("username", format!("Single sign-on did not work: {why}")), None)
}

/// Asks which organisation, and leads on: by a link, for a form may lead to this site alone.
pub async fn page(State(portal): State<Portal>, asked: Asked) -> Result<Response, Fault> {
    let typed = asked.0.get("organisation").to_lowercase();
    let known = if typed.is_empty() { None } else { portal.store.tenant_with_provider(&typed).await? };
    let problems = if typed.is_empty() || known.is_some() { Problems::new() } else { Problems::one("organisation", "There is no organisation of that short name with single sign-on: ask an owner of yours how it is called here") };
    let fill = Fill { fields: &asked.0, problems: &problems };
    let body = html! {
        main #main {
            div.brand { (mark()) "Clarion" }
            h1 { "Single sign-on" }
            (summary(&problems))
            @if known.is_some() {
                p { a.button href={ (ROOT) "/" (escaped(&typed)) } { "Go on to your organisation’s sign-in" } }
            }
            form.form method="get" action=(ROOT) {
                (Input::new("organisation", "Your organisation’s short name").autocomplete("organization").show(fill))
                button.button.quiet type="submit" { "Find it" }
            }
            p.small { a href="/sign-in" { "Sign in with a password" } }
        }
    };
    let wrong = !problems.is_empty();
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, document(if wrong { "Error: Single sign-on – Clarion" } else { "Single sign-on – Clarion" }, "door", &body)).into_response())
}

async fn find(portal: &Portal, slug: &str) -> Result<(Tenant, SingleSignOn), Fault> {
    let id = portal.store.tenant_with_provider(slug).await?.ok_or(Fault::NotFound("page"))?;
    let tenant = portal.store.tenant(id, Actor::System).await?;
    let settings = tenant.single_sign_on().await?.ok_or(Fault::NotFound("page"))?;
    Ok((tenant, settings))
}

/// Leads to the provider.
pub async fn begin(State(portal): State<Portal>, Path(slug): Path<String>, headers: HeaderMap, asked: Asked) -> Result<Response, Fault> {
    let slug = slug.trim().to_lowercase();
    let (_, settings) = find(&portal, &slug).await?;
    let discovery = match portal.providers.discovery(&portal.config, &settings.issuer, (portal.config.clock)()).await {
        Ok(discovery) => discovery,
        Err(fault) => return Ok(told(&fault)),
    };
    let fresh = || random_bytes::<32>().map(|bytes| text(&bytes)).map_err(|error| Fault::Store(error.into()));
    let (state, nonce, verifier) = (fresh()?, fresh()?, fresh()?);
    let next = asked.0.get("next");
    let next = if is_own_path(next) { next } else { "/" };
    let query = [
        ("response_type", "code"),
        ("client_id", &settings.client_id),
        ("redirect_uri", &callback(&portal, &headers, &slug)),
        ("scope", "openid email profile"),
        ("state", &state),
        ("nonce", &nonce),
        ("code_challenge", &code_challenge(&verifier)),
        ("code_challenge_method", "S256"),
    ];
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    let joint = if discovery.authorization_endpoint.contains('?') { '&' } else { '?' };
    let to = format!("{}{joint}{}", discovery.authorization_endpoint, query.join("&"));
    let kept = [slug.as_str(), &state, &nonce, &verifier, &text(next.as_bytes())].join(".");
    let cookies = portal.config.cookies;
    Ok(with_cookie(Redirect::to(&to).into_response(), cookies, attempt_cookie(cookies), &kept, ATTEMPT_MS / 1000))
}

fn told(fault: &ProviderFault) -> Response {
    tracing::warn!(%fault, "a single sign-on did not work");
    refused(&fault.to_string())
}

/// The provider's answer. It is believed by the browser that began, once, at the address of the organisation where it began.
pub async fn answer(State(portal): State<Portal>, Path(slug): Path<String>, headers: HeaderMap, from: CameFrom, asked: Asked) -> Result<Response, Fault> {
    let cookies = portal.config.cookies;
    let response = answered(&portal, &headers, &from, &slug, &asked.0).await?;
    Ok(with_cookie(response, cookies, attempt_cookie(cookies), "", 0))
}

async fn answered(portal: &Portal, headers: &HeaderMap, from: &CameFrom, place: &str, said: &Fields) -> Result<Response, Fault> {
    let now = (portal.config.clock)();
    let kept: Vec<&str> = cookie(headers, attempt_cookie(portal.config.cookies)).unwrap_or_default().split('.').collect();
    let [slug, state, nonce, verifier, next] = kept[..] else { return Ok(refused("it was not begun in this browser, or took too long. Begin again")) };
    if state.is_empty() || said.get("state") != state || place != slug {
        return Ok(refused("the answer belongs to another sign-in. Begin again"));
    }
    if !said.is_set("code") {
        return Ok(refused("your organisation’s sign-in did not let you in"));
    }
    let (tenant, settings) = find(portal, slug).await?;
    // From here on each answer costs the provider a request.
    let network = from.network();
    if let Some(seconds) = portal.refused_answers.wait_seconds(&network, now) {
        return Ok(refused(&format!("too many answers from your network were refused. Begin again in {seconds} s")));
    }
    let discovery = match portal.providers.discovery(&portal.config, &settings.issuer, now).await {
        Ok(discovery) => discovery,
        Err(fault) => {
            portal.refused_answers.take(network, now);
            return Ok(self::told(&fault));
        }
    };
    if !discovery.is_author(Some(said.get("iss")).filter(|iss| !iss.is_empty())) {
        return Ok(refused("the answer is another provider's. Begin again"));
    }
    let secret = tenant.provider_secret().await?;
    let secret = secret.as_ref().and_then(|secret| std::str::from_utf8(secret).ok());
    let redirect = callback(portal, headers, slug);
    let attempt = Attempt { nonce, verifier, redirect: &redirect };
    let told = match portal.providers.redeem(&portal.config, &settings, secret, said.get("code"), &attempt, now).await {
        Ok(told) => told,
        Err(fault) => {
            portal.refused_answers.take(network, now);
            return Ok(self::told(&fault));
        }
    };
    let person = ProvidedPerson { issuer: &settings.issuer, subject: &told.subject, email: told.email.as_deref(), values: &told.values };
    let user = match tenant.provided_user(&person, now).await? {
        Provided::User(user) => user,
        Provided::Stranger => return Ok(refused("nobody here is known as you. Ask an owner to invite you with the e-mail address that your organisation has verified")),
        Provided::NoRole => return Ok(refused("no group of yours at your organisation's sign-in gives a role here. Ask whoever looks after it to put you into one that does")),
    };
    let own = portal.store.tenant(tenant.id(), Actor::User(user)).await?;
    let token = own.open_provided_session(user, from.sign_in(), now).await?;
    if let Some(opened) = portal.store.session_user(&token, now).await? {
        portal.recorder.came_in(Doer { tenant: opened.tenant_id, actor: Actor::User(user), session: opened.session, now }, from);
    }
    let next = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, next).ok().and_then(|raw| String::from_utf8(raw).ok());
    let to = next.filter(|next| is_own_path(next)).unwrap_or_else(|| "/".into());
    Ok(with_cookie(Redirect::to(&to).into_response(), portal.config.cookies, cookie_name(portal.config.cookies), &token, COOKIE_SECONDS))
}

/// Signed out here; and, if one likes, at the provider.
pub async fn signed_out(State(portal): State<Portal>, Path(slug): Path<String>, headers: HeaderMap) -> Result<Response, Fault> {
    let (_, settings) = find(&portal, &slug).await?;
    let discovery = portal.providers.discovery(&portal.config, &settings.issuer, (portal.config.clock)()).await.ok();
    let end = discovery.and_then(|found| found.end_session_endpoint);
    let back = format!("{}/sign-in", own_address(&portal, &headers));
    let body = html! {
        main #main {
            div.brand { (mark()) "Clarion" }
            h1 { "You are signed out" }
            @if let Some(end) = end {
                p { "Here, not yet at your organisation’s sign-in: whoever uses this browser next could come in again." }
                p { a.button href={ (end) (if end.contains('?') { "&" } else { "?" }) "client_id=" (escaped(&settings.client_id)) "&post_logout_redirect_uri=" (escaped(&back)) } { "Sign out there too" } }
            }
            p.small { a href={ (ROOT) "/" (escaped(&slug)) } { "Sign in again" } }
        }
    };
    Ok(document("Signed out – Clarion", "door", &body).into_response())
}
