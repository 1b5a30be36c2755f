//! Passkeys: made and removed under one's own account, and signed in with. One stands for both factors, for its device checks who uses it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::PasskeyId;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;
use clarion_store::tenancy::{KnownPasskey, NewPasskey, PasskeyRecord};
use clarion_store::{StoreError, Tenant};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::came_from::CameFrom;
use super::guard::{Session, half_cookie_name};
use super::second_factor::{PATH, knows_password, show, show_codes};
use super::sign_in::{form, is_own_path, let_in, with_cookie};
use super::webauthn::{ALGORITHMS, PasskeyError, Signed, registered, relying_party, text};
use crate::config::Cookies;
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Fields, Problems};
use crate::page::form::{Fill, Input};
use crate::page::when;
use crate::portal::Portal;

const REFUSED: &str = "That passkey is not known here, or its answer came too late or twice. Try again, or sign in with your password.";

/// The address that the browser shows, as it says itself with every act; the cross-site check has compared it with ours.
fn origin<'a>(portal: &Portal, headers: &'a HeaderMap) -> Option<&'a str> {
    let origin = headers.get(header::ORIGIN)?.to_str().ok()?;
    let safe = portal.config.cookies == Cookies::PlainLoopback || origin.starts_with("https://");
    safe.then_some(origin)
}

/// What the device is asked: something to sign, for this site.
async fn challenge(portal: &Portal, headers: &HeaderMap, session: Option<&Session>) -> Result<Response, Fault> {
    let Some(host) = origin(portal, headers).and_then(relying_party) else {
        let problem = "Passkeys are bound to a name: open the portal by its name (such as localhost), not by a number.";
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "problem": problem }))).into_response());
    };
    let now = (portal.config.clock)();
    let fresh = portal.store.new_passkey_challenge(session.map(|session| session.user.user_id), now).await?;
    let mut asked = json!({ "challenge": text(&fresh), "host": host, "algorithms": ALGORITHMS, "known": [] });
    if let Some(session) = session {
        let user = &session.user;
        let known = session.tenant.passkey_credentials(user.user_id).await?;
        asked["known"] = known.iter().map(|id| Value::String(text(id))).collect();
        asked["user"] = json!({ "id": text(&user.user_id.0.to_be_bytes()), "name": user.username, "shown": user.display_name });
    }
    Ok(Json(asked).into_response())
}

pub async fn challenge_to_make(State(portal): State<Portal>, session: Session, headers: HeaderMap) -> Result<Response, Fault> {
    challenge(&portal, &headers, Some(&session)).await
}

pub async fn challenge_to_sign_in(State(portal): State<Portal>, headers: HeaderMap) -> Result<Response, Fault> {
    challenge(&portal, &headers, None).await
}

/// The form that signs in with one; the script shows it where the browser can.
pub fn sign_in_form(fields: &Fields) -> Markup {
    html! {
        form.form method="post" action="/sign-in/passkey" data-passkey="sign" hidden {
            input type="hidden" name="next" value=(fields.get("next"));
            @if fields.is_set("from") { input type="hidden" name="from" value=(fields.get("from")); }
            input type="hidden" name="answer";
            button.button.quiet type="submit" { "Sign in with a passkey" }
            p.small role="status" data-said { }
        }
    }
}

/// The cards on the page of the second factor.
pub async fn cards(session: &Session, fill: Fill<'_>) -> Result<Markup, Fault> {
    let keys = session.tenant.passkeys(session.user.user_id).await?;
    Ok(html! {
        section.card.flush #passkeys {
            header { h2 { "Passkeys" } }
            @if keys.is_empty() {
                p.soft.more { "A passkey signs you in by itself: your device checks that it is you, and nothing can be typed into a false page." }
            } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "Passkey" } th scope="col" { "Last used" } th scope="col" { span.unseen { "Remove it" } } } }
                    tbody { @for key in &keys { (row(session, key)) } }
                } }
            }
        }
        form.card.form method="post" action="/account/passkeys" data-passkey="make" hidden {
            header { h2 { "Add a passkey" } }
            input type="hidden" name="answer";
            (Input::new("name", "Name").hint("After the device, for instance: work laptop.").show(fill))
            (Input::new("passkey-password", "Current password").kind("password").autocomplete("current-password").show(fill))
            div { button.button type="submit" { "Add it" } }
            p.small role="status" data-said { }
        }
    })
}

fn row(session: &Session, key: &PasskeyRecord) -> Markup {
    let password = format!("remove-{}", key.id);
    html! { tr {
        th scope="row" { (key.name) div.small.soft { "made " (when::time(key.created_at, &session.zone)) " at " (key.origin) } }
        td data-label="Last used" { @match key.used_at { Some(at) => (when::time(at, &session.zone)), None => span.soft { "Never" } } }
        td { details.confirm { summary.button.danger { "Remove…" } form.form method="post" action={ "/account/passkeys/" (key.id) "/remove" } {
            div.field { label for=(password) { "Current password" } input #(password) type="password" name="passkey-password" autocomplete="current-password"; }
            div { button.button.danger type="submit" { "Yes, remove it" } }
        } } }
    } }
}

pub async fn make(State(portal): State<Portal>, session: Session, headers: HeaderMap, fields: Fields) -> Result<Response, Fault> {
    let user = session.user.user_id;
    let wrong = async |field: &str, text: String| show(&session, &fields, &Problems::one(field, text), None).await;
    if !knows_password(&portal, &session, fields.raw("passkey-password")).await? {
        return wrong("passkey-password", "This is not your current password".into()).await;
    }
    let made = match origin(&portal, &headers).ok_or(PasskeyError::OtherOrigin).and_then(|origin| registered(fields.raw("answer"), origin).map(|made| (origin, made))) {
        Ok(made) => made,
        Err(error) => return wrong("name", format!("The passkey was not kept: {error}")).await,
    };
    let (origin, made) = made;
    if !portal.store.use_passkey_challenge(&made.challenge, Some(user), session.now).await? {
        return wrong("name", "The passkey was not kept: the device answered too late, or twice. Try again".into()).await;
    }
    let new = NewPasskey { credential_id: &made.credential_id, public_key: &made.public_key, origin, counter: made.counter, name: fields.get("name") };
    match session.tenant.add_passkey(user, &new, session.now).await {
        Ok((_, codes)) => {
            session.tenant.end_sessions(user, Some(session.user.session), session.now).await?;
            Ok(if codes.is_empty() { Redirect::to(&format!("{PATH}?said=passkey-added")).into_response() } else { show_codes(&session, &codes) })
        }
        Err(StoreError::Conflict(text)) => wrong("name", capitalised(&text)).await,
        Err(StoreError::Faults(faults)) => wrong("name", faults.first().map(|fault| capitalised(&fault.message)).unwrap_or_default()).await,
        Err(error) => Err(error.into()),
    }
}

pub async fn remove(State(portal): State<Portal>, session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let id: PasskeyId = id.parse().map_err(|_| Fault::NotFound("passkey"))?;
    if !knows_password(&portal, &session, fields.raw("passkey-password")).await? {
        return show(&session, &Fields::new(), &Problems::one("passkey-password", "This is not your current password"), None).await;
    }
    session.tenant.remove_passkey(session.user.user_id, id, false, session.now).await?;
    Ok(Redirect::to(&format!("{PATH}?said=passkey-removed")).into_response())
}

/// The first refusals of a quarter of an hour stand in the audit, every one in the log: so nobody can fill the audit.
async fn write_down(portal: &Portal, tenant: &Tenant, key: &KnownPasskey, now: Instant) -> Result<(), Fault> {
    tracing::warn!(passkey = %key.id, "a passkey was refused: its answer was wrong, too late, or given before");
    let name = format!("passkey {}", key.id);
    let is_told = portal.tries.delay(&name, now).is_zero();
    portal.tries.failed(&name, now);
    if is_told {
        tenant.refuse_passkey(key.user, "a passkey's answer was wrong, too late, or given before", now).await?;
    }
    Ok(())
}

/// Signs in: an answer to a challenge of ours that was not used yet, by a key that is known, at the site where it was made.
pub async fn sign_in(State(portal): State<Portal>, headers: HeaderMap, from: CameFrom, fields: Fields) -> Result<Response, Fault> {
    let now = (portal.config.clock)();
    let refused = || form(&Fields::new().with("next", fields.get("next")).with("from", fields.get("from")), &Problems::one("username", REFUSED), None);
    let Ok(signed) = Signed::read(fields.raw("answer")) else { return Ok(refused()) };
    let Some(key) = portal.store.passkey_by_credential(&signed.credential_id).await? else {
        tracing::warn!("a passkey was refused: it is not known here");
        return Ok(refused());
    };
    let tenant = portal.store.tenant(key.tenant, Actor::User(key.user)).await?;
    let checked = signed.check(&key.public_key, &key.origin).ok().filter(|_| origin(&portal, &headers) == Some(key.origin.as_str()));
    let counter = match checked {
        Some((challenge, counter)) if portal.store.use_passkey_challenge(&challenge, None, now).await? => counter,
        _ => {
            write_down(&portal, &tenant, &key, now).await?;
            return Ok(refused());
        }
    };
    if !tenant.use_passkey(key.id, counter, now).await? {
        // Its signature was right: no stranger can fill the audit with this.
        tracing::warn!(passkey = %key.id, "a passkey was refused: its counter went back");
        tenant.refuse_passkey(key.user, "a passkey's counter went back: it may have been copied", now).await?;
        return Ok(refused());
    }
    let username = tenant.user(key.user).await?.username;
    let to = if is_own_path(fields.get("next")) { fields.get("next") } else { "/" };
    let response = let_in(&portal, &tenant, key.user, &username, &from.by_way_of(fields.get("from")), to, now).await?;
    Ok(with_cookie(response, portal.config.cookies, half_cookie_name(portal.config.cookies), "", 0))
}
