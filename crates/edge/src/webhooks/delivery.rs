//! One event at an endpoint: what is sent, and every try.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::WebhookEventId;
use maud::html;

use super::endpoint::{answer, parse};
use super::list::ROOT;
use crate::page::fault::Fault;
use crate::page::fields::Asked;
use crate::page::figure::count;
use crate::page::form::button;
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::TEAM;
use crate::page::said::said;
use crate::page::table::empty;
use crate::page::when;
use crate::tenancy::guard::Session;

fn parse_event(id: &str) -> Result<WebhookEventId, Fault> {
    id.parse().map_err(|_| Fault::NotFound("event"))
}

pub async fn page(session: Session, Path((id, event)): Path<(String, String)>, asked: Asked) -> Result<Response, Fault> {
    let (id, event) = (parse(&id)?, parse_event(&event)?);
    let webhook = session.tenant.webhook(id).await?;
    let (body, tries) = session.tenant.webhook_delivery(id, event).await?;
    let shown = serde_json::from_str::<serde_json::Value>(&body).map_or(body, |value| format!("{value:#}"));
    let here = format!("{ROOT}/{id}/{event}");
    let content = html! {
        section.card.flush {
            @if tries.is_empty() {
                (empty(Icon::Clock, "Not tried yet", "It goes within a second when the endpoint takes what it is told. Load this page again.", None))
            } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "Try" } th scope="col" { "Answer" } th.num scope="col" { "Took (ms)" } } }
                    tbody { @for line in &tries { tr {
                        th scope="row" { (when::exact(line.tried_at, &session.zone)) }
                        td data-label="Answer" { (answer(line.status, &line.error)) }
                        td.num data-label="Took (ms)" { (count(line.duration_ms)) }
                    } } }
                } }
            }
        }
        section.card {
            header { h2 { "What is sent" } }
            pre.secret tabindex="0" { code { (shown) } }
        }
    };
    let mut page = Page::new(TEAM, "Event").under(format!("{ROOT}/{id}"), "Webhook").lead(html! { p.mono { (event) } }).said(said(&asked));
    if webhook.enabled {
        page = page.actions(button(&format!("{here}/replay"), "", "Tell it again"));
    }
    Ok(page.show(&session, &content))
}

pub async fn replay(session: Session, Path((id, event)): Path<(String, String)>) -> Result<Response, Fault> {
    let (id, event) = (parse(&id)?, parse_event(&event)?);
    session.tenant.replay_webhook_event(id, event, session.now).await?;
    Ok(Redirect::to(&format!("{ROOT}/{id}/{event}?said=replayed")).into_response())
}
