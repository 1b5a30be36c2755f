//! The second factor, under one's own account: set up with a square and a first code, its recovery codes, and its end.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::UserId;
use clarion_domain::time::Instant;
use clarion_store::Tenant;
use clarion_store::tenancy::SecondFactor;
use maud::{Markup, html};

use super::guard::Session;
use super::{passkey, password, totp};
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input};
use crate::page::layout::Page;
use crate::page::said::said;
use crate::page::square::square;
use crate::page::when;
use crate::portal::Portal;

const TITLE: &str = "Second factor";
pub const PATH: &str = "/account/second-factor";

/// Whether what was typed is this user's code of now, or one of their recovery codes. Either is good once.
pub async fn accepts(tenant: &Tenant, user: UserId, typed: &str, now: Instant) -> Result<bool, Fault> {
    let plain: String = typed.chars().filter(|letter| !letter.is_whitespace()).collect();
    if plain.len() > totp::DIGITS as usize {
        return Ok(tenant.use_recovery_code(user, &plain, now).await?);
    }
    let Some(kept) = tenant.second_factor(user).await?.filter(|kept| kept.since.is_some()) else { return Ok(false) };
    match totp::step_of(&kept.secret, &plain, now) {
        Some(step) => Ok(tenant.use_totp_step(user, step, now).await?),
        None => Ok(false),
    }
}

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    show(&session, &Fields::new(), &Problems::new(), said(&asked)).await
}

pub async fn show(session: &Session, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let kept = session.tenant.offer_second_factor(session.user.user_id).await?;
    let fill = Fill { fields, problems };
    let body = match kept.since {
        Some(since) => is_on(session, &kept, since, fill),
        None => set_up(session, &kept, fill),
    };
    let body = html! { (body) (passkey::cards(session, fill).await?) };
    let lead = html! { p { "A code from an application on your phone beside your password, or a passkey in the place of both: a stolen password alone then opens nothing." } };
    Ok(Page::apart(TITLE).under("/account", "Your account").lead(lead).said(said).problems(problems).show(session, &body))
}

fn set_up(session: &Session, kept: &SecondFactor, fill: Fill) -> Markup {
    let address = totp::address(&kept.secret, &session.record.name, &session.user.username);
    let key = totp::base32(&kept.secret);
    let parts: Vec<&str> = key.as_bytes().chunks(4).filter_map(|part| std::str::from_utf8(part).ok()).collect();
    html! {
        @if session.record.needs_second_factor && !session.user.has_second_factor { div.notice.warn role="status" { p { "Your organisation asks for it: set it up to go on." } } }
        div.columns {
            section.card {
                header { h2 { "1. Add Clarion to your application" } }
                p { "Any that makes time-based codes will do. Let it read this square:" }
                (square(&address, "The key as a square for your application to read"))
                p { "Or type the key:" }
                p.secret { code { (parts.join(" ")) } }
            }
            form.card.form method="post" action=(PATH) {
                header { h2 { "2. Enter its first code" } }
                (Input::new("code", "Code").hint("Six digits; a new one every half minute.").kind("number").class("short").autocomplete("one-time-code").show(fill))
                div.actions { button.button type="submit" { "Turn it on" } a href="/account" { "Not now" } }
            }
        }
    }
}

fn is_on(session: &Session, kept: &SecondFactor, since: Instant, fill: Fill) -> Markup {
    let password = |name| Input::new(name, "Current password").kind("password").autocomplete("current-password").show(fill);
    html! {
        div.columns {
            form.card.form method="post" action={ (PATH) "/codes" } {
                header { h2 { "Recovery codes" } }
                p { "On since " (when::time(since, &session.zone)) ". " strong { (kept.recovery_codes_left) " of 10" } " recovery codes are left; each lets you in once without your phone." }
                (password("password"))
                div { button.button.quiet type="submit" { "Make ten new ones" } }
            }
            form.card.form method="post" action={ (PATH) "/off" } {
                header { h2 { "Turn it off" } }
                @if session.record.needs_second_factor {
                    p.soft { "Your organisation asks for it. You can turn it off to set it up on another phone, and are asked to at once." }
                } @else {
                    p.soft { "Your password alone then opens your account." }
                }
                (password("off-password"))
                div { button.button.danger type="submit" { "Turn it off" } }
            }
        }
    }
}

/// Answers the POST itself: the codes have no address to come back to.
pub fn show_codes(session: &Session, codes: &[String]) -> Response {
    let body = html! {
        section.card {
            header { h2 { "Keep these recovery codes now" } }
            p { "They are shown this once; only hashes of them are kept. Each lets you in once when your phone is not at hand. Print them, or keep them in a password manager." }
            ol.codes { @for code in codes { li { code { (code) } } } }
            div { a.button href="/account" { "I have kept them" } }
        }
    };
    Page::apart("Recovery codes").under(PATH, TITLE).show(session, &body)
}

/// The first code, which shows that the application has the key. Other sessions end: they began without one.
pub async fn confirm(session: Session, fields: Fields) -> Result<Response, Fault> {
    let (user, typed) = (session.user.user_id, fields.get("code").replace(' ', ""));
    let kept = session.tenant.offer_second_factor(user).await?;
    let Some(step) = totp::step_of(&kept.secret, &typed, session.now) else {
        let text = "This is not the code of now: check that your phone's clock is right, and enter the code that it shows";
        return show(&session, &Fields::new(), &Problems::one("code", text), None).await;
    };
    let codes = session.tenant.confirm_second_factor(user, step, session.now).await?;
    session.tenant.end_sessions(user, Some(session.user.session), session.now).await?;
    Ok(show_codes(&session, &codes))
}

pub async fn renew_codes(State(portal): State<Portal>, session: Session, fields: Fields) -> Result<Response, Fault> {
    if !knows_password(&portal, &session, fields.raw("password")).await? {
        return show(&session, &Fields::new(), &Problems::one("password", "This is not your current password"), None).await;
    }
    if !session.user.has_second_factor {
        return Ok(Redirect::to(PATH).into_response());
    }
    let codes = session.tenant.renew_recovery_codes(session.user.user_id, session.now).await?;
    Ok(show_codes(&session, &codes))
}

pub async fn turn_off(State(portal): State<Portal>, session: Session, fields: Fields) -> Result<Response, Fault> {
    if !knows_password(&portal, &session, fields.raw("off-password")).await? {
        return show(&session, &Fields::new(), &Problems::one("off-password", "This is not your current password"), None).await;
    }
    session.tenant.remove_second_factor(session.user.user_id, "second factor off", false, session.now).await?;
    Ok(Redirect::to("/account?said=factor-off").into_response())
}

/// A wrong password here counts toward the lock: an unattended browser is no place to guess at.
pub async fn knows_password(portal: &Portal, session: &Session, typed: &str) -> Result<bool, Fault> {
    let (username, now) = (session.user.username.as_str(), session.now);
    let known = portal.store.sign_in_record(username).await?;
    let right = password::verify(typed, known.as_ref().map(|user| user.password_hash.as_str()), username).await?;
    if !right {
        session.tenant.record_wrong_password(session.user.user_id, now).await?;
    }
    // Read again: others may have guessed while this one waited.
    Ok(right && portal.store.sign_in_record(username).await?.is_some_and(|user| user.locked_until <= now))
}
