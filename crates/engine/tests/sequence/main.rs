//! A text, and two hours later a call to those of whom nothing was heard: both loops against pretend carriers over real SMPP, SIP and RTP, on both
//! databases. In between people reply, the client's system says that two have paid, and another node comes in the place of this one.

#[path = "../../../store/tests/support/people.rs"]
mod people;
#[path = "../../../store/tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use clarion_domain::attempts::recording::RecordingSettings;
use clarion_domain::campaigns::call_pacing::{CallPacing, PacingMode};
use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::schedule::{Day, TimeOfDay};
use clarion_domain::campaigns::sequence::{Sequence, SequenceStep, Wait, WaitFrom};
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::id::{CampaignId, ListId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::personal::Personal;
use clarion_domain::time::{HOUR_MS, Instant};
use clarion_engine::attempts::{self, SenderConfig};
use clarion_engine::calls::{self, DiallerConfig, EndpointConfig, MediaConfig, SpeechEngine};
use clarion_engine::campaigns::work;
use clarion_store::Tenant;
use clarion_store::campaigns::{CampaignDraft, CampaignRecord, StopWhom};
use clarion_store::carriers::{NewRoute, NewTrunk};
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{VoiceCarrier, VoiceCarrierConfig};
use clarion_testbed::{Carrier, CarrierConfig};
use people::list_of;
use support::{Bench, NOON, for_each_store};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Enough that two of them reply, by the last digits of their numbers.
const PEOPLE: usize = 20;
const SENDER: &str = "+442079460999";
const SAYS: &str = "language = \"en-GB\"\nstart = \"tell\"\n[information]\ntext = \"This is North. Please call us on 020 7946 0999.\"\n[steps.tell]\ndo = \"say\"\ntext = \"This is North. Please call us on 020 7946 0999.\"\nnext = \"bye\"\n[steps.bye]\ndo = \"hang_up\"\n";

static JUMPED_MS: AtomicI64 = AtomicI64::new(0);

/// Noon of a weekday, ticking, and jumping when a test says so.
fn clock() -> Instant {
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    NOON.plus_ms(START.get_or_init(std::time::Instant::now).elapsed().as_millis() as i64 + JUMPED_MS.load(Ordering::SeqCst))
}

async fn connect(tenant: &Tenant, messages: &Carrier, voice: &VoiceCarrier) {
    let smpp = format!(r#"{{"kind":"smpp","host":"127.0.0.1","port":{},"system_id":"pretend","window":50}}"#, messages.address().port());
    let sip = format!(r#"{{"kind":"sip","hosts":["{}"],"keep_alive_seconds":5}}"#, voice.address());
    for (name, settings, secret) in [("Messages", smpp, "pretend"), ("Calls", sip, "")] {
        let settings: TrunkSettings = serde_json::from_str(&settings).expect("settings");
        let new = NewTrunk { name: name.into(), settings, secret: Personal::new(secret), rate_per_second: 20, cost_per_segment: 100, currency: "GBP".into() };
        let trunk = tenant.add_trunk(&new, false, NOON).await.expect("a trunk");
        tenant.add_route(&NewRoute { prefix: "+44".into(), sender: String::new(), trunk, priority: 1 }, false, NOON).await.expect("a route");
    }
    tenant.add_sender(SENDER, true, "a number reserved for drama", NOON).await.expect("a sender");
    tenant.attest_sender(SENDER, true, "", NOON).await.expect("confirmed");
}

/// A text, then a call.
fn draft(list: ListId) -> CampaignDraft {
    let mut draft = CampaignDraft::new("November");
    draft.purpose = Some(Purpose::Collections);
    draft.basis = Some(LegalBasis::Contract);
    draft.list_id = Some(list);
    draft.body = "Dear {first_name}, please call us about your account.".into();
    draft.sender = SENDER.into();
    draft.retry = RetryRules::never();
    draft.schedule.days = Day::ALL.to_vec();
    draft.schedule.from = TimeOfDay::from_minute(0).expect("midnight");
    draft.schedule.until = TimeOfDay::from_minute(24 * 60).expect("midnight");
    let call = SequenceStep {
        wait: Wait { days: 0, hours: 2, from: WaitFrom::LastTry },
        channel: Channel::Voice,
        body: String::new(),
        script: SAYS.into(),
        sender: SENDER.into(),
        call_pacing: CallPacing { pace: PacingMode::Agentless, calls_per_second_max: 20, calls_at_once_max: 20, ring_ms_max: 15_000 },
        recording: RecordingSettings::default(),
        retry: RetryRules::never(),
        rate_per_second: 50,
    };
    draft.sequence = Sequence { then: vec![call], ..Sequence::default() };
    draft
}

/// Both loops of a node.
struct Node {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Node {
    fn start(bench: &Bench) -> Self {
        let (stop, stopped) = watch::channel(false);
        let sending = SenderConfig { node_name: "test".into(), clock, drain_ms_max: 3_000 };
        let media = MediaConfig { ports: audio_ports(), ..MediaConfig::default() };
        let dialling = DiallerConfig { clock, sip: EndpointConfig::new(SocketAddr::from(([127, 0, 0, 1], 0))), media, speech: SpeechEngine::default(), drain_ms_max: 5_000 };
        let tasks = vec![tokio::spawn(attempts::run(bench.store.clone(), sending, stopped.clone())), tokio::spawn(calls::run(bench.store.clone(), dialling, stopped))];
        Self { stop, tasks }
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            task.await.expect("ends in order");
        }
    }
}

async fn until(bench: &Bench, tenant: &Tenant, id: CampaignId, what: &str, mut is_done: impl AsyncFnMut(&CampaignRecord) -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        work(&bench.store, clock).await.expect("works");
        let record = tenant.campaign(id).await.expect("reads");
        if is_done(&record).await {
            return;
        }
        let counts = tenant.step_counts(&record).await.expect("counts");
        assert!(tokio::time::Instant::now() < deadline, "{what} did not come: {:?} {}, {counts:?}", record.state, record.state_reason);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn counts(tenant: &Tenant, step: CampaignId) -> BTreeMap<Disposition, i64> {
    let measures = tenant.measures(Some(step), Instant(0), Instant(i64::MAX)).await.expect("measures");
    assert_eq!(measures, tenant.recount(step).await.expect("a recount"), "the report equals a recount");
    let mut counts = BTreeMap::new();
    for row in measures {
        *counts.entry(row.disposition).or_insert(0) += row.n;
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_is_followed_by_a_call_to_those_whom_nothing_stopped() {
    for_each_store("sequence", |bench| async move {
        let messages = Carrier::start(CarrierConfig::default()).await.expect("a carrier");
        let voice = VoiceCarrier::start(VoiceCarrierConfig::new(audio_ports())).expect("a carrier");
        let tenant = bench.tenant("north").await;
        connect(&tenant, &messages, &voice).await;
        let (list, _) = list_of(&tenant, "Arrears", PEOPLE).await;
        let node = Node::start(&bench);
        let wanted = draft(list);
        assert_eq!(tenant.campaign_faults(&wanted, clock()).await.expect("reads"), []);
        let id = tenant.create_campaign(&wanted, NOON).await.expect("a draft");
        tenant.start_campaign(id, clock()).await.expect("starts");
        until(&bench, &tenant, id, "every text", async |record| tenant.step_counts(record).await.expect("counts").standing[0] == 0).await;
        let steps = tenant.step_ids(id).await.expect("steps");
        assert_eq!(counts(&tenant, steps[0]).await.values().sum::<i64>(), PEOPLE as i64);

        // Of these people one thanks and one writes STOP; two have paid.
        let reasons = async |record: &CampaignRecord| tenant.step_counts(record).await.expect("counts").reasons().into_iter().map(|(why, n)| (why.to_string(), n)).collect::<BTreeMap<_, _>>();
        until(&bench, &tenant, id, "both replies", async |record| reasons(record).await.len() == 2).await;
        let paid = [StopWhom::Reference("R-1".into()), StopWhom::Reference("R-2".into())];
        tenant.stop_recipients(id, &paid, &"paid".parse().expect("a reason"), clock()).await.expect("stops");
        let stopped = reasons(&tenant.campaign(id).await.expect("reads")).await;
        assert_eq!(stopped, [("opt_out", 1), ("reply", 1), ("told:paid", 2)].map(|(why, n)| (why.to_owned(), n)).into());

        // The node goes and another comes in its place; two hours pass.
        node.stop().await;
        JUMPED_MS.fetch_add(2 * HOUR_MS, Ordering::SeqCst);
        let node = Node::start(&bench);
        until(&bench, &tenant, id, "the end", async |record| record.state == CampaignState::Finished).await;
        let called = counts(&tenant, steps[1]).await;
        let asked = called.values().sum::<i64>();
        assert_eq!((voice.tally().calls() as i64, voice.tally().called_again()), (asked, 0), "{called:?}");
        let counts = tenant.step_counts(&tenant.campaign(id).await.expect("reads")).await.expect("counts");
        let completed: i64 = counts.ended.iter().filter(|(_, why, _)| why.to_string() == "completed").map(|(.., n)| n).sum();
        assert_eq!(counts.standing, [0, 0], "{counts:?}");
        assert_eq!(counts.ended.iter().map(|(.., n)| n).sum::<i64>(), PEOPLE as i64, "everybody's way is over: {counts:?}");
        assert!(completed <= asked && asked == PEOPLE as i64 - 4, "nobody who was stopped is called: {asked} were, {counts:?}");
        node.stop().await;
    })
    .await;
}
