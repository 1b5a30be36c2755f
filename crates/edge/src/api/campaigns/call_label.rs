//! Labels of calls, and how often the detector was wrong by them.

use axum::Json;
use clarion_domain::compliance::abandonment::{SAMPLE_MIN, london_day};
use clarion_domain::outcomes::answered_by::AnsweredBy as DomainAnswer;
use clarion_domain::outcomes::call_label::{CallLabel as DomainLabel, Share as DomainShare};
use clarion_store::compliance::{DetectorRecord, LabelledCall};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::wire::{AnsweredBy, AttemptId, CallLabel, Time};

/// Who took a call.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"label": "human"}))]
pub struct NewLabel {
    label: CallLabel,
}

/// A labelled call.
#[derive(Serialize, ToSchema)]
pub struct Label {
    call: AttemptId,
    label: CallLabel,
    /// What the detector had said; `unsure` where it had no word.
    judged: AnsweredBy,
    /// Its version and settings.
    detector: String,
    answered_at: Time,
    labelled_at: Time,
}

impl From<LabelledCall> for Label {
    fn from(call: LabelledCall) -> Self {
        Self { call: call.attempt.into(), label: call.label.into(), judged: call.judged.into(), detector: call.detector, answered_at: call.answered_at.into(), labelled_at: call.labelled_at.into() }
    }
}

/// How often the detector was wrong, by your labels.
#[derive(Serialize, ToSchema)]
pub struct Register {
    /// Scripts may treat machines otherwise than people.
    scripts_may_act_on_machines: bool,
    /// Labelled calls, of those given to a machine, that it takes.
    labelled_machines_min: u32,
    /// Calls that wait for a label.
    waiting: i64,
    /// One for each version and setting, the one in use first.
    detectors: Vec<Detector>,
}

/// One detector's calls.
#[derive(Serialize, ToSchema)]
pub struct Detector {
    detector: String,
    in_use: bool,
    labelled: u32,
    first_call_at: Time,
    last_call_at: Time,
    /// People whom it took for something else, of the people: its rate of false positives.
    people_mistaken: Share,
    /// People among the calls that it gave to a machine.
    machines_mistaken: Share,
    /// Machines that it knew, of the machines.
    machines_found: Share,
    /// Only what was counted at least once.
    confusion: Vec<Confusion>,
}

/// So many of a label had this word.
#[derive(Serialize, ToSchema)]
pub struct Confusion {
    label: CallLabel,
    judged: AnsweredBy,
    n: u32,
}

/// Some of so many, with the bounds of 95 % confidence (Clopper and Pearson), in ten-thousandths.
#[derive(Serialize, ToSchema)]
pub struct Share {
    n: u32,
    of: u32,
    /// Null of nothing.
    rate_bp: Option<u32>,
    low_bp: u32,
    high_bp: u32,
}

impl From<DomainShare> for Share {
    fn from(share: DomainShare) -> Self {
        Self { n: share.n, of: share.of, rate_bp: share.bp(), low_bp: share.low_bp, high_bp: share.high_bp }
    }
}

impl From<DetectorRecord> for Detector {
    fn from(record: DetectorRecord) -> Self {
        let table = &record.confusion;
        let cells = DomainLabel::ALL.iter().flat_map(|label| DomainAnswer::ALL.iter().map(move |judged| (*label, *judged)));
        let cells = cells.map(|(label, judged)| Confusion { label: label.into(), judged: judged.into(), n: table.of(label, judged) });
        Self {
            in_use: record.is_current(),
            labelled: table.labelled(),
            first_call_at: record.first_call_at.into(),
            last_call_at: record.last_call_at.into(),
            people_mistaken: table.people_mistaken().into(),
            machines_mistaken: table.machines_mistaken().into(),
            machines_found: table.machines_found().into(),
            confusion: cells.filter(|cell| cell.n > 0).collect(),
            detector: record.detector,
        }
    }
}

/// Say who took a call
///
/// By ear, best without knowing what the detector said. Another label of the same call replaces the first.
#[utoipa::path(put, path = "/calls/{call}/label", tag = "campaigns", params(("call" = AttemptId, Path)), request_body = NewLabel, responses((status = 200, body = Label)))]
pub async fn set(caller: Caller, Id(id): Id<AttemptId>, Body(new): Body<NewLabel>) -> Result<Json<Label>, Problem> {
    Ok(Json(caller.tenant.label_call(id.0, new.label.0, caller.now).await?.into()))
}

/// How often the detector was wrong
///
/// The table of confusion of each detector by your labels, and whether they suffice for scripts that act on machines (UK-4).
#[utoipa::path(get, path = "/labels", tag = "campaigns", responses((status = 200, body = Register)))]
pub async fn register(caller: Caller) -> Result<Json<Register>, Problem> {
    let estimate = caller.tenant.mistake_estimate().await?;
    Ok(Json(Register {
        scripts_may_act_on_machines: estimate.is_some_and(|estimate| estimate.is_tested(london_day(caller.now))),
        labelled_machines_min: SAMPLE_MIN,
        waiting: caller.tenant.unlabelled_count().await?,
        detectors: caller.tenant.detector_records().await?.into_iter().map(Detector::from).collect(),
    }))
}
