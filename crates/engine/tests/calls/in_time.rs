//! Two seconds from the answer (UK-6): whoever has heard nothing by then hears the information message, however long an agent is still rung.

use std::time::Duration;

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::compliance::abandonment::london_day;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_store::campaigns::{RecipientFilter, RecipientState};
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};

use crate::dialled::{STRAIGHT, connect, dial, draft_of};
use crate::people::list_of;
use crate::support::{NOON, for_each_store};
use crate::{counts, run};

/// A script that rings the agent while the person hears something.
const SPEAKS: &str = r#"speech = { text = "This is North. We are putting you through." }"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_hears_nothing_is_told_within_two_seconds_while_the_agent_is_rung() {
    let cases = [("a slow agent", STRAIGHT.to_owned(), 5_000, Disposition::Abandoned), ("a quick one", STRAIGHT.to_owned(), 800, Disposition::PutThrough), ("a slow one, and words", format!("{STRAIGHT}{SPEAKS}\n"), 3_000, Disposition::PutThrough)];
    for (label, script, agent_rings_ms, word) in cases {
        for_each_store("dialled_in_time", |bench| {
            let script = script.clone();
            async move {
                let tenant = bench.tenant("north").await;
                let mut config = VoiceCarrierConfig::new(audio_ports());
                config.fate_of = |_| CallFate::Listens;
                (config.agent_rings, config.patience) = (Duration::from_millis(agent_rings_ms), Duration::from_secs(30));
                let carrier = VoiceCarrier::start(config).expect("a carrier");
                connect(&tenant, &carrier).await;
                let (list, _) = list_of(&tenant, "everybody", 2).await;
                let (stop, dialler) = dial(&bench);
                let id = run(&bench, &tenant, &draft_of(list, &script, PacingMode::Progressive)).await;
                assert_eq!(counts(&tenant, id).await.into_iter().collect::<Vec<_>>(), [(word, 2)], "{label}");
                for row in tenant.recipients(id, RecipientFilter::Every, None, 10).await.expect("read").rows {
                    let RecipientState::Attempted { attempt, .. } = row.state else { panic!("{:?}", row.state) };
                    let call = tenant.call(attempt).await.expect("read");
                    let sound_at = [call.message_at, call.information_at, call.bridged_at].into_iter().flatten().min().expect("something is heard");
                    let waited_ms = sound_at.ms() - call.answered_at.expect("answered").ms();
                    assert!(waited_ms <= 2_000, "{label}: {waited_ms} ms");
                    assert_eq!(call.information_at.is_some(), word == Disposition::Abandoned, "{label}: {call:?}");
                }
                let days = bench.store.abandonment_days(id, &london_day(NOON).to_string()).await.expect("days");
                let abandoned = if word == Disposition::Abandoned { 2 } else { 0 };
                assert_eq!((days[0].abandoned, days[0].passed), (abandoned, 2 - abandoned), "{label}");
                assert_eq!(carrier.tally().heard(CallFate::Listens), 2, "{label}");
                stop.send_replace(true);
                dialler.await.expect("ends");
            }
        })
        .await;
    }
}

/// Joined at once, and nobody speaks: a silent call (UK-2).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_who_says_nothing_is_told_of_and_counted() {
    for silent in [true, false] {
        for_each_store("dialled_silent", |bench| async move {
            let tenant = bench.tenant("north").await;
            let mut config = VoiceCarrierConfig::new(audio_ports());
            config.fate_of = |_| CallFate::Listens;
            (config.talk, config.patience) = (Duration::from_secs(4), Duration::from_secs(30));
            config.agent_says = config.agent_says.filter(|_| !silent);
            let carrier = VoiceCarrier::start(config).expect("a carrier");
            connect(&tenant, &carrier).await;
            let (list, _) = list_of(&tenant, "everybody", 1).await;
            let (stop, dialler) = dial(&bench);
            let id = run(&bench, &tenant, &draft_of(list, STRAIGHT, PacingMode::Progressive)).await;
            assert_eq!(counts(&tenant, id).await.into_iter().collect::<Vec<_>>(), [(Disposition::PutThrough, 1)]);
            let row = &tenant.recipients(id, RecipientFilter::Every, None, 10).await.expect("read").rows[0];
            let RecipientState::Attempted { attempt, .. } = row.state else { panic!("{:?}", row.state) };
            let call = tenant.call(attempt).await.expect("read");
            assert_eq!((call.silent, call.agent_silent), (silent, silent), "{call:?}");
            let days = bench.store.abandonment_days(id, &london_day(NOON).to_string()).await.expect("days");
            assert_eq!((days[0].passed, days[0].silent), (1, silent.into()));
            let told = bench.store.silent_calls(&london_day(NOON).to_string()).await.expect("read");
            assert_eq!(told, if silent { vec![(tenant.id(), 1)] } else { Vec::new() });
            stop.send_replace(true);
            dialler.await.expect("ends");
        })
        .await;
    }
}
