//! Adding and removing senders.

use axum::response::{IntoResponse, Redirect, Response};
use clarion_store::StoreError;
use maud::{Markup, html};

use super::list;
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Fields, Problems};
use crate::page::form::{Fill, Input, tick};
use crate::tenancy::guard::Session;

pub fn form(fill: Fill) -> Markup {
    html! {
        form.card.form method="post" action="/carriers/senders" {
            header { h2 { "Add a sender" } }
            (Input::new("value", "Sender").hint("A name of up to 11 letters and digits, a number, or a short code.").class("medium").show(fill))
            (Input::new("evidence", "Why may you use it?").hint("A registration or a letter of authority, by its reference.").show(fill))
            (tick("takes_replies", "Replies to it reach us", "A stop sent to it is heard. A name cannot take replies.", fill))
            div { button.button.quiet type="submit" { "Add" } }
        }
    }
}

pub async fn add(session: Session, fields: Fields) -> Result<Response, Fault> {
    match session.tenant.add_sender(fields.get("value"), fields.has("takes_replies", "yes"), fields.get("evidence"), session.now).await {
        Ok(_) => Ok(Redirect::to("/carriers?said=created").into_response()),
        Err(StoreError::Faults(faults)) => {
            let mut problems = Problems::new();
            faults.iter().for_each(|fault| problems.add(fault.field, capitalised(&fault.message)));
            list::show(&session, &fields, &problems, None).await
        }
        Err(StoreError::Invalid(text) | StoreError::Conflict(text)) => list::show(&session, &fields, &Problems::one("value", capitalised(&text)), None).await,
        Err(error) => Err(error.into()),
    }
}

/// What is confirmed of a number that calls show.
pub async fn confirm(session: Session, fields: Fields) -> Result<Response, Fault> {
    session.tenant.attest_sender(fields.get("value"), fields.has("answered", "yes"), fields.get("inbound_evidence"), session.now).await?;
    Ok(Redirect::to("/carriers?said=saved").into_response())
}

pub async fn remove(session: Session, fields: Fields) -> Result<Response, Fault> {
    session.tenant.remove_sender(fields.get("value"), session.now).await?;
    Ok(Redirect::to("/carriers?said=removed").into_response())
}
