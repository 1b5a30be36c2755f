//! One call: its record, what was recorded of it, and who really answered.

use std::collections::HashMap;

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::AttemptId;
use clarion_domain::outcomes::call_label::CallLabel;
use clarion_domain::tenancy::role::Right;
use clarion_store::attempts::RecordingRecord;
use maud::{Markup, html};

use super::call_label::{label_name, label_radios};
use super::calls::Calls;
use crate::outcomes::words::{cause_words, disposition_name, disposition_tone};
use crate::page::chip::chip;
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, button};
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::said::said;
use crate::page::when;
use crate::tenancy::guard::Session;

pub fn find(id: &str) -> Result<AttemptId, Fault> {
    id.parse().map_err(|_| Fault::NotFound("call"))
}

pub async fn page(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    show(&session, find(&id)?, &Fields::new(), &Problems::new(), said(&asked)).await
}

async fn show(session: &Session, id: AttemptId, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let call = session.tenant.call(id).await?;
    let campaign = session.tenant.campaign(call.campaign).await?;
    let calls = Calls::around(session, HashMap::from([(id, call.clone())])).await?;
    let end = session.tenant.call_end(id).await?;
    let label = session.tenant.labels_of(&[id]).await?.pop();
    let may_label = session.may(Right::RunCampaigns) && call.answered_at.is_some() && call.features.contains("\"detector\"");
    let body = html! {
        div.columns.wide-first {
            section.card {
                header { h2 { "Record" } }
                @if let Some(end) = &end {
                    @let (tone, icon) = disposition_tone(end.disposition);
                    p { (chip(tone, icon, disposition_name(end.disposition))) @if !end.cause.is_empty() { " " span.small { (cause_words(&end.cause)) } } }
                }
                p { "Dialled " (when::exact(call.dialled_at, &session.zone)) " · " a href={ "/contacts/" (call.contact) } { "the person" } }
                (calls.told(id).unwrap_or_default())
                @if let Some(end) = end.as_ref().filter(|end| end.cost > 0) { p.small.soft { "It cost " (end.currency) " " (end.cost / 10_000) "." (format!("{:04}", end.cost % 10_000)) "." } }
            }
            div.stack {
                (controls(session, id, calls.recordings(id)))
                @if may_label || label.is_some() { section.card {
                    header { h2 { "Who answered" } }
                    @if let Some(label) = &label { p { "Labelled as " strong { (label_name(label.label)) } ", " (when::time(label.labelled_at, &session.zone)) ". The detector had said " (super::calls::answered_by(label.judged.as_str())) "." } }
                    @if may_label { form.form method="post" action={ "/calls/" (id) "/label" } {
                        (label_radios(Fill { fields, problems }))
                        div { button.button.quiet type="submit" { @if label.is_some() { "Change the label" } @else { "Label this call" } } }
                    } }
                } }
            }
        }
    };
    Ok(Page::new(CAMPAIGNS, format!("Call to person {}", call.position + 1)).under(format!("/campaigns/{}", campaign.id), &campaign.name).said(said).problems(problems).show(session, &body))
}

/// While something is recorded: pause it, or let it go on.
fn controls<'a>(session: &Session, id: AttemptId, recordings: impl Iterator<Item = &'a RecordingRecord>) -> Markup {
    let running: Vec<&RecordingRecord> = recordings.filter(|recording| recording.ended_at.is_none()).collect();
    html! {
        @if let Some(running) = running.last().filter(|_| session.may(Right::RunCampaigns)) {
            section.card {
                header { h2 { "Recording now" } }
                @if running.pause_wanted != running.is_paused { p { "The node that holds the call is being told." } }
                @if running.pause_wanted {
                    p { @if running.is_paused { "It holds silence." } @else { "It will hold silence in a moment." } }
                    (button(&format!("/calls/{id}/recording/resume"), "", "Record again"))
                } @else {
                    p.soft { "Pause it while a card number or the like is said: nothing of that is kept." }
                    (button(&format!("/calls/{id}/recording/pause"), "", "Pause the recording"))
                }
            }
        }
    }
}

pub async fn label(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let call = find(&id)?;
    let Some(label) = fields.word::<CallLabel>("label") else {
        return show(&session, call, &fields, &Problems::one("label", "Say who answered"), None).await;
    };
    session.tenant.label_call(call, label, session.now).await?;
    let back = if fields.has("from", "labels") { "/campaigns/labels?said=labelled".to_owned() } else { format!("/calls/{id}?said=labelled") };
    Ok(Redirect::to(&back).into_response())
}
