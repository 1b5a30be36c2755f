//! What a tenant says of itself, and with what its campaigns begin; where the rest of its settings are.

use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::carriers::sender::SenderKind;
use clarion_domain::tenancy::role::Right;
use clarion_store::tenancy::TenantSettings;
use maud::{Markup, html};

use super::guard::Session;
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, area, select};
use crate::page::layout::Page;
use crate::page::menu::SETTINGS;
use crate::page::said::said;
use crate::webhooks::list::problems_of;

pub fn tabs(here: &str) -> Markup {
    html! { nav.tabs aria-label="Settings" { @for (word, path, name) in [("organisation", "/settings", "Organisation"), ("limits", "/settings/limits", "Hours and caps"), ("links", "/settings/links", "Short links")] { a href=(path) aria-current=[(word == here).then_some("page")] { (name) } } } }
}

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    let held = &session.record;
    let fields = Fields::new()
        .with("name", &held.name)
        .with("zone", &held.zone)
        .with("default_region", &held.default_region)
        .with("contact_details", &held.contact_details)
        .with("help_text", &held.help_text)
        .with("default_sender", &held.default_sender)
        .with("default_caller", &held.default_caller);
    show(&session, &asked, &fields, &Problems::new()).await
}

async fn show(session: &Session, asked: &Asked, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let fill = Fill { fields, problems };
    let named = |name: &str| vec![(String::new(), name.to_owned())];
    let held = session.tenant.senders().await?;
    let mut senders = named("None: choose one for each campaign");
    senders.extend(held.iter().map(|sender| (sender.value.clone(), sender.value.clone())));
    let mut callers = named("None: choose one for each campaign");
    callers.extend(held.iter().filter(|sender| sender.kind == SenderKind::Number).map(|sender| (sender.value.clone(), sender.value.clone())));
    let zones: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    let body = html! {
        (tabs("organisation"))
        div.columns.wide-first {
            form.card.form method="post" action="/settings" {
                (Input::new("name", "Name").hint("As the people you contact know you: in messages, on the pages of links, in what they are told of their data.").show(fill))
                (area("contact_details", "How people reach you", "Shown to the public with your name: a postal address, a number, a web page.", None, fill))
                (area("help_text", "Answer to HELP", "Sent to whoever replies HELP to a message.", None, fill))
                (Input::new("zone", "Time zone").hint("In which you and your colleagues read times, and say when a campaign starts or ends.").class("medium").list(&zones).show(fill))
                (Input::new("default_region", "Country").hint("Two letters. Numbers without a country code in your files are read as numbers from there.").class("short").show(fill))
                (select("default_sender", "Sender of messages", "A new campaign of messages begins with it.", &senders, fill))
                (select("default_caller", "Caller ID of calls", "A new campaign of calls begins with it.", &callers, fill))
                div { button.button type="submit" { "Save" } }
            }
            div.stack {
                section.card {
                    header { h2 { "Elsewhere" } }
                    ul.stack.tight {
                        li { a href="/settings/limits" { "Hours and caps" } div.small.soft { (if session.record.limits.trim().is_empty() { "The rules of each country hold as they are; you can narrow them." } else { "Narrower than the rules of each country." }) } }
                        li { a href="/settings/links" { "Short links" } div.small.soft { "Under your own name, with a count of clicks." } }
                        @if session.may(Right::AnswerSubjects) { li { a href="/privacy/retention" { "How long data is kept" } div.small.soft { "Each kind of record has a clock of its own." } } }
                        @if session.may(Right::ManageTrunks) { li { a href="/carriers" { "Senders and caller IDs" } div.small.soft { "Who messages and calls may say they are from." } } }
                        li { a href="/team" { "Team" } div.small.soft { "People, invitations, API keys, webhooks, and whether everybody needs a second factor." } }
                        li { a href="/imports/fields" { "Declared fields" } div.small.soft { "What you hold beside names and references, and why." } }
                        @if session.may(Right::ReadAudit) { li { a href="/audit" { "Audit" } div.small.soft { "Who changed what." } } }
                    }
                }
            }
        }
    };
    Ok(Page::new(SETTINGS, "Settings").said(said(asked)).problems(problems).show(session, &body))
}

pub fn asked_for(fields: &Fields) -> TenantSettings {
    TenantSettings {
        name: fields.get("name").to_owned(),
        zone: fields.get("zone").to_owned(),
        default_region: fields.get("default_region").to_owned(),
        contact_details: fields.raw("contact_details").replace("\r\n", "\n").trim().to_owned(),
        help_text: fields.get("help_text").replace("\r\n", "\n"),
        default_sender: fields.get("default_sender").to_owned(),
        default_caller: fields.get("default_caller").to_owned(),
    }
}

pub async fn save(session: Session, fields: Fields) -> Result<Response, Fault> {
    match session.tenant.change_settings(&asked_for(&fields), session.now).await {
        Ok(()) => Ok(Redirect::to("/settings?said=saved").into_response()),
        Err(error) => show(&session, &Asked(Fields::new()), &fields, &problems_of(error)?).await,
    }
}
