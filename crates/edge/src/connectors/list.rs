//! The connectors, and a new one.

use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::connectors::pull_fault::ConnectorState;
use clarion_store::connectors::ConnectorRecord;
use maud::{Markup, html};

use super::form;
use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::Fill;
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::IMPORTS;
use crate::page::said::said;
use crate::page::table::empty;
use crate::page::when;
use crate::tenancy::guard::Session;
use crate::webhooks::list::problems_of;

pub const ROOT: &str = "/imports/connectors";

pub fn state(connector: &ConnectorRecord) -> Markup {
    match (connector.state, connector.failures) {
        (ConnectorState::On, 0) => chip(Tone::Good, Icon::Check, "On"),
        (ConnectorState::On, _) => chip(Tone::Warn, Icon::Clock, "Fails, is tried again"),
        (ConnectorState::Paused, _) => chip(Tone::Calm, Icon::Clock, "Paused"),
        (ConnectorState::Stopped, _) => chip(Tone::Bad, Icon::Stop, "Stopped"),
    }
}

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    let connectors = session.tenant.connectors().await?;
    let body = html! {
        section.card.flush {
            @if connectors.is_empty() {
                (empty(Icon::Signal, "No connector yet", "People can be pulled from a client's system on a schedule. Record the client's instruction first: it says which fields may be taken.", Some(("/imports/instructions", "Instructions"))))
            } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "Connector" } th scope="col" { "When" } th scope="col" { "List" } th scope="col" { "Next" } th scope="col" { "State" } } }
                    tbody { @for connector in &connectors { tr {
                        th scope="row" { a href={ (ROOT) "/" (connector.id) } { (connector.name) } div.small.soft.breaks { (connector.settings.url.split('?').next().unwrap_or_default()) } }
                        td data-label="When" { (connector.settings.times) }
                        td data-label="List" { @match &connector.list { Some((_, name)) => (name), None => span.soft { "None" } } }
                        td data-label="Next" { (when::optional(connector.next_at, &session.zone)) }
                        td { (state(connector)) @if !connector.stopped_why.is_empty() { div.small { (capitalised(&connector.stopped_why)) } } }
                    } } }
                } }
            }
        }
    };
    let lead = html! { p { "What is pulled from clients' systems, under which instruction, and how it goes." } };
    let page = Page::new(IMPORTS, "Connectors").under("/imports", "Imports").lead(lead).actions(html! { a.button.quiet href="/imports/instructions" { "Instructions" } a.button href="/imports/connectors/new" { "Add a connector" } });
    Ok(page.said(said(&asked)).show(&session, &body))
}

pub async fn new(session: Session) -> Result<Response, Fault> {
    show_new(&session, &Fields::new().with("times", "every 60 minutes").with("fields", "phone = "), &Problems::new()).await
}

async fn show_new(session: &Session, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let body = html! {
        form.card.form method="post" action="/imports/connectors/new" {
            (form::inputs(session, Fill { fields, problems }, false).await?)
            div { button.button type="submit" { "Add it, paused" } }
        }
    };
    let lead = html! { p { "It is made paused: look at a preview first, then switch it on." } };
    Ok(Page::new(IMPORTS, "New connector").under(ROOT, "Connectors").lead(lead).problems(problems).show(session, &body))
}

pub async fn create(session: Session, fields: Fields) -> Result<Response, Fault> {
    let new = match form::read(&session, &fields).await {
        Ok(new) => new,
        Err(problems) => return show_new(&session, &fields, &problems).await,
    };
    match session.tenant.create_connector(&new, session.now).await {
        Ok(id) => Ok(Redirect::to(&format!("{ROOT}/{id}?said=created")).into_response()),
        Err(error) => show_new(&session, &fields, &problems_of(error)?).await,
    }
}
