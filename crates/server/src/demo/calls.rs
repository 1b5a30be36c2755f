//! The demo's second half: one tenant calls some people, and puts those who press 1 through to its call centre.

use std::sync::Arc;

use anyhow::Context;
use clarion_domain::attempts::recording::RecordingSettings;
use clarion_domain::campaigns::call_pacing::{CallPacing, PacingMode};
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::schedule::{Day, TimeOfDay};
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::carriers::transfer_target::SipLine;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::id::{CampaignId, ListId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::personal::Personal;
use clarion_engine::calls::{SpeechEngine, SpeechRequest};
use clarion_store::Tenant;
use clarion_store::campaigns::CampaignDraft;
use clarion_store::carriers::{NewRoute, NewTransferTarget, NewTrunk};
use clarion_store::compliance::Week;
use clarion_testbed::people;
use clarion_testbed::voice::{CallFate, CallTally};

use super::scene::{Cast, load};
use super::Stage;
use crate::clock;
use crate::commands::campaign::Report;

const CALLER_ID: &str = "+442079460990";
const CALLED: usize = 30;
/// Other people than those who get messages, so that no cap on contacts stands between the two campaigns.
const FIRST_CALLED: usize = 700;
const AGENTS: u32 = 4;
const CHIME: &str = "Chime";

const GREETING: &str = "Hello, you have reached the voicemail of somebody who does not exist. I cannot take your call at the moment. \
    Please leave your name, your number and a short message after the tone, and I will call you back as soon as I can.";

const SPOKEN: &str = r#"
language = "en-GB"
start = "menu"

[information]
text = "This was a call on behalf of Harbour Lending. Nobody is free to speak to you now. You can reach us on 020 7946 0990."

[steps.menu]
do = "gather"
speech = { text = "Hello {first_name|there}. This is Harbour Lending. Press 1 to speak to us about your account, or 9 not to be called again." }
digits_max = 1
timeout_ms = 6000
keys = { "1" = "agents", "9" = "stop" }
invalid = "bye"
timeout = "bye"

[steps.agents]
do = "transfer"
target = "agents"

[steps.stop]
do = "opt_out"
speech = { text = "We will not call you again. Goodbye." }

[steps.bye]
do = "hang_up"
"#;

/// What people and machines say behind the pretend carrier; nothing where no speech program is installed.
pub async fn voices() -> (Option<Arc<[i16]>>, Option<Arc<[i16]>>) {
    let engine = SpeechEngine::default();
    let say = async |text: &str| engine.render(&SpeechRequest { text: text.into(), language: "en-GB".into(), voice: None }).await.ok();
    (say("Hello?").await, say(GREETING).await)
}

/// The tenant that calls, and its campaign.
pub struct Calls {
    pub tenant: Tenant,
    pub campaign: CampaignId,
    /// Whether people hear words, or a chime because no speech program is installed.
    pub spoken: bool,
}

/// Sets the calls going.
pub async fn ring(stage: &Stage, cast: &Cast) -> anyhow::Result<Calls> {
    let tenant = cast.tenant.clone();
    let carrier = stage.voice.address();
    let settings: TrunkSettings = serde_json::from_value(serde_json::json!({ "kind": "sip", "hosts": [carrier.to_string()] }))?;
    let new = NewTrunk { name: "Pretend telephone carrier".into(), settings, secret: Personal::default(), rate_per_second: 10, cost_per_segment: 120, currency: "GBP".into() };
    let trunk = tenant.add_trunk(&new, true, clock::now()).await?;
    tenant.add_route(&NewRoute { prefix: "+".into(), sender: String::new(), trunk, priority: 20 }, true, clock::now()).await?;
    tenant.add_sender(CALLER_ID, false, "a number reserved for drama", clock::now()).await?;
    tenant.attest_sender(CALLER_ID, true, "", clock::now()).await?;
    let target = NewTransferTarget { group: "agents".into(), name: "Call centre".into(), address: format!("sip:agents@{carrier}"), line: SipLine::default(), hours: Week::default(), capacity: AGENTS, priority: 1, enabled: true };
    tenant.add_transfer_target(&target, clock::now()).await?;
    let spoken = SpeechEngine::default().render(&SpeechRequest { text: "Hello.".into(), language: "en-GB".into(), voice: None }).await.is_ok();
    if !spoken {
        tenant.put_prompt(CHIME, &chime(), clock::now()).await?;
    }
    let list = load(&tenant, "Account holders", "account-holders.csv", &people("AH", FIRST_CALLED, CALLED)).await?;
    let draft = draft_of_calls("Account calls", list, spoken);
    let campaign = tenant.create_campaign(&draft, clock::now()).await?;
    tenant.start_campaign(campaign, clock::now()).await.context("the calls could not start")?;
    Ok(Calls { tenant, campaign, spoken })
}

pub(super) fn draft_of_calls(name: &str, list: ListId, spoken: bool) -> CampaignDraft {
    let mut draft = CampaignDraft::new(name);
    draft.channel = Channel::Voice;
    draft.purpose = Some(Purpose::Collections);
    draft.basis = Some(LegalBasis::Contract);
    draft.list_id = Some(list);
    draft.script = script(spoken);
    draft.sender = CALLER_ID.into();
    draft.call_pacing = CallPacing { pace: PacingMode::Progressive, calls_per_second_max: 5, calls_at_once_max: 20, ring_ms_max: 20_000 };
    draft.retry = RetryRules::never();
    draft.recording = RecordingSettings { openings: true, told_in: "the privacy notice of Harbour Lending".into(), ..RecordingSettings::default() };
    draft.schedule.days = Day::ALL.to_vec();
    (draft.schedule.from, draft.schedule.until) = (TimeOfDay::from_minute(8 * 60).unwrap_or(draft.schedule.from), TimeOfDay::from_minute(20 * 60).unwrap_or(draft.schedule.until));
    draft
}

/// Without a speech program the same script plays a chime. The information message stays a text, as UK-7 reads it, and has the chime as its
/// fallback: one call for each free agent abandons nobody, so that it is never needed.
fn script(spoken: bool) -> String {
    if spoken {
        return SPOKEN.to_owned();
    }
    let chime = format!("{{ prompt = \"{CHIME}\" }}");
    let mut lines: Vec<String> = Vec::new();
    for line in SPOKEN.lines() {
        match line {
            line if line.starts_with("speech = ") => lines.push(format!("speech = {chime}")),
            line if line.starts_with("text = ") => lines.extend([line.to_owned(), format!("fallback = \"{CHIME}\"")]),
            line => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

/// Two soft notes.
fn chime() -> Vec<i16> {
    let note = |hertz: f32| (0..6_400).map(move |n| ((n as f32 * hertz * std::f32::consts::TAU / 8_000.0).sin() * 6_000.0 * (1.0 - n as f32 / 6_400.0)) as i16);
    note(660.0).chain(note(880.0)).collect()
}

/// The reports of calls, summed, beside what the carrier counted: what, by the reports, by the carrier.
pub fn lines(reports: &[&Report], tally: &CallTally) -> Vec<(&'static str, i64, i64)> {
    use Disposition as D;
    let of = |word: D| reports.iter().map(|report| report.of(word)).sum::<i64>();
    let carrier = |fate: CallFate| i64::try_from(tally.of(fate)).unwrap_or(i64::MAX);
    let machines = reports.iter().flat_map(|report| &report.heard).filter(|(by, _)| by.is_voicemail()).map(|(_, n)| n).sum();
    let all: i64 = D::ALL.iter().map(|word| of(*word)).sum();
    vec![
        ("calls", all, i64::try_from(tally.calls()).unwrap_or(i64::MAX)),
        ("put through to an agent", of(D::PutThrough), carrier(CallFate::PutThrough)),
        ("agents who heard the person", of(D::PutThrough), i64::try_from(tally.agent_answers).unwrap_or(i64::MAX)),
        // Nothing is done on the detector's word before a hundred of its calls were labelled (UK-4): a machine hears what a person hears.
        ("heard it out: people, machines", of(D::AnsweredPerson), carrier(CallFate::Listens) + carrier(CallFate::Machine)),
        ("machines, by the detector", machines, carrier(CallFate::Machine)),
        ("asked not to be called again", of(D::OptedOut), carrier(CallFate::OptsOut)),
        ("busy", of(D::Busy), carrier(CallFate::Busy)),
        ("declined", of(D::Rejected), carrier(CallFate::Declines)),
        ("no such number", of(D::InvalidNumber), carrier(CallFate::Dead)),
        ("abandoned or unknown", of(D::Abandoned) + of(D::Unknown), 0),
        ("called twice", 0, tally.called_again() as i64),
    ]
}
