//! Stop now and drain: within a second no phone rings any more, or nobody else is called and who is called may answer.

use std::sync::Arc;
use std::time::Duration;

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::campaigns::retry::{RetryRule, RetryRules};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::Instant;
use clarion_store::campaigns::{RecipientFilter, RecipientState};
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};
use tokio::sync::Semaphore;

use crate::dialled::{CALLER_ID, STRAIGHT, clock, connect, dial, draft_of};
use crate::people::list_of;
use crate::support::{NOON, for_each_store};
use crate::{counts, draft, until};

const PEOPLE: usize = 6;
const AT_ONCE: u32 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_now_leaves_no_phone_ringing_after_a_second_and_a_pause_calls_nobody_else() {
    for_each_store("dialled_stopped", |bench| async move {
        let tenant = bench.tenant("north").await;
        let may_answer = Arc::new(Semaphore::new(0));
        let mut config = VoiceCarrierConfig::new(audio_ports());
        config.fate_of = |_| CallFate::Listens;
        (config.may_answer, config.talk, config.patience) = (Some(may_answer.clone()), Duration::from_secs(8), Duration::from_secs(60));
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", PEOPLE).await;
        let (stop, dialler) = dial(&bench);
        let mut draft = draft_of(list, STRAIGHT, PacingMode::Progressive);
        draft.call_pacing.calls_at_once_max = AT_ONCE;
        draft.call_pacing.ring_ms_max = 60_000;
        let id = tenant.create_campaign(&draft, NOON).await.expect("a campaign");
        tenant.start_campaign(id, clock()).await.expect("starts");
        let up = async |state: &str| tenant.live_call_counts(id).await.expect("read").iter().filter(|count| count.state == state).map(|count| count.n).sum::<i64>();
        until(&bench, &tenant, id, async |_| up("ringing").await == i64::from(AT_ONCE)).await;
        may_answer.add_permits(1);
        until(&bench, &tenant, id, async |_| up("bridged").await == 1 && up("ringing").await == 2).await;

        // Paused: who rings goes on ringing, and nobody else is called.
        tenant.pause_campaign(id, clock()).await.expect("paused");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!((up("bridged").await, up("ringing").await, carrier.tally().calls()), (1, 2, u64::from(AT_ONCE)));

        // Stopped: no phone rings any more; who talks may end the talk.
        let began = tokio::time::Instant::now();
        tenant.cancel_campaign(id, clock()).await.expect("stopped");
        while up("ringing").await > 0 {
            assert!(began.elapsed() < Duration::from_secs(1), "phones still ring after {:?}", began.elapsed());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!((up("bridged").await, up("dialling").await), (1, 0));
        assert_eq!(tenant.campaign(id).await.expect("read").state, CampaignState::Cancelled);
        until(&bench, &tenant, id, async |_| tenant.live_call_counts(id).await.expect("read").is_empty()).await;
        stop.send_replace(true);
        dialler.await.expect("ends");
        let report = counts(&tenant, id).await;
        assert_eq!(report.values().sum::<i64>(), 3, "{report:?}");
        assert_eq!(report.get(&Disposition::PutThrough), Some(&1), "{report:?}");
        assert_eq!(carrier.tally().calls(), u64::from(AT_ONCE), "nobody else was called");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_takes_nobodys_next_call_away_and_agents_see_whose_call_it_is() {
    for_each_store("dialled_paused", |bench| async move {
        let tenant = bench.tenant("north").await;
        let may_answer = Arc::new(Semaphore::new(0));
        let mut config = VoiceCarrierConfig::new(audio_ports());
        config.fate_of = |number| if number.ends_with('1') { CallFate::LetsRing } else { CallFate::PutThrough };
        (config.may_answer, config.rings_after, config.patience) = (Some(may_answer.clone()), Duration::from_secs(2), Duration::from_secs(30));
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", 2).await;
        let (stop, dialler) = dial(&bench);
        let mut draft = draft_of(list, STRAIGHT, PacingMode::Progressive);
        draft.retry = RetryRules { attempts_max: 2, rules: vec![RetryRule { after: Disposition::NoAnswer, delay_minutes: 240 }] };
        let id = tenant.create_campaign(&draft, NOON).await.expect("a campaign");
        tenant.start_campaign(id, clock()).await.expect("starts");
        let ringing = async || tenant.live_call_counts(id).await.expect("read").iter().filter(|count| count.state == "ringing").map(|count| count.n).sum::<i64>();
        until(&bench, &tenant, id, async |_| ringing().await == 2).await;
        tenant.pause_campaign(id, clock()).await.expect("paused");
        // The dialler has forgotten the campaign, not its calls.
        tokio::time::sleep(Duration::from_secs(1)).await;
        may_answer.add_permits(1);
        // A call that has ended may be written before what came of it is counted.
        let counted = async || tenant.measures(Some(id), Instant(0), Instant(i64::MAX)).await.expect("measures").iter().map(|row| row.n).sum::<i64>();
        until(&bench, &tenant, id, async |_| tenant.live_calls(id, 10).await.expect("read").is_empty() && counted().await == 2).await;
        let report = counts(&tenant, id).await;
        assert_eq!(report.into_iter().collect::<Vec<_>>(), [(Disposition::PutThrough, 1), (Disposition::NoAnswer, 1)]);
        assert_eq!(carrier.tally().of_agents().0, [CALLER_ID]);
        let due = tenant.due_counts(id).await.expect("read");
        assert!(due.iter().any(|(why, n, _)| why == "retry after no_answer" && *n == 1), "{due:?}");
        for row in tenant.recipients(id, RecipientFilter::Every, None, 10).await.expect("read").rows {
            let RecipientState::Attempted { attempt, disposition, .. } = row.state else { continue };
            let call = tenant.call(attempt).await.expect("read");
            let (rang, ended) = (call.ringing_at.expect("rang"), call.ended_at.expect("ended"));
            // The two seconds before it rang are no ringing (UK-10).
            assert!(disposition != Disposition::NoAnswer || ended.ms() - rang.ms() >= 15_000, "{} ms", ended.ms() - rang.ms());
        }
        stop.send_replace(true);
        dialler.await.expect("ends");
    })
    .await;
}

/// What is said may be what was wrong: whoever hears it is not left with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_now_ends_what_is_being_said() {
    for_each_store("dialled_stopped_words", |bench| async move {
        let tenant = bench.tenant("north").await;
        let mut config = VoiceCarrierConfig::new(audio_ports());
        config.fate_of = |_| CallFate::Listens;
        config.patience = Duration::from_secs(60);
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        connect(&tenant, &carrier).await;
        let (list, _) = list_of(&tenant, "everybody", 2).await;
        let (stop, dialler) = dial(&bench);
        let id = tenant.create_campaign(&draft(list, PacingMode::Agentless), NOON).await.expect("a campaign");
        tenant.start_campaign(id, clock()).await.expect("starts");
        until(&bench, &tenant, id, async |_| tenant.live_call_counts(id).await.expect("read").iter().any(|count| count.state == "gathering" && count.n == 2)).await;
        let began = tokio::time::Instant::now();
        tenant.cancel_campaign(id, clock()).await.expect("stopped");
        while !tenant.live_calls(id, 10).await.expect("read").is_empty() {
            assert!(began.elapsed() < Duration::from_secs(1), "still up after {:?}", began.elapsed());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.send_replace(true);
        dialler.await.expect("ends");
        assert_eq!(counts(&tenant, id).await.into_iter().collect::<Vec<_>>(), [(Disposition::AnsweredPerson, 2)]);
    })
    .await;
}
