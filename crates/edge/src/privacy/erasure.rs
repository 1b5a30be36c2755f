//! Erasing a person: what would go, then a typed confirmation, then what went.

use axum::response::Response;
use clarion_store::StoreError;
use clarion_store::privacy::Erasure;
use maud::{Markup, html};

use super::subject;
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Fields, Problems};
use crate::page::figure::count;
use crate::page::form::{Fill, Input};
use crate::page::layout::Page;
use crate::page::menu::PRIVACY;
use crate::tenancy::guard::Session;

const CONFIRMATION: &str = "erase";

pub fn form(fill: Fill, held: &Erasure) -> Markup {
    html! {
        form.card.form method="post" action="/privacy/erase" {
            header { h2 { "Erase" } }
            @if !held.is_empty() { p { "This would go, in every table and file:" } (counts(held)) }
            p.small.soft { "A keyed tombstone stays, so that no later file can bring the person back. It cannot be undone." }
            input type="hidden" name="typed" value=(fill.fields.get("typed"));
            (Input::new("confirm", "Type “erase” to confirm").class("medium").show(fill))
            div { button.button.danger type="submit" { "Erase this person" } }
        }
    }
}

fn counts(erasure: &Erasure) -> Markup {
    html! { dl.facts { @for line in erasure.counts.iter().filter(|line| line.count > 0) { dt { (capitalised(line.what).trim_end_matches('.')) } dd { (count(line.count)) } } } }
}

pub async fn erase(session: Session, fields: Fields) -> Result<Response, Fault> {
    let mut problems = Problems::new();
    problems.need(&fields, "typed", "Type a number or a reference");
    if !fields.get("confirm").eq_ignore_ascii_case(CONFIRMATION) {
        problems.add("confirm", "Type the word erase: nothing was erased");
    }
    if !problems.is_empty() {
        return subject::show(&session, &fields, &problems, None).await;
    }
    match session.tenant.subject_erase(fields.get("typed"), false, session.now).await {
        Ok(done) => {
            let body = html! { section.card { header { h2 { "This is gone" } } (counts(&done)) div { a.button href="/privacy" { "Back to privacy" } } } };
            Ok(Page::new(PRIVACY, "Erased").under("/privacy", "Privacy").show(&session, &body))
        }
        Err(StoreError::Invalid(text) | StoreError::Conflict(text)) => subject::show(&session, &fields, &Problems::one("typed", capitalised(&text)), None).await,
        Err(error) => Err(error.into()),
    }
}
