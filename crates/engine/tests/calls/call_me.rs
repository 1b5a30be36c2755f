//! "Call me": the script of a draft on the manager's own phone. It counts nowhere, rings an agent only when that is asked for, suppresses nobody, and the rules that
//! keep people from tests keep them from this one.

use std::time::Duration;

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;
use clarion_store::attempts::{NoticeState, TestCallRecord};
use clarion_store::compliance::NewSuppression;
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};

use crate::people::list_of;
use crate::support::{NOON, for_each_store};
use crate::dialled::{STRAIGHT, clock, connect, dial, draft_of};
use crate::predictive::count;
use crate::{draft, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_hears_the_script_on_their_own_phone_and_nothing_counts() {
    for_each_store("dialled_me", |bench| async move {
        let tenant = bench.tenant("north").await;
        let carrier = VoiceCarrier::start(VoiceCarrierConfig::new(audio_ports())).expect("a carrier");
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", 3).await;
        let id = tenant.create_campaign(&draft(list, PacingMode::Progressive), NOON).await.expect("a draft");
        let (stop, dialler) = dial(&bench);
        let call = async |number: &str, agents: bool| -> TestCallRecord {
            let asked = tenant.queue_test_call(id, Personal::new(number), agents, clock()).await.expect("asked");
            let deadline = tokio::time::Instant::now() + Duration::from_secs(40);
            loop {
                let test = tenant.test_call(asked).await.expect("read");
                if !matches!(test.state, NoticeState::Waiting | NoticeState::Claimed) {
                    assert_eq!(tenant.latest_test_call(id).await.expect("read").expect("one"), test);
                    return test;
                }
                assert!(tokio::time::Instant::now() < deadline, "{test:?}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };

        // Presses 1: the agents are asked for, and not disturbed.
        let test = call("+447700900990", false).await;
        let outcome = test.outcome.expect("it was answered");
        assert_eq!((test.state, outcome.keys.as_str(), outcome.asked_for.as_deref()), (NoticeState::Sent, "1", Some("agents")), "{}", outcome.told());
        assert!(outcome.steps.starts_with(&["menu".into(), "agents".into()]) && outcome.answered_after_ms.is_some() && outcome.lasted_ms > 1_000, "{}", outcome.told());
        assert!(!outcome.put_through && outcome.told().contains("this test disturbs none"), "{}", outcome.told());
        assert_eq!((carrier.tally().agent_calls, carrier.tally().shown()), (0, vec!["+442079460999"]), "the campaign's caller ID is shown");
        assert!(outcome.told().starts_with("The phone was shown +442079460999. "));
        // The same with the agents' word that they may be rung: one of them is, and that once.
        let test = call("+447700900995", true).await;
        let outcome = test.outcome.expect("it was answered");
        assert!(outcome.put_through && outcome.told().ends_with("An agent of agents was put through."), "{}", outcome.told());
        assert_eq!(outcome.disposition, Disposition::PutThrough);
        assert_eq!((carrier.tally().agent_calls, carrier.tally().agent_answers), (1, 1));
        let target = tenant.transfer_targets().await.expect("read").remove(0);
        tenant.tell_free_agents(target.id, Some(0), clock()).await.expect("told");
        let outcome = call("+447700900998", true).await.outcome.expect("it was answered");
        assert!(!outcome.put_through && outcome.told().contains("none was free or picked up: the information message played"), "{}", outcome.told());
        // Presses 9: heard, and nobody is suppressed.
        for _ in 0..2 {
            let outcome = call("+447700900993", false).await.outcome.expect("it was answered");
            assert_eq!((outcome.disposition, outcome.opted_out, outcome.keys.as_str()), (Disposition::OptedOut, true, "9"));
        }
        let test = call("+447700900994", false).await;
        assert_eq!((test.state, test.outcome.expect("told").disposition), (NoticeState::Failed, Disposition::Busy));

        let number = Personal::new("+447700900992");
        let mut tx = bench.store.db().begin().await.expect("begins");
        tenant.suppress_in_tx(&mut tx, &NewSuppression { number: &number, scope: SuppressionScope::Every, reason: SuppressionReason::OptOut, source: "a test" }, NOON).await.expect("suppressed");
        tx.commit().await.expect("stands");
        let test = call("+447700900992", false).await;
        assert_eq!((test.state, test.outcome), (NoticeState::Refused, None), "a test is no way round a suppression");

        let tally = carrier.tally();
        assert_eq!((tally.calls(), tally.agent_calls), (6, 1));
        assert_eq!(tenant.measures(None, Instant(0), Instant(i64::MAX)).await.expect("read"), [], "nothing counts");
        assert!(bench.store.abandonment_days(id, "2000-01-01").await.expect("read").is_empty());
        assert_eq!(tenant.campaign(id).await.expect("read").state, CampaignState::Draft);
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_takes_no_agent_whom_a_call_in_flight_may_need() {
    for_each_store("dialled_spoken_for", |bench| async move {
        let tenant = bench.tenant("north").await;
        let mut config = VoiceCarrierConfig::new(audio_ports());
        config.fate_of = |number| if number.ends_with("990") { CallFate::Listens } else { CallFate::LetsRing };
        config.patience = Duration::from_secs(20);
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", 6).await;
        let mut draft = draft_of(list, STRAIGHT, PacingMode::Power { calls_per_slot_percent: 200 });
        draft.call_pacing.ring_ms_max = 120_000;
        let (tried, id) = (tenant.create_campaign(&draft, NOON).await.expect("a draft"), tenant.create_campaign(&draft, NOON).await.expect("a campaign"));
        count(&bench, &tenant, id, 300, 0).await;
        let (stop, dialler) = dial(&bench);
        tenant.start_campaign(id, clock()).await.expect("starts");
        until(&bench, &tenant, id, async |_| carrier.tally().calls() == 6).await;
        let put_through = async || {
            let asked = tenant.queue_test_call(tried, Personal::new("+447700900990"), true, clock()).await.expect("asked");
            let deadline = tokio::time::Instant::now() + Duration::from_secs(40);
            loop {
                let test = tenant.test_call(asked).await.expect("read");
                if let Some(outcome) = test.outcome {
                    return outcome.put_through;
                }
                assert!(tokio::time::Instant::now() < deadline, "{test:?}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        assert!(!put_through().await, "three agents are free, and six phones ring");
        assert_eq!(carrier.tally().agent_calls, 0);
        tenant.cancel_campaign(id, clock()).await.expect("stopped");
        until(&bench, &tenant, id, async |_| tenant.live_calls(id, 10).await.expect("read").is_empty()).await;
        assert!(put_through().await);
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}
