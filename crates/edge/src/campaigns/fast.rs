//! A call's step four: how its calls are matched with agents, how many, and how long they ring.

use axum::extract::Path;
use axum::response::Response;
use clarion_domain::campaigns::call_pacing::{CALLS_AT_ONCE_MAX, CALLS_PER_SECOND_MAX, CEILING_BP_MAX, CallPacing, CallPacingError, POWER_PERCENT_MAX, PacingMode, RING_MS_MAX};
use clarion_store::campaigns::{CampaignDraft, CampaignRecord};
use maud::{Markup, html};

use super::{find, save_step, tasks};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Fields, Problems};
use crate::page::figure::counted;
use crate::page::form::{Fill, Input, radios};
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::tenancy::guard::Session;

const MODES: [(&str, &str, &str); 4] = [
    ("progressive", "One call for each free agent", "Nobody is called for whom no agent is free. Whoever answers is abandoned all the same when that agent does not pick up."),
    ("power", "A fixed number of calls for each free agent", "Falls back to one call for each before the law's ceiling on abandoned calls."),
    ("predictive", "As many as a model says", "Learns how often people answer, and keeps under the ceiling that you set."),
    ("agentless", "No agents: the message alone", "Somebody is put through only after pressing a key."),
];

/// Hundredths as people write them: `1.5`, `2`.
fn hundredths(n: u32) -> String {
    if n.is_multiple_of(100) { (n / 100).to_string() } else { format!("{}.{:02}", n / 100, n % 100).trim_end_matches('0').to_owned() }
}

fn read_hundredths(text: &str) -> Option<u16> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let good = part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let whole: u16 = whole.parse().ok().filter(|whole| *whole <= 100)?;
    good.then(|| format!("{part:0<2}").parse::<u16>().ok().map(|part| whole * 100 + part))?
}

/// The pace in one sentence.
pub fn told(pacing: &CallPacing) -> String {
    let mode = match pacing.pace {
        PacingMode::Agentless => "No agents".to_owned(),
        PacingMode::Progressive => "One call for each free agent".to_owned(),
        PacingMode::Power { calls_per_slot_percent } => format!("{} {} for each free agent", hundredths(calls_per_slot_percent.into()), if calls_per_slot_percent == 100 { "call" } else { "calls" }),
        PacingMode::Predictive { ceiling_bp } => format!("Predictive, at most {} % abandoned", hundredths(ceiling_bp.into())),
    };
    format!("{mode}; at most {} a second and {} at once; rings for {} s", counted(pacing.calls_per_second_max.into(), "call", "calls"), pacing.calls_at_once_max, pacing.ring_ms_max / 1_000)
}

pub(super) fn fields_of(pacing: &CallPacing) -> Fields {
    let (mode, calls, ceiling) = match pacing.pace {
        PacingMode::Agentless => ("agentless", 150, CEILING_BP_MAX),
        PacingMode::Progressive => ("progressive", 150, CEILING_BP_MAX),
        PacingMode::Power { calls_per_slot_percent } => ("power", calls_per_slot_percent, CEILING_BP_MAX),
        PacingMode::Predictive { ceiling_bp } => ("predictive", 150, ceiling_bp),
    };
    Fields::new()
        .with("call_pacing", mode)
        .with("calls_per_slot", hundredths(calls.into()))
        .with("ceiling", hundredths(ceiling.into()))
        .with("calls_per_second_max", pacing.calls_per_second_max.to_string())
        .with("calls_at_once_max", pacing.calls_at_once_max.to_string())
        .with("ring_seconds_max", (pacing.ring_ms_max / 1_000).to_string())
}

pub async fn page(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    if let Some(closed) = tasks::closed(&session, &campaign, "How fast") {
        return Ok(closed);
    }
    show(&session, &campaign, &fields_of(&campaign.call_pacing), &Problems::new()).await
}

/// What a form asks about the pace.
pub(super) fn inputs(fill: Fill) -> Markup {
    html! {
        (radios("call_pacing", "How are calls matched with agents?", "", &MODES, fill))
        div.only-power { (Input::new("calls_per_slot", "Calls for each free agent").hint("1 to 3, such as 1.5.").class("short").show(fill)) }
        div.only-predictive { (Input::new("ceiling", "Abandoned calls at most, in % of a day's answered calls").hint("0.1 to 3: the law allows 3.").class("short").show(fill)) }
        div.row {
            (Input::new("calls_per_second_max", "Calls a second, at most").kind("number").class("short").show(fill))
            (Input::new("calls_at_once_max", "Calls at once, at most").hint("Ringing ones included.").kind("number").class("short").show(fill))
        }
        (Input::new("ring_seconds_max", "Ring for so many seconds").hint("15 at least: the law's own.").kind("number").class("short").show(fill))
    }
}

async fn show(session: &Session, campaign: &CampaignRecord, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let fill = Fill { fields, problems };
    let body = html! {
        div.columns.wide-first {
            form.card.form method="post" action={ "/campaigns/" (campaign.id) "/fast" } {
                (inputs(fill))
                div.actions { button.button type="submit" { "Save" } a href={ "/campaigns/" (campaign.id) } { "Back" } }
            }
            (tasks::aside(session, campaign, "fast").await?)
        }
    };
    Ok(Page::new(CAMPAIGNS, "How fast").under(format!("/campaigns/{}", campaign.id), &campaign.name).problems(problems).show(session, &body))
}

pub(super) fn read(fields: &Fields) -> Result<CallPacing, Problems> {
    let mut problems = Problems::new();
    let pace = match fields.get("call_pacing") {
        "agentless" => PacingMode::Agentless,
        "progressive" => PacingMode::Progressive,
        "power" => match read_hundredths(fields.get("calls_per_slot")) {
            Some(calls_per_slot_percent) => PacingMode::Power { calls_per_slot_percent },
            None => return Err(Problems::one("calls_per_slot", format!("Enter 1 to {}, such as 1.5", POWER_PERCENT_MAX / 100))),
        },
        "predictive" => match read_hundredths(fields.get("ceiling")) {
            Some(ceiling_bp) => PacingMode::Predictive { ceiling_bp },
            None => return Err(Problems::one("ceiling", format!("Enter a share in percent, 0.1 to {}", CEILING_BP_MAX / 100))),
        },
        _ => return Err(Problems::one("call_pacing", "Choose how calls are matched with agents")),
    };
    let mut whole = |name: &str, max: u32| fields.get(name).parse::<u32>().ok().filter(|n| *n <= max).unwrap_or_else(|| {
        problems.add(name, format!("Enter a whole number up to {max}"));
        0
    });
    let (calls_per_second_max, calls_at_once_max) = (whole("calls_per_second_max", CALLS_PER_SECOND_MAX), whole("calls_at_once_max", CALLS_AT_ONCE_MAX));
    let ring_ms_max = whole("ring_seconds_max", RING_MS_MAX / 1_000) * 1_000;
    if !problems.is_empty() {
        return Err(problems);
    }
    let pacing = CallPacing { pace, calls_per_second_max, calls_at_once_max, ring_ms_max };
    pacing.check().map(|()| pacing).map_err(|error| {
        let field = match error {
            CallPacingError::CallsPerSecond(_) => "calls_per_second_max",
            CallPacingError::CallsAtOnce(_) => "calls_at_once_max",
            CallPacingError::Ring(_) => return Problems::one("ring_seconds_max", format!("Enter 15 (the law's least) to {} seconds", RING_MS_MAX / 1_000)),
            CallPacingError::Power(_) => return Problems::one("calls_per_slot", format!("Enter 1 to {}, such as 1.5", POWER_PERCENT_MAX / 100)),
            CallPacingError::Ceiling(_) => return Problems::one("ceiling", format!("Enter a share in percent, 0.1 to {}", CEILING_BP_MAX / 100)),
        };
        Problems::one(field, capitalised(&error.to_string()))
    })
}

pub async fn save(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    let mut draft = CampaignDraft::from(&campaign);
    let problems = match read(&fields) {
        Ok(pacing) => {
            draft.call_pacing = pacing;
            match save_step(&session, campaign.id, &draft, &["call_pacing"]).await? {
                Ok(done) => return Ok(done),
                Err(problems) => problems,
            }
        }
        Err(problems) => problems,
    };
    show(&session, &campaign, &fields, &problems).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pace_comes_back_from_its_form() {
        for pace in [PacingMode::Agentless, PacingMode::Progressive, PacingMode::Power { calls_per_slot_percent: 125 }, PacingMode::Predictive { ceiling_bp: 10 }] {
            let pacing = CallPacing { pace, ..CallPacing::default() };
            assert_eq!(read(&fields_of(&pacing)).ok(), Some(pacing));
        }
        assert_eq!(["1.5", "2", "0.1", "1.255", "x", "-1", "", "999"].map(read_hundredths), [Some(150), Some(200), Some(10), None, None, None, None, None]);
        let one = CallPacing { pace: PacingMode::Agentless, calls_per_second_max: 1, ..CallPacing::default() };
        assert!(told(&one).starts_with("No agents; at most 1 call a second and "), "{}", told(&one));
        assert_eq!((hundredths(150), hundredths(300), hundredths(5)), ("1.5".into(), "3".into(), "0.05".into()));
    }
}
