//! Adding and removing routes.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::{RouteId, TrunkId};
use clarion_store::StoreError;
use clarion_store::carriers::{NewRoute, TrunkRecord};
use maud::{Markup, html};

use super::list;
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Fields, Problems};
use crate::page::form::{Fill, Input, select};
use crate::tenancy::guard::Session;

pub fn form(trunks: &[TrunkRecord], fill: Fill) -> Markup {
    let choices: Vec<(String, String)> = trunks.iter().map(|trunk| (trunk.id.to_string(), trunk.name.clone())).collect();
    html! {
        form.card.form method="post" action="/carriers/routes" {
            header { h2 { "Add a route" } }
            div.row {
                (Input::new("prefix", "Numbers that begin with").hint("+ alone takes every number.").show(fill))
                (Input::new("sender", "Only from").hint("Empty for any sender.").show(fill))
            }
            div.row { (select("trunk", "Trunk", "", &choices, fill)) (Input::new("priority", "Priority").kind("number").show(fill)) }
            div { button.button.quiet type="submit" { "Add" } }
        }
    }
}

pub async fn add(session: Session, fields: Fields) -> Result<Response, Fault> {
    let mut problems = Problems::new();
    let (trunk, priority) = (fields.word::<TrunkId>("trunk"), fields.number("priority"));
    problems.need(&fields, "prefix", "Enter the beginning of the numbers, such as +44");
    if trunk.is_none() {
        problems.add("trunk", "Choose a trunk");
    }
    if priority.is_none() {
        problems.add("priority", "Enter a whole number: the lowest goes first");
    }
    let (Some(trunk), Some(priority), true) = (trunk, priority, problems.is_empty()) else { return list::show(&session, &fields, &problems, None).await };
    let new = NewRoute { prefix: fields.get("prefix").to_owned(), sender: fields.get("sender").to_owned(), trunk, priority };
    match session.tenant.add_route(&new, false, session.now).await {
        Ok(_) => Ok(Redirect::to("/carriers?said=created").into_response()),
        Err(StoreError::Invalid(text) | StoreError::Conflict(text)) => list::show(&session, &fields, &Problems::one("prefix", capitalised(&text)), None).await,
        Err(error) => Err(error.into()),
    }
}

pub async fn remove(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let id: RouteId = id.parse().map_err(|_| Fault::NotFound("route"))?;
    session.tenant.remove_route(id, session.now).await?;
    Ok(Redirect::to("/carriers?said=removed").into_response())
}
