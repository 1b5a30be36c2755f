//! Recordings of calls: what there is, their sound, and pausing one that runs.

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use clarion_domain::attempts::recording::RecordingMark as DomainMark;
use clarion_domain::audit::event::Act;
use clarion_store::attempts::RecordingRecord;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::{Id, Query};
use crate::api::caller::Caller;
use crate::api::page::{Listing, PageQuery};
use crate::api::problem::Problem;
use crate::api::wire::{AttemptId, CampaignId, ContactId, File, RecordingId, RecordingKind, RecordingMarkKind, Time};
use crate::campaigns::sound::wav;

/// A recording of a call, without its sound.
#[derive(Serialize, ToSchema)]
pub struct Recording {
    id: RecordingId,
    call: AttemptId,
    campaign: CampaignId,
    contact: ContactId,
    kind: RecordingKind,
    /// The script's step that asked for it; empty for the others.
    step: String,
    began_at: Time,
    /// Null while it runs.
    ended_at: Option<Time>,
    duration_ms: i64,
    /// 2 for a talk: the person left, the agent right.
    channels: u8,
    /// It holds silence now, as somebody asked for.
    paused: bool,
    /// Somebody asked for that; the node that holds the call follows within a moment.
    pause_wanted: bool,
    marks: Vec<RecordingMark>,
    /// The law wants it kept until then, whatever your own period says.
    kept_by_law_until: Option<Time>,
}

/// A place in a recording.
#[derive(Serialize, ToSchema)]
pub struct RecordingMark {
    at_ms: u64,
    what: RecordingMarkKind,
}

impl From<DomainMark> for RecordingMark {
    fn from(mark: DomainMark) -> Self {
        Self { at_ms: mark.at_ms, what: mark.what.into() }
    }
}

impl From<RecordingRecord> for Recording {
    fn from(record: RecordingRecord) -> Self {
        Self {
            id: record.id.into(),
            call: record.attempt.into(),
            campaign: record.campaign.into(),
            contact: record.contact.into(),
            channels: record.kind.channels(),
            kind: record.kind.into(),
            step: record.step,
            began_at: record.began_at.into(),
            ended_at: record.ended_at.map(Time),
            duration_ms: record.duration_ms,
            paused: record.is_paused,
            pause_wanted: record.pause_wanted,
            marks: record.marks.into_iter().map(RecordingMark::from).collect(),
            kept_by_law_until: record.keep_until.map(Time),
        }
    }
}

/// A campaign's recordings, the newest first
#[utoipa::path(get, path = "/campaigns/{campaign}/recordings", tag = "campaigns", params(("campaign" = CampaignId, Path), PageQuery), responses((status = 200, body = Listing<Recording>)))]
pub async fn of_campaign(caller: Caller, Id(id): Id<CampaignId>, Query(page): Query<PageQuery>) -> Result<Json<Listing<Recording>>, Problem> {
    caller.tenant.campaign(id.0).await?;
    Ok(Listing::of(caller.tenant.recordings_of_campaign(id.0, page.after(), page.limit()).await?, Recording::from))
}

/// What was recorded of a call, the earliest first
#[utoipa::path(get, path = "/calls/{call}/recordings", tag = "campaigns", params(("call" = AttemptId, Path)), responses((status = 200, body = Listing<Recording>)))]
pub async fn of_call(caller: Caller, Id(id): Id<AttemptId>) -> Result<Json<Listing<Recording>>, Problem> {
    caller.tenant.call(id.0).await?;
    Ok(Listing::whole(caller.tenant.recordings_of_calls(&[id.0]).await?, Recording::from))
}

/// One recording
#[utoipa::path(get, path = "/recordings/{recording}", tag = "campaigns", params(("recording" = RecordingId, Path)), responses((status = 200, body = Recording)))]
pub async fn get(caller: Caller, Id(id): Id<RecordingId>) -> Result<Json<Recording>, Problem> {
    Ok(Json(caller.tenant.recording(id.0).await?.into()))
}

/// A recording's sound, as WAV
///
/// 8 kHz, 16 bits, one or two channels. Part of it when the request names a range. Each request is an audit event.
#[utoipa::path(get, path = "/recordings/{recording}/audio.wav", tag = "campaigns", params(("recording" = RecordingId, Path)), responses((status = 200, body = File, content_type = "audio/wav")))]
pub async fn audio(caller: Caller, Id(id): Id<RecordingId>, headers: HeaderMap) -> Result<Response, Problem> {
    let sound = caller.tenant.recorded_sound(id.0).await?;
    caller.tenant.audit_alone(caller.now, Act::Listened, "recording", id.0.0, "").await?;
    Ok(wav(sound, &headers, Some(&format!("{}.wav", id.0))))
}

/// Pause what is recorded of a call
///
/// It holds silence from now on, within a quarter of a second on the node that holds the call: for card numbers and the like. The recording's
/// `paused` says when it is done.
#[utoipa::path(post, path = "/calls/{call}/recording/pause", tag = "campaigns", params(("call" = AttemptId, Path)), responses((status = 204)))]
pub async fn pause(caller: Caller, Id(id): Id<AttemptId>) -> Result<StatusCode, Problem> {
    caller.tenant.pause_recording(id.0, true, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let what is recorded of a call go on
#[utoipa::path(post, path = "/calls/{call}/recording/resume", tag = "campaigns", params(("call" = AttemptId, Path)), responses((status = 204)))]
pub async fn resume(caller: Caller, Id(id): Id<AttemptId>) -> Result<StatusCode, Problem> {
    caller.tenant.pause_recording(id.0, false, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}
