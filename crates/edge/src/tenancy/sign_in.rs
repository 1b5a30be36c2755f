//! Signing in and out. Unknown names, wrong passwords and locked accounts get the same answer after the same time.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::UserId;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;
use clarion_store::Tenant;
use clarion_store::tenancy::{HALF_SIGN_IN_MS, SignInRecord, USERNAME_LENGTH_CHARS_MAX};
use maud::{Markup, html};

use super::came_from::CameFrom;
use super::guard::{Session, cookie_name, half_cookie_name, session};
use super::{passkey, password};
use super::recorder::{Doer, other_site};
use crate::config::Cookies;
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, summary};
use crate::page::icon::mark;
use crate::page::layout::document;
use crate::page::menu::first_page;
use crate::page::said::said;
use crate::portal::Portal;

const REFUSED: &str = "That username and password do not match, or the account is locked. Ten wrong passwords or codes lock an account for 15 minutes.";
/// Set where some organisation signs in by its own provider: the form then leads there too.
pub const BY_PROVIDER: &str = "sso";
pub const COOKIE_SECONDS: i64 = clarion_store::tenancy::ABSOLUTE_MS / 1000;

pub async fn page(State(portal): State<Portal>, headers: HeaderMap, asked: Asked) -> Result<Response, Fault> {
    if let Some(session) = session(&portal, &headers).await? {
        return Ok(Redirect::to(first_page(session.user.role)).into_response());
    }
    let from = other_site(&headers).unwrap_or_default();
    let by_provider = if portal.store.has_any_provider().await? { "yes" } else { "" };
    Ok(form(&asked.0.clone().with("from", from).with(BY_PROVIDER, by_provider), &Problems::new(), said(&asked)))
}

pub fn form(fields: &Fields, problems: &Problems, said: Option<&str>) -> Response {
    let fill = Fill { fields, problems };
    let wrong = !problems.is_empty();
    let body: Markup = html! {
        main #main {
            div.brand { (mark()) "Clarion" }
            h1 { "Sign in" }
            (summary(problems))
            @if let Some(said) = said { div.notice.good role="status" { p { (said) } } }
            form.form method="post" action="/sign-in" {
                input type="hidden" name="next" value=(fields.get("next"));
                @if fields.is_set("from") { input type="hidden" name="from" value=(fields.get("from")); }
                @if fields.is_set(BY_PROVIDER) { input type="hidden" name=(BY_PROVIDER) value="yes"; }
                (Input::new("username", "Username").autocomplete("username").show(fill))
                (Input::new("password", "Password").kind("password").autocomplete("current-password").show(fill))
                button.button type="submit" { "Sign in" }
            }
            (passkey::sign_in_form(fields))
            @if fields.is_set(BY_PROVIDER) { p { a href="/sign-in/sso" { "Single sign-on" } } }
            p.small.soft { "Forgotten your password? An owner of your organisation can set a new one." }
        }
    };
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    (status, document(if wrong { "Error: Sign in – Clarion" } else { "Sign in – Clarion" }, "door", &body)).into_response()
}

pub async fn submit(State(portal): State<Portal>, from: CameFrom, fields: Fields) -> Result<Response, Fault> {
    let mut problems = Problems::new();
    problems.need(&fields, "username", "Enter your username");
    if fields.raw("password").is_empty() {
        problems.add("password", "Enter your password");
    }
    if !problems.is_empty() {
        return Ok(form(&fields, &problems, None));
    }
    let now = (portal.config.clock)();
    let username = fields.get("username");
    if username.chars().count() > USERNAME_LENGTH_CHARS_MAX {
        return Ok(form(&fields, &Problems::one("username", REFUSED), None));
    }
    let address = from.network();
    tokio::time::sleep(portal.tries.delay(username, now).max(portal.tries.delay(&address, now))).await;
    let compared = portal.store.sign_in_record(username).await?.map(|user| user.password_hash);
    let matches = password::verify(fields.raw("password"), compared.as_deref(), &address).await?;
    // Read again: others may have guessed, or the password been changed, while this one waited.
    let known = portal.store.sign_in_record(username).await?;
    match known {
        Some(user) if matches && compared.as_ref() == Some(&user.password_hash) && user.active && user.locked_until <= now => open(&portal, &user, fields.get("next"), username, &from.by_way_of(fields.get("from")), now).await,
        known => {
            refuse(&portal, known, [username, &address], now).await?;
            Ok(form(&fields, &Problems::one("username", REFUSED), None))
        }
    }
}

/// The password was right: in, or on to the code.
async fn open(portal: &Portal, user: &SignInRecord, next: &str, username: &str, from: &CameFrom, now: Instant) -> Result<Response, Fault> {
    let tenant = portal.store.tenant(user.tenant_id, Actor::User(user.id)).await?;
    let to = if is_own_path(next) { next } else { "/" };
    if user.has_second_factor {
        let (token, cookies) = (tenant.begin_half_sign_in(user.id, now).await?, portal.config.cookies);
        let site = from.site.as_ref().map(|site| format!("&from={site}")).unwrap_or_default();
        return Ok(with_cookie(Redirect::to(&format!("/sign-in/code?next={to}{site}")).into_response(), cookies, half_cookie_name(cookies), &token, HALF_SIGN_IN_MS / 1000));
    }
    let_in(portal, &tenant, user.id, username, from, to, now).await
}

pub async fn let_in(portal: &Portal, tenant: &Tenant, user: UserId, username: &str, from: &CameFrom, to: &str, now: Instant) -> Result<Response, Fault> {
    if let Some(organisation) = portal.store.needs_provider(user).await? {
        let text = format!("Your organisation signs in by single sign-on alone: choose it below and enter {organisation}.");
        return Ok(form(&Fields::new().with(BY_PROVIDER, "yes"), &Problems::one("username", text), None));
    }
    portal.tries.succeeded(username);
    let (token, cookies) = (tenant.open_session_from(user, from.sign_in(), now).await?, portal.config.cookies);
    if let Some(opened) = portal.store.session_user(&token, now).await? {
        portal.recorder.came_in(Doer { tenant: opened.tenant_id, actor: Actor::User(user), session: opened.session, now }, from);
    }
    Ok(with_cookie(Redirect::to(to).into_response(), cookies, cookie_name(cookies), &token, COOKIE_SECONDS))
}

async fn refuse(portal: &Portal, known: Option<SignInRecord>, slowed: [&str; 2], now: Instant) -> Result<(), Fault> {
    for name in slowed.into_iter().filter(|name| !name.is_empty()) {
        portal.tries.failed(name, now);
    }
    match known {
        Some(user) if user.active && user.locked_until <= now => {
            let tenant = portal.store.tenant(user.tenant_id, Actor::User(user.id)).await?;
            tenant.record_wrong_password(user.id, now).await?;
        }
        _ => tracing::warn!("a sign-in was refused: unknown, locked or deactivated account"),
    }
    Ok(())
}

pub async fn sign_out(State(portal): State<Portal>, session: Session) -> Result<Response, Fault> {
    session.tenant.close_session(session.user.user_id, &session.token, session.now).await?;
    let to = if session.user.by_provider { format!("/sign-in/sso/{}/signed-out", session.record.slug) } else { "/sign-in?said=signed-out".to_owned() };
    Ok(with_cookie(Redirect::to(&to).into_response(), portal.config.cookies, cookie_name(portal.config.cookies), "", 0))
}

pub fn with_cookie(mut response: Response, cookies: Cookies, name: &str, token: &str, seconds: i64) -> Response {
    let secure = if cookies == Cookies::Secure { "; Secure" } else { "" };
    let cookie = format!("{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// A path of this portal: never another site's address.
pub fn is_own_path(path: &str) -> bool {
    // A browser leaves out a tab or a line's end, and what follows may then be another site.
    path.starts_with('/') && !path.starts_with("//") && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_back_only_to_its_own_pages() {
        assert!(is_own_path("/campaigns/cam_1"));
        assert!(!["", "//evil.example", "/\\evil.example", "/\t/evil.example", "/\n/evil.example", "https://evil.example"].into_iter().any(is_own_path));
    }
}
