//! The name under which the tenant's short links stand.

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use clarion_store::links::{LinkDomain, TOKEN_PATH};
use maud::{Markup, html};

use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, button, confirmed};
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
    match (domain.check_due, domain.is_verified(), domain.enabled) {
        (true, _, _) => chip(Tone::Info, Icon::Clock, "Being checked"),
        (false, false, _) => chip(Tone::Bad, Icon::Cross, "Does not point here"),
        (false, true, false) => chip(Tone::Calm, Icon::Pause, "Points here, off"),
        (false, true, true) => chip(Tone::Good, Icon::Check, "On"),
    }
}

fn standing(session: &Session, domain: &LinkDomain, fill: Fill) -> Markup {
    html! {
        section.card {
            header { h2.mono.breaks { (domain.host) } (state(domain)) }
            @if domain.check_due {
                p { "This server is asking for itself under that name. " a href=(ROOT) { "Load the page again" } " in a few seconds." }
            } @else if !domain.is_verified() {
                p { (capitalised(&domain.last_error)) }
                p { "Let the name point to this server: an entry of the kind CNAME or A at whoever keeps your domain, and your proxy must pass it on with its Host. We then find " code.breaks { "http://" (domain.host) (TOKEN_PATH) } " answered by ourselves." }
            } @else {
                p { "A link looks like " code.breaks { (domain.sample()) } " (" (domain.sample().len()) " characters)." }
                @if domain.scheme == "http" { p { strong { "Without TLS: " } "the name does not answer by https, so links begin with http://. Give it a certificate and check it again." } }
            }
            @if let Some(at) = domain.checked_at { p.small.soft { "Last checked " (when::exact(at, &session.zone)) } }
            div.actions {
                @if !domain.check_due { (button(&format!("{ROOT}/check"), "quiet", "Check it now")) }
                @if domain.is_verified() && domain.enabled { (button(&format!("{ROOT}/disable"), "quiet", "Switch short links off")) }
                @if domain.is_verified() && !domain.enabled { (button(&format!("{ROOT}/enable"), "", "Switch short links on")) }
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
    match session.tenant.set_link_host(fields.get("host"), portal, session.now).await {
        Ok(()) => Ok(Redirect::to(ROOT).into_response()),
        Err(error) => show(&session, session.tenant.link_domain().await?.as_ref(), &Asked(Fields::new()), &fields, &problems_of(error)?),
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
