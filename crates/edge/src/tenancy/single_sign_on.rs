//! The organisation's identity provider, as its owners set it.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::UserId;
use clarion_domain::tenancy::role::Role;
use clarion_store::StoreError;
use clarion_store::tenancy::{NewSingleSignOn, SingleSignOn};
use maud::html;

use super::guard::Session;
use super::sign_in_provider::{callback, own_address};
use super::team::tabs;
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, area, confirmed, select, tick};
use crate::page::layout::Page;
use crate::page::menu::TEAM;
use crate::page::said::said;
use crate::portal::Portal;

const PATH: &str = "/team/single-sign-on";

fn filled(settings: &SingleSignOn) -> Fields {
    let roles: Vec<String> = settings.roles.iter().map(|(value, role)| format!("{value} = {role}")).collect();
    let fields = Fields::new().with("issuer", &settings.issuer).with("client_id", &settings.client_id).with("role_claim", &settings.role_claim).with("roles", roles.join("\n"));
    let fields = fields.with("break_glass", settings.break_glass.map(|user| user.to_string()).unwrap_or_default());
    if settings.only_way { fields.with("only_way", "yes") } else { fields }
}

pub async fn page(State(portal): State<Portal>, session: Session, headers: HeaderMap, asked: Asked) -> Result<Response, Fault> {
    let fields = session.tenant.single_sign_on().await?.map_or_else(Fields::new, |settings| filled(&settings));
    show(&portal, &session, &headers, &fields, &Problems::new(), said(&asked)).await
}

async fn show(portal: &Portal, session: &Session, headers: &HeaderMap, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let held = session.tenant.single_sign_on().await?;
    let owners = session.tenant.users().await?.into_iter().filter(|user| user.role == Role::Owner && user.deactivated_at.is_none());
    let mut glass = vec![(String::new(), "Nobody".to_owned())];
    glass.extend(owners.map(|user| (user.id.to_string(), user.display_name)));
    let fill = Fill { fields, problems };
    let kept = held.as_ref().is_some_and(|held| held.has_secret);
    let start = format!("{}/sign-in/sso/{}", own_address(portal, headers), session.record.slug);
    let body = html! {
        (tabs("single-sign-on"))
        div.columns.wide-first {
            form.card.form method="post" action=(PATH) {
                header { h2 { "Identity provider" } }
                (Input::new("issuer", "Issuer").hint("Its address, as it calls itself, such as https://login.example.com/tenant.").kind("url").show(fill))
                (Input::new("client_id", "Client ID").show(fill))
                (Input::new("secret", "Client secret").hint(if kept { "One is kept, sealed. Leave this empty to keep it; another issuer needs its secret again." } else { "Leave it empty for a client without one." }).kind("password").autocomplete("off").show(fill))
                (Input::new("role_claim", "Claim that gives roles").hint("Such as groups. Empty: roles are given here.").class("medium").show(fill))
                (area("roles", "Which value gives which role", "One a line, such as: clarion-managers = manager. Owners are made here alone.", None, fill))
                (tick("only_way", "Nobody signs in by another way", "Passwords and passkeys are refused, but for the owner below, and whoever came in by one is signed out.", fill))
                (select("break_glass", "Who may sign in with a password all the same", "For the day on which the provider does not answer.", &glass, fill))
                div { button.button type="submit" { "Save" } }
            }
            div.stack {
                section.card {
                    header { h2 { "What the provider must know" } }
                    dl.facts { dt { "Redirect address" } dd.mono.breaks { (callback(portal, headers, &session.record.slug)) } dt { "After signing out" } dd.mono.breaks { (own_address(portal, headers)) "/sign-in" } }
                    p { "People begin at " a.breaks href=(start) { (start) } ". They are known by the e-mail address that is their username here, or that you invited, when the provider has verified it." }
                }
                @if held.is_some() { section.card { header { h2 { "Remove it" } } (confirmed("Remove…", "Everybody signs in with a password again. Whoever has none needs a new one from you.", "/team/single-sign-on/remove", "Yes, remove it")) } }
            }
        }
    };
    let lead = html! { p { "Your people sign in where they sign in to everything else (OpenID Connect)." } };
    Ok(Page::new(TEAM, "Single sign-on").lead(lead).said(said).problems(problems).show(session, &body))
}

/// `value = role`, a line each; the first line that does not read so.
fn roles(text: &str) -> Result<BTreeMap<String, Role>, String> {
    let mut roles = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let read = line.rsplit_once('=').and_then(|(value, role)| Some((value.trim().to_owned(), role.trim().parse::<Role>().ok()?)));
        let (value, role) = read.ok_or_else(|| "Write each line as: value = role, with one of manager, supervisor, agent, privacy_officer, viewer, auditor".to_owned())?;
        roles.insert(value, role);
    }
    Ok(roles)
}

pub async fn save(State(portal): State<Portal>, session: Session, headers: HeaderMap, fields: Fields) -> Result<Response, Fault> {
    let mut problems = Problems::new();
    let roles = roles(fields.raw("roles")).unwrap_or_else(|text| {
        problems.add("roles", text);
        BTreeMap::new()
    });
    if !problems.is_empty() {
        return show(&portal, &session, &headers, &fields, &problems, None).await;
    }
    let settings = SingleSignOn {
        issuer: fields.get("issuer").to_owned(),
        client_id: fields.get("client_id").to_owned(),
        has_secret: false,
        role_claim: fields.get("role_claim").to_owned(),
        roles,
        only_way: fields.has("only_way", "yes"),
        break_glass: fields.word::<UserId>("break_glass"),
    };
    let secret = Some(fields.raw("secret")).filter(|secret| !secret.is_empty());
    match session.tenant.set_single_sign_on(&NewSingleSignOn { settings: &settings, secret }, session.now).await {
        Ok(()) => Ok(Redirect::to("/team/single-sign-on?said=saved").into_response()),
        Err(StoreError::Faults(faults)) => {
            faults.iter().for_each(|fault| problems.add(fault.field, capitalised(&fault.message)));
            show(&portal, &session, &headers, &fields, &problems, None).await
        }
        Err(error) => Err(error.into()),
    }
}

pub async fn remove(session: Session) -> Result<Response, Fault> {
    session.tenant.remove_single_sign_on(session.now).await?;
    Ok(Redirect::to("/team/single-sign-on?said=removed").into_response())
}
