//! Recorded prompts: sent, heard, removed.

use axum::extract::multipart::MultipartError;
use axum::extract::{Multipart, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::PromptId;
use clarion_domain::tenancy::role::Right;
use clarion_store::campaigns::PromptRecord;
use maud::html;

use super::problems_of;
use super::prompt_file::{self, PROMPT_BYTES_MAX, PromptFileError, wav};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::bytes;
use crate::page::form::{Fill, Input, confirmed};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::said::said;
use crate::page::table::empty;
use crate::page::when;
use crate::portal::Portal;
use crate::tenancy::guard::Session;

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    show(&session, &Fields::new(), &Problems::new(), said(&asked)).await
}

async fn show(session: &Session, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let prompts = session.tenant.prompts().await?;
    let may = session.may(Right::RunCampaigns);
    let body = html! {
        div.columns.wide-first {
            section.card.flush {
                @if prompts.is_empty() { (empty(Icon::Phone, "No prompt yet", "A prompt is a recording that calls play. Texts need none: they are spoken.", None)) } @else {
                    div.scroll { table.stacks {
                        thead { tr { th scope="col" { "Prompt" } th.num scope="col" { "Lasts" } th scope="col" { "Sent" } th scope="col" { span.unseen { "Listen or remove" } } } }
                        tbody { @for prompt in &prompts { tr {
                            th scope="row" { (prompt.name) }
                            td.num data-label="Lasts" { (prompt.duration_ms / 1_000) "." (prompt.duration_ms % 1_000 / 100) " s" }
                            td.tight-cell { (when::time(prompt.created_at, &session.zone)) }
                            td { div.actions {
                                a.button.quiet.slim href={ "/campaigns/prompts/" (prompt.id) ".wav" } { "Listen" span.unseen { " to " (prompt.name) } }
                                @if may { (confirmed("Remove…", "Its sound is gone, and no script can name it any more.", &format!("/campaigns/prompts/{}/delete", prompt.id), "Yes, remove it")) }
                            } }
                        } } }
                    } }
                }
            }
            @if may { (form(Fill { fields, problems })) }
        }
    };
    Ok(Page::new(CAMPAIGNS, "Prompts").under("/campaigns/scripts", "Scripts").said(said).problems(problems).show(session, &body))
}

fn form(fill: Fill) -> maud::Markup {
    let wrong = fill.problems.of("file");
    html! {
        form.card.form method="post" action="/campaigns/prompts" enctype="multipart/form-data" {
            header { h2 { "Send a recording" } }
            // The name stands before the file, so that it is known when the file comes.
            (Input::new("name", "Name").hint("What scripts call it. A prompt of that name is replaced, for campaigns that start later.").show(fill))
            div class=(if wrong.is_some() { "field has-problem" } else { "field" }) {
                label for="file" { "File" }
                span.hint #file-hint { "WAV, MP3, OGG Vorbis or FLAC, at most ten minutes and " (bytes(PROMPT_BYTES_MAX as i64)) "." }
                @if let Some(text) = wrong { span.wrong #file-wrong { span.unseen { "Error: " } (text) } }
                input #file type="file" name="file" accept=".wav,.mp3,.ogg,.flac,audio/*" aria-describedby="file-hint";
            }
            div { button.button type="submit" { "Send it" } }
        }
    }
}

async fn read(mut form: Multipart) -> Result<(Fields, Vec<u8>), MultipartError> {
    let (mut fields, mut file) = (Fields::new(), Vec::new());
    while let Some(field) = form.next_field().await? {
        match field.name() {
            Some("name") => fields = fields.with("name", field.text().await?),
            Some("file") => file = field.bytes().await?.to_vec(),
            _ => {}
        }
    }
    Ok((fields, file))
}

pub async fn receive(State(portal): State<Portal>, session: Session, form: Multipart) -> Result<Response, Fault> {
    let (fields, file) = match read(form).await {
        Ok(whole) => whole,
        Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => return show(&session, &Fields::new(), &Problems::one("file", "The file is larger than may be sent: shorten the recording"), None).await,
        Err(_) => return Err(Fault::Malformed),
    };
    let mut problems = Problems::new();
    problems.need(&fields, "name", "Give the prompt a name");
    if file.is_empty() {
        problems.add("file", "Choose a recording");
    }
    if !problems.is_empty() {
        return show(&session, &fields, &problems, None).await;
    }
    let reader = portal.config.read_prompt;
    let samples = tokio::task::spawn_blocking(move || prompt_file::read(reader, file)).await.map_err(|_| Fault::Malformed)?;
    let samples = match samples {
        Ok(samples) => samples,
        Err(PromptFileError::OtherFormat(text) | PromptFileError::Unreadable(text)) => return show(&session, &fields, &Problems::one("file", capitalised(&text)), None).await,
    };
    match session.tenant.put_prompt(fields.get("name"), &samples, session.now).await {
        Ok(_) => Ok(Redirect::to("/campaigns/prompts?said=saved").into_response()),
        Err(error) => {
            let found = problems_of(error, "name")?;
            let mut problems = Problems::new();
            found.all().iter().for_each(|(field, text)| problems.add(if field == "audio" { "file" } else { field }, text.as_str()));
            show(&session, &fields, &problems, None).await
        }
    }
}

async fn find(session: &Session, id: &str) -> Result<PromptRecord, Fault> {
    let id: PromptId = id.parse().map_err(|_| Fault::NotFound("prompt"))?;
    session.tenant.prompts().await?.into_iter().find(|prompt| prompt.id == id).ok_or(Fault::NotFound("prompt"))
}

pub async fn audio(session: Session, Path(file): Path<String>) -> Result<Response, Fault> {
    let prompt = find(&session, file.strip_suffix(".wav").unwrap_or_default()).await?;
    let samples = session.tenant.prompt_audio(&prompt.name).await?;
    Ok(([(header::CONTENT_TYPE, "audio/wav")], wav(&samples)).into_response())
}

pub async fn delete(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.delete_prompt(find(&session, &id).await?.id, session.now).await?;
    Ok(Redirect::to("/campaigns/prompts?said=removed").into_response())
}
