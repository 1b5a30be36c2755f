//! From a person's answer to their hearing an agent, through the whole dialler: script, slot, the agent's call, the bridge.

use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Ticks};

use anyhow::Context;
use clarion_domain::campaigns::call_pacing::{CallPacing, PacingMode};
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::carriers::transfer_target::SipLine;
use clarion_domain::personal::Personal;
use clarion_engine::calls::{self, DiallerConfig, EndpointConfig, MediaConfig, PortRange, SpeechEngine};
use clarion_engine::campaigns::work;
use clarion_engine::intake::FileLimits;
use clarion_sip::call::CallEvent;
use clarion_sip::endpoint::{Call, Endpoint, IncomingCall};
use clarion_sip::negotiated::{Codec, LocalMedia, SrtpPolicy};
use clarion_store::Store;
use clarion_store::carriers::{NewRoute, NewTransferTarget, NewTrunk};
use clarion_store::compliance::Week;
use clarion_store::db::Db;
use tokio::sync::watch;

use crate::clarion::{clock, draft, tenant};
use crate::people;

const CALLER_ID: &str = "+442079460999";
const SCRIPT: &str = r#"
language = "en-GB"
start = "agents"
[information]
text = "This is bench-0 on behalf of bench-0. Nobody is free to speak to you. Please call us on 020 7946 0999."
[steps.agents]
do = "transfer"
target = "agents"
"#;
const PATIENCE: Duration = Duration::from_secs(120);
const PACKET: usize = 172;
/// A-law of a loud tone, and of nearly nothing.
const LOUD: u8 = 0x2a;
const QUIET: [u8; 4] = [0xd5, 0x55, 0xd4, 0x54];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Person,
    Agent,
}

/// An answered call of the far side: what it hears, and since when it waits to.
struct Ear {
    side: Side,
    socket: UdpSocket,
    to: SocketAddr,
    since: Ticks,
    heard: bool,
    sequence: u16,
}

type Heard = Arc<Mutex<Vec<(Side, Duration)>>>;

/// Everybody's sound: 20 ms of a tone every 20 ms, and a look every 2 ms at whoever waits to hear something.
fn listen(joining: &Receiver<Ear>, heard: &Heard) {
    let mut ears: Vec<Ear> = Vec::new();
    let start = Ticks::now();
    for turn in 1u64.. {
        loop {
            match joining.try_recv() {
                Ok(ear) => ears.push(ear),
                Err(std::sync::mpsc::TryRecvError::Empty) => break,
                Err(std::sync::mpsc::TryRecvError::Disconnected) => return,
            }
        }
        let speaks = turn.is_multiple_of(10);
        for ear in ears.iter_mut().filter(|ear| speaks || !ear.heard) {
            ear.hear(heard);
            if speaks {
                ear.speak();
            }
        }
        std::thread::sleep((start + Duration::from_millis(turn * 2)).saturating_duration_since(Ticks::now()));
    }
}

impl Ear {
    fn hear(&mut self, heard: &Heard) {
        let mut packet = [0; 2_000];
        while let Ok(length) = self.socket.recv(&mut packet) {
            let loud = packet.get(12..length).is_some_and(|audio| audio.iter().any(|byte| !QUIET.contains(byte)));
            if loud && !self.heard {
                self.heard = true;
                heard.lock().unwrap_or_else(PoisonError::into_inner).push((self.side, self.since.elapsed()));
            }
        }
    }

    fn speak(&mut self) {
        let mut packet = [LOUD; PACKET];
        packet[..2].copy_from_slice(&[0x80, 8]);
        packet[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        packet[4..8].copy_from_slice(&(u32::from(self.sequence) * 160).to_be_bytes());
        packet[8..12].copy_from_slice(&[0, 0, 0, 1]);
        // Every other sample of the other sign: a tone, and no constant.
        packet[12..].iter_mut().step_by(2).for_each(|byte| *byte ^= 0x80);
        self.sequence = self.sequence.wrapping_add(1);
        // What the network does not take is lost, as on any line.
        let _ = self.socket.send_to(&packet, self.to);
    }
}

/// Answers at once, and goes on until the endpoint or the caller ends.
async fn answer(incoming: IncomingCall, ears: Sender<Ear>) -> anyhow::Result<()> {
    let side = if incoming.request.uri.user.as_deref() == Some("agents") { Side::Agent } else { Side::Person };
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_nonblocking(true)?;
    incoming.ring();
    let since = Ticks::now();
    let mut call: Call = incoming.answer(LocalMedia { address: socket.local_addr()?, codecs: vec![Codec::Pcma], telephone_event: true, srtp: SrtpPolicy::Never });
    let mut socket = Some(socket);
    while let Some(event) = call.event().await {
        match event {
            CallEvent::Answered { media, .. } => {
                if let Some(socket) = socket.take() {
                    // The listener ends with the run.
                    let _ = ears.send(Ear { side, socket, to: media.remote, since, heard: false, sequence: 0 });
                }
            }
            CallEvent::Ended(_) => break,
            _ => {}
        }
    }
    Ok(())
}

async fn far(endpoint: Arc<Endpoint>, ears: Sender<Ear>) {
    while let Some(incoming) = endpoint.incoming().await {
        let ears = ears.clone();
        tokio::spawn(async move {
            if let Err(error) = answer(incoming, ears).await {
                eprintln!("the far side cannot answer: {error}");
            }
        });
    }
}

/// A tenant whose campaign puts everybody through, one call for each free agent.
async fn campaign(store: &Store, carrier: SocketAddr, calls: u32, a_second: u32) -> anyhow::Result<()> {
    let tenant = tenant(store, 0).await?;
    let settings: TrunkSettings = serde_json::from_str(&format!(r#"{{"kind":"sip","hosts":["{carrier}"],"keep_alive_seconds":0,"calls_at_once":5000}}"#))?;
    let new = NewTrunk { name: "Far".into(), settings, secret: Personal::default(), rate_per_second: 1_000, cost_per_segment: 100, currency: "GBP".into() };
    let trunk = tenant.add_trunk(&new, false, clock()).await?;
    tenant.add_route(&NewRoute { prefix: "+44".into(), sender: String::new(), trunk, priority: 1 }, false, clock()).await?;
    tenant.add_sender(CALLER_ID, false, "a number reserved for drama", clock()).await?;
    tenant.attest_sender(CALLER_ID, true, "", clock()).await?;
    let target = NewTransferTarget { group: "agents".into(), name: "Floor".into(), address: format!("sip:agents@{carrier}"), line: SipLine::default(), hours: Week::default(), capacity: calls, priority: 1, enabled: true };
    tenant.add_transfer_target(&target, clock()).await?;
    let list = people::upload(&tenant, clock()).await?;
    while clarion_engine::intake::work(store, FileLimits::default(), clock).await? > 0 {}
    let mut draft = draft(list)?;
    draft.channel = Channel::Voice;
    draft.body = String::new();
    draft.script = SCRIPT.into();
    draft.sender = CALLER_ID.into();
    draft.call_pacing = CallPacing { pace: PacingMode::Progressive, calls_per_second_max: a_second, calls_at_once_max: calls, ring_ms_max: 15_000 };
    let faults = tenant.campaign_faults(&draft, clock()).await?;
    anyhow::ensure!(faults.is_empty(), "the campaign cannot start: {faults:?}");
    let campaign = tenant.create_campaign(&draft, clock()).await?;
    tenant.start_campaign(campaign, clock()).await?;
    while work(store, clock).await? > 0 {}
    Ok(())
}

fn print(what: &str, heard: &[(Side, Duration)], side: Side) {
    let mut times: Vec<Duration> = heard.iter().filter(|(of, _)| *of == side).map(|(_, time)| *time).collect();
    times.sort_unstable();
    let at = |share: f64| times.get(((times.len() as f64 * share).ceil() as usize).saturating_sub(1)).copied().unwrap_or_default().as_secs_f64() * 1_000.0;
    println!("{what}: median {:.0} ms, p99 {:.0} ms, longest {:.0} ms ({} calls)", at(0.5), at(0.99), at(1.0), times.len());
}

pub async fn run(calls: u32, a_second: u32) -> anyhow::Result<()> {
    let mut config = EndpointConfig::new(([127, 0, 0, 1], 0).into());
    config.incoming = true;
    let endpoint = Arc::new(Endpoint::bind(config)?);
    let carrier = endpoint.udp_address().context("an address")?;
    let (ears, joining) = channel();
    let heard = Heard::default();
    let listener = {
        let heard = heard.clone();
        std::thread::Builder::new().name("far-audio".to_owned()).spawn(move || listen(&joining, &heard))?
    };
    let answering = tokio::spawn(far(endpoint.clone(), ears));
    let folder = tempfile::tempdir()?;
    let db = Db::open_sqlite(&folder.path().join("clarion.db")).await?;
    db.migrate().await?;
    let store = Store::new(db, &folder.path().join("keyring"), 1)?;
    campaign(&store, carrier, calls, a_second).await?;
    let (stop, stopped) = watch::channel(false);
    let media = MediaConfig { ports: PortRange { first: 20_000, last: 32_000 }, ..MediaConfig::default() };
    let config = DiallerConfig { clock, sip: EndpointConfig::new(([127, 0, 0, 1], 0).into()), media, speech: SpeechEngine::default(), drain_ms_max: 100 };
    let dialler = tokio::spawn(calls::run(store.clone(), config, stopped));
    let began = Ticks::now();
    let all = calls as usize * 2;
    while heard.lock().unwrap_or_else(PoisonError::into_inner).len() < all && began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // All of them talk at the same time by now.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
    println!("{calls} people called, {a_second} a second at most, each put through to an agent who picks up at once; all of them talk in the end");
    print("from a person's answer until they hear the agent", &heard, Side::Person);
    print("from an agent's answer until they hear the person", &heard, Side::Agent);
    stop.send_replace(true);
    dialler.await?;
    answering.abort();
    // Its end drops the sender, and with that the listener ends.
    let _ = answering.await;
    drop(listener);
    anyhow::ensure!(heard.len() == all, "{} of {all} ears heard the other side", heard.len());
    Ok(())
}
