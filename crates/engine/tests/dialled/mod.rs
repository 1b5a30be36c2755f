//! A tenant with a trunk to the pretend carrier, a caller ID and a floor of agents; its drafts; and a dialler. For every test that dials.
#![allow(dead_code, reason = "each test file uses its part")]

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use clarion_domain::attempts::recording::wav;
use clarion_domain::campaigns::call_pacing::{CallPacing, PacingMode};
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::carriers::transfer_target::SipLine;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::id::ListId;
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;
use clarion_engine::calls::{self, DiallerConfig, EndpointConfig, MediaConfig, SpeechEngine};
use clarion_store::Tenant;
use clarion_store::campaigns::CampaignDraft;
use clarion_store::carriers::{NewRoute, NewTransferTarget, NewTrunk};
use clarion_store::compliance::Week;
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{Tone, VoiceCarrier};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::{Bench, NOON};

pub const CALLER_ID: &str = "+442079460999";

/// Who answers is put through at once.
pub const STRAIGHT: &str = r#"
language = "en-GB"
start = "agents"

[information]
text = "This is North on behalf of North. Nobody is free to speak to you. Please call us on 020 7946 0999."

[steps.agents]
do = "transfer"
target = "agents"
"#;

/// Noon of a weekday, and ticking.
pub fn clock() -> Instant {
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    NOON.plus_ms(START.get_or_init(std::time::Instant::now).elapsed().as_millis() as i64)
}

pub fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

pub fn dial(bench: &Bench) -> (watch::Sender<bool>, JoinHandle<()>) {
    dial_with(bench, SpeechEngine::default())
}

pub fn dial_with(bench: &Bench, speech: SpeechEngine) -> (watch::Sender<bool>, JoinHandle<()>) {
    let (stop, stopped) = watch::channel(false);
    let media = MediaConfig { ports: audio_ports(), ..MediaConfig::default() };
    let config = DiallerConfig { clock, sip: EndpointConfig::new(loopback()), media, speech, drain_ms_max: 5_000 };
    (stop, tokio::spawn(calls::run(bench.store.clone(), config, stopped)))
}

/// Speaks every text as a tone: what is heard lasts for as long as a test says.
pub fn spoken_in(bench: &Bench, lasts: Duration) -> SpeechEngine {
    let (file, samples) = (bench.folder.path().join("spoken.wav"), Tone { hz: 440, lasts }.samples());
    std::fs::write(&file, wav(1, &samples)).expect("a file");
    SpeechEngine::Command { program: "cat".into(), arguments: vec![file.display().to_string()] }
}

pub async fn connect(tenant: &Tenant, carrier: &VoiceCarrier) {
    connect_to(tenant, carrier, carrier.address(), 3).await;
}

/// The same with a call centre that is not the carrier's own, and takes so many calls at once.
pub async fn connect_to(tenant: &Tenant, carrier: &VoiceCarrier, agents: SocketAddr, capacity: u32) {
    let host = carrier.address().to_string();
    connect_by(tenant, &format!(r#"{{"kind":"sip","hosts":["{host}"],"keep_alive_seconds":5}}"#)).await;
    let target = NewTransferTarget { group: "agents".into(), name: "Floor".into(), address: format!("sip:agents@{agents}"), line: SipLine::default(), hours: Week::default(), capacity, priority: 1, enabled: true };
    tenant.add_transfer_target(&target, NOON).await.expect("a target");
}

/// A trunk with these settings, and a caller ID.
pub async fn connect_by(tenant: &Tenant, settings: &str) {
    let settings: TrunkSettings = serde_json::from_str(settings).expect("settings");
    let new = NewTrunk { name: "Voice".into(), settings, secret: Personal::default(), rate_per_second: 20, cost_per_segment: 100, currency: "GBP".into() };
    let trunk = tenant.add_trunk(&new, false, NOON).await.expect("a trunk");
    tenant.add_route(&NewRoute { prefix: "+44".into(), sender: String::new(), trunk, priority: 1 }, false, NOON).await.expect("a route");
    tenant.add_sender(CALLER_ID, false, "a number reserved for drama", NOON).await.expect("a caller ID");
    tenant.attest_sender(CALLER_ID, true, "", NOON).await.expect("confirmed");
}

/// A campaign that may start with this script.
pub fn draft_of(list: ListId, script: &str, pace: PacingMode) -> CampaignDraft {
    let mut draft = CampaignDraft::of(Channel::Voice, "Calls of November");
    (draft.purpose, draft.basis, draft.list_id) = (Some(Purpose::Collections), Some(LegalBasis::Contract), Some(list));
    (draft.script, draft.sender) = (script.into(), CALLER_ID.into());
    draft.call_pacing = CallPacing { pace, calls_per_second_max: 20, calls_at_once_max: 20, ring_ms_max: 15_000 };
    draft.retry = RetryRules::never();
    draft.schedule.days = clarion_domain::campaigns::schedule::Day::ALL.to_vec();
    draft
}
