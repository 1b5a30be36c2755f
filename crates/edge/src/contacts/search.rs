//! Finding a person by number or reference: by POST, so that neither stands in an address or a log.

use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::tenancy::role::Right;
use clarion_store::contacts::{Found, not_found_hint};
use maud::{Markup, html};

use super::list;
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input};
use crate::page::layout::Page;
use crate::page::menu::CONTACTS;
use crate::page::when;
use crate::tenancy::guard::Session;

pub fn form(session: &Session, fill: Fill) -> Markup {
    let hint = if session.may(Right::RevealPersonal) {
        "A whole number or reference; or a number's last four digits or more, or a reference's first six letters or more."
    } else {
        "A whole number or reference; or a number's last four digits, or a reference's first six letters."
    };
    html! {
        form.card method="post" action="/contacts/search" role="search" {
            div.row {
                (Input::new("typed", "Find a person").hint(hint).kind("search").show(fill))
                button.button type="submit" { "Find" }
            }
        }
    }
}

/// The people found, each with what tells them apart while everything is masked.
pub async fn people(session: &Session, found: &Found) -> Result<Markup, Fault> {
    let mut lines = Vec::with_capacity(found.ids.len());
    for id in &found.ids {
        let contact = session.tenant.contact(*id).await?;
        let number = contact.addresses.first().map(|address| address.number.masked()).unwrap_or_default();
        lines.push((*id, number, contact.lists.into_iter().map(|(_, name)| name).collect::<Vec<_>>().join(", "), contact.created_at));
    }
    Ok(html! {
        section.card.flush {
            @if found.more { p.more.soft { "There are more than are shown here. Type more digits or letters to see fewer." } }
            div.scroll { table.stacks {
                thead { tr { th scope="col" { "Person" } th scope="col" { "Lists" } th scope="col" { "Loaded" } } }
                tbody { @for (id, number, lists, at) in &lines { tr {
                    th.mono scope="row" { a href={ "/contacts/" (id) } { (number) } }
                    td data-label="Lists" { @if lists.is_empty() { span.soft { "none" } } @else { (lists) } }
                    td.tight-cell data-label="Loaded" { (when::time(*at, &session.zone)) }
                } } }
            } }
        }
    })
}

pub async fn search(session: Session, fields: Fields) -> Result<Response, Fault> {
    let may_reveal = session.may(Right::RevealPersonal);
    let found = session.tenant.find_contacts(fields.get("typed"), may_reveal, session.now).await?;
    match found.ids.as_slice() {
        [] => {
            let hint = if fields.is_set("typed") { not_found_hint(may_reveal) } else { "Type a number or a reference" };
            list::show(&session, &Asked(Fields::new()), &fields, &Problems::one("typed", hint)).await
        }
        [only] => Ok(Redirect::to(&format!("/contacts/{only}")).into_response()),
        several => {
            let title = format!("{} {} people fit", if found.more { "The first" } else { "These" }, several.len());
            Ok(Page::new(CONTACTS, title).under("/contacts", "Contacts").show(&session, &people(&session, &found).await?))
        }
    }
}
