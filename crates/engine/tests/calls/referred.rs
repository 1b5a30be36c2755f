//! Putting through by REFER: the carrier joins the person and the agent, and our part is over; a carrier that will not leaves the person to the
//! information message.

use std::time::Duration;

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, Transfer, VoiceCarrier, VoiceCarrierConfig};

use crate::dialled::{STRAIGHT, connect, dial, draft_of};
use crate::people::list_of;
use crate::support::for_each_store;
use crate::{counts, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_carrier_joins_them_or_the_person_hears_why_not() {
    let cases = [
        (Some(Transfer::Told(200)), Disposition::PutThrough),
        (Some(Transfer::Told(486)), Disposition::Abandoned),
        (Some(Transfer::HungUp), Disposition::PutThrough),
        // The carrier said that it rings an agent, and none has come.
        (Some(Transfer::PersonGone), Disposition::AnsweredPerson),
        // While they hear that nobody is free, somebody picks up all the same.
        (Some(Transfer::ToldAfter(Duration::from_millis(2_500), 200)), Disposition::PutThrough),
        // Nobody waits for ever for a word of it.
        (Some(Transfer::Silent), Disposition::Abandoned),
        (None, Disposition::Abandoned),
    ];
    for (transfers, word) in cases {
        for_each_store("dialled_refer", |bench| async move {
            let tenant = bench.tenant("north").await;
            let mut config = VoiceCarrierConfig::new(audio_ports());
            config.fate_of = |_| CallFate::Listens;
            (config.transfers, config.patience) = (transfers, Duration::from_secs(30));
            let carrier = VoiceCarrier::start(config).expect("a carrier");
            connect(&tenant, &carrier).await;
            let (list, _) = list_of(&tenant, "everybody", 2).await;
            let (stop, dialler) = dial(&bench);
            let script = STRAIGHT.replace("target = \"agents\"", "target = \"agents\"\nmode = \"refer\"");
            let id = run(&bench, &tenant, &draft_of(list, &script, PacingMode::Progressive)).await;
            let report = counts(&tenant, id).await;
            assert_eq!(report.into_iter().collect::<Vec<_>>(), [(word, 2)], "{transfers:?}");
            let tally = carrier.tally();
            assert_eq!(tally.agent_calls, 0, "it is not for us to ring them");
            let asked: Vec<_> = tally.transferred.iter().filter(|target| target.contains("agents@")).collect();
            assert_eq!(asked.len(), if transfers.is_some() { 2 } else { 0 }, "{:?}", tally.transferred);
            stop.send_replace(true);
            dialler.await.expect("ends");
        })
        .await;
    }
}
