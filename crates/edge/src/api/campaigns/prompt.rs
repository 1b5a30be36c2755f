//! Recorded prompts: sent as files, kept as they are played.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use clarion_domain::id;
use clarion_store::campaigns::PromptRecord;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::Api;
use crate::api::body::{Id, Query, read_whole, within};
use crate::api::caller::Caller;
use crate::api::once::Once;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{File, PromptId, Time};
use crate::campaigns::prompt_file::{self, PROMPT_BYTES_MAX, PromptFileError, wav};

const NAME_CHARS: (usize, usize) = (1, 100);

/// A recorded prompt.
#[derive(Serialize, ToSchema)]
pub struct Prompt {
    id: PromptId,
    /// What scripts call it.
    name: String,
    duration_ms: i64,
    created_by: String,
    created_at: Time,
}

impl From<PromptRecord> for Prompt {
    fn from(record: PromptRecord) -> Self {
        Self { id: record.id.into(), name: record.name, duration_ms: record.duration_ms, created_by: record.created_by, created_at: record.created_at.into() }
    }
}

#[derive(Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PromptQuery {
    /// What scripts call it. A prompt of that name is replaced, for campaigns that start later.
    #[param(min_length = 1, max_length = 100)]
    name: String,
}

impl From<PromptFileError> for Problem {
    fn from(error: PromptFileError) -> Self {
        match error {
            PromptFileError::OtherFormat(text) => Self::unsupported_media_type("audio/wav").because(format!("{text}: send WAV, MP3, OGG Vorbis or FLAC")),
            PromptFileError::Unreadable(text) => Self::invalid_field("audio", text),
        }
    }
}

async fn find(caller: &Caller, id: id::PromptId) -> Result<PromptRecord, Problem> {
    let found = caller.tenant.prompts().await?.into_iter().find(|prompt| prompt.id == id);
    found.ok_or_else(|| clarion_store::StoreError::NotFound("prompt").into())
}

/// Every prompt, by name
#[utoipa::path(get, path = "/prompts", tag = "campaigns", responses((status = 200, body = Listing<Prompt>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<Prompt>>, Problem> {
    Ok(Listing::whole(caller.tenant.prompts().await?, Prompt::from))
}

/// Send a prompt
///
/// The body is the file itself: WAV, MP3, OGG Vorbis or FLAC, up to ten minutes and 50 MB. It is levelled, and kept as it is
/// played: 8 kHz, one channel.
#[utoipa::path(
    post, path = "/prompts", tag = "campaigns", params(PromptQuery),
    request_body(content = File, content_type = "application/octet-stream"),
    responses((status = 200, body = Prompt))
)]
pub async fn put(State(api): State<Api>, caller: Caller, Query(query): Query<PromptQuery>, request: Request) -> Result<Response, Problem> {
    within(Problem::malformed, "name", &query.name, NAME_CHARS)?;
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    if !(kind.starts_with("audio/") || kind.starts_with("application/octet-stream") || kind.starts_with("application/ogg")) {
        return Err(Problem::unsupported_media_type("audio/wav` or `application/octet-stream"));
    }
    let once = Once::of(&caller, request.headers())?;
    let address = request.uri().to_string();
    let file = read_whole(request, PROMPT_BYTES_MAX).await?;
    let Some(once) = once else { return keep(&api, &caller, &query.name, file.into()).await };
    let request_hash = *blake3::Hasher::new().update(address.as_bytes()).update(&[0]).update(&file).finalize().as_bytes();
    if let Some(before) = once.claim(&request_hash).await? {
        return before.replay(&request_hash);
    }
    // A sender that hangs up must find the request done when it asks again.
    let work = tokio::spawn(async move {
        let outcome = keep(&api, &caller, &query.name, file.into()).await;
        once.settle(&request_hash, outcome.into_response()).await
    });
    work.await.map_err(|_| Problem::internal())?
}

async fn keep(api: &Api, caller: &Caller, name: &str, file: Vec<u8>) -> Result<Response, Problem> {
    let read = api.config.read_prompt;
    let samples = tokio::task::spawn_blocking(move || prompt_file::read(read, file)).await.map_err(|_| Problem::internal())??;
    let id = caller.tenant.put_prompt(name, &samples, caller.now).await?;
    Ok(Json(Prompt::from(find(caller, id).await?)).into_response())
}

/// One prompt
#[utoipa::path(get, path = "/prompts/{prompt}", tag = "campaigns", params(("prompt" = PromptId, Path)), responses((status = 200, body = Prompt)))]
pub async fn get(caller: Caller, Id(id): Id<PromptId>) -> Result<Json<Prompt>, Problem> {
    Ok(Json(find(&caller, id.0).await?.into()))
}

/// A prompt's sound, as WAV
#[utoipa::path(get, path = "/prompts/{prompt}/audio.wav", tag = "campaigns", params(("prompt" = PromptId, Path)), responses((status = 200, body = File, content_type = "audio/wav")))]
pub async fn audio(caller: Caller, Id(id): Id<PromptId>) -> Result<Response, Problem> {
    let samples = caller.tenant.prompt_audio(&find(&caller, id.0).await?.name).await?;
    Ok(([(header::CONTENT_TYPE, "audio/wav")], wav(&samples)).into_response())
}

/// Delete a prompt
///
/// A script that names it can then no longer start.
#[utoipa::path(delete, path = "/prompts/{prompt}", tag = "campaigns", params(("prompt" = PromptId, Path)), responses((status = 204)))]
pub async fn delete(caller: Caller, Id(id): Id<PromptId>) -> Result<StatusCode, Problem> {
    caller.tenant.delete_prompt(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}
