//! Receiving a file, streamed into the store chunk by chunk: memory stays flat whatever its size.

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{Multipart, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::id::ImportId;
use clarion_domain::intake::import::ImportSource;
use clarion_store::StoreError;
use clarion_store::intake::{IMPORT_BYTES_MAX, NewImport};
use maud::html;

use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Fields, Problems};
use crate::page::figure::bytes;
use crate::page::form::{Fill, Input};
use crate::page::layout::Page;
use crate::page::menu::IMPORTS;
use crate::portal::Portal;
use crate::tenancy::guard::Session;

pub async fn page(State(portal): State<Portal>, session: Session) -> Result<Response, Fault> {
    show(&portal, &session, &Fields::new(), &Problems::new()).await
}

fn most(portal: &Portal) -> i64 {
    i64::try_from(portal.config.upload_bytes_max).unwrap_or(i64::MAX).min(IMPORT_BYTES_MAX)
}

async fn show(portal: &Portal, session: &Session, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let lists: Vec<String> = session.tenant.lists().await?.into_iter().map(|list| list.name).collect();
    let fill = Fill { fields, problems };
    let wrong = problems.of("file");
    let body = html! {
        div.columns.wide-first {
            form.card.form method="post" action="/imports/new" enctype="multipart/form-data" data-upload {
                // The list stands before the file: the store must know it before the first byte.
                (Input::new("list", "Put the people on a list").hint("An existing list or a new name. Leave it empty for none.").list(&lists).class("medium").show(fill))
                div class=(if wrong.is_some() { "field has-problem" } else { "field" }) {
                    label for="file" { "File" }
                    span.hint #file-hint { "CSV or Excel (.xlsx), at most " (bytes(most(portal))) ". The first line names the columns." }
                    @if let Some(text) = wrong { span.wrong #file-wrong { span.unseen { "Error: " } (text) } }
                    input #file type="file" name="file" accept=".csv,.txt,.tsv,.xlsx,text/csv" aria-describedby="file-hint";
                }
                progress hidden aria-label="Sent so far" {}
                p.small.soft data-said role="status" {}
                div.actions { button.button type="submit" { "Send the file" } a href="/imports" { "Cancel" } }
            }
            section.card {
                header { h2 { "What happens next" } }
                ol.stack.tight {
                    li { "We read the head of the file and suggest what each column is." }
                    li { "You check it against real values and confirm." }
                    li { "Every number is checked. Lines that cannot be used are listed with their reason." }
                }
                p.small.soft { "A column that is no known field is dropped: it is never stored." }
            }
        }
    };
    Ok(Page::new(IMPORTS, "Load a file").under("/imports", "Imports").problems(problems).show(session, &body))
}

pub async fn receive(State(portal): State<Portal>, session: Session, form: Multipart) -> Result<Response, Fault> {
    let mut fields = Fields::new();
    let failed = match read(&portal, &session, form, &mut fields).await {
        Ok(id) => return Ok(Redirect::to(&format!("/imports/{id}")).into_response()),
        Err(failed) => failed,
    };
    match failed {
        Failed::Told(field, text) => show(&portal, &session, &fields, &Problems::one(field, text)).await,
        Failed::Fault(fault) => Err(fault),
    }
}

/// Either a problem for the form, or a fault of the page.
enum Failed {
    Told(&'static str, String),
    Fault(Fault),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Invalid(text) | StoreError::Conflict(text) => Self::Told("file", capitalised(&text)),
            error => Self::Fault(error.into()),
        }
    }
}

impl From<MultipartError> for Failed {
    fn from(error: MultipartError) -> Self {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Self::Told("file", "The file is larger than may be sent. Split it into several files.".into())
        } else {
            Self::Told("file", "The file did not arrive whole. Nothing was loaded; send it again.".into())
        }
    }
}

async fn read(portal: &Portal, session: &Session, mut form: Multipart, fields: &mut Fields) -> Result<ImportId, Failed> {
    while let Some(field) = form.next_field().await? {
        match field.name() {
            Some("list") => *fields = std::mem::take(fields).with("list", field.text().await?),
            Some("file") if field.file_name().is_some_and(|name| !name.is_empty()) => return store(portal, session, field, fields).await,
            _ => {}
        }
    }
    Err(Failed::Told("file", "Choose a file".into()))
}

async fn store(portal: &Portal, session: &Session, mut file: Field<'_>, fields: &Fields) -> Result<ImportId, Failed> {
    let list = match fields.get("list") {
        "" => None,
        name => Some(session.tenant.list_named(name, session.now).await.map_err(|error| match error {
            StoreError::Invalid(text) | StoreError::Conflict(text) => Failed::Told("list", capitalised(&text)),
            error => Failed::Fault(error.into()),
        })?),
    };
    let name = file.file_name().unwrap_or_default().to_owned();
    let new = NewImport { list, bytes_max: most(portal), ..NewImport::new(ImportSource::Portal, &name) };
    let mut upload = session.tenant.begin_import(&new, session.now).await?;
    loop {
        let written = match file.chunk().await {
            Ok(Some(bytes)) => upload.write(&bytes).await.map_err(Failed::from),
            Ok(None) => break,
            Err(error) => Err(error.into()),
        };
        if let Err(failed) = written {
            upload.abort().await?;
            return Err(failed);
        }
    }
    Ok(upload.finish((portal.config.clock)()).await?.0)
}
