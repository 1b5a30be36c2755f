//! The suppression list as a file: numbers read into it, and the list written out.

use axum::body::Body;
use axum::extract::Multipart;
use axum::extract::multipart::MultipartError;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clarion_domain::audit::event::Act;
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::compliance::suppression_file::FILE_BYTES_MAX;
use clarion_domain::tenancy::role::Right;
use clarion_store::StoreError;
use clarion_store::compliance::SuppressionImport;
use maud::{Markup, html};

use super::suppression::{reasons, scopes};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Fields, Problems};
use crate::page::figure::{bytes, count, figure};
use crate::page::form::{Fill, Input, select};
use crate::page::layout::Page;
use crate::page::menu::COMPLIANCE;
use crate::tenancy::guard::Session;

pub async fn page(session: Session) -> Response {
    let fields = Fields::new().with("scope", "every").with("reason", "tenant_list");
    show(&session, &fields, &Problems::new(), None)
}

fn show(session: &Session, fields: &Fields, problems: &Problems, result: Option<&SuppressionImport>) -> Response {
    let fill = Fill { fields, problems };
    let wrong = problems.of("file");
    let body = html! {
        @if let Some(result) = result { (told(result)) }
        div.columns.wide-first {
            form.card.form method="post" action="/compliance/file" enctype="multipart/form-data" {
                header { h2 { "Suppress every number of a file" } }
                // What to stop stands before the file: it is read first.
                (select("scope", "What to stop", "", &scopes(), fill))
                (select("reason", "Why", "", &reasons(None, &[SuppressionReason::TenantList, SuppressionReason::OptOut, SuppressionReason::Objection]), fill))
                (Input::new("source", "How it came").hint("For instance where the list is from. No names or numbers.").show(fill))
                div class=(if wrong.is_some() { "field has-problem" } else { "field" }) {
                    label for="file" { "File" }
                    span.hint #file-hint { "Text or CSV, at most " (bytes(FILE_BYTES_MAX as i64)) ": one number a line, or a column called phone." }
                    @if let Some(text) = wrong { span.wrong #file-wrong { span.unseen { "Error: " } (text) } }
                    input #file type="file" name="file" accept=".csv,.txt,.tsv,text/csv,text/plain" aria-describedby="file-hint";
                }
                div.actions { button.button type="submit" { "Suppress these numbers" } a href="/compliance" { "Cancel" } }
            }
            @if session.may(Right::RevealPersonal) {
                section.card {
                    header { h2 { "Take the list out" } }
                    p.soft { "Every number with its reason, as CSV. Whole numbers stand in it, and the download is recorded in the audit with your name." }
                    div { a.button.quiet href="/compliance/suppressions.csv" { "Download the list (CSV)" } }
                }
            }
        }
    };
    Page::new(COMPLIANCE, "Suppressions by file").under("/compliance", "Suppressions").problems(problems).show(session, &body)
}

fn told(result: &SuppressionImport) -> Markup {
    html! {
        dl.figures {
            (figure("Added", &count(result.added.cast_signed()), "", "good"))
            (figure("On the list already", &count(result.known.cast_signed()), "", ""))
            (figure("Lines without a number", &count(result.rejected.cast_signed()), "", if result.rejected > 0 { "bad" } else { "" }))
        }
        @if !result.rejects.is_empty() {
            div.notice.warn {
                h2 { "Lines that hold no number" }
                p { (result.rejects.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")) @if result.rejected > result.rejects.len() as u64 { " and more" } }
                p.small.soft { "Put them right and send the file again: what is on the list already stays as it is." }
            }
        }
    }
}

pub async fn receive(session: Session, form: Multipart) -> Result<Response, Fault> {
    let (fields, file) = match read(form).await {
        Ok(read) => read,
        Err(error) => return Ok(show(&session, &Fields::new().with("scope", "every").with("reason", "tenant_list"), &Problems::one("file", broken(&error)), None)),
    };
    let mut problems = Problems::new();
    let (scope, reason) = (fields.word::<SuppressionScope>("scope"), fields.word::<SuppressionReason>("reason"));
    if scope.is_none() {
        problems.add("scope", "Choose what to stop");
    }
    if reason.is_none_or(|reason| reason == SuppressionReason::Erased) {
        problems.add("reason", "Choose a reason");
    }
    if file.is_empty() {
        problems.add("file", "Choose a file that is not empty");
    }
    let (Some(scope), Some(reason), true) = (scope, reason, problems.is_empty()) else { return Ok(show(&session, &fields, &problems, None)) };
    match session.tenant.import_suppressions(&file, scope, reason, fields.get("source"), session.now).await {
        Ok(result) => Ok(show(&session, &fields, &Problems::new(), Some(&result))),
        Err(StoreError::Invalid(text)) => {
            let field = if text.starts_with("the file") { "file" } else { "source" };
            Ok(show(&session, &fields, &Problems::one(field, capitalised(&text)), None))
        }
        Err(error) => Err(error.into()),
    }
}

fn broken(error: &MultipartError) -> String {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE { "The file is larger than may be sent. Split it into several files." } else { "The file did not arrive whole. Nothing was added; send it again." }.into()
}

async fn read(mut form: Multipart) -> Result<(Fields, Vec<u8>), MultipartError> {
    let (mut fields, mut file) = (Fields::new(), Vec::new());
    while let Some(field) = form.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            file = field.bytes().await?.to_vec();
        } else {
            fields = fields.with(&name, field.text().await?);
        }
    }
    Ok((fields, file))
}

/// Streamed page by page.
pub async fn download(session: Session) -> Result<Response, Fault> {
    session.tenant.audit_alone(session.now, Act::Exported, "suppression", 0, "the list").await?;
    let parts = futures_util::stream::try_unfold(Some(None), move |state: Option<Option<i64>>| {
        let tenant = session.tenant.clone();
        async move {
            let Some(after) = state else { return Ok::<_, StoreError>(None) };
            let (text, next) = tenant.suppression_csv(after.as_ref()).await?;
            Ok(Some((text, next.map(Some))))
        }
    });
    let name = "attachment; filename=\"suppressions.csv\"";
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, name)], Body::from_stream(parts)).into_response())
}
