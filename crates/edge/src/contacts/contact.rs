//! One person: who they are (masked until revealed), what happened, and what can be done.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::audit::event::Act;
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::id::{ContactId, ListId};
use clarion_domain::personal::Personal;
use clarion_domain::tenancy::role::Right;
use clarion_store::compliance::rule_book;
use clarion_store::contacts::Contact;
use maud::{Markup, html};

use super::timeline;
use crate::page::chip::{Tone, chip};
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, button, radios, select};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::CONTACTS;
use crate::page::said::said;
use crate::page::when;
use crate::tenancy::guard::Session;

const EVENTS: i64 = 100;

pub async fn find(session: &Session, id: &str) -> Result<Contact, Fault> {
    let id: ContactId = id.parse().map_err(|_| Fault::NotFound("contact"))?;
    Ok(session.tenant.contact(id).await?)
}

pub async fn page(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let contact = find(&session, &id).await?;
    show(&session, &contact, false, said(&asked)).await
}

/// Answers the POST itself: a revealed page has no address to come back to.
pub async fn reveal(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let contact = find(&session, &id).await?;
    session.tenant.audit_alone(session.now, Act::Revealed, "contact", contact.id.0, "").await?;
    show(&session, &contact, true, None).await
}

async fn show(session: &Session, contact: &Contact, revealed: bool, said: Option<&'static str>) -> Result<Response, Fault> {
    let zones = contact.addresses.first().map(|address| address.zones.clone()).unwrap_or_default();
    let events = session.tenant.timeline(contact.id, rule_book(), None, EVENTS).await?;
    let planned = session.tenant.planned(contact.id).await?;
    let body = html! {
        div.columns.wide-first {
            div.stack {
                @if !planned.is_empty() { section.card { header { h2 { "What comes next" } } (timeline::planned(session, &planned)) } }
                section.card {
                    header { h2 { "Timeline" } }
                    (timeline::draw(session, &events, &zones, revealed).await?)
                }
            }
            div.stack {
                (person(session, contact, revealed))
                (standing(session, contact).await?)
                @if session.may(Right::LoadContacts) && contact.erased_at.is_none() { (lists_form(session, contact).await?) }
                @if session.may(Right::Suppress) && contact.erased_at.is_none() { (suppress_form(contact)) }
            }
        }
    };
    Ok(Page::new(CONTACTS, title(contact)).under("/contacts", "Contacts").said(said).show(session, &body))
}

/// Who it is, without saying who it is.
pub fn title(contact: &Contact) -> String {
    match contact.addresses.first() {
        _ if contact.erased_at.is_some() => "Erased person".into(),
        Some(address) => format!("Person {}", address.number.masked()),
        None => "A person".into(),
    }
}

/// Consent, holds and wishes in short, with the page where they are changed.
async fn standing(session: &Session, contact: &Contact) -> Result<Markup, Fault> {
    let holds = session.tenant.holds_of(contact.id).await?.into_iter().filter(|hold| hold.lifted_at.is_none()).count();
    let consents = session.tenant.consents_of(contact.id).await?.into_iter().filter(|consent| consent.withdrawn_at.is_none() && consent.expires_at.is_none_or(|end| end > session.now)).count();
    let wishes = session.tenant.preference(contact.id).await?.is_some();
    Ok(html! {
        section.card {
            header { h2 { "Consent, holds and wishes" } }
            dl.facts {
                dt { "Consents" } dd { @if consents == 0 { "None on record" } @else { (consents) " on record" } }
                dt { "Holds" } dd { @if holds == 0 { "None" } @else { (chip(Tone::Warn, Icon::Pause, "On hold")) } }
                dt { "Own wishes" } dd { (if wishes { "On record" } else { "None" }) }
                @if let Some(matter) = &contact.legal_hold { dt { "Legal hold" } dd { (matter) } }
            }
            div { a.button.quiet href={ "/contacts/" (contact.id) "/standing" } { "See and change" } }
        }
    })
}

fn person(session: &Session, contact: &Contact, revealed: bool) -> Markup {
    let shown = |value: &str| Personal::new(value).shown(revealed);
    let profile = &contact.profile;
    let named = [("Reference", &profile.reference), ("First name", &profile.first_name), ("Last name", &profile.last_name), ("User id", &profile.user_id)];
    html! {
        section.card {
            header { h2 { "Person" } }
            dl.facts {
                @for address in &contact.addresses {
                    dt { "Number" } dd { span.mono { (shown(address.number.reveal())) } div.small.soft { (address.line_type.as_str().replace('_', " ")) ", " (address.region) ", " (address.zones.join(" or ")) @if let Some(theirs) = when::theirs(session.now, &session.zone, &address.zones) { ", now " (theirs) } } }
                }
                @for (name, value) in named { @if !value.is_empty() { dt { (name) } dd { (shown(value)) } } }
                @for (name, value) in &profile.fields { dt.mono { (name) } dd { (shown(value)) } }
                @if !contact.lists.is_empty() { dt { "Lists" } dd { @for (place, (id, name)) in contact.lists.iter().enumerate() { @if place > 0 { ", " } a href={ "/contacts?list=" (id) } { (name) } } } }
                @if let Some(import) = contact.import_id { dt { "From" } dd { a href={ "/imports/" (import) } { "an import" } @if let Some(line) = contact.import_line { ", line " (line) } } }
                dt { "First loaded" } dd { (when::time(contact.created_at, &session.zone)) }
                @if let Some(at) = contact.erased_at { dt { "Erased" } dd { (when::time(at, &session.zone)) } }
            }
            @if !revealed && contact.erased_at.is_none() && session.may(Right::RevealPersonal) {
                (button(&format!("/contacts/{}/reveal", contact.id), "quiet", "Reveal personal data"))
                p.small.soft { "Revealing is recorded in the audit with your name." }
            }
        }
    }
}

fn suppress_form(contact: &Contact) -> Markup {
    let (fields, problems) = (Fields::new().with("scope", "every"), Problems::new());
    let fill = Fill { fields: &fields, problems: &problems };
    html! {
        form.card.form method="post" action={ "/contacts/" (contact.id) "/suppress" } {
            header { h2 { "Do not contact" } }
            (radios("scope", "What to stop", "", &[("every", "Everything", ""), ("sms", "Text messages only", ""), ("voice", "Calls only", "")], fill))
            div { button.button.danger type="submit" { "Suppress" } }
        }
    }
}

/// The lists that the person is on, and one more to choose.
async fn lists_form(session: &Session, contact: &Contact) -> Result<Markup, Fault> {
    let on = |id| contact.lists.iter().any(|(held, _)| *held == id);
    let others: Vec<_> = session.tenant.lists().await?.into_iter().filter(|list| !on(list.id)).map(|list| (list.id.to_string(), list.name)).collect();
    let (fields, problems) = (Fields::new(), Problems::new());
    Ok(html! {
        section.card {
            header { h2 { "Lists" } }
            @for (id, name) in &contact.lists { (button(&format!("/contacts/{}/lists/{id}/remove", contact.id), "quiet slim", &format!("Take off {name}"))) }
            @if !others.is_empty() {
                form.form method="post" action={ "/contacts/" (contact.id) "/lists" } {
                    (select("list", "Put on a list", "", &others, Fill { fields: &fields, problems: &problems }))
                    div { button.button.quiet type="submit" { "Put on this list" } }
                }
            } @else if contact.lists.is_empty() { p.soft { "There is no list yet." } }
        }
    })
}

pub async fn put_on_list(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let contact: ContactId = id.parse().map_err(|_| Fault::NotFound("contact"))?;
    let list: ListId = fields.word("list").ok_or(Fault::Malformed)?;
    session.tenant.add_to_list(list, contact, session.now).await?;
    Ok(Redirect::to(&format!("/contacts/{id}?said=saved")).into_response())
}

pub async fn take_off_list(session: Session, Path((id, list)): Path<(String, String)>) -> Result<Response, Fault> {
    let contact: ContactId = id.parse().map_err(|_| Fault::NotFound("contact"))?;
    let list: ListId = list.parse().map_err(|_| Fault::NotFound("list"))?;
    session.tenant.remove_from_list(list, contact, session.now).await?;
    Ok(Redirect::to(&format!("/contacts/{id}?said=removed")).into_response())
}

pub async fn suppress(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let contact = find(&session, &id).await?;
    let scope: SuppressionScope = fields.word("scope").ok_or(Fault::Malformed)?;
    for address in &contact.addresses {
        session.tenant.suppress(address.number.reveal(), scope, SuppressionReason::TenantList, "portal", session.now).await?;
    }
    Ok(Redirect::to(&format!("/contacts/{id}?said=suppressed")).into_response())
}
