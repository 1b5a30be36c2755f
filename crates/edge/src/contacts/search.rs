//! Finding a person by the whole number or reference: by POST, so that neither stands in an address or a log.

use axum::response::{IntoResponse, Redirect, Response};
use clarion_store::contacts::NOT_FOUND_HINT;
use maud::{Markup, html};

use super::list;
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input};
use crate::page::layout::Page;
use crate::page::menu::CONTACTS;
use crate::tenancy::guard::Session;

pub fn form(fill: Fill) -> Markup {
    html! {
        form.card method="post" action="/contacts/search" role="search" {
            div.row {
                (Input::new("typed", "Find a person").hint("The whole number or the whole reference.").kind("search").show(fill))
                button.button type="submit" { "Find" }
            }
        }
    }
}

pub async fn search(session: Session, fields: Fields) -> Result<Response, Fault> {
    let found = session.tenant.search_contacts(fields.get("typed")).await?;
    match found.as_slice() {
        [] => {
            let hint = if fields.is_set("typed") { NOT_FOUND_HINT } else { "Type a number or a reference" };
            list::show(&session, &Asked(Fields::new()), &fields, &Problems::one("typed", hint)).await
        }
        [only] => Ok(Redirect::to(&format!("/contacts/{only}")).into_response()),
        several => {
            let body = html! { section.card { ul.stack.tight { @for id in several { li { a href={ "/contacts/" (id) } { (id) } } } } } };
            Ok(Page::new(CONTACTS, format!("{} people have this reference", several.len())).under("/contacts", "Contacts").show(&session, &body))
        }
    }
}
