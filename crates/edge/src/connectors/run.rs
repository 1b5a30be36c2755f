//! One run of a connector: how it ended, or what a preview showed.

use axum::extract::Path;
use axum::response::Response;
use clarion_domain::connectors::pull_fault::RunState;
use clarion_domain::id::ConnectorRunId;
use clarion_store::connectors::Preview;
use maud::{Markup, html};

use super::connector::{find, run_state};
use super::list::ROOT;
use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::figure::{bytes, count};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::IMPORTS;
use crate::page::when;
use crate::tenancy::guard::Session;

pub async fn page(session: Session, Path((id, run)): Path<(String, String)>) -> Result<Response, Fault> {
    let connector = find(&session, &id).await?;
    let run: ConnectorRunId = run.parse().map_err(|_| Fault::NotFound("run"))?;
    let (run, preview) = session.tenant.connector_run(connector.id, run).await?;
    let team = session.team().await?;
    let under_way = matches!(run.state, RunState::Waiting | RunState::Running);
    let body = html! {
        dl.facts {
            dt { "State" } dd { (run_state(run.state)) @if let Some(fault) = run.fault { " " (capitalised(fault.sentence())) } }
            @if run.last_status > 0 { dt { "Answer" } dd { "HTTP " (run.last_status) } }
            dt { "Asked for by" } dd { (team.name(&run.asked_by)) }
            dt { "Began" } dd { (when::optional(run.started_at, &session.zone)) }
            dt { "Ended" } dd { (when::optional(run.finished_at, &session.zone)) }
            dt { "Came" } dd { (count(run.rows)) " rows on " (count(run.pages)) " pages, " (bytes(run.bytes)) }
            dt { "Instruction" } dd { a href={ (super::instruction::ROOT) "/" (run.instruction) } { "as it was then" } }
            @if !run.dropped.is_empty() { dt { "Dropped" } dd { span.mono { (run.dropped.join(", ")) } ": mapped, but not agreed" } }
            @if let Some(import) = run.import { dt { "Import" } dd { a href={ "/imports/" (import) } { "What became of each row" } } }
        }
        @if under_way { p { "It works in a moment. Load this page again." } }
        @if let Some(preview) = &preview { (shown(preview)) }
    };
    let title = if preview.is_some() { "Preview" } else { "Run" };
    let mut page = Page::new(IMPORTS, title).under(format!("{ROOT}/{}", connector.id), connector.name.as_str());
    if under_way {
        page = page.actions(html! { a.button.quiet href={ (ROOT) "/" (connector.id) "/runs/" (run.id) } { "Load again" } });
    }
    Ok(page.show(&session, &body))
}

fn shown(preview: &Preview) -> Markup {
    html! {
        section.card.flush {
            header { h2 { "What comes, and what becomes of it" } }
            @if preview.fields.is_empty() {
                p.soft { "The client's system has no rows at present." }
            } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "Their field" } th scope="col" { "Becomes" } th scope="col" { "How its values look" } } }
                    tbody { @for field in &preview.fields { tr {
                        th.mono.breaks scope="row" { (field.name) }
                        td data-label="Becomes" { @if field.becomes.is_empty() { (chip(Tone::Calm, Icon::Cross, if field.not_agreed { "Dropped: not agreed" } else { "Dropped" })) } @else { span.mono { (field.becomes) } } }
                        td data-label="How its values look" { @for shape in &field.shapes { div.mono.small { @if shape.is_empty() { span.soft { "empty" } } @else { (shape) } } } }
                    } } }
                } }
            }
        }
        p.small.soft { "Of the first " (count(preview.rows_seen)) " rows. A letter is shown as x, a digit as 0. Nothing of it was loaded" @if preview.has_next_page { ", and there are more pages" } ". This is kept for a day." }
    }
}
