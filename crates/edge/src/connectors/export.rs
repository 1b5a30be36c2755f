//! Results that go back to the client: the exports, a new one, one with its files, and a file with its tries.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::connectors::export::{ExportFileState, ExportFormat, ExportState, ExportTarget};
use clarion_domain::connectors::instruction::{InstructionKind, InstructionStanding};
use clarion_domain::id::{CampaignId, ExportFileId, ExportId};
use clarion_store::StoreError;
use clarion_store::campaigns::CampaignQuery;
use clarion_store::connectors::{ExportFileRecord, ExportRecord, NewExport};
use maud::{Markup, html};

use crate::page::chip::{Tone, chip, live_chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::{bytes, count};
use crate::page::form::{Fill, Input, button, confirmed, select, tick};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::IMPORTS;
use crate::page::said::said;
use crate::page::table::{empty, pager};
use crate::page::when;
use crate::tenancy::guard::Session;
use crate::webhooks::endpoint::answer;
use crate::webhooks::list::problems_of;

const ROOT: &str = "/imports/exports";
const ROWS: i64 = 30;
const CAMPAIGNS: i64 = 200;

fn state(export: &ExportRecord) -> Markup {
    match export.state {
        ExportState::On => chip(Tone::Good, Icon::Check, "On"),
        ExportState::Paused => chip(Tone::Calm, Icon::Clock, "Paused"),
        ExportState::Stopped => chip(Tone::Bad, Icon::Stop, "Stopped"),
    }
}

fn file_state(file: &ExportFileRecord) -> Markup {
    match file.state {
        ExportFileState::Waiting if file.tries > 0 => chip(Tone::Warn, Icon::Clock, "Tried again"),
        ExportFileState::Waiting => live_chip("Waiting"),
        ExportFileState::Ready if file.fetched_at.is_some() => chip(Tone::Good, Icon::Check, "Fetched"),
        ExportFileState::Ready => chip(Tone::Info, Icon::Check, "Lies ready"),
        ExportFileState::Delivered => chip(Tone::Good, Icon::Check, "Delivered"),
        ExportFileState::Failed => chip(Tone::Bad, Icon::Cross, "Failed"),
        ExportFileState::Removed => chip(Tone::Calm, Icon::Cross, "Removed"),
    }
}

fn when_text(export: &NewExport) -> String {
    let end = if export.at_end { format!("{} min after a campaign's end", export.after_minutes) } else { String::new() };
    let times = export.times.to_string();
    [end, times].into_iter().filter(|text| !text.is_empty() && text != "by hand").collect::<Vec<_>>().join(", ")
}

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    let exports = session.tenant.exports().await?;
    let body = html! {
        section.card.flush {
            @if exports.is_empty() {
                (empty(Icon::Upload, "No export yet", "Results of campaigns can go back to the client by themselves: into out/ of an SFTP account, or to an address of theirs. Record the client's instruction first: it names the columns.", Some(("/imports/instructions", "Instructions"))))
            } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "Export" } th scope="col" { "When" } th scope="col" { "Next" } th scope="col" { "State" } } }
                    tbody { @for export in &exports { tr {
                        th scope="row" { a href={ (ROOT) "/" (export.id) } { (export.new.name) } div.small.soft { (target_name(export.new.target)) ", " (export.new.format.as_str().to_uppercase()) } }
                        td data-label="When" { @let text = when_text(&export.new); @if text.is_empty() { span.soft { "By hand" } } @else { (text) } }
                        td data-label="Next" { (when::optional(export.next_at, &session.zone)) }
                        td { (state(export)) @if !export.stopped_why.is_empty() { div.small { (capitalised(&export.stopped_why)) } } }
                    } } }
                } }
            }
        }
    };
    let lead = html! { p { "Results that go back to the client, with the columns that their instruction names." } };
    let page = Page::new(IMPORTS, "Exports").under("/imports", "Imports").lead(lead).actions(html! { a.button.quiet href="/imports/instructions" { "Instructions" } a.button href="/imports/exports/new" { "Add an export" } });
    Ok(page.said(said(&asked)).show(&session, &body))
}

fn target_name(target: ExportTarget) -> &'static str {
    match target {
        ExportTarget::Sftp => "Fetched by SFTP",
        ExportTarget::Put => "Sent by HTTPS (PUT)",
        ExportTarget::Post => "Sent by HTTPS (POST)",
    }
}

async fn inputs(session: &Session, fill: Fill<'_>) -> Result<Markup, Fault> {
    let instructions: Vec<(String, String)> = session
        .tenant
        .instructions()
        .await?
        .into_iter()
        .filter(|record| record.new.kind == InstructionKind::Export && matches!(record.standing(session.now), InstructionStanding::InForce | InstructionStanding::Future))
        .map(|record| (record.id.to_string(), format!("{}, version {}: {}", record.new.reference, record.version, record.new.fields.join(", "))))
        .collect();
    let mut accounts = vec![(String::new(), "None".to_owned())];
    accounts.extend(session.tenant.sftp_accounts().await?.into_iter().map(|account| (account.id.to_string(), account.draft.username)));
    let mut campaigns = vec![(String::new(), "Every campaign".to_owned())];
    campaigns.extend(session.tenant.campaigns(&CampaignQuery { limit: CAMPAIGNS, ..CampaignQuery::default() }).await?.rows.into_iter().map(|campaign| (campaign.id.to_string(), campaign.name)));
    let targets: Vec<(String, String)> = ExportTarget::ALL.iter().map(|target| (target.to_string(), target_name(*target).to_owned())).collect();
    let formats: Vec<(String, String)> = ExportFormat::ALL.iter().map(|format| (format.to_string(), if *format == ExportFormat::Csv { "CSV" } else { "JSON, an object a line" }.to_owned())).collect();
    Ok(html! {
        (Input::new("name", "Name").show(fill))
        (select("instruction", "Instruction", "Only the columns that were agreed in it are written.", &instructions, fill))
        (select("campaign", "Of", "", &campaigns, fill))
        (tick("at_end", "When a campaign has ended", "", fill))
        (Input::new("after_minutes", "Minutes after its end").hint("Receipts still come in for a while.").kind("number").class("short").show(fill))
        (Input::new("times", "And on a schedule").hint("every 4 hours, at 06:00 18:30 (your time), or by hand. Of campaigns that ran since the last time.").show(fill))
        (select("format", "Written as", "", &formats, fill))
        (select("target", "How it goes", "", &targets, fill))
        (select("account", "SFTP account that fetches it", "It lies in out/ of the account.", &accounts, fill))
        (Input::new("url", "Address that it is sent to").hint("Begins with https://. {file} in it stands for the file's name. What is sent is signed as webhooks are.").kind("text").show(fill))
    })
}

fn read(fields: &Fields) -> Result<NewExport, Problems> {
    let times = match fields.get("times") {
        "" => clarion_domain::connectors::times::Times::ByHand,
        text => text.parse().map_err(|error: clarion_domain::connectors::times::TimesError| Problems::one("times", capitalised(&error.to_string())))?,
    };
    Ok(NewExport {
        name: fields.get("name").to_owned(),
        instruction: fields.word("instruction").ok_or_else(|| Problems::one("instruction", "Choose the instruction under which it may go: without one nothing goes"))?,
        campaign: fields.word::<CampaignId>("campaign"),
        at_end: fields.is_set("at_end"),
        after_minutes: fields.number("after_minutes").ok_or_else(|| Problems::one("after_minutes", "Enter a whole number"))?,
        times,
        format: fields.word("format").unwrap_or(ExportFormat::Csv),
        target: fields.word("target").unwrap_or(ExportTarget::Sftp),
        account: fields.word("account"),
        url: fields.get("url").to_owned(),
    })
}

pub async fn new(session: Session) -> Result<Response, Fault> {
    show_new(&session, &Fields::new().with("at_end", "yes").with("after_minutes", "60").with("times", "by hand"), &Problems::new()).await
}

async fn show_new(session: &Session, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let body = html! {
        form.card.form method="post" action="/imports/exports/new" {
            (inputs(session, Fill { fields, problems }).await?)
            div { button.button type="submit" { "Add the export" } }
        }
    };
    Ok(Page::new(IMPORTS, "New export").under(ROOT, "Exports").problems(problems).show(session, &body))
}

fn secret_page(session: &Session, secret: &str, id: ExportId) -> Response {
    let body = html! {
        section.card {
            header { h2 { "Keep this secret now" } }
            p.secret { code { (secret) } }
            p { "It is shown this once. Check the signature of what arrives with it (Standard Webhooks), or anybody could pretend to be us." }
            div { a.button href={ (ROOT) "/" (id) } { "I have kept it" } }
        }
    };
    Page::new(IMPORTS, "Secret of the export").under(ROOT, "Exports").show(session, &body)
}

/// Answers the POST itself when there is a secret: it has no address to come back to.
pub async fn create(session: Session, fields: Fields) -> Result<Response, Fault> {
    let new = match read(&fields) {
        Ok(new) => new,
        Err(problems) => return show_new(&session, &fields, &problems).await,
    };
    match session.tenant.create_export(&new, session.now).await {
        Ok(made) if made.secret.is_empty() => Ok(Redirect::to(&format!("{ROOT}/{}?said=created", made.id)).into_response()),
        Ok(made) => Ok(secret_page(&session, &made.secret, made.id)),
        Err(error) => show_new(&session, &fields, &problems_of(error)?).await,
    }
}

async fn find(session: &Session, id: &str) -> Result<ExportRecord, Fault> {
    let id: ExportId = id.parse().map_err(|_| Fault::NotFound("export"))?;
    Ok(session.tenant.export(id).await?)
}

pub async fn page(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    show(&session, &find(&session, &id).await?, &asked, &Problems::new()).await
}

async fn show(session: &Session, export: &ExportRecord, asked: &Asked, problems: &Problems) -> Result<Response, Fault> {
    let (here, before) = (format!("{ROOT}/{}", export.id), asked.0.number("before"));
    let files = session.tenant.export_files(export.id, before, ROWS).await?;
    let instruction = session.tenant.instruction(export.new.instruction).await?;
    let account = match export.new.account {
        Some(account) => session.tenant.sftp_account(account).await.map_or_else(|_| "deleted".to_owned(), |account| account.draft.username),
        None => String::new(),
    };
    let campaigns: Vec<(String, String)> = session.tenant.campaigns(&CampaignQuery { limit: CAMPAIGNS, ..CampaignQuery::default() }).await?.rows.into_iter().filter(|campaign| campaign.started_at.is_some()).map(|campaign| (campaign.id.to_string(), campaign.name)).collect();
    let fields = Fields::new();
    let body = html! {
        dl.facts {
            dt { "State" } dd { (state(export)) @if !export.stopped_why.is_empty() { " " (capitalised(&export.stopped_why)) } }
            dt { "Instruction" } dd { a href={ (super::instruction::ROOT) "/" (instruction.id) } { (instruction.new.reference) ", version " (instruction.version) } " " (super::instruction::standing_chip(instruction.standing(session.now))) }
            dt { "Columns" } dd.mono { (instruction.new.fields.join(", ")) }
            dt { "How" } dd { (target_name(export.new.target)) @if account.is_empty() { ": " span.mono.breaks { (export.new.url.split('?').next().unwrap_or_default()) } } @else { ": " code { "out/" } " of " (account) } }
            dt { "When" } dd { @let text = when_text(&export.new); @if text.is_empty() { "By hand" } @else { (text) } @if let Some(next) = export.next_at { ", next " (when::time(next, &session.zone)) } }
        }
        div.columns.wide-first {
            section.card.flush {
                @if files.rows.is_empty() {
                    (empty(Icon::Upload, "No file yet", "One is written when a campaign has ended, on the schedule, or when you ask for it.", None))
                } @else {
                    div.scroll { table.stacks {
                        thead { tr { th scope="col" { "File" } th scope="col" { "State" } th.num scope="col" { "People" } th.num scope="col" { "Size" } th scope="col" { "Next try" } } }
                        tbody { @for file in &files.rows { tr {
                            th scope="row" { a.breaks href={ (here) "/files/" (file.id) } { (file.name) } div.small.soft { (when::exact(file.created_at, &session.zone)) } }
                            td { (file_state(file)) @if !file.last_error.is_empty() { div.small { (answer(file.last_status, &file.last_error)) } } }
                            td.num data-label="People" { (count(file.rows)) }
                            td.num data-label="Size" { (bytes(file.bytes)) }
                            td data-label="Next try" { (when::optional(file.next_at, &session.zone)) }
                        } } }
                    } }
                }
                (pager(&here, "", before, files.next))
            }
            div.stack {
                @if export.state == ExportState::On && !campaigns.is_empty() {
                    form.card.form method="post" action={ (here) "/files" } {
                        header { h2 { "Export now" } }
                        (select("campaign", "Campaign", "", &campaigns, Fill { fields: &fields, problems }))
                        div { button.button type="submit" { "Write the file" } }
                    }
                }
                section.card {
                    header { h2 { "Change it" } }
                    @if export.state == ExportState::On { (button(&format!("{here}/pause"), "quiet", "Pause")) } @else { (button(&format!("{here}/resume"), "", "Switch it on")) }
                    @if export.new.target != ExportTarget::Sftp { (confirmed("New secret…", "The old one ends at once.", &format!("{here}/secret"), "Yes, make a new secret")) }
                    (confirmed("Delete…", "Its files go with it: nobody can fetch them any more.", &format!("{here}/delete"), "Yes, delete it"))
                }
            }
        }
    };
    Ok(Page::new(IMPORTS, export.new.name.as_str()).under(ROOT, "Exports").said(said(asked)).problems(problems).show(session, &body))
}

pub async fn file(session: Session, Path((id, file)): Path<(String, String)>, asked: Asked) -> Result<Response, Fault> {
    let export = find(&session, &id).await?;
    let file: ExportFileId = file.parse().map_err(|_| Fault::NotFound("file"))?;
    let (file, tries) = session.tenant.export_file(export.id, file).await?;
    let body = html! {
        dl.facts {
            dt { "State" } dd { (file_state(&file)) @if !file.last_error.is_empty() { " " (answer(file.last_status, &file.last_error)) } }
            dt { "Campaign" } dd { a href={ "/campaigns/" (file.campaign) } { "Open it" } }
            dt { "Holds" } dd { (count(file.rows)) " people, " (bytes(file.bytes)) }
            @if let Some(at) = file.fetched_at { dt { "Fetched" } dd { (when::time(at, &session.zone)) } }
            @if let Some(at) = file.next_at { dt { "Next try" } dd { (when::time(at, &session.zone)) } }
        }
        @if !tries.is_empty() {
            section.card.flush { div.scroll { table.stacks {
                thead { tr { th scope="col" { "Try" } th scope="col" { "Answer" } th.num scope="col" { "Took (ms)" } } }
                tbody { @for line in &tries { tr {
                    th scope="row" { (when::exact(line.tried_at, &session.zone)) }
                    td data-label="Answer" { (answer(line.status, &line.error)) }
                    td.num data-label="Took (ms)" { (count(line.duration_ms)) }
                } } }
            } } }
        }
    };
    let mut page = Page::new(IMPORTS, "File of results").under(format!("{ROOT}/{}", export.id), export.new.name.as_str()).lead(html! { p.mono.breaks { (file.name) } }).said(said(&asked));
    if file.state == ExportFileState::Failed {
        page = page.actions(button(&format!("{ROOT}/{}/files/{}/retry", export.id, file.id), "", "Send it again"));
    }
    Ok(page.show(&session, &body))
}

pub async fn ask(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let export = find(&session, &id).await?;
    let Some(campaign) = fields.word::<CampaignId>("campaign") else { return show(&session, &export, &Asked(Fields::new()), &Problems::one("campaign", "Choose a campaign")).await };
    match session.tenant.export_now(export.id, campaign, session.now).await {
        Ok(file) => Ok(Redirect::to(&format!("{ROOT}/{id}/files/{file}")).into_response()),
        Err(StoreError::Conflict(text)) => show(&session, &export, &Asked(Fields::new()), &Problems::one("campaign", capitalised(&text))).await,
        Err(error) => Err(error.into()),
    }
}

pub async fn retry(session: Session, Path((id, file)): Path<(String, String)>) -> Result<Response, Fault> {
    let export = find(&session, &id).await?;
    let file: ExportFileId = file.parse().map_err(|_| Fault::NotFound("file"))?;
    session.tenant.retry_export_file(export.id, file, session.now).await?;
    Ok(Redirect::to(&format!("{ROOT}/{id}/files/{file}?said=replayed")).into_response())
}

pub async fn pause(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.pause_export(find(&session, &id).await?.id, session.now).await?;
    Ok(Redirect::to(&format!("{ROOT}/{id}?said=saved")).into_response())
}

pub async fn resume(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.resume_export(find(&session, &id).await?.id, session.now).await?;
    Ok(Redirect::to(&format!("{ROOT}/{id}?said=saved")).into_response())
}

pub async fn secret(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = find(&session, &id).await?.id;
    let secret = session.tenant.rotate_export_secret(id, session.now).await?;
    Ok(secret_page(&session, &secret, id))
}

pub async fn delete(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.delete_export(find(&session, &id).await?.id, session.now).await?;
    Ok(Redirect::to(&format!("{ROOT}?said=removed")).into_response())
}
