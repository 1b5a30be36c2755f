//! baresip as the called side: a telephone that others wrote.

use std::process::Command;
use std::time::Duration;

use clarion_sip::auth::Credentials;
use clarion_sip::call::CallEvent;
use clarion_sip::cause::{EndedBy, HangUp};
use clarion_sip::dial::DialRequest;
use clarion_sip::hop::Transport;
use clarion_sip::media::prompt::{PromptLimits, load};
use clarion_sip::media::{LegConfig, MediaConfig, MediaEngine, MediaEvent};
use clarion_sip::negotiated::{Codec, Direction, SrtpPolicy};
use clarion_sip::tls::{TlsClient, Trust};

use crate::ports::{audio_ports, free_pair};
use crate::away::{Process, dial_to, endpoint, ended, trunk, until};
use crate::kamailio::Kamailio;

pub struct Telephone {
    pub port: u16,
    _process: Process,
    folder: tempfile::TempDir,
}

/// Registers with this registrar, if any, and picks up whatever rings.
async fn telephone(registrar: Option<u16>) -> Telephone {
    telephone_with(registrar, "udp", None).await
}

/// `secure`: its certificate with its key in PEM, and how it encrypts audio. It listens for TLS at the port after its own.
pub async fn telephone_with(registrar: Option<u16>, transport: &str, secure: Option<(&str, &str)>) -> Telephone {
    telephone_that_says(440, registrar, transport, secure).await
}

/// It says a tone, and keeps what it hears in its folder.
async fn telephone_that_says(hz: u16, registrar: Option<u16>, transport: &str, secure: Option<(&str, &str)>) -> Telephone {
    // It takes the next port too, for TLS, whether or not it is asked for; and where that is taken, it ends.
    let (folder, port, audio) = (tempfile::tempdir().expect("a folder"), free_pair(), audio_ports());
    // No sound card: a tone from a generator, and nothing to play to.
    let config = format!("poll_method epoll\nsip_listen 127.0.0.1:{port}\nnet_interface 127.0.0.1\nrtp_ports {}-{}\naudio_source ausine,{hz}\nausrc_srate 48000\nausrc_channels 2\naudio_alert aufile,/dev/null\ncall_max_calls 10\nmodule_path {}\nmodule g711.so\nmodule ausine.so\nmodule aufile.so\nmodule sndfile.so\nsnd_path .\nmodule_app account.so\nmodule_app menu.so\n{}", audio.first, audio.last, modules(), if secure.is_some() { "sip_certificate cert.pem\nmodule srtp.so\n" } else { "" });
    let (place, interval) = registrar.map_or((port, 0), |registrar| (registrar, 60));
    let account = format!("<sip:agent@127.0.0.1:{place};transport={transport}>;auth_pass=none;answermode=auto;regint={interval};audio_codecs=PCMA/8000/1,PCMU/8000/1{}\n", secure.map_or(String::new(), |(_, encryption)| format!(";mediaenc={encryption}")));
    for (name, text) in [("config", config.as_str()), ("accounts", account.as_str()), ("contacts", "\n"), ("cert.pem", secure.map_or("", |(pem, _)| pem))] {
        std::fs::write(folder.path().join(name), text).expect("a configuration");
    }
    let mut process = Process::start(Command::new("baresip").arg("-f").arg(folder.path()).current_dir(folder.path()));
    process.listens(port).await;
    let connects = async {
        while secure.is_some() && tokio::net::TcpStream::connect(("127.0.0.1", port + 1)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::away::PATIENCE, connects).await.expect("it listens for TLS in time");
    Telephone { port, _process: process, folder }
}

impl Telephone {
    /// What it has heard in its one call, at 8 kHz, once that is over and written down.
    async fn heard(&self) -> Vec<i16> {
        let find = || std::fs::read_dir(self.folder.path()).expect("a folder").filter_map(|entry| Some(entry.ok()?.path())).find(|path| path.to_string_lossy().ends_with("-dec.wav"));
        let written = async {
            loop {
                let whole = find().and_then(|path| std::fs::read(path).ok()).and_then(|bytes| load(bytes, PromptLimits::default()).ok());
                match whole.filter(|loaded| loaded.audio.len() >= 8_000) {
                    Some(loaded) => return loaded.audio.to_vec(),
                    None => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        };
        tokio::time::timeout(crate::away::PATIENCE, written).await.expect("it is written in time")
    }
}

/// How much of a sound is this tone (Goertzel).
fn share(audio: &[i16], hz: u16) -> f64 {
    let step = 2.0 * (f64::from(hz) * std::f64::consts::TAU / 8_000.0).cos();
    let (mut one, mut two, mut all) = (0.0, 0.0, 1.0);
    for sample in audio.iter().map(|sample| f64::from(*sample)) {
        let next = sample + step * one - two;
        (two, one, all) = (one, next, all + sample * sample);
    }
    (one * one + two * two - step * one * two) * 2.0 / (all * audio.len() as f64)
}

#[tokio::test]
async fn a_tone_of_one_telephone_is_heard_by_the_other_through_our_bridge() {
    let (one, two) = (telephone_that_says(500, None, "udp", None).await, telephone_that_says(1_200, None, "udp", None).await);
    let engine = MediaEngine::start(MediaConfig { ports: audio_ports(), ..MediaConfig::default() }).expect("an engine");
    let near = endpoint(false);
    let mut up = Vec::new();
    for telephone in [&one, &two] {
        let way = trunk(&near, telephone.port, |_| {});
        let (leg, heard) = engine.open_leg(LegConfig::default()).expect("a leg");
        let mut call = way.dial(DialRequest { to: "agent".into(), caller_id: "02079460000".into(), ..DialRequest::default() }, leg.local().clone()).expect("a call");
        let CallEvent::Answered { media, .. } = until(&mut call, |event| matches!(event, CallEvent::Answered { .. })).await else { panic!("answered") };
        leg.connect(media);
        up.push((call, leg, heard, way));
    }
    up[0].1.bridge(&up[1].1);
    tokio::time::sleep(Duration::from_secs(3)).await;
    for (call, ..) in &mut up {
        call.hang_up(HangUp::default());
        assert_eq!(ended(call).await.by, EndedBy::Us);
    }
    for (telephone, theirs, own) in [(&one, 1_200, 500), (&two, 500, 1_200)] {
        let heard = telephone.heard().await;
        // Its end, when both were joined, without the last packets.
        let end = &heard[heard.len() - 8_000..heard.len() - 800];
        assert!(share(end, theirs) > 0.9 && share(end, own) < 0.02, "{theirs} Hz: {:.3}, its own: {:.3}", share(end, theirs), share(end, own));
    }
}

/// Where Debian keeps them, by the machine's architecture.
fn modules() -> String {
    let places = ["/usr/lib/baresip/modules", "/usr/lib/x86_64-linux-gnu/baresip/modules", "/usr/lib/aarch64-linux-gnu/baresip/modules"];
    places.into_iter().find(|place| std::path::Path::new(place).exists()).expect("baresip's modules").to_owned()
}

#[tokio::test]
async fn a_telephone_is_called_held_and_hung_up() {
    let telephone = telephone(None).await;
    let near = endpoint(false);
    let trunk = trunk(&near, telephone.port, |_| {});
    let mut call = dial_to(&trunk, "agent");
    let CallEvent::Answered { media, .. } = until(&mut call, |event| matches!(event, CallEvent::Answered { .. })).await else { panic!("answered") };
    assert_eq!((media.codec, media.telephone_event.is_some()), (Codec::Pcma, true));
    call.hold();
    until(&mut call, |event| matches!(event, CallEvent::MediaChanged(media) if media.direction == Direction::SendOnly)).await;
    call.resume();
    until(&mut call, |event| matches!(event, CallEvent::MediaChanged(media) if media.direction == Direction::SendReceive)).await;
    call.hang_up(HangUp::default());
    assert_eq!(ended(&mut call).await.by, EndedBy::Us);
}

/// RFC 4568 and RFC 8643 with keys that the other side made, over TLS with a certificate that nobody vouches for.
#[tokio::test]
async fn over_tls_and_with_encrypted_audio_both_ways_of_asking_for_it() {
    let made = rcgen::generate_simple_self_signed(vec!["agent.example".to_owned()]).expect("a certificate");
    let pem = format!("{}{}", made.signing_key.serialize_pem(), made.cert.pem());
    let engine = MediaEngine::start(MediaConfig { ports: audio_ports(), ..MediaConfig::default() }).expect("an engine");
    for (encryption, policy) in [("srtp", SrtpPolicy::Offered), ("srtp-mand", SrtpPolicy::Required)] {
        let telephone = telephone_with(None, "tls", Some((&pem, encryption))).await;
        let near = endpoint(false);
        let over_tls = |trust: Trust| {
            trunk(&near, telephone.port + 1, move |config| {
                config.transport = Some(Transport::Tls);
                config.tls = Some(TlsClient { server_name: "agent.example".into(), trust });
            })
        };
        let trusted = over_tls(Trust::CaPem(made.cert.pem().into_bytes()));
        let (leg, mut heard) = engine.open_leg(LegConfig { srtp: policy, ..LegConfig::default() }).expect("a leg");
        let mut call = trusted.dial(DialRequest { to: "agent".into(), caller_id: "02079460000".into(), ..DialRequest::default() }, leg.local().clone()).expect("a call");
        let CallEvent::Answered { media, .. } = until(&mut call, |event| matches!(event, CallEvent::Answered { .. })).await else { panic!("answered") };
        assert!(media.srtp.is_some(), "{encryption}: {media:?}");
        leg.connect(media);
        // What does not decrypt is refused, and never heard.
        let first = tokio::time::timeout(crate::away::PATIENCE, heard.recv()).await.expect("in time");
        assert!(matches!(first, Some(MediaEvent::FirstAudio { .. })), "{encryption}: {first:?}");
        call.hang_up(HangUp::default());
        assert_eq!(ended(&mut call).await.by, EndedBy::Us);

        let stranger = over_tls(Trust::PinSha256([7; 32]));
        assert_eq!(ended(&mut dial_to(&stranger, "agent")).await.by, EndedBy::Unreachable, "another's certificate");
    }
}

#[tokio::test]
async fn a_registered_telephone_is_reached_through_the_proxy() {
    let proxy = Kamailio::start().await;
    let _telephone = telephone(Some(proxy.port)).await;
    let near = endpoint(false);
    let trunk = trunk(&near, proxy.port, |config| config.credentials = Some(Credentials { user: "clarion".into(), password: "secret".into() }));
    // It may not have registered yet.
    let reached = async {
        loop {
            let mut call = dial_to(&trunk, "agent");
            match call_settles(&mut call).await {
                CallEvent::Answered { .. } => return call,
                CallEvent::Ended(end) => assert_eq!(end.sip_status, Some(404)),
                other => panic!("{other:?}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let mut call = tokio::time::timeout(crate::away::PATIENCE, reached).await.expect("in time");
    call.hang_up(HangUp::default());
    assert_eq!(ended(&mut call).await.by, EndedBy::Us);
}

async fn call_settles(call: &mut clarion_sip::endpoint::Call) -> CallEvent {
    loop {
        let event = call.event().await.expect("an event");
        if matches!(event, CallEvent::Answered { .. } | CallEvent::Ended(_)) {
            return event;
        }
    }
}
