//! Two user agents over a network that loses, doubles and reorders: every call comes to the same end on both sides.

use std::collections::{BinaryHeap, HashMap};
use std::cmp::Reverse;
use std::time::{Duration, Instant};

use clarion_sip::call::{CallEvent, CallKey, CallRules, Redirects};
use clarion_sip::cause::{EndedBy, HangUp};
use clarion_sip::chance::{Chance, SeededChance};
use clarion_sip::dial::DialRequest;
use clarion_sip::hop::{Hop, Transport};
use clarion_sip::negotiated::Direction;
use clarion_sip::transaction::Timers;
use clarion_sip::trunk::{Found, TrunkConfig, TrunkKey};
use clarion_sip::user_agent::{CallCommand, UserAgent};
use clarion_sip::wire::{Advertised, Effect, Source};

use crate::far::media;

const CALLS: u64 = 40;

/// When it arrives, its number, at which end, and its bytes.
type Datagram = (Instant, u64, usize, Vec<u8>);
/// When it is due, its number, at which end, of which call, and what.
type Planned = (Instant, u64, usize, u64, u8);

struct World {
    agents: [UserAgent; 2],
    now: Instant,
    chance: SeededChance,
    loss_percent: u64,
    /// Datagrams under way: when, in which order, to whom.
    network: BinaryHeap<Reverse<Datagram>>,
    sent: u64,
    /// What each side is going to do with a call, and when.
    plans: BinaryHeap<Reverse<Planned>>,
    ends: [HashMap<u64, (EndedBy, bool)>; 2],
    answered: [u64; 2],
    arrived: u64,
}

fn address(side: usize) -> std::net::SocketAddr {
    ([192, 0, 2, side as u8 + 1], 5060).into()
}

impl World {
    fn new(seed: u64, loss_percent: u64) -> Self {
        let rules = CallRules { credentials: None, session_expires: None, session_min: Duration::from_secs(90), reliable_provisional: true, silence_max: Duration::from_secs(32), redirects: Redirects::End };
        let agent = |side: usize| UserAgent::new(Timers::default(), Advertised { udp: Some(address(side)), tcp: None, tls: None }, "test".into(), Some(rules.clone()), Box::new(SeededChance(seed + side as u64)));
        let mut world = Self { agents: [agent(0), agent(1)], now: Instant::now(), chance: SeededChance(seed), loss_percent, network: BinaryHeap::new(), sent: 0, plans: BinaryHeap::new(), ends: Default::default(), answered: [0; 2], arrived: 0 };
        let mut config = TrunkConfig::new("carrier.example", None);
        config.options_interval = None;
        config.silence_max = Duration::from_secs(32);
        world.agents[0].add_trunk(world.now, TrunkKey(1), config);
        world.agents[0].trunk_found(world.now, TrunkKey(1), Ok(vec![Found { hop: Hop { transport: Transport::Udp, address: address(1), tls: None }, priority: 0, weight: 0 }]));
        world
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.chance.number() % limit
    }

    fn plan(&mut self, after_ms: u64, side: usize, call: u64, what: u8) {
        self.sent += 1;
        self.plans.push(Reverse((self.now + Duration::from_millis(after_ms), self.sent, side, call, what)));
    }

    fn collect(&mut self) {
        for side in 0..2 {
            for effect in self.agents[side].take_effects() {
                match effect {
                    Effect::Send { bytes, .. } => self.put_on_the_wire(1 - side, bytes),
                    Effect::Event { call, event } => self.event(side, call.0, *event),
                    Effect::Incoming { call, .. } => self.decide(call.0),
                    Effect::Trunk { .. } | Effect::Resolve { .. } | Effect::Gone { .. } => {}
                }
            }
        }
    }

    fn put_on_the_wire(&mut self, to: usize, bytes: Vec<u8>) {
        let copies = match self.below(100) {
            lost if lost < self.loss_percent => 0,
            doubled if doubled >= 97 => 2,
            _ => 1,
        };
        for _ in 0..copies {
            // Far enough apart for neighbours to change places.
            let delay = Duration::from_millis(5 + self.below(120));
            self.sent += 1;
            self.network.push(Reverse((self.now + delay, self.sent, to, bytes.clone())));
        }
    }

    /// The called side rings, answers, refuses or does nothing.
    fn decide(&mut self, call: u64) {
        self.arrived += 1;
        let after = self.below(4_000);
        self.plan(after / 2, 1, call, 0);
        match self.below(10) {
            0 => self.plan(after, 1, call, 2),
            1 => {}
            _ => self.plan(after, 1, call, 1),
        }
        if self.below(3) == 0 {
            let after = self.below(9_000);
            self.plan(after, 1, call, 3);
        }
    }

    fn act(&mut self, side: usize, call: u64, what: u8) {
        let command = match what {
            0 => CallCommand::Ring,
            1 => CallCommand::Answer(media()),
            2 => CallCommand::Reject { status: 486, words: "Busy Here".into(), headers: Vec::new() },
            3 => CallCommand::HangUp(HangUp::default()),
            4 => CallCommand::ChangeMedia { local: None, direction: Some(Direction::SendOnly) },
            _ => CallCommand::ChangeMedia { local: None, direction: Some(Direction::SendReceive) },
        };
        self.agents[side].command(self.now, CallKey(call), command);
    }

    fn event(&mut self, side: usize, call: u64, event: CallEvent) {
        match event {
            CallEvent::Answered { .. } => {
                self.answered[side] += 1;
                let after = self.below(3_000);
                self.plan(after, side, call, 4);
                self.plan(after + 200, side, call, 5);
            }
            CallEvent::Ended(end) => {
                let twice = self.ends[side].insert(call, (end.by, end.answered_at.is_some()));
                assert_eq!(twice, None, "a call ends once");
            }
            _ => assert!(!self.ends[side].contains_key(&call), "nothing follows the end"),
        }
    }

    fn step(&mut self) -> bool {
        let next = [self.network.peek().map(|Reverse(first)| first.0), self.plans.peek().map(|Reverse(first)| first.0), self.agents[0].next_at(), self.agents[1].next_at()];
        let Some(next) = next.into_iter().flatten().min() else { return false };
        self.now = next.max(self.now);
        while let Some(Reverse((.., to, bytes))) = self.network.peek().filter(|Reverse(first)| first.0 <= self.now).cloned() {
            self.network.pop();
            self.agents[to].receive(self.now, &bytes, Source { transport: Transport::Udp, address: address(1 - to), stream: None });
            self.collect();
        }
        while let Some(Reverse((_, _, side, call, what))) = self.plans.peek().filter(|Reverse(first)| first.0 <= self.now).cloned() {
            self.plans.pop();
            self.act(side, call, what);
            self.collect();
        }
        for side in 0..2 {
            self.agents[side].wake(self.now);
        }
        self.collect();
        true
    }
}

fn run(seed: u64, loss_percent: u64) -> World {
    let mut world = World::new(seed, loss_percent);
    for call in 1..=CALLS {
        let request = DialRequest { to: "01632960001".into(), caller_id: "02079460000".into(), ..DialRequest::default() };
        world.agents[0].dial(world.now, CallKey(call * 2), TrunkKey(1), &request, media()).expect("dialled");
        let after = world.below(12_000);
        world.plan(after, 0, call * 2, 3);
        world.collect();
    }
    let mut steps = 0;
    while world.step() {
        steps += 1;
        assert!(steps < 200_000, "it comes to rest");
    }
    world
}

#[test]
fn every_call_ends_once_on_both_sides_and_nothing_is_left() {
    for seed in 0..30 {
        for loss_percent in [0, 10, 30] {
            let world = run(seed * 1_000 + 7, loss_percent);
            assert_eq!(world.ends[0].len() as u64, CALLS, "seed {seed}, loss {loss_percent}: every call of ours ends");
            assert_eq!(world.ends[1].len() as u64, world.arrived, "seed {seed}, loss {loss_percent}: every call of theirs ends");
            for agent in &world.agents {
                assert_eq!((agent.open_calls(), agent.open_transactions()), (0, 0), "seed {seed}, loss {loss_percent}");
            }
        }
    }
}

#[test]
fn without_loss_both_sides_agree_on_who_answered() {
    for seed in 0..30 {
        let world = run(seed, 0);
        let picked_up = |side: usize| world.ends[side].values().filter(|(_, answered)| *answered).count();
        assert_eq!(world.arrived, CALLS);
        assert_eq!(picked_up(0), picked_up(1), "seed {seed}");
        assert!(picked_up(0) > 0 && world.answered[0] > 0, "seed {seed}: some were answered");
    }
}
