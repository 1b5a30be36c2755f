//! The sending loop driven by hand, for tests: the time, the carrier's answers and the people's words are the test's own.
//!
//! The trunk is bound over real SMPP to a carrier that never answers; what it would say is said here.

#[path = "../../../store/tests/support/people.rs"]
pub(crate) mod people;
#[path = "../../../store/tests/support/mod.rs"]
pub(crate) mod support;

use std::collections::HashSet;
use std::time::Duration;

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::schedule::{Day, TimeOfDay};
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::id::{AttemptId, CampaignId, ContactId, ListId, TrunkId};
use clarion_domain::outcomes::cause::{Cause, ErrorCode};
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;
use clarion_smpp::pdu::{Address, EsmClass, MessageState, ShortMessage, tag};
use clarion_smpp::text::encode_gsm;
use clarion_store::Tenant;
use clarion_store::campaigns::{CampaignDraft, RecipientFilter, RecipientState};
use clarion_store::carriers::{NewRoute, NewTrunk};
use clarion_testbed::{Carrier, CarrierConfig};
use tokio::sync::mpsc;

use crate::attempts::{Sender, SenderConfig, Target};
use crate::carriers::{WireEvent, WireOutcome, WirePart};
use support::{Bench, NOON};

pub(crate) const SENDER: &str = "+447700900999";

/// Something that went to the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Departed {
    pub token: u64,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Attempt { attempt: AttemptId, campaign: CampaignId, contact: ContactId, try_number: u8 },
    Notice,
}

impl Departed {
    pub fn attempt(&self) -> AttemptId {
        let What::Attempt { attempt, .. } = self.what else { panic!("a notice is no attempt") };
        attempt
    }

    pub fn campaign(&self) -> Option<CampaignId> {
        if let What::Attempt { campaign, .. } = self.what { Some(campaign) } else { None }
    }
}

pub(crate) struct Hand {
    pub sender: Sender,
    pub trunk: TrunkId,
    pub now: Instant,
    events: mpsc::Receiver<Vec<WireEvent>>,
    seen: HashSet<u64>,
    _carrier: Carrier,
}

fn noon() -> Instant {
    NOON
}

impl Hand {
    /// A node with one trunk of so many segments a second, the tenant's own or everybody's.
    pub async fn new(bench: &Bench, tenant: &Tenant, is_shared: bool, rate: i64) -> Self {
        let mut config = CarrierConfig::sink();
        config.limits.answer_delay = Duration::from_secs(3_600);
        let carrier = Carrier::start(config).await.expect("a carrier");
        let settings = format!(r#"{{"kind":"smpp","host":"127.0.0.1","port":{},"system_id":"pretend","window":10000,"opted_out_codes":["0x00000424","40300"]}}"#, carrier.address().port());
        let settings: TrunkSettings = serde_json::from_str(&settings).expect("settings");
        let new = NewTrunk { name: "Loop".into(), settings, secret: Personal::new("pretend"), rate_per_second: rate, cost_per_segment: 350, currency: "GBP".into() };
        let trunk = tenant.add_trunk(&new, is_shared, NOON).await.expect("a trunk");
        tenant.add_route(&NewRoute { prefix: "+44".into(), sender: String::new(), trunk, priority: 1 }, is_shared, NOON).await.expect("a route");
        let (events_in, events) = mpsc::channel(256);
        let mut sender = Sender::new(bench.store.clone(), events_in, NOON);
        sender.begin(&SenderConfig { node_name: "by hand".into(), clock: noon, drain_ms_max: 0 }).await.expect("begins");
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        // Each look at another moment, and none of them one at which a step looks.
        let mut moment = u64::MAX;
        while sender.carriers.get_mut(trunk).is_none_or(|trunk| trunk.budget(moment) == 0) {
            assert!(std::time::Instant::now() < deadline, "the trunk does not come up");
            tokio::time::sleep(Duration::from_millis(2)).await;
            moment -= 1;
        }
        Self { sender, trunk, now: NOON, events, seen: HashSet::new(), _carrier: carrier }
    }

    /// The node learns which campaigns run, and time passes in which it claims nobody.
    pub async fn pass(&mut self, ms: i64) {
        self.sender.refresh(self.now).await.expect("refreshes");
        self.now = self.now.plus_ms(ms);
    }

    /// Time passes, one cycle runs, and this is what went to the wire in it.
    pub async fn step(&mut self, ms: i64) -> Vec<Departed> {
        self.now = self.now.plus_ms(ms);
        // The silent carrier has nothing to say that a test wants to hear.
        while self.events.try_recv().is_ok() {}
        let store = self.sender.store.clone();
        self.sender.refresh(self.now).await.expect("refreshes");
        self.sender.read_unmatched(self.now).await.expect("reads");
        self.sender.notices_due |= store.has_waiting_notices(Channel::Sms).await.expect("reads");
        let micros = u64::try_from(self.now.ms() - NOON.ms()).expect("time goes on") * 1_000;
        if let Some(trunk) = self.sender.carriers.get_mut(self.trunk) {
            trunk.look_by_hand(micros, ms);
        }
        self.sender.cycle(self.now, micros).await.expect("a cycle");
        let mut departed: Vec<Departed> = Vec::new();
        for (token, flight) in self.sender.flights.open() {
            if self.seen.insert(token) {
                let what = match &flight.target {
                    Target::Attempt { attempt, campaign, contact, try_number, .. } => What::Attempt { attempt: *attempt, campaign: *campaign, contact: *contact, try_number: *try_number },
                    Target::Notice { .. } => What::Notice,
                };
                departed.push(Departed { token, what });
            }
        }
        departed.sort_by_key(|one| one.token);
        departed
    }

    fn answer(&mut self, of: &Departed, outcome: WireOutcome) {
        self.sender.take_in(vec![WireEvent::Result { trunk: self.trunk, token: of.token, outcome }], self.now);
    }

    pub fn accept(&mut self, of: &Departed, message_id: &str) {
        self.answer(of, WireOutcome::Accepted { message_id: message_id.into() });
    }

    pub fn reject(&mut self, of: &Departed, status: u32) {
        self.answer(of, WireOutcome::Rejected(Cause::Smpp(status)));
    }

    /// As the trunk's driver reads the status.
    pub fn refuse_opted_out(&mut self, of: &Departed) {
        self.answer(of, WireOutcome::Rejected(Cause::OptedOut(ErrorCode::new("0x424"))));
    }

    /// The refusal of something that was lost before.
    pub fn reject_late(&mut self, of: &Departed, cause: Cause) {
        self.sender.take_in(vec![WireEvent::Late { trunk: self.trunk, token: of.token, outcome: WireOutcome::Rejected(cause) }], self.now);
    }

    pub fn lose(&mut self, of: &Departed) {
        self.answer(of, WireOutcome::Lost);
    }

    pub fn throttle(&mut self, of: &Departed) {
        self.answer(of, WireOutcome::Throttled(WirePart::Smpp { message: Box::default(), segments: 1 }));
    }

    pub fn receipt(&mut self, message_id: &str, state: MessageState) {
        let mut message = ShortMessage { esm_class: EsmClass(EsmClass::DELIVERY_RECEIPT), ..ShortMessage::default() };
        message.tlvs.push(tag::RECEIPTED_MESSAGE_ID, format!("{message_id}\0").into_bytes());
        message.tlvs.push(tag::MESSAGE_STATE, [state.octet()]);
        self.sender.hear(self.trunk, Box::new(message), self.now);
    }

    /// A receipt in the words of its text, such as `id:m1 stat:UNDELIV err:001`.
    pub fn receipt_text(&mut self, text: &str) {
        let message = ShortMessage { esm_class: EsmClass(EsmClass::DELIVERY_RECEIPT), short_message: encode_gsm(text).expect("plain text"), ..ShortMessage::default() };
        self.sender.hear(self.trunk, Box::new(message), self.now);
    }

    /// Somebody writes, with the numbers as the carrier spells them.
    pub fn write(&mut self, from: (u8, &str), to: &str, text: &str) {
        let source = Address { ton: from.0, npi: 1, value: from.1.into() };
        let destination = Address { ton: 0, npi: 1, value: to.into() };
        let message = ShortMessage { source, destination, short_message: encode_gsm(text).expect("plain text"), ..ShortMessage::default() };
        self.sender.hear(self.trunk, Box::new(message), self.now);
    }
}

/// A collections text at any hour that the rules allow, tried once.
pub(crate) fn draft(name: &str, list: ListId) -> CampaignDraft {
    let mut draft = CampaignDraft::new(name);
    draft.purpose = Some(Purpose::Collections);
    draft.basis = Some(LegalBasis::Contract);
    draft.list_id = Some(list);
    draft.body = "Dear {first_name}, please call us about your account.".into();
    draft.sender = SENDER.into();
    draft.retry = RetryRules::never();
    draft.rate_per_second = 1_000;
    draft.schedule.days = Day::ALL.to_vec();
    draft.schedule.from = TimeOfDay::from_minute(0).expect("midnight");
    draft.schedule.until = TimeOfDay::from_minute(24 * 60).expect("midnight");
    draft
}

/// A campaign that runs, its audience frozen.
pub(crate) async fn launch(bench: &Bench, tenant: &Tenant, draft: &CampaignDraft) -> CampaignId {
    if tenant.senders().await.expect("reads").is_empty() {
        tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
    }
    let id = tenant.create_campaign(draft, NOON).await.expect("a draft");
    tenant.start_campaign(id, NOON).await.expect("starts");
    while crate::campaigns::work(&bench.store, noon).await.expect("freezes") > 0 {}
    id
}

/// How each recipient stands, in the order of the audience.
pub(crate) async fn standing(tenant: &Tenant, id: CampaignId) -> Vec<RecipientState> {
    tenant.recipients(id, RecipientFilter::Every, None, 500).await.expect("a page").rows.into_iter().map(|row| row.state).collect()
}
