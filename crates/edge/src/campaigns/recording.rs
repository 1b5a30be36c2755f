//! What a campaign records of its calls: the step that says so; and recordings as they are heard and paused.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::attempts::recording::{ANNOUNCEMENT_CHARS_MAX, OPENING_MS, RecordingKind, RecordingMarkKind, RecordingSettings};
use clarion_domain::id::{AttemptId, RecordingId};
use clarion_store::attempts::RecordingRecord;
use clarion_store::campaigns::{CampaignDraft, CampaignRecord};
use maud::{Markup, html};

use super::sound::wav;
use super::{find, save_step, tasks};
use crate::page::fault::Fault;
use crate::page::fields::{Fields, Problems};
use crate::page::form::{Fill, Input, area, tick};
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::portal::Portal;
use crate::tenancy::guard::Session;

/// The settings in a few words.
pub fn told(settings: &RecordingSettings) -> String {
    match (settings.talks, settings.openings) {
        (false, false) => "Nothing beside what the script’s steps record".into(),
        (true, false) => "Talks with agents".into(),
        (false, true) => "The first seconds of answered calls".into(),
        (true, true) => "Talks with agents, and the first seconds of answered calls".into(),
    }
}

fn fields_of(settings: &RecordingSettings) -> Fields {
    let fields = Fields::new().with("announcement", &settings.announcement).with("told_in", &settings.told_in);
    let fields = if settings.talks { fields.with("talks", "yes") } else { fields };
    if settings.openings { fields.with("openings", "yes") } else { fields }
}

pub async fn page(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    if let Some(closed) = tasks::closed(&session, &campaign, "What is recorded") {
        return Ok(closed);
    }
    show(&session, &campaign, &fields_of(&campaign.recording), &Problems::new()).await
}

async fn show(session: &Session, campaign: &CampaignRecord, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let fill = Fill { fields, problems };
    let seconds = OPENING_MS / 1_000;
    let body = html! {
        div.columns.wide-first {
            form.card.form method="post" action={ "/campaigns/" (campaign.id) "/recording" } {
                @if let Some(text) = problems.of("recording") { span.wrong #recording { span.unseen { "Error: " } (text) } }
                (tick("talks", "Record talks with agents", "From when they are joined to the end of the call: the person left, the agent right. Anybody with the right may pause it, for card numbers.", fill))
                (area("announcement", "What the person hears before it", &format!("Such as: This call is recorded. At most {ANNOUNCEMENT_CHARS_MAX} characters. It plays while the agent is rung, and is heard to its end."), None, fill))
                (tick("openings", &format!("Record the first {seconds} seconds of each answered call"), "To label who answered. By these labels it is known how often the detector takes a person for a machine; scripts that act on machines need that (UK-4).", fill))
                (Input::new("told_in", "Where people were told before").hint("Your privacy notice or a contract. The first seconds need it: they begin before anything can be said.").show(fill))
                p.small.soft { "Recordings are sealed with the person’s own key, and are deleted by the retention that Privacy shows." }
                div.actions { button.button type="submit" { "Save" } a href={ "/campaigns/" (campaign.id) } { "Back" } }
            }
            (tasks::aside(session, campaign, "recording").await?)
        }
    };
    Ok(Page::new(CAMPAIGNS, "What is recorded").under(format!("/campaigns/{}", campaign.id), &campaign.name).problems(problems).show(session, &body))
}

pub async fn save(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let mut draft = CampaignDraft::from(&campaign);
    draft.recording = RecordingSettings {
        talks: fields.has("talks", "yes"),
        openings: fields.has("openings", "yes"),
        announcement: fields.get("announcement").to_owned(),
        told_in: fields.get("told_in").to_owned(),
    };
    match save_step(&session, campaign.id, &draft, &["recording"]).await? {
        Ok(done) => Ok(done),
        Err(problems) => show(&session, &campaign, &fields, &problems).await,
    }
}

fn name(kind: RecordingKind) -> &'static str {
    match kind {
        RecordingKind::Talk => "Talk with an agent",
        RecordingKind::Message => "Message",
        RecordingKind::Opening => "First seconds",
    }
}

/// `2:05`.
fn length(ms: i64) -> String {
    format!("{}:{:02}", ms / 60_000, ms / 1_000 % 60)
}

/// One recording: what it is, where it has gaps, and a player for whoever may listen.
pub fn player(recording: &RecordingRecord, may_listen: bool) -> Markup {
    let marks = |wanted: RecordingMarkKind| recording.marks.iter().filter(|mark| mark.what == wanted).map(|mark| length(i64::try_from(mark.at_ms).unwrap_or(i64::MAX))).collect::<Vec<_>>().join(", ");
    let (paused, lost) = (marks(RecordingMarkKind::Paused), marks(RecordingMarkKind::Lost));
    html! {
        div.sound {
            div.small {
                (name(recording.kind)) " recorded"
                @if !recording.step.is_empty() { " at " span.mono { (recording.step) } }
                ", " (length(recording.duration_ms))
                @if recording.ended_at.is_none() { @if recording.is_paused { ": paused now" } @else { ": running" } }
                @if !paused.is_empty() { ", paused at " (paused) }
                @if !lost.is_empty() { ", with gaps at " (lost) }
                @if recording.ended_by == "crash" { ", cut off as the node stopped" }
            }
            @if may_listen && recording.duration_ms > 0 {
                audio controls preload="none" src={ "/recordings/" (recording.id) ".wav" } aria-label={ (name(recording.kind)) ", " (length(recording.duration_ms)) } {}
            }
        }
    }
}

/// The sound itself. A listening is an audit event, however many parts a player asks for.
pub async fn audio(State(portal): State<Portal>, session: Session, Path(file): Path<String>, headers: HeaderMap) -> Result<Response, Fault> {
    let id: RecordingId = file.strip_suffix(".wav").unwrap_or_default().parse().map_err(|_| Fault::NotFound("recording"))?;
    let sound = session.tenant.recorded_sound(id).await?;
    portal.listeners.write(&session.tenant, session.user.user_id, id, session.now).await?;
    Ok(wav(sound, &headers, None))
}

async fn ask(session: &Session, id: &str, paused: bool) -> Result<Response, Fault> {
    let call: AttemptId = id.parse().map_err(|_| Fault::NotFound("call"))?;
    session.tenant.pause_recording(call, paused, session.now).await?;
    Ok(Redirect::to(&format!("/calls/{id}?said={}", if paused { "recording-paused" } else { "recording-resumed" })).into_response())
}

pub async fn pause(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    ask(&session, &id, true).await
}

pub async fn resume(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    ask(&session, &id, false).await
}
