//! The far end of one call, and the clock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use clarion_sip::call::{CallEvent, CallKey, CallRules, IncomingRequest, Redirects};
use clarion_sip::cause::CallEnd;
use clarion_sip::chance::SeededChance;
use clarion_sip::dial::DialRequest;
use clarion_sip::hop::{Destination, Hop, Transport};
use clarion_sip::message::{Message, Method, Name, parse};
use clarion_sip::negotiated::{Codec, LocalMedia, SrtpPolicy};
use clarion_sip::transaction::{ClientKey, Timers};
use clarion_sip::trunk::{Found, TrunkConfig, TrunkKey, TrunkState};
use clarion_sip::user_agent::{CallCommand, UserAgent};
use clarion_sip::wire::{Advertised, Effect, Source};

pub const CALL: CallKey = CallKey(2);
pub const TRUNK: TrunkKey = TrunkKey(1);

pub fn media() -> LocalMedia {
    LocalMedia { address: ([127, 0, 0, 1], 40_000).into(), codecs: vec![Codec::Pcma, Codec::Pcmu], telephone_event: true, srtp: SrtpPolicy::Never }
}

/// A description of the far end, at this port.
pub fn sdp(port: u16) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n")
}

pub fn server(last: u8) -> Hop {
    Hop { transport: Transport::Udp, address: ([192, 0, 2, last], 5060).into(), tls: None }
}

pub struct Far {
    pub agent: UserAgent,
    pub now: Instant,
    pub sent: VecDeque<(Message, Destination)>,
    pub events: VecDeque<CallEvent>,
    pub incoming: VecDeque<(CallKey, IncomingRequest)>,
    pub states: VecDeque<TrunkState>,
    pub resolves: usize,
    /// The transaction of our last request.
    pub last: Option<ClientKey>,
    /// Of the far end's own requests.
    number: u32,
}

impl Far {
    pub fn new() -> Self {
        let rules = CallRules { credentials: None, session_expires: None, session_min: Duration::from_secs(90), reliable_provisional: true, silence_max: Duration::from_secs(32), redirects: Redirects::End };
        let advertised = Advertised { udp: Some(([127, 0, 0, 1], 5060).into()), tcp: None, tls: None };
        let agent = UserAgent::new(Timers::default(), advertised, "test".into(), Some(rules), Box::new(SeededChance(42)));
        Self { agent, now: Instant::now(), sent: VecDeque::new(), events: VecDeque::new(), incoming: VecDeque::new(), states: VecDeque::new(), resolves: 0, last: None, number: 0 }
    }

    /// With a trunk of these servers, and a call on its way to the first.
    pub fn called(change: impl FnOnce(&mut TrunkConfig), servers: &[u8]) -> (Self, Message) {
        let mut far = Self::new();
        far.trunk(change, servers);
        let invite = far.dial();
        (far, invite)
    }

    pub fn trunk(&mut self, change: impl FnOnce(&mut TrunkConfig), servers: &[u8]) {
        let mut config = TrunkConfig::new("carrier.example", None);
        config.options_interval = None;
        change(&mut config);
        self.agent.add_trunk(self.now, TRUNK, config);
        self.collect();
        let found = servers.iter().zip(0..).map(|(last, priority)| Found { hop: server(*last), priority, weight: 0 }).collect();
        self.agent.trunk_found(self.now, TRUNK, Ok(found));
        self.collect();
    }

    pub fn dial(&mut self) -> Message {
        self.dial_as(CALL, DialRequest { to: "01632960001".into(), caller_id: "02079460000".into(), ..DialRequest::default() });
        self.next(&Method::Invite)
    }

    pub fn dial_as(&mut self, key: CallKey, request: DialRequest) {
        self.agent.dial(self.now, key, TRUNK, &request, media()).expect("a request that can be sent");
        self.collect();
    }

    /// Does what the user agent wants done, and keeps it for the test to look at.
    pub fn collect(&mut self) {
        for effect in self.agent.take_effects() {
            match effect {
                Effect::Send { to, bytes, client } => {
                    self.last = client.or(self.last);
                    self.sent.push_back((parse(&bytes).expect("what we write can be read"), to));
                }
                Effect::Event { event, .. } => self.events.push_back(*event),
                Effect::Incoming { call, request } => self.incoming.push_back((call, *request)),
                Effect::Trunk { state, .. } => self.states.push_back(state),
                Effect::Resolve { .. } => self.resolves += 1,
                Effect::Gone { .. } => {}
            }
        }
    }

    /// The next message that we sent, which must be this request.
    #[track_caller]
    pub fn next(&mut self, method: &Method) -> Message {
        let message = self.next_any();
        assert_eq!(message.method(), Some(method), "{message:?}");
        message
    }

    #[track_caller]
    pub fn next_any(&mut self) -> Message {
        self.sent.pop_front().expect("a message is sent").0
    }

    #[track_caller]
    pub fn next_status(&mut self, status: u16) -> Message {
        let message = self.next_any();
        assert_eq!(message.status(), Some(status), "{message:?}");
        message
    }

    #[track_caller]
    pub fn quiet(&self) {
        assert!(self.sent.is_empty(), "nothing is sent: {:?}", self.sent);
    }

    /// The far end's response. `further` are header lines and perhaps a body, each ended by CRLF.
    pub fn answer(&mut self, request: &Message, status: u16, tag: &str, further: &[&str], body: Option<String>) {
        let mut response = Message::response(request, status, "Whatever", tag);
        for line in further {
            let (name, value) = line.split_once(": ").expect("a header");
            response.push(Name::parse(name), value);
        }
        if let Some(body) = body {
            response.set_body("application/sdp", body.into_bytes());
        }
        self.say(&response);
    }

    /// Rings and answers; the ACK is taken off.
    pub fn pick_up(&mut self, invite: &Message, tag: &str, further: &[&str]) -> Message {
        let mut all = vec!["Contact: <sip:far@192.0.2.1>", "Allow: INVITE, ACK, BYE, CANCEL, UPDATE"];
        all.extend_from_slice(further);
        self.answer(invite, 200, tag, &all, Some(sdp(6_000)));
        self.next(&Method::Ack)
    }

    /// A request of the far end within the dialog that `invite` made.
    pub fn ask(&mut self, invite: &Message, method: Method, tag: &str, further: &[&str], body: Option<String>) -> Message {
        let mut request = Message::request(method, "sip:clarion@127.0.0.1:5060".into());
        if let Some(body) = body {
            request.set_body("application/sdp", body.into_bytes());
        }
        self.ask_with(invite, request, tag, further)
    }

    /// The same, with a request that has its body already.
    pub fn ask_with(&mut self, invite: &Message, mut request: Message, tag: &str, further: &[&str]) -> Message {
        self.number += 1;
        let method = request.method().cloned().expect("a request");
        request.push(Name::Via, format!("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKfar{}", self.number));
        request.push(Name::From, format!("<sip:01632960001@carrier.example>;tag={tag}"));
        request.push(Name::To, invite.get(&Name::From).expect("From"));
        request.push(Name::CallId, invite.call_id().expect("Call-ID"));
        request.push(Name::CSeq, format!("{} {method}", self.number));
        request.push(Name::Contact, "<sip:far@192.0.2.1>");
        for line in further {
            let (name, value) = line.split_once(": ").expect("a header");
            request.push(Name::parse(name), value);
        }
        self.say(&request);
        request
    }

    /// The ACK of a failure belongs to the request's transaction, that of a 2xx to the dialog alone.
    pub fn acknowledge(&mut self, request: &Message, failure: bool, body: Option<String>) {
        let mut ack = Message::request(Method::Ack, "sip:clarion@127.0.0.1:5060".into());
        for name in [Name::From, Name::To, Name::CallId] {
            ack.push(name.clone(), request.get(&name).expect("a header"));
        }
        ack.push(Name::Via, if failure { request.get(&Name::Via).expect("Via") } else { "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKack" });
        ack.push(Name::CSeq, format!("{} ACK", request.cseq().expect("CSeq").0));
        if let Some(body) = body {
            ack.set_body("application/sdp", body.into_bytes());
        }
        self.say(&ack);
    }

    pub fn say(&mut self, message: &Message) {
        self.agent.receive(self.now, &message.write(), Source { transport: Transport::Udp, address: ([192, 0, 2, 1], 5060).into(), stream: None });
        self.collect();
    }

    /// Our last request could not be delivered.
    pub fn undelivered(&mut self) {
        self.agent.undelivered(self.now, self.last.expect("a request"), "");
        self.collect();
    }

    pub fn command(&mut self, command: CallCommand) {
        self.agent.command(self.now, CALL, command);
        self.collect();
    }

    /// Lets time pass, alarm by alarm.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.agent.next_at().filter(|at| *at <= until) {
            self.now = at.max(self.now);
            self.agent.wake(self.now);
            self.collect();
        }
        self.now = until;
    }

    #[track_caller]
    pub fn ended(&mut self) -> CallEnd {
        let end = self.events.iter().find_map(|event| match event {
            CallEvent::Ended(end) => Some(end.clone()),
            _ => None,
        });
        assert!(matches!(self.events.back(), Some(CallEvent::Ended(_))), "it ends, and nothing follows: {:?}", self.events);
        assert_eq!(self.events.iter().filter(|event| matches!(event, CallEvent::Ended(_))).count(), 1, "it ends once");
        end.expect("an end")
    }

    #[track_caller]
    pub fn is_up(&self) {
        assert!(!self.events.iter().any(|event| matches!(event, CallEvent::Ended(_))), "it has not ended: {:?}", self.events);
    }

    /// After everything is over nothing may be left behind.
    #[track_caller]
    pub fn forgets(&mut self) {
        self.pass(Duration::from_secs(400));
        assert_eq!((self.agent.open_calls(), self.agent.open_transactions()), (0, 0), "nothing is left behind");
    }
}

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
