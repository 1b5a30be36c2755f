//! The name under which the tenant's short links stand.

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use clarion_store::links::{LinkDomain, TOKEN_PATH};
use maud::{Markup, html};

use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, button, confirmed, tick};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::SETTINGS;
use crate::page::said::said;
use crate::page::when;
use crate::tenancy::guard::Session;
use crate::tenancy::settings::tabs;
use crate::webhooks::list::problems_of;

const ROOT: &str = "/settings/links";

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    let domain = session.tenant.link_domain().await?;
    let fields = domain.as_ref().map_or_else(Fields::new, |domain| Fields::new().with("host", &domain.host).with("expires_days", domain.expires_days.to_string()));
    show(&session, domain.as_ref(), &asked, &fields, &Problems::new())
}

fn state(domain: &LinkDomain) -> Markup {
    match (domain.verified_host.is_some(), domain.enabled, domain.failing_since.is_some()) {
        (true, _, true) => chip(Tone::Warn, Icon::Clock, "Last check failed"),
        _ if domain.check_due => chip(Tone::Info, Icon::Clock, "Being checked"),
        (false, ..) => chip(Tone::Bad, Icon::Cross, "Does not point here"),
        (true, false, _) => chip(Tone::Calm, Icon::Pause, "Points here, off"),
        (true, true, _) => chip(Tone::Good, Icon::Check, "On"),
    }
}

/// What whoever keeps the name's DNS has to enter.
fn what_to_enter(domain: &LinkDomain) -> Markup {
    html! {
        p { "At whoever keeps your domain, enter:" }
        ul {
            @if let Some(record) = domain.record() { li { "a TXT record " code.breaks { (record) } " with " code.breaks { (domain.token) } ", which shows that the name is yours;" } }
            li { "a CNAME or A record that lets " code.breaks { (domain.host) } " point to this server. A proxy must pass it on with its Host, and has a certificate for it." }
        }
        p { "We then find " code.breaks { "https://" (domain.host) (TOKEN_PATH) } " answered by ourselves." }
    }
}

fn standing(session: &Session, domain: &LinkDomain, fill: Fill) -> Markup {
    let in_use = domain.verified_host.as_deref();
    html! {
        section.card {
            header { h2.mono.breaks { (in_use.unwrap_or(&domain.host)) } (state(domain)) }
            @if domain.check_due && domain.last_error.is_empty() {
                p { "This server is looking at " strong.breaks { (domain.host) } ". " a href=(ROOT) { "Load the page again" } " in a few seconds." }
            } @else if !domain.last_error.is_empty() {
                @if in_use.is_some_and(|name| name != domain.host) { p { strong.breaks { (domain.host) } " does not take its place yet:" } }
                p { (capitalised(&domain.last_error)) }
                @if domain.failing_since.is_some() { p { "We look again within the hour, and give the name up when it has not answered for a day. Until then links that were sent go on as far as they can." } }
            }
            @if !domain.is_verified() || domain.failing_since.is_some() { (what_to_enter(domain)) }
            @if in_use.is_some() {
                p { "A link looks like " code.breaks { (domain.sample()) } " (" (domain.sample().len()) " characters)." }
                @if domain.scheme == "http" { p { strong { "Without TLS: " } "the name does not answer by https, so links begin with http://. Give it a certificate and check it again." } }
            }
            @if let Some(at) = domain.checked_at { p.small.soft { "Last checked " (when::exact(at, &session.zone)) } }
            div.actions {
                @if !domain.check_due || !domain.last_error.is_empty() { (button(&format!("{ROOT}/check"), "quiet", "Check it now")) }
                @if in_use.is_some() && domain.enabled { (button(&format!("{ROOT}/disable"), "quiet", "Switch short links off")) }
                @if in_use.is_some() && !domain.enabled { (button(&format!("{ROOT}/enable"), "", "Switch short links on")) }
            }
            (confirmed("Remove the name…", "Links that were sent under it lead nowhere any more.", &format!("{ROOT}/remove"), "Yes, remove it"))
        }
        form.card.form method="post" action={ (ROOT) "/expiry" } {
            header { h2 { "How long a link is good" } }
            (Input::new("expires_days", "Days").hint("From when it is sent. Then it leads to a page with your name that says so, and we forget where it led.").kind("number").class("short").show(fill))
            div { button.button.quiet type="submit" { "Save" } }
        }
    }
}

fn show(session: &Session, domain: Option<&LinkDomain>, asked: &Asked, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let fill = Fill { fields, problems };
    let body = html! {
        (tabs("links"))
        div.columns.wide-first {
            div.stack {
                @if let Some(domain) = domain { (standing(session, domain, fill)) }
                form.card.form method="post" action=(ROOT) {
                    header { h2 { @if domain.is_some() { "Another name" } @else { "Your name for links" } } }
                    (Input::new("host", "Name").hint("A name of your own that points to this server, such as go.example.com. Short links stand under it and under nothing else.").show(fill))
                    @if let Some(name) = domain.and_then(|domain| domain.verified_host.as_deref()) {
                        (tick("replace", "Give up the name before", &format!("Links stand under {name} until the new name is seen to be yours and to point here. From then on, those that were sent under {name} lead nowhere."), fill))
                    }
                    div { button.button type="submit" { "Use this name" } }
                }
            }
            section.card {
                header { h2 { "What is kept" } }
                p { "Each person gets links of their own. Of a click we keep the time and a count: no address, no browser, no cookie. What fetches ahead or looks for a preview is not counted." }
                p { "Clicks go with the message they belong to, and at once when a person is erased. Links are off until you switch them on, and a text uses them only where you tick an address." }
                p.small.soft { "Say in your privacy notice that you count whether links are opened." }
            }
        }
    };
    Ok(Page::new(SETTINGS, "Short links").lead(html! { p { "Addresses in messages, shortened under your own name, and counted." } }).said(said(asked)).problems(problems).show(session, &body))
}

pub async fn set_host(session: Session, headers: HeaderMap, fields: Fields) -> Result<Response, Fault> {
    let portal = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let domain = session.tenant.link_domain().await?;
    let fields = domain.iter().fold(fields, |fields, domain| fields.with("expires_days", domain.expires_days.to_string()));
    // The form holds the name already: whoever presses the button without another one takes nothing from anybody.
    let same = domain.as_ref().is_some_and(|domain| domain.host == fields.get("host"));
    if !same && !fields.has("replace", "yes") && domain.as_ref().is_some_and(|domain| domain.verified_host.is_some()) {
        let problems = Problems::one("replace", "Tick this when links that were sent may lead nowhere");
        return show(&session, domain.as_ref(), &Asked(Fields::new()), &fields, &problems);
    }
    match session.tenant.set_link_host(fields.get("host"), portal, session.now).await {
        Ok(()) => Ok(Redirect::to(ROOT).into_response()),
        Err(error) => show(&session, domain.as_ref(), &Asked(Fields::new()), &fields, &problems_of(error)?),
    }
}

pub async fn set_expiry(session: Session, fields: Fields) -> Result<Response, Fault> {
    let days = fields.get("expires_days").parse().unwrap_or(0);
    match session.tenant.set_link_expiry(days, session.now).await {
        Ok(()) => Ok(Redirect::to(&format!("{ROOT}?said=saved")).into_response()),
        Err(error) => {
            let domain = session.tenant.link_domain().await?;
            let fields = domain.iter().fold(fields, |fields, domain| fields.with("host", &domain.host));
            show(&session, domain.as_ref(), &Asked(Fields::new()), &fields, &problems_of(error)?)
        }
    }
}

pub async fn check(session: Session) -> Result<Response, Fault> {
    session.tenant.check_link_host(session.now).await?;
    Ok(Redirect::to(ROOT).into_response())
}

pub async fn enable(session: Session) -> Result<Response, Fault> {
    session.tenant.enable_links(true, session.now).await?;
    Ok(Redirect::to(&format!("{ROOT}?said=saved")).into_response())
}

pub async fn disable(session: Session) -> Result<Response, Fault> {
    session.tenant.enable_links(false, session.now).await?;
    Ok(Redirect::to(&format!("{ROOT}?said=saved")).into_response())
}

pub async fn remove(session: Session) -> Result<Response, Fault> {
    session.tenant.remove_link_host(session.now).await?;
    Ok(Redirect::to(&format!("{ROOT}?said=removed")).into_response())
}
