//! Receiving a contact file, of any size, without holding it in memory.

use axum::body::{BodyDataStream, Bytes};
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use clarion_domain::intake::import::ImportSource;
use clarion_store::intake::{IMPORT_BYTES_MAX, NewImport, Upload};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::import::detail;
use crate::api::answer::made;
use crate::api::body::{Query, within};
use crate::api::caller::Caller;
use crate::api::once::Once;
use crate::api::problem::Problem;
use crate::api::wire::{File, ListId};
use crate::api::Api;

const KINDS: &[&str] = &["application/octet-stream", "text/csv", "text/plain", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"];

/// What becomes of the columns.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MappingChoice {
    /// Wait until somebody confirms the proposed mapping.
    Ask,
    /// Load with the proposed mapping when it has a phone column.
    Auto,
}

#[derive(Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// What the file is called; shown to the tenant's users. Keep personal data out of it.
    #[param(min_length = 1, max_length = 200)]
    file_name: String,
    /// The list on which to put the contacts.
    list: Option<ListId>,
    /// `ask` when left out.
    mapping: Option<MappingChoice>,
    /// Load even when the same bytes were loaded before.
    accept_repeat: Option<bool>,
}

/// Load a contact file
///
/// The body is the file itself, CSV or XLSX; delimiter and encoding are found out. A worker then reads it: look at the
/// import's `state` until it is `loaded`, `failed`, or waits for you.
#[utoipa::path(
    post, path = "/imports", tag = "intake", params(UploadQuery),
    request_body(content = File, content_type = "application/octet-stream"),
    responses((status = 201, body = super::import::ImportDetail), (status = 404))
)]
pub async fn upload(State(api): State<Api>, caller: Caller, Query(query): Query<UploadQuery>, request: Request) -> Result<Response, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !KINDS.contains(&kind.as_str()) {
        return Err(Problem::unsupported_media_type("application/octet-stream` or `text/csv"));
    }
    within(Problem::malformed, "file_name", &query.file_name, (1, 200))?;
    let once = Once::of(&caller, request.headers())?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(request.uri().to_string().as_bytes()).update(&[0]);
    let bytes_max = api.config.upload_bytes_max.min(u64::try_from(IMPORT_BYTES_MAX).unwrap_or(0));
    let reading = Reading { stream: request.into_body().into_data_stream(), hasher, bytes: 0, bytes_max };
    let Some(once) = once else {
        return receive(&caller, &query, reading).await.1;
    };
    if let Some(before) = once.claim(&[]).await? {
        return before.replay(&reading.skip().await?);
    }
    // A sender that hangs up must not leave its key claimed: the end of the body reaches the task either way.
    let work = tokio::spawn(async move {
        let (hash, outcome) = receive(&caller, &query, reading).await;
        once.settle(&hash, outcome.into_response()).await
    });
    work.await.map_err(|_| Problem::internal())?
}

/// The body, hashed and counted as it is read.
struct Reading {
    stream: BodyDataStream,
    hasher: blake3::Hasher,
    bytes: u64,
    bytes_max: u64,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let Some(piece) = self.stream.next().await else { return Ok(None) };
        let piece = piece.map_err(|_| Problem::malformed("the file broke off while it was sent: send it again"))?;
        self.bytes += piece.len() as u64;
        if self.bytes > self.bytes_max {
            return Err(Problem::too_large(self.bytes_max));
        }
        self.hasher.update(&piece);
        Ok(Some(piece))
    }

    /// The hash of the whole request, once its body was read.
    fn hash(&self) -> [u8; 32] {
        *self.hasher.finalize().as_bytes()
    }

    async fn skip(mut self) -> Result<[u8; 32], Problem> {
        while self.next().await?.is_some() {}
        Ok(self.hash())
    }
}

/// The hash of the request, and its answer.
async fn receive(caller: &Caller, query: &UploadQuery, mut reading: Reading) -> ([u8; 32], Result<Response, Problem>) {
    let outcome = store(caller, query, &mut reading).await;
    (reading.hash(), outcome)
}

async fn store(caller: &Caller, query: &UploadQuery, reading: &mut Reading) -> Result<Response, Problem> {
    let mut new = NewImport::new(ImportSource::Api, &query.file_name);
    new.list = query.list.map(|list| list.0);
    new.auto_start = query.mapping == Some(MappingChoice::Auto);
    new.accept_repeat = query.accept_repeat.unwrap_or(false);
    let mut upload = caller.tenant.begin_import(&new, caller.now).await?;
    if let Err(problem) = fill(&mut upload, reading).await {
        upload.abort().await?;
        return Err(problem);
    }
    let (id, _) = upload.finish(caller.now).await?;
    Ok(made(format!("/imports/{id}"), detail(caller, id).await?))
}

async fn fill(upload: &mut Upload, reading: &mut Reading) -> Result<(), Problem> {
    while let Some(piece) = reading.next().await? {
        upload.write(&piece).await?;
    }
    Ok(())
}
