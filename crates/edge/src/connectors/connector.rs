//! One connector: how it does, its log, and what can be done with it.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::connectors::pull_fault::{ConnectorState, RunKind, RunState};
use clarion_domain::id::ConnectorId;
use clarion_store::connectors::{ConnectorRecord, InstructionRecord, RunRecord};
use maud::{Markup, html};

use super::form;
use super::list::{ROOT, state};
use super::instruction::standing_chip;
use crate::page::chip::{Tone, chip, live_chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::count;
use crate::page::form::{Fill, button, confirmed};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::IMPORTS;
use crate::page::said::said;
use crate::page::table::{empty, pager};
use crate::page::when;
use crate::tenancy::guard::Session;
use crate::webhooks::list::problems_of;

const ROWS: i64 = 30;

pub async fn find(session: &Session, id: &str) -> Result<ConnectorRecord, Fault> {
    let id: ConnectorId = id.parse().map_err(|_| Fault::NotFound("connector"))?;
    Ok(session.tenant.connector(id).await?)
}

pub fn run_state(state: RunState) -> Markup {
    match state {
        RunState::Waiting => live_chip("Waiting"),
        RunState::Running => live_chip("Running"),
        RunState::Stored => chip(Tone::Good, Icon::Check, "Stored"),
        RunState::Unchanged => chip(Tone::Calm, Icon::Check, "Nothing new"),
        RunState::Shown => chip(Tone::Info, Icon::Check, "Preview"),
        RunState::Failed => chip(Tone::Bad, Icon::Cross, "Failed"),
        RunState::Stopped => chip(Tone::Calm, Icon::Stop, "Stopped"),
    }
}

pub async fn page(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let connector = find(&session, &id).await?;
    show(&session, &connector, &asked, &form::of_record(&connector), &Problems::new()).await
}

async fn show(session: &Session, connector: &ConnectorRecord, asked: &Asked, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let before = asked.0.number("before");
    let log = session.tenant.connector_runs(connector.id, before, ROWS).await?;
    let instruction = session.tenant.instruction(connector.instruction).await?;
    let here = format!("{ROOT}/{}", connector.id);
    let body = html! {
        (standing(connector, &instruction, session))
        div.columns.wide-first {
            section.card.flush {
                @if log.rows.is_empty() {
                    (empty(Icon::Signal, "It has not worked yet", "Look at a preview: it shows which fields come, what each becomes and which are dropped. Nothing is loaded by it.", None))
                } @else {
                    div.scroll { table.stacks {
                        thead { tr { th scope="col" { "Run" } th scope="col" { "State" } th.num scope="col" { "Pages" } th.num scope="col" { "Rows" } th scope="col" { "Import" } } }
                        tbody { @for run in &log.rows { (row(&here, run, session)) } }
                    } }
                }
                (pager(&here, "", before, log.next))
            }
            div.stack {
                (acts(connector, &here))
                section.card { details open[!problems.is_empty()] { summary { "Change it" }
                    form.form method="post" action=(here) {
                        (form::inputs(session, Fill { fields, problems }, connector.has_secret).await?)
                        div { button.button type="submit" { "Save" } }
                    }
                } }
            }
        }
    };
    let lead = html! { p.mono.breaks { (connector.settings.url.split('?').next().unwrap_or_default()) } };
    Ok(Page::new(IMPORTS, connector.name.as_str()).under(ROOT, "Connectors").lead(lead).said(said(asked)).problems(problems).show(session, &body))
}

fn standing(connector: &ConnectorRecord, instruction: &InstructionRecord, session: &Session) -> Markup {
    let (taken, dropped) = connector.settings.agreed(&instruction.new.fields);
    let taken: Vec<&str> = taken.iter().map(|field| field.to.as_str()).collect();
    html! {
        dl.facts {
            dt { "State" } dd { (state(connector)) @if !connector.stopped_why.is_empty() { " " (capitalised(&connector.stopped_why)) } }
            dt { "Instruction" } dd { a href={ (super::instruction::ROOT) "/" (instruction.id) } { (instruction.new.reference) ", version " (instruction.version) } " " (standing_chip(instruction.standing(session.now))) }
            dt { "Takes" } dd.mono { (taken.join(", ")) }
            @if !dropped.is_empty() { dt { "Drops" } dd { span.mono { (dropped.join(", ")) } ": mapped, but not agreed" } }
            dt { "When" } dd { (connector.settings.times) @if let Some(next) = connector.next_at { ", next " (when::time(next, &session.zone)) } }
            @if let Some(since) = connector.failing_since { dt { "Fails since" } dd { (when::time(since, &session.zone)) ", " (count(connector.failures)) " in a row" } }
            @if !connector.watermark.is_empty() { dt { "Has come to" } dd.mono { (connector.watermark) } }
        }
    }
}

fn acts(connector: &ConnectorRecord, here: &str) -> Markup {
    html! {
        section.card {
            header { h2 { "Try it" } }
            (button(&format!("{here}/preview"), "quiet", "Look at the first rows"))
            @if connector.state == ConnectorState::On {
                (button(&format!("{here}/pull"), "", "Pull now"))
                (button(&format!("{here}/pause"), "quiet", "Pause"))
            } @else {
                (button(&format!("{here}/resume"), "", "Switch it on"))
            }
            (confirmed("Start over…", "The next pull asks for everything again, and loads it even when it is what was loaded before.", &format!("{here}/start-over"), "Yes, start over"))
            (confirmed("Delete…", "Its log goes with it. What it loaded stays.", &format!("{here}/delete"), "Yes, delete it"))
        }
    }
}

fn row(here: &str, run: &RunRecord, session: &Session) -> Markup {
    html! { tr {
        th scope="row" { a href={ (here) "/runs/" (run.id) } { (when::exact(run.created_at, &session.zone)) } @if run.kind == RunKind::Preview { div.small.soft { "a look at the first rows" } } }
        td { (run_state(run.state)) @if let Some(fault) = run.fault { div.small { (capitalised(fault.sentence())) } } }
        td.num data-label="Pages" { (count(run.pages)) }
        td.num data-label="Rows" { (count(run.rows)) }
        td data-label="Import" { @match run.import { Some(import) => a href={ "/imports/" (import) } { "Import" }, None => span.soft { "–" } } }
    } }
}

pub async fn change(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let (connector, nothing) = (find(&session, &id).await?, Asked(Fields::new()));
    let new = match form::read(&session, &fields).await {
        Ok(new) => new,
        Err(problems) => return show(&session, &connector, &nothing, &fields, &problems).await,
    };
    match session.tenant.change_connector(connector.id, &new, session.now).await {
        Ok(()) => Ok(to(connector.id, "saved")),
        Err(error) => show(&session, &connector, &nothing, &fields, &problems_of(error)?).await,
    }
}

fn to(id: ConnectorId, said: &str) -> Response {
    Redirect::to(&format!("{ROOT}/{id}?said={said}")).into_response()
}

async fn ask(session: &Session, id: &str, kind: RunKind) -> Result<Response, Fault> {
    let id = find(session, id).await?.id;
    let run = session.tenant.ask_run(id, kind, session.now).await?;
    Ok(Redirect::to(&format!("{ROOT}/{id}/runs/{run}")).into_response())
}

pub async fn preview(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    ask(&session, &id, RunKind::Preview).await
}

pub async fn pull(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    ask(&session, &id, RunKind::Pull).await
}

pub async fn pause(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = find(&session, &id).await?.id;
    session.tenant.pause_connector(id, session.now).await?;
    Ok(to(id, "connector-paused"))
}

pub async fn resume(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = find(&session, &id).await?.id;
    session.tenant.resume_connector(id, session.now).await?;
    Ok(to(id, "connector-on"))
}

pub async fn start_over(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = find(&session, &id).await?.id;
    session.tenant.start_connector_over(id, session.now).await?;
    Ok(to(id, "saved"))
}

pub async fn delete(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.delete_connector(find(&session, &id).await?.id, session.now).await?;
    Ok(Redirect::to(&format!("{ROOT}?said=removed")).into_response())
}
