//! One import: what it waits for, how far it is, or what became of it.

use axum::extract::Path;
use axum::http::HeaderName;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::intake::import::ImportState;
use clarion_domain::tenancy::role::Right;
use clarion_store::intake::{ImportRecord, UndoCount};
use maud::{Markup, html};

use super::{find, mapping, reject, state_chip};
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::{bytes, count, counted, figure};
use crate::page::form::button;
use crate::page::layout::Page;
use crate::page::menu::IMPORTS;
use crate::page::said::said;
use crate::page::when;
use crate::tenancy::approval::led;
use crate::tenancy::guard::Session;

pub async fn page(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let import = find(&session, &id).await?;
    let may = session.may(Right::LoadContacts);
    if import.state == ImportState::AwaitingMapping && may {
        return mapping::show(&session, &import, None, &Problems::new(), said(&asked)).await;
    }
    let body = match import.state {
        ImportState::Receiving | ImportState::Received | ImportState::Ready | ImportState::Loading | ImportState::Undoing => progress_region(&import),
        ImportState::AwaitingRepeat => repeat(&session, &import, may),
        ImportState::AwaitingMapping => html! { div.notice.warn { p { "Somebody who may load contacts must confirm the columns." } } },
        ImportState::Failed => failed(&import, may),
        ImportState::Cancelled => html! { div.notice { h2 { "This import was cancelled" } p { "Nothing of it was loaded, and the file is gone." } } },
        ImportState::Undone => html! { div.notice { h2 { "This import was taken back" } p { "The people whom it brought are removed, and the file is gone. What it changed about people known before has stayed." } } },
        ImportState::Loaded => html! {},
    };
    let result = if import.state == ImportState::Loaded { result(&session, &import).await? } else { html! {} };
    let body = html! { (body) (result) (facts(&session, &import).await?) };
    Ok(Page::new(IMPORTS, &import.file_name).under("/imports", "Imports").lead(state_chip(import.state)).said(said(&asked)).show(&session, &body))
}

/// Polled while the import works; once it has moved on, the whole page is asked for again.
pub async fn progress(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let import = find(&session, &id).await?;
    let works = matches!(import.state, ImportState::Receiving | ImportState::Received | ImportState::Ready | ImportState::Loading | ImportState::Undoing);
    if works { Ok(progress_region(&import).into_response()) } else { Ok(([(HeaderName::from_static("hx-refresh"), "true")], "").into_response()) }
}

fn progress_region(import: &ImportRecord) -> Markup {
    let words = match import.state {
        ImportState::Receiving => "The file is being received.",
        ImportState::Received => "Reading the head of the file.",
        ImportState::Ready => "Waiting for its turn.",
        ImportState::Undoing => "Its people are being removed.",
        _ => "Checking and loading the lines.",
    };
    html! {
        section.card #progress hx-get={ "/imports/" (import.id) "/progress" } hx-trigger="every 1s" hx-swap="outerMorph" {
            header { h2 { (words) } (state_chip(import.state)) }
            @match import.rows_total {
                Some(total) if total > 0 => { progress max=(total) value=(import.rows_read.min(total)) aria-label="Lines read" {} p { (count(import.rows_read)) " of " (count(total)) " lines" } }
                _ => { progress aria-label="Working" {} p.soft { (count(import.rows_read)) " lines so far" } }
            }
            p.small.soft { "You can leave this page; the import goes on. " a href={ "/imports/" (import.id) } { "Look again" } }
        }
    }
}

fn repeat(session: &Session, import: &ImportRecord, may: bool) -> Markup {
    html! {
        section.card {
            header { h2 { "This file was loaded before" } }
            @if let Some(earlier) = &import.repeat_of {
                p { "Its bytes are the same as those of " a href={ "/imports/" (earlier.import) } { (earlier.file_name) } @if let Some(at) = earlier.loaded_at { ", loaded " (when::time(at, &session.zone)) } @else { ", which has not been loaded yet" } "." }
            }
            p.soft { "Loading it again changes only what has changed since: people are recognised by their number." }
            @if may {
                div.actions {
                    (button(&format!("/imports/{}/repeat", import.id), "", "Load it again"))
                    (button(&format!("/imports/{}/cancel", import.id), "quiet", "Do not load it"))
                }
            }
        }
    }
}

fn failed(import: &ImportRecord, may: bool) -> Markup {
    html! {
        div.notice.bad role="alert" { h2 { "The file could not be loaded" } p { (crate::page::fault::capitalised(&import.error)) } p.soft { "Nothing of it was kept." } }
        @if may { div { a.button href="/imports/new" { "Load another file" } } }
    }
}

async fn result(session: &Session, import: &ImportRecord) -> Result<Markup, Fault> {
    let counts = session.tenant.import_counts(import.id).await?;
    let dropped = import.dropped_columns();
    Ok(html! {
        dl.figures {
            (figure("Lines read", &count(import.rows_read), "", ""))
            (figure("New people", &count(import.rows_loaded), "", "good"))
            (figure("Updated", &count(import.rows_updated), "", ""))
            (figure("Refused lines", &count(import.rows_rejected), "", if import.rows_rejected > 0 { "bad" } else { "" }))
        }
        @if !dropped.is_empty() {
            div.notice { h2 { "Columns that were not stored" } p { (dropped.join(", ")) } p.small.soft { "To keep such a column, declare its field with a purpose and load the file again." } }
        }
        (reject::region(session, import, &counts).await?)
        @if session.may(Right::LoadContacts) && import.rows_loaded > 0 { p { a href={ "/imports/" (import.id) "/undo" } { "Take this import back" } span.small.soft { ". Possible until one of its people is in a campaign that has started" } } }
    })
}

/// Until something is sent a load can be taken back; the page that asks says how many people that is.
pub async fn ask_undo(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let import = find(&session, &id).await?;
    if import.state != ImportState::Loaded {
        return Ok(Redirect::to(&format!("/imports/{id}")).into_response());
    }
    let UndoCount { removed: people, staying, used } = session.tenant.undo_count(import.id).await?;
    let body = html! {
        section.card {
            @if used { p { "Somebody of this file is in a campaign that has started, or was contacted: it can no longer be taken back." } }
            @else if people == 0 { p { @if staying == 0 { "Nobody whom this file brought is still there." } @else { "Nobody is left who can be removed." } } }
            @else {
                p { strong { (counted(people, "person", "people")) } " whom this file brought are removed, from every list too." }
                @if import.rows_updated > 0 { p { "What it changed about " (counted(import.rows_updated, "person", "people")) " known before stays: what they were before is not kept." } }
                p.soft { "It cannot be undone: load the file again for that." }
            }
            @if !used && staying > 0 { p { strong { (counted(staying, "person stays", "people stay")) } ": they were loaded again or changed since, or have a consent, a hold or a reply on record." } }
            div.actions {
                @if !used && people > 0 { form method="post" action={ "/imports/" (import.id) "/undo" } { input type="hidden" name="people" value=(people); button.button.danger type="submit" { "Yes, remove " (counted(people, "person", "people")) } } }
                a href={ "/imports/" (import.id) } { "Back" }
            }
        }
    };
    Ok(Page::new(IMPORTS, "Take this import back?").under(format!("/imports/{id}"), &import.file_name).show(&session, &body))
}

pub async fn undo(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let carried = session.tenant.undo_import(find(&session, &id).await?.id, fields.number("people").unwrap_or(-1), session.now).await?;
    Ok(led(carried, &format!("/imports/{id}")))
}

async fn facts(session: &Session, import: &ImportRecord) -> Result<Markup, Fault> {
    let team = session.team().await?;
    let format = import.proposal.as_ref().map(|proposal| proposal.format.sentence.as_str()).filter(|text| !text.is_empty());
    let fileless = import.file_bytes == 0 && import.rows_total.is_some();
    Ok(html! {
        section.card {
            header { h2 { @if fileless { "About this import" } @else { "About this file" } } }
            dl.facts {
                dt { "Sent by" } dd { (team.name(&import.created_by)) ", " (when::time(import.created_at, &session.zone)) }
                @if let Some(at) = import.finished_at { dt { "Finished" } dd { (when::time(at, &session.zone)) } }
                @if !fileless { dt { "Size" } dd { (bytes(import.file_bytes)) } }
                @if let Some(format) = format { dt { "Format" } dd { (format) } }
                dt { "List" } dd { @match &import.list { Some((_, name)) => (name), None => "None" } }
                dt { "The file itself" } dd { (if fileless { "None: these people came by a call of the API" } else if import.file_kept { "Kept, sealed, until its retention ends" } else { "Gone" }) }
            }
        }
    })
}

pub async fn repeat_yes(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.confirm_repeat(find(&session, &id).await?.id, session.now).await?;
    Ok(Redirect::to(&format!("/imports/{id}")).into_response())
}

pub async fn cancel(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.cancel_import(find(&session, &id).await?.id, session.now).await?;
    Ok(Redirect::to(&format!("/imports/{id}")).into_response())
}
