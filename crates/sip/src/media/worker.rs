//! A media thread: one timer wheel of 20 slots a millisecond apart, and the legs that sit in them. In its slot a leg's
//! socket is read, its 20 ms are listened to, and its packet goes out; nothing is allocated for it.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::keys::Key;
use super::leg::{Leg, MediaEvent};
use super::player::{Piece, PlayId, Repeat};
use super::ports::Sockets;
use super::reception::Quality;
use super::record::Recording;
use super::stats::Counters;
use super::FRAME_MS;
use crate::detect::Detector;
use crate::negotiated::NegotiatedMedia;

pub(super) type LegId = u64;

/// Packets of one socket in one turn: what a flood leaves behind waits in the kernel, and is dropped there.
const PACKETS_A_TURN: u64 = 32;
/// A packet came in each of the last turns: that another waits behind it is looked for in every so many alone.
const STEADY_TURNS: u32 = 16;
/// Longer packets are cut, and are no audio then.
const PACKET_MAX: usize = 1_500;

const SLOTS: u64 = FRAME_MS;
/// Commands that are taken between two slots at most, so that a burst of them delays no audio.
const COMMANDS_A_SLOT: usize = 64;
const TURNS_A_SECOND: u32 = 50;
const REPORT_SECONDS: u32 = 5;
/// Later than this, whole turns are given up.
const BEHIND_MAX: Duration = Duration::from_millis(100);

/// Where the queue of a leg stands, for whoever asks.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    pub play: AtomicU64,
    pub position_ms: AtomicU64,
    /// As of the last second.
    pub quality: Mutex<Quality>,
}

/// A leg in its place.
pub(super) struct Seat {
    pub id: LegId,
    pub leg: Leg,
    pub sockets: Sockets,
    pub events: mpsc::Sender<MediaEvent>,
    pub gauge: Arc<Gauge>,
    slot: usize,
    partner: Option<usize>,
    turns: u32,
    /// Packets of the last turn.
    received: u64,
}

impl Seat {
    pub fn new(id: LegId, leg: Leg, sockets: Sockets, events: mpsc::Sender<MediaEvent>, gauge: Arc<Gauge>) -> Self {
        Self { id, leg, sockets, events, gauge, slot: 0, partner: None, turns: 0, received: 0 }
    }
}

/// What a handle asks of a leg.
pub(super) enum Ask {
    Connect(Box<NegotiatedMedia>),
    Play(PlayId, Vec<Piece>, Repeat),
    Stop,
    Keys(Vec<Key>),
    /// With the other leg, which was opened on that thread.
    Bridge(LegId, usize),
    Unbridge,
    Record(Recording),
    PauseRecording(bool),
    StopRecording,
    Detect(Option<Box<Detector>>),
    Answered,
    AwaitSound,
    /// Give the leg to that thread, there to be bridged with that leg.
    Fetch(LegId, usize),
    Close,
}

pub(super) enum Command {
    Open(Box<Seat>),
    /// A leg from another thread, to be bridged with that leg.
    Arrive(Box<Seat>, LegId),
    Ask(LegId, Ask),
    Shutdown,
}

pub(super) struct Worker {
    index: usize,
    others: Vec<Sender<Command>>,
    counters: Arc<Counters>,
    seats: Vec<Option<Box<Seat>>>,
    free: Vec<usize>,
    places: HashMap<LegId, usize>,
    /// Legs that moved to another thread: what is still asked of them here is passed on.
    moved: HashMap<LegId, usize>,
    slots: [Vec<usize>; SLOTS as usize],
    packet: Box<[u8; PACKET_MAX]>,
}

impl Worker {
    pub fn new(index: usize, others: Vec<Sender<Command>>, counters: Arc<Counters>) -> Self {
        Self { index, others, counters, seats: Vec::new(), free: Vec::new(), places: HashMap::new(), moved: HashMap::new(), slots: std::array::from_fn(|_| Vec::new()), packet: Box::new([0; PACKET_MAX]) }
    }

    /// Runs until it is told to end.
    pub fn run(mut self, commands: &Receiver<Command>) {
        let start = Instant::now();
        let mut tick = 0u64;
        loop {
            let Some(due_tick) = self.next_tick(tick) else {
                match commands.recv() {
                    Ok(Command::Shutdown) | Err(_) => return,
                    Ok(command) => self.obey(command, Instant::now()),
                }
                tick = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX) + 1;
                continue;
            };
            tick = due_tick;
            let due = start + Duration::from_millis(tick);
            if !self.until(due, commands) {
                return;
            }
            let late = due.elapsed();
            if late > BEHIND_MAX {
                let turns = late.as_millis() as u64 / FRAME_MS;
                self.give_up(turns);
                tick += turns * FRAME_MS;
            } else {
                self.turn((tick % SLOTS) as usize, due);
                tick += 1;
            }
        }
    }

    /// The next tick, this one included, at which a leg is due.
    fn next_tick(&self, from: u64) -> Option<u64> {
        (from..from + SLOTS).find(|tick| !self.slots[(tick % SLOTS) as usize].is_empty())
    }

    /// Obeys commands until the time has come. False when told to end.
    fn until(&mut self, due: Instant, commands: &Receiver<Command>) -> bool {
        for _ in 0..COMMANDS_A_SLOT {
            let now = Instant::now();
            match commands.recv_timeout(due.saturating_duration_since(now)) {
                Ok(Command::Shutdown) | Err(RecvTimeoutError::Disconnected) => return false,
                Ok(command) => self.obey(command, now),
                Err(RecvTimeoutError::Timeout) => return true,
            }
        }
        let rest = due.saturating_duration_since(Instant::now());
        if !rest.is_zero() {
            std::thread::sleep(rest);
        }
        true
    }

    fn give_up(&mut self, turns: u64) {
        for seat in self.seats.iter_mut().flatten() {
            seat.leg.skip(u32::try_from(turns).unwrap_or(u32::MAX));
        }
        self.counters.turns_skipped.fetch_add(turns * self.places.len() as u64, Relaxed);
    }

    /// All legs of a slot: first all are heard, then all are spoken to, so that a bridge adds no delay.
    fn turn(&mut self, slot: usize, due: Instant) {
        let list = std::mem::take(&mut self.slots[slot]);
        for place in &list {
            let Some(seat) = self.seats[*place].as_mut() else { continue };
            let (leg, counters) = (&mut seat.leg, &self.counters);
            let now = Instant::now();
            let before = leg.refused;
            // Most often the next packet is there, and no other: to ask for one more would cost as much as taking it did.
            let most = if seat.received == 1 && !seat.turns.is_multiple_of(STEADY_TURNS) { 1 } else { PACKETS_A_TURN };
            seat.received = empty(&seat.sockets.rtp, &mut self.packet, most, |packet, from| leg.receive(packet, from, now));
            counters.packets_received.fetch_add(seat.received, Relaxed);
            counters.packets_refused.fetch_add(leg.refused - before, Relaxed);
            leg.listen(now);
        }
        for place in &list {
            let other = self.seats[*place].as_ref().and_then(|seat| seat.partner).and_then(|partner| self.seats[partner].as_ref()).map(|seat| *seat.leg.heard());
            let Some(seat) = self.seats[*place].as_mut() else { continue };
            let now = Instant::now();
            let (socket, counters) = (&seat.sockets.rtp, &self.counters);
            seat.leg.speak(other.as_ref(), now, |packet, target| {
                // A full or unreachable network loses the packet, as it may any other.
                if socket.send_to(packet, target).is_ok() {
                    counters.packets_sent.fetch_add(1, Relaxed);
                }
            });
            counters.late_by(due.elapsed());
            tell(seat, counters);
            seat.turns = seat.turns.wrapping_add(1);
            if seat.turns.is_multiple_of(TURNS_A_SECOND) {
                Self::each_second(&mut self.packet, seat, now);
            }
        }
        self.slots[slot] = list;
    }

    /// Reports are read each second and written every fifth.
    fn each_second(buffer: &mut [u8; PACKET_MAX], seat: &mut Seat, now: Instant) {
        let (leg, socket) = (&mut seat.leg, &seat.sockets.rtcp);
        empty(socket, buffer, PACKETS_A_TURN, |packet, from| leg.receive_report(packet, from, now));
        if (seat.turns / TURNS_A_SECOND).is_multiple_of(REPORT_SECONDS) {
            leg.report(now, |packet, target| {
                let _ = socket.send_to(packet, target);
            });
        }
        *seat.gauge.quality.lock().unwrap_or_else(PoisonError::into_inner) = leg.quality();
    }

    fn obey(&mut self, command: Command, now: Instant) {
        match command {
            Command::Open(seat) => {
                let slot = self.emptiest_slot();
                self.seat(seat, slot);
            }
            Command::Arrive(seat, with) => self.arrive(seat, with),
            Command::Ask(id, ask) => self.ask(id, ask, now),
            Command::Shutdown => {}
        }
    }

    fn ask(&mut self, id: LegId, ask: Ask, now: Instant) {
        let Some(&place) = self.places.get(&id) else {
            let closes = matches!(ask, Ask::Close);
            let to = if closes { self.moved.remove(&id) } else { self.moved.get(&id).copied() };
            if let Some(to) = to {
                self.pass(to, Command::Ask(id, ask));
            }
            return;
        };
        let Some(seat) = self.seats[place].as_mut() else { return };
        match ask {
            Ask::Connect(agreed) => seat.leg.connect(*agreed, now),
            Ask::Play(play, pieces, repeat) => seat.leg.play(play, pieces, repeat, now),
            Ask::Stop => seat.leg.stop(now),
            Ask::Keys(keys) => seat.leg.send_keys(&keys),
            Ask::Record(recording) => seat.leg.record(Some(recording)),
            Ask::PauseRecording(paused) => seat.leg.pause_recording(paused),
            Ask::StopRecording => seat.leg.record(None),
            Ask::Detect(detector) => seat.leg.listen_for(detector),
            Ask::Answered => seat.leg.answered(),
            Ask::AwaitSound => seat.leg.listen_for_sound(),
            Ask::Bridge(other, home) => match self.places.get(&other) {
                Some(&other) => self.join(place, other),
                None => self.pass(self.moved.get(&other).copied().unwrap_or(home), Command::Ask(other, Ask::Fetch(id, self.index))),
            },
            Ask::Fetch(with, to) if to < self.index => {
                self.part(place, now);
                if let Some(seat) = self.unseat(place) {
                    self.moved.insert(id, to);
                    self.pass(to, Command::Arrive(seat, with));
                }
            }
            // Legs move towards the first thread alone, or two requests that cross could chase each other.
            Ask::Fetch(with, to) if to > self.index => self.pass(to, Command::Ask(with, Ask::Fetch(id, self.index))),
            Ask::Fetch(with, _) => {
                if let Some(&other) = self.places.get(&with) {
                    self.join(place, other);
                }
            }
            Ask::Unbridge => self.part(place, now),
            Ask::Close => {
                self.part(place, now);
                self.unseat(place);
            }
        }
    }

    fn arrive(&mut self, seat: Box<Seat>, with: LegId) {
        let id = seat.id;
        self.moved.remove(&id);
        let slot = self.emptiest_slot();
        let place = self.seat(seat, slot);
        match self.places.get(&with) {
            Some(&other) => self.join(place, other),
            None => {
                if let Some(&to) = self.moved.get(&with) {
                    self.pass(to, Command::Ask(with, Ask::Fetch(id, self.index)));
                }
            }
        }
    }

    fn pass(&self, to: usize, command: Command) {
        // A thread that has ended has no legs left to be asked anything.
        let _ = self.others[to].send(command);
    }

    fn emptiest_slot(&self) -> usize {
        (0..self.slots.len()).min_by_key(|slot| self.slots[*slot].len()).unwrap_or(0)
    }

    fn seat(&mut self, mut seat: Box<Seat>, slot: usize) -> usize {
        seat.slot = slot;
        seat.partner = None;
        let id = seat.id;
        let place = self.free.pop().unwrap_or_else(|| {
            self.seats.push(None);
            self.seats.len() - 1
        });
        self.seats[place] = Some(seat);
        self.places.insert(id, place);
        self.slots[slot].push(place);
        place
    }

    fn unseat(&mut self, place: usize) -> Option<Box<Seat>> {
        let seat = self.seats[place].take()?;
        self.slots[seat.slot].retain(|other| *other != place);
        self.places.remove(&seat.id);
        self.free.push(place);
        Some(seat)
    }

    /// Bridges two legs, which from now on share a slot.
    fn join(&mut self, one: usize, other: usize) {
        if one == other {
            return;
        }
        let now = Instant::now();
        if self.seats[one].as_ref().is_some_and(|seat| seat.partner == Some(other)) {
            return;
        }
        self.part(one, now);
        self.part(other, now);
        let Some(slot) = self.seats[one].as_ref().map(|seat| seat.slot) else { return };
        if let Some(seat) = self.seats[other].as_mut() {
            let old = std::mem::replace(&mut seat.slot, slot);
            seat.partner = Some(one);
            self.slots[old].retain(|place| *place != other);
            self.slots[slot].push(other);
        }
        if let Some(seat) = self.seats[one].as_mut() {
            seat.partner = Some(other);
        }
    }

    /// Ends a bridge; both legs are told.
    fn part(&mut self, place: usize, now: Instant) {
        let Some(partner) = self.seats[place].as_mut().and_then(|seat| seat.partner.take()) else { return };
        if let Some(seat) = self.seats[partner].as_mut() {
            seat.partner = None;
        }
        for place in [place, partner] {
            if let Some(seat) = self.seats[place].as_mut() {
                seat.leg.tell(MediaEvent::Unbridged { at: now });
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.counters.legs.fetch_sub(self.places.len() as u64, Relaxed);
    }
}

/// Hands over the packets that wait, up to so many; returns how many.
fn empty(socket: &UdpSocket, buffer: &mut [u8; PACKET_MAX], most: u64, mut take: impl FnMut(&mut [u8], SocketAddr)) -> u64 {
    for count in 0..most {
        // An error is most often that nothing waits; an ICMP refusal is the far end's own loss.
        let Ok((length, from)) = socket.recv_from(buffer) else { return count };
        take(&mut buffer[..length], from);
    }
    most
}

/// Hands a leg's events over and notes where its queue stands.
fn tell(seat: &mut Seat, counters: &Counters) {
    while let Some(event) = seat.leg.next_event() {
        if seat.events.try_send(event).is_err() {
            counters.events_dropped.fetch_add(1, Relaxed);
        }
    }
    let (play, position) = seat.leg.position().map_or((0, 0), |(id, ms)| (id.0, u64::from(ms)));
    seat.gauge.play.store(play, Relaxed);
    seat.gauge.position_ms.store(position, Relaxed);
}
