//! A call centre whose server says that it rings and then dies: nobody waits for its word longer than for an agent.

use std::collections::BTreeMap;
use std::time::Duration;

use clarion_domain::campaigns::call_pacing::PacingMode;
use clarion_domain::compliance::abandonment::london_day;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_store::campaigns::{RecipientFilter, RecipientState};
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};
use tokio::net::UdpSocket;
use tokio::sync::oneshot;

use crate::dialled::{STRAIGHT, connect_to, dial_with, draft_of, loopback, spoken_in};
use crate::people::list_of;
use crate::support::{Bench, NOON, for_each_store};
use crate::{counts, run};

/// It says of its first call that it rings, and no word more before it may end: only then is nobody waiting for one. Gives what it was asked, each method once.
async fn rings_and_dies(socket: UdpSocket, mut may_end: oneshot::Receiver<()>) -> Vec<String> {
    let (mut datagram, mut asked) = ([0; 4_096], BTreeMap::new());
    loop {
        tokio::select! {
            received = socket.recv_from(&mut datagram) => {
                let (length, from) = received.expect("a request");
                let request = String::from_utf8_lossy(&datagram[..length]).into_owned();
                if asked.is_empty() {
                    socket.send_to(answer(&request, "180 Ringing").as_bytes(), from).await.expect("sent");
                }
                asked.insert(request.split(' ').next().unwrap_or_default().to_owned(), (request, from));
            }
            _ = &mut may_end => break,
        }
    }
    for (method, (request, from)) in &asked {
        let status = if method == "INVITE" { "487 Request Terminated" } else { "200 OK" };
        socket.send_to(answer(request, status).as_bytes(), from).await.expect("sent");
    }
    asked.into_keys().collect()
}

fn answer(request: &str, status: &str) -> String {
    let copied = request.lines().filter(|line| ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name)));
    let copied: String = copied.map(|line| if line.starts_with("To:") { format!("{line};tag=dead\r\n") } else { format!("{line}\r\n") }).collect();
    format!("SIP/2.0 {status}\r\n{copied}Content-Length: 0\r\n\r\n")
}

/// From the answer to the information message, which the only person of a campaign with this script hears.
async fn informed_after_ms(bench: &Bench, script: &str) -> i64 {
    let tenant = bench.tenant("north").await;
    let mut config = VoiceCarrierConfig::new(audio_ports());
    config.fate_of = |_| CallFate::Listens;
    (config.ring, config.patience) = (Duration::from_millis(50), Duration::from_secs(30));
    let carrier = VoiceCarrier::start(config).expect("a carrier");
    let (socket, (end, may_end)) = (UdpSocket::bind(loopback()).await.expect("a port"), oneshot::channel());
    connect_to(&tenant, &carrier, socket.local_addr().expect("its address"), 3).await;
    let server = tokio::spawn(rings_and_dies(socket, may_end));
    let (list, _) = list_of(&tenant, "everybody", 1).await;
    let (stop, dialler) = dial_with(bench, spoken_in(bench, Duration::from_millis(300)));
    let id = run(bench, &tenant, &draft_of(list, script, PacingMode::Progressive)).await;
    assert_eq!(counts(&tenant, id).await.into_iter().collect::<Vec<_>>(), [(Disposition::Abandoned, 1)]);
    let days = bench.store.abandonment_days(id, &london_day(NOON).to_string()).await.expect("days");
    assert_eq!((days[0].abandoned, days[0].passed, days[0].silent), (1, 0, 0));
    let row = &tenant.recipients(id, RecipientFilter::Every, None, 10).await.expect("read").rows[0];
    let RecipientState::Attempted { attempt, .. } = row.state else { panic!("{:?}", row.state) };
    let call = tenant.call(attempt).await.expect("read");
    assert_eq!(carrier.tally().heard(CallFate::Listens), 1);
    end.send(()).expect("it listens");
    assert_eq!(server.await.expect("asked"), ["CANCEL", "INVITE"]);
    stop.send_replace(true);
    dialler.await.expect("ends");
    call.information_at.expect("informed").ms() - call.answered_at.expect("answered").ms()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_hears_nothing_is_told_within_two_seconds_though_the_server_that_rang_has_died() {
    for_each_store("dialled_unanswered", |bench| async move {
        let waited_ms = informed_after_ms(&bench, STRAIGHT).await;
        assert!(waited_ms <= 2_000, "UK-6: {waited_ms} ms");
    })
    .await;
}

/// Else only the end of a CANCEL that nobody answers would tell, half a minute later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_hears_words_meanwhile_is_told_when_the_agents_time_is_up_though_the_server_that_rang_has_died() {
    let script = format!("{STRAIGHT}ring_ms_max = 2500\nspeech = {{ text = \"We are putting you through.\" }}\n");
    for_each_store("dialled_unanswered_words", |bench| {
        let script = script.clone();
        async move {
            let waited_ms = informed_after_ms(&bench, &script).await;
            assert!((2_500..5_000).contains(&waited_ms), "{waited_ms} ms");
        }
    })
    .await;
}
