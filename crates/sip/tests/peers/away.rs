//! Programs of others: started on loopback in a folder of their own, and ended with the test.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clarion_sip::call::CallEvent;
use clarion_sip::cause::CallEnd;
use clarion_sip::dial::DialRequest;
use clarion_sip::endpoint::{Call, Endpoint, EndpointConfig, Trunk};
use clarion_sip::negotiated::{Codec, LocalMedia, SrtpPolicy};
use clarion_sip::trunk::{Condition, TrunkConfig};

/// The machine may be busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// A process that ends with this value.
pub struct Process(pub Child);

impl Process {
    pub fn start(command: &mut Command) -> Self {
        let program = command.get_program().to_string_lossy().into_owned();
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap_or_else(|error| panic!("{program}: {error}; ./test names the packages")))
    }

    /// With a process group of its own, for one that has children.
    pub fn start_group(command: &mut Command) -> Self {
        Self::start(command.process_group(0))
    }

    /// SIGKILL to it and its children, if they have a group of their own.
    pub fn kill_group(mut self) {
        let group = format!("-{}", self.0.id());
        assert!(Command::new("kill").args(["-9", "--", &group]).status().expect("kill runs").success());
        let _ = self.0.wait();
    }

    /// Waits until somebody listens there, by UDP.
    pub async fn listens(&mut self, port: u16) {
        let listening = async {
            while !crate::ports::is_taken(port) {
                let ended = self.0.try_wait().expect("a process");
                assert!(ended.is_none(), "the peer ended before it listened: {ended:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, listening).await.expect("the peer listens in time");
    }

    /// Its exit status, once it has ended.
    pub async fn ended(&mut self) -> std::process::ExitStatus {
        let wait = async {
            loop {
                if let Some(status) = self.0.try_wait().expect("a process") {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("it ends in time")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGTERM where it has children of its own to end.
        let _ = Command::new("kill").arg(self.0.id().to_string()).stderr(Stdio::null()).status();
        for _ in 0..50 {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn free_port() -> u16 {
    crate::ports::free_port().port()
}

pub fn loopback(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

pub fn media() -> LocalMedia {
    LocalMedia { address: loopback(free_port()), codecs: vec![Codec::Pcma, Codec::Pcmu], telephone_event: true, srtp: SrtpPolicy::Never }
}

pub fn endpoint(incoming: bool) -> Endpoint {
    let mut config = EndpointConfig::new(loopback(0));
    config.incoming = incoming;
    config.session_min = Duration::from_secs(2);
    Endpoint::bind(config).expect("an endpoint")
}

pub fn trunk(endpoint: &Endpoint, port: u16, change: impl FnOnce(&mut TrunkConfig)) -> Trunk {
    let mut config = TrunkConfig::new("127.0.0.1", Some(port));
    // SIPp plays its scenario to whatever comes first.
    config.options_interval = None;
    change(&mut config);
    endpoint.trunk(config).expect("a trunk")
}

pub fn dial(trunk: &Trunk) -> Call {
    dial_to(trunk, "01632960001")
}

pub fn dial_to(trunk: &Trunk, to: &str) -> Call {
    trunk.dial(DialRequest { to: to.into(), caller_id: "02079460000".into(), ..DialRequest::default() }, media()).expect("a call")
}

/// Events until one fits.
pub async fn until(call: &mut Call, fits: impl Fn(&CallEvent) -> bool) -> CallEvent {
    let search = async {
        loop {
            let event = call.event().await.expect("an event");
            if fits(&event) {
                return event;
            }
            assert!(!matches!(event, CallEvent::Ended(_)), "it ended first: {event:?}");
        }
    };
    tokio::time::timeout(PATIENCE, search).await.expect("the event comes in time")
}

pub async fn answered(call: &mut Call) {
    until(call, |event| matches!(event, CallEvent::Answered { .. })).await;
}

pub async fn ended(call: &mut Call) -> CallEnd {
    match until(call, |event| matches!(event, CallEvent::Ended(_))).await {
        CallEvent::Ended(end) => end,
        other => panic!("{other:?}"),
    }
}

/// Waits for this state of the trunk; its reason.
pub async fn condition(trunk: &Trunk, wanted: Condition) -> String {
    let mut state = trunk.state();
    let state = tokio::time::timeout(PATIENCE, state.wait_for(|state| state.condition == wanted)).await.expect("in time").expect("a state");
    state.reason.clone()
}
