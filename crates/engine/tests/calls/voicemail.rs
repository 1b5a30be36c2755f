//! A message for a machine: left when it was played to its end after the beep, and not when the machine was gone before.

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::id::AttemptId;
use clarion_domain::outcomes::call_label::DETECTOR;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_engine::calls::{SpeechEngine, SpeechRequest};
use clarion_store::Tenant;
use clarion_store::db::Statement;
use clarion_store::params;
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};

use crate::dialled::{connect, dial, draft_of};
use crate::people::list_of;
use crate::support::{Bench, NOON, for_each_store};
use crate::{counts, run};

const GREETING: &str = "Hello, you have reached the voicemail of somebody who does not exist. I cannot take your call at the moment. \
    Please leave your name, your number and a short message after the tone, and I will call you back as soon as I can.";

fn script(message: &str) -> String {
    format!(
        r#"
language = "en-GB"
start = "hello"
machine = "leave"

[steps.hello]
do = "say"
text = "Hello, this is North. Please call us on 020 7946 0999. We are there from Monday to Friday, from nine in the morning to five in the afternoon, and look forward to your call."
next = "bye"

[steps.leave]
do = "voicemail_drop"
speech = {{ text = "{message}" }}

[steps.bye]
do = "hang_up"
"#
    )
}

/// A hundred labelled calls, as a script needs that acts on machines.
async fn labelled(bench: &Bench, tenant: &Tenant) {
    static LABEL: Statement = Statement {
        text: "INSERT INTO call_label (attempt_id, tenant_id, campaign_id, label, judged, detector, answered_at, labelled_by, labelled_at) VALUES ($1, $2, 1, 'machine', 'machine', $3, $4, 'a test', $4)",
        postgres: "",
    };
    for _ in 0..100 {
        let attempt = AttemptId(bench.store.next_id(NOON));
        bench.store.db().execute(&LABEL, &params![attempt, tenant.id(), DETECTOR, NOON]).await.expect("labelled");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_left_once_it_was_played_to_its_end() {
    let greeting = SpeechEngine::default().render(&SpeechRequest { text: GREETING.into(), language: "en-GB".into(), voice: None }).await.expect("espeak-ng; ./test names the packages");
    // The machine takes four seconds after its beep.
    let long = "This is North. Please call us back. ".repeat(12);
    for (message, word) in [("This is North. Please call us.", Disposition::VoicemailLeft), (long.as_str(), Disposition::AnsweredMachine)] {
        for_each_store("dialled_voicemail", |bench| {
            let (greeting, script) = (greeting.clone(), script(message));
            async move {
                let tenant = bench.tenant("north").await;
                labelled(&bench, &tenant).await;
                let mut config = VoiceCarrierConfig::new(audio_ports());
                config.fate_of = |_| CallFate::Machine;
                config.machine_greets = Some(greeting);
                let carrier = VoiceCarrier::start(config).expect("a carrier");
                connect(&tenant, &carrier).await;
                let (list, _) = list_of(&tenant, "everybody", 2).await;
                let (stop, dialler) = dial(&bench);
                let id = run(&bench, &tenant, &draft_of(list, &script, PacingMode::Agentless)).await;
                assert_eq!(counts(&tenant, id).await.into_iter().collect::<Vec<_>>(), [(word, 2)]);
                assert_eq!(carrier.tally().heard(CallFate::Machine), 2, "it heard us");
                stop.send_replace(true);
                dialler.await.expect("ends");
            }
        })
        .await;
    }
}
