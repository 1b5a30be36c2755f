//! Agents who pick up while the person still hears that the talk is recorded: they wait for its end, and whoever does not wait is joined with nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clarion_domain::attempts::recording::{RecordingKind, RecordingSettings};
use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::compliance::abandonment::london_day;
use clarion_domain::id::{CampaignId, ListId};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_engine::calls::{EndpointConfig, MediaConfig};
use clarion_sip::call::CallEvent;
use clarion_sip::cause::HangUp;
use clarion_sip::endpoint::{Call, Endpoint, IncomingCall};
use clarion_sip::media::{LegConfig, MediaEngine, MediaLeg};
use clarion_store::Tenant;
use clarion_store::attempts::CallRow;
use clarion_store::campaigns::{CampaignDraft, RecipientFilter, RecipientState};
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};

use crate::dialled::{STRAIGHT, clock, connect_to, dial_with, draft_of, loopback, spoken_in};
use crate::people::list_of;
use crate::support::{Bench, NOON, for_each_store};
use crate::{counts, run, until};

/// What the person hears first.
const ANNOUNCED_IN: Duration = Duration::from_secs(1);
/// The same where five agents come and go meanwhile, on however busy a machine.
const ANNOUNCED_SLOWLY_IN: Duration = Duration::from_secs(4);

/// A call centre whose agents do what a test says.
struct Centre {
    endpoint: Endpoint,
    media: MediaEngine,
}

impl Centre {
    fn open() -> Self {
        let sip = EndpointConfig { incoming: true, ..EndpointConfig::new(loopback()) };
        let media = MediaConfig { ports: audio_ports(), ..MediaConfig::default() };
        Self { endpoint: Endpoint::bind(sip).expect("a call centre"), media: MediaEngine::start(media).expect("its audio") }
    }

    async fn rung(&self) -> IncomingCall {
        self.endpoint.incoming().await.expect("an agent is rung")
    }

    async fn picks_up(&self, rung: IncomingCall) -> (Call, MediaLeg) {
        let (leg, _) = self.media.open_leg(LegConfig::default()).expect("a leg");
        let mut call = rung.answer(leg.local().clone());
        while let Some(event) = call.event().await {
            if let CallEvent::Answered { media, .. } = event {
                leg.connect(media);
                return (call, leg);
            }
        }
        panic!("the agent's call ended before it was answered")
    }

    /// The next agent picks up and is gone at once.
    async fn picks_up_and_leaves(&self) {
        let (mut call, _leg) = self.picks_up(self.rung().await).await;
        call.hang_up(HangUp::default());
        while call.event().await.is_some() {}
    }
}

/// Somebody who listens, whom one agent at a time may be put through to.
async fn with_one_line(tenant: &Tenant, centre: &Centre) -> (VoiceCarrier, ListId) {
    let mut config = VoiceCarrierConfig::new(audio_ports());
    config.fate_of = |_| CallFate::Listens;
    (config.ring, config.patience) = (Duration::from_millis(50), Duration::from_secs(30));
    let carrier = VoiceCarrier::start(config).expect("a carrier");
    connect_to(tenant, &carrier, centre.endpoint.udp_address().expect("its address"), 1).await;
    (carrier, list_of(tenant, "everybody", 1).await.0)
}

fn recorded(list: ListId) -> CampaignDraft {
    CampaignDraft { recording: RecordingSettings { talks: true, announcement: "This call is recorded.".into(), ..RecordingSettings::default() }, ..draft_of(list, STRAIGHT, PacingMode::Progressive) }
}

/// The one call of a campaign, which ended so, and the kinds of what was recorded of it.
async fn only_call(bench: &Bench, tenant: &Tenant, id: CampaignId, word: Disposition) -> (CallRow, Vec<RecordingKind>) {
    assert_eq!(counts(tenant, id).await.into_iter().collect::<Vec<_>>(), [(word, 1)]);
    let days = bench.store.abandonment_days(id, &london_day(NOON).to_string()).await.expect("days");
    let abandoned = i64::from(word == Disposition::Abandoned);
    assert_eq!((days[0].abandoned, days[0].passed, days[0].silent), (abandoned, 1 - abandoned, 0));
    let row = &tenant.recipients(id, RecipientFilter::Every, None, 10).await.expect("read").rows[0];
    let RecipientState::Attempted { attempt, .. } = row.state else { panic!("{:?}", row.state) };
    let held = tenant.recordings_of_campaign(id, None, 10).await.expect("read").rows;
    (tenant.call(attempt).await.expect("read"), held.iter().map(|one| one.kind).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_who_leave_before_it_was_said_are_joined_with_nobody_and_the_person_hears_why() {
    for_each_store("dialled_announced", |bench| async move {
        let tenant = bench.tenant("north").await;
        let (centre, left) = (Centre::open(), Arc::new(AtomicU64::new(0)));
        let (carrier, list) = with_one_line(&tenant, &centre).await;
        let counted = left.clone();
        let agents = tokio::spawn(async move {
            loop {
                centre.picks_up_and_leaves().await;
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        let (stop, dialler) = dial_with(&bench, spoken_in(&bench, ANNOUNCED_SLOWLY_IN));
        let id = run(&bench, &tenant, &recorded(list)).await;
        let (call, held) = only_call(&bench, &tenant, id, Disposition::Abandoned).await;
        assert_eq!((call.bridged_at, held), (None, Vec::new()), "{call:?}");
        // Each gives the one line free for the next, and after the fifth nobody else is tried.
        assert_eq!(left.load(Ordering::Relaxed), 5);
        let (announced_at, informed_at) = (call.message_at.expect("announced"), call.information_at.expect("informed"));
        assert!(informed_at.ms() - announced_at.ms() < ANNOUNCED_SLOWLY_IN.as_millis() as i64, "the rest of it is not waited for: {call:?}");
        assert_eq!(carrier.tally().heard(CallFate::Listens), 1);
        stop.send_replace(true);
        dialler.await.expect("ends");
        agents.abort();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_agent_has_left_before_it_was_said_is_joined_with_the_next_when_they_pick_up() {
    for_each_store("dialled_announced_next", |bench| async move {
        let tenant = bench.tenant("north").await;
        let centre = Centre::open();
        let (_carrier, list) = with_one_line(&tenant, &centre).await;
        let agents = tokio::spawn(async move {
            centre.picks_up_and_leaves().await;
            let next = centre.rung().await;
            next.ring();
            // It began before they were rung, and is over by then: nothing else tells of its end.
            tokio::time::sleep(ANNOUNCED_IN + Duration::from_millis(500)).await;
            let at = clock();
            (at, centre.picks_up(next).await, centre)
        });
        let (stop, dialler) = dial_with(&bench, spoken_in(&bench, ANNOUNCED_IN));
        let id = tenant.create_campaign(&recorded(list), NOON).await.expect("a campaign");
        tenant.start_campaign(id, clock()).await.expect("starts");
        // They are joined. A talk that is over at once leaves nothing that was recorded.
        until(&bench, &tenant, id, async |_| !tenant.recordings_of_campaign(id, None, 10).await.expect("read").rows.is_empty()).await;
        let (picked_up_at, talk, _centre) = agents.await.expect("agents");
        // The agent hangs up.
        drop(talk);
        until(&bench, &tenant, id, async |record| record.state == CampaignState::Finished).await;
        let (call, held) = only_call(&bench, &tenant, id, Disposition::PutThrough).await;
        let bridged_at = call.bridged_at.expect("put through");
        assert!(bridged_at >= picked_up_at, "joined {} ms before anybody was there", picked_up_at.ms() - bridged_at.ms());
        assert_eq!((call.information_at, held), (None, vec![RecordingKind::Talk]), "{call:?}");
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}
