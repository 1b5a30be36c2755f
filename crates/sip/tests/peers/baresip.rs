//! baresip as the called side: a telephone that others wrote.

use std::process::Command;
use std::time::Duration;

use clarion_sip::auth::Credentials;
use clarion_sip::call::CallEvent;
use clarion_sip::cause::{EndedBy, HangUp};
use clarion_sip::negotiated::{Codec, Direction};

use crate::away::{Process, dial_to, endpoint, ended, free_port, listens, trunk, until};
use crate::kamailio::Kamailio;

struct Telephone {
    port: u16,
    _process: Process,
    _folder: tempfile::TempDir,
}

/// Registers with this registrar, if any, and picks up whatever rings.
async fn telephone(registrar: Option<u16>) -> Telephone {
    let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
    // No sound card: a tone from a generator, and nothing to play to.
    let config = format!("poll_method epoll\nsip_listen 127.0.0.1:{port}\nnet_interface 127.0.0.1\naudio_source ausine,440\nausrc_srate 48000\nausrc_channels 2\naudio_alert aufile,/dev/null\ncall_max_calls 10\nmodule_path {}\nmodule g711.so\nmodule ausine.so\nmodule aufile.so\nmodule_app account.so\nmodule_app menu.so\n", modules());
    let (place, interval) = registrar.map_or((port, 0), |registrar| (registrar, 60));
    let account = format!("<sip:agent@127.0.0.1:{place};transport=udp>;auth_pass=none;answermode=auto;regint={interval};audio_codecs=PCMA/8000/1,PCMU/8000/1\n");
    for (name, text) in [("config", config.as_str()), ("accounts", account.as_str()), ("contacts", "\n")] {
        std::fs::write(folder.path().join(name), text).expect("a configuration");
    }
    let process = Process::start(Command::new("baresip").arg("-f").arg(folder.path()).current_dir(folder.path()));
    listens(port).await;
    Telephone { port, _process: process, _folder: folder }
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
