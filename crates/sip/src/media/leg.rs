//! One leg's audio, without its sockets: what comes in, what is heard of it, what goes out, what is told of it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::conceal::Concealment;
use super::g711;
use super::inband::InBandKeys;
use super::jitter::{JitterBuffer, Pulled};
use super::key_receiver::KeyReceiver;
use super::key_sender::{KeySender, KeyTurn, tone};
use super::keys::{Key, KeyPath};
use super::outgoing::{Buffer, Outgoing};
use super::player::{Piece, PlayId, Played, Player, Repeat};
use super::reception::{Quality, REPORT_MAX, Reception};
use super::record::Recording;
use super::rtp::Header;
use super::source::{Admission, Latch, Source};
use super::srtp::{Protector, Unprotector};
use super::{FRAME_SAMPLES, Frame};
use crate::detect::{Detector, Verdict};
use crate::negotiated::{Codec, Direction, NegotiatedMedia, TELEPHONE_EVENT};

/// Something that a leg tells.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaEvent {
    /// The first packet of the far end arrived: before the answer, this is early media.
    FirstAudio { at: Instant },
    /// Something audible came; told once after `MediaLeg::listen_for_sound`.
    Sounded { at: Instant },
    /// A key was pressed.
    Key { key: Key, by: KeyPath, at: Instant },
    /// All keys of `send_keys` were sent.
    KeysSent { at: Instant },
    /// An entry of the queue ended: played to its end, or stopped.
    PlayDone { id: PlayId, played_ms: u32, completed: bool, at: Instant },
    /// Somebody began or ceased to speak; told while detection listens.
    SpeechStarted { at: Instant },
    SpeechStopped { at: Instant },
    /// Who answered. More than one may come: a person first, say, and then a beep.
    Detected { verdict: Box<Verdict>, at: Instant },
    /// Nothing arrived for the leg's time limit; told once until something arrives again.
    Timeout { at: Instant },
    /// The other leg of the bridge went away.
    Unbridged { at: Instant },
}

/// What is fixed for a leg when it opens.
#[derive(Debug, Clone, Copy)]
pub struct LegSettings {
    pub latch: Latch,
    pub timeout: Duration,
}

/// Comfort noise (RFC 3389).
const COMFORT_NOISE: u8 = 13;
/// Longest payload of audio that is believed: 60 ms, and some.
const SAMPLES_MAX: usize = 800;
/// As loud as this is a sound and not the line: −50 dB of the loudest, as the mean square of a frame.
const AUDIBLE: u64 = 104 * 104;
/// For so many frames in a row, or it is a click.
const AUDIBLE_FRAMES: u8 = 3;
/// Events that wait for their channel within one turn.
const EVENTS_MAX: usize = 64;

pub struct Leg {
    settings: LegSettings,
    agreed: Option<NegotiatedMedia>,
    source: Option<Source>,
    buffer: JitterBuffer,
    concealment: Concealment,
    key_receiver: KeyReceiver,
    key_sender: KeySender,
    in_band: InBandKeys,
    /// Keys came as events: tones are no longer listened for.
    events_heard: bool,
    player: Player,
    outgoing: Outgoing,
    ciphers: Option<(Protector, Unprotector)>,
    reception: Reception,
    recording: Option<Recording>,
    detector: Option<Box<Detector>>,
    began: Instant,
    heard: Frame,
    heard_at: Option<Instant>,
    first_heard: bool,
    /// While a sound is awaited: audible frames in a row.
    audible: Option<u8>,
    timed_out: bool,
    events: VecDeque<MediaEvent>,
    pub refused: u64,
}

impl Leg {
    #[must_use]
    pub fn new(settings: LegSettings, chance: u128, now: Instant) -> Self {
        Self {
            settings,
            agreed: None,
            source: None,
            buffer: JitterBuffer::default(),
            concealment: Concealment::default(),
            key_receiver: KeyReceiver::default(),
            key_sender: KeySender::default(),
            in_band: InBandKeys::default(),
            events_heard: false,
            player: Player::default(),
            outgoing: Outgoing::new(chance),
            ciphers: None,
            reception: Reception::default(),
            recording: None,
            detector: None,
            began: now,
            heard: [0; FRAME_SAMPLES],
            heard_at: None,
            first_heard: false,
            audible: None,
            timed_out: false,
            events: VecDeque::with_capacity(EVENTS_MAX),
            refused: 0,
        }
    }

    /// An agreement, the first or a later one. Audio flows from now on.
    pub fn connect(&mut self, agreed: NegotiatedMedia, now: Instant) {
        self.outgoing.agree(agreed.codec, agreed.packet_ms);
        // A key that stays keeps its counters: with them at their beginning again, what was encrypted with it would be so a second time.
        let before = self.agreed.as_ref().and_then(|agreed| agreed.srtp.as_ref());
        self.ciphers = agreed.srtp.as_ref().map(|(ours, theirs)| {
            let (protector, unprotector) = self.ciphers.take().unzip();
            let protector = protector.filter(|_| before.is_some_and(|(before, _)| before == ours));
            let unprotector = unprotector.filter(|_| before.is_some_and(|(_, before)| before == theirs));
            (protector.unwrap_or_else(|| Protector::new(ours)), unprotector.unwrap_or_else(|| Unprotector::new(theirs)))
        });
        match &mut self.source {
            Some(source) => source.renegotiate(agreed.remote),
            None => self.source = Some(Source::new(agreed.remote, self.settings.latch)),
        }
        // Time on hold does not count as silence of the far end.
        self.heard_at = Some(now);
        self.timed_out = false;
        self.agreed = Some(agreed);
    }

    /// Where packets go, when they may.
    #[must_use]
    pub fn target(&self) -> Option<SocketAddr> {
        let sends = matches!(self.agreed.as_ref()?.direction, Direction::SendReceive | Direction::SendOnly);
        self.source.as_ref().filter(|_| sends).map(Source::target)
    }

    fn receives(&self) -> bool {
        self.agreed.as_ref().is_some_and(|agreed| matches!(agreed.direction, Direction::SendReceive | Direction::ReceiveOnly))
    }

    /// A packet from the network, whatever it is.
    pub fn receive(&mut self, packet: &mut [u8], from: SocketAddr, now: Instant) {
        if !self.take(packet, from, now).unwrap_or(false) {
            self.refused += 1;
        }
    }

    fn take(&mut self, packet: &mut [u8], from: SocketAddr, now: Instant) -> Option<bool> {
        let source = self.source.as_mut().filter(|source| source.may_come_from(from))?;
        // A cipher is asked before the source may change anything: what is forged teaches nothing.
        let length = match &mut self.ciphers {
            Some((_, unprotector)) => unprotector.unprotect(packet)?,
            None => packet.len(),
        };
        let packet = packet.get(..length)?;
        let (header, start) = Header::read(packet)?;
        let agreed = self.agreed.as_ref()?;
        // Each side says by which number it hears keys (RFC 3264, section 6.1): ours stands beside the one that they answered with.
        let event = agreed.telephone_event.is_some_and(|theirs| [theirs, TELEPHONE_EVENT].contains(&header.payload_type));
        let codec = codec_of(header.payload_type);
        if !event && codec.is_none() && header.payload_type != COMFORT_NOISE {
            return None;
        }
        let end = Header::payload_end(packet, start)?;
        match source.admit(from, header.ssrc, header.sequence, now) {
            Admission::Refused => return None,
            Admission::HeardAnew => {
                self.buffer.restart();
                self.key_receiver.restart();
            }
            Admission::Heard => {}
        }
        self.alive(now);
        self.reception.count(header.ssrc, header.sequence, header.timestamp, now.saturating_duration_since(self.began));
        self.payload(&header, codec, packet.get(start..end)?, now);
        Some(true)
    }

    fn alive(&mut self, now: Instant) {
        self.heard_at = Some(now);
        self.timed_out = false;
        if !self.first_heard {
            self.first_heard = true;
            self.tell(MediaEvent::FirstAudio { at: now });
        }
    }

    fn payload(&mut self, header: &Header, codec: Option<Codec>, payload: &[u8], now: Instant) {
        match codec {
            Some(codec) => {
                let mut samples = [0; SAMPLES_MAX];
                let length = g711::decode(codec, payload, &mut samples);
                if self.receives() {
                    self.buffer.insert(header.timestamp, &samples[..length]);
                }
            }
            None if header.payload_type == COMFORT_NOISE => {
                if let Some(level) = payload.first() {
                    self.concealment.background(*level);
                }
            }
            None => {
                self.events_heard = true;
                if let Some(key) = self.key_receiver.take(header.timestamp, header.marker, payload) {
                    self.tell(MediaEvent::Key { key, by: KeyPath::Event, at: now });
                }
            }
        }
    }

    /// A turn of the wheel begins: the next 20 ms are taken from the buffer and listened to.
    pub fn listen(&mut self, now: Instant) {
        match self.buffer.pull(&mut self.heard) {
            Pulled::Whole => self.concealment.received(&self.heard),
            Pulled::Missing(missing) if missing < FRAME_SAMPLES => self.concealment.received_in_part(&self.heard),
            Pulled::Missing(_) | Pulled::Nothing => self.concealment.fill(&mut self.heard),
        }
        let by_tones = !self.events_heard && self.agreed.as_ref().is_some_and(|agreed| agreed.telephone_event.is_none());
        if let Some(key) = by_tones.then(|| self.in_band.hear(&self.heard)).flatten() {
            self.tell(MediaEvent::Key { key, by: KeyPath::InBand, at: now });
        }
        self.detect(now);
        self.await_sound(now);
        // Whoever holds us may play music or nothing: that says nothing of whether they live.
        let talks = self.agreed.as_ref().is_some_and(|agreed| agreed.direction == Direction::SendReceive);
        let silent = self.heard_at.is_some_and(|heard| now.saturating_duration_since(heard) >= self.settings.timeout);
        if silent && talks && !self.timed_out {
            self.timed_out = true;
            self.tell(MediaEvent::Timeout { at: now });
        }
    }

    fn await_sound(&mut self, now: Instant) {
        let Some(frames) = self.audible.as_mut() else { return };
        let energy: u64 = self.heard.iter().map(|sample| u64::from(sample.unsigned_abs()).pow(2)).sum();
        *frames = if energy >= AUDIBLE * FRAME_SAMPLES as u64 { *frames + 1 } else { 0 };
        if *frames >= AUDIBLE_FRAMES {
            self.audible = None;
            self.tell(MediaEvent::Sounded { at: now });
        }
    }

    /// From now on the first sound is told.
    pub fn listen_for_sound(&mut self) {
        self.audible = Some(0);
    }

    fn detect(&mut self, now: Instant) {
        let Some(detector) = self.detector.as_mut().filter(|_| self.agreed.is_some()) else { return };
        let spoke = detector.speaking();
        let verdict = detector.hear(&self.heard);
        let (speaks, finished) = (detector.speaking(), detector.finished());
        if speaks != spoke {
            self.tell(if speaks { MediaEvent::SpeechStarted { at: now } } else { MediaEvent::SpeechStopped { at: now } });
        }
        if let Some(verdict) = verdict {
            self.tell(MediaEvent::Detected { verdict: Box::new(verdict), at: now });
        }
        if finished {
            self.detector = None;
        }
    }

    /// Listens for who answered, from now on; None ends it.
    pub fn listen_for(&mut self, detector: Option<Box<Detector>>) {
        self.detector = detector;
    }

    /// The call was answered now.
    pub fn answered(&mut self) {
        if let Some(detector) = &mut self.detector {
            detector.answered();
        }
    }

    /// The 20 ms that are heard of the far end in this turn.
    #[must_use]
    pub fn heard(&self) -> &Frame {
        &self.heard
    }

    /// The turn ends: what the far end gets is a key, a prompt, the other leg of the bridge, or silence, in this order.
    pub fn speak(&mut self, bridged: Option<&Frame>, now: Instant, mut send: impl FnMut(&[u8], SocketAddr)) {
        let Some(agreed) = &self.agreed else { return };
        let event = agreed.telephone_event;
        let mut frame = [0; FRAME_SAMPLES];
        let ended = &mut self.events;
        let playing = self.player.fill(&mut frame, |played| tell_played(ended, played, now));
        if let (false, Some(other)) = (playing, bridged) {
            frame = *other;
        }
        let (turn, keys_sent) = self.key_sender.turn();
        if keys_sent {
            self.tell(MediaEvent::KeysSent { at: now });
        }
        match turn {
            KeyTurn::Sounding { key, samples, .. } => tone(key, samples, &mut frame),
            KeyTurn::Pause => frame.fill(0),
            KeyTurn::Idle => {}
        }
        if let Some(recording) = &mut self.recording {
            recording.frame(&frame, &self.heard);
        }
        let Some(target) = self.target() else {
            self.outgoing.skip(1);
            return;
        };
        let ciphers = &mut self.ciphers;
        let mut ready = |buffer: &mut Buffer, length: usize| {
            let length = ciphers.as_mut().map_or(Some(length), |(protector, _)| protector.protect(buffer, length));
            if let Some(packet) = length.and_then(|length| buffer.get(..length)) {
                send(packet, target);
            }
        };
        match (turn, event) {
            (KeyTurn::Sounding { key, samples, first, last }, Some(payload_type)) => self.outgoing.key(payload_type, key, samples, (first, last), &mut ready),
            _ => self.outgoing.audio(&frame, &mut ready),
        }
    }

    /// A report from the far end.
    pub fn receive_report(&mut self, packet: &mut [u8], from: SocketAddr, now: Instant) {
        if self.source.as_ref().is_none_or(|source| source.target().ip() != from.ip()) {
            return;
        }
        let length = match &mut self.ciphers {
            Some((_, unprotector)) => unprotector.unprotect_rtcp(packet),
            None => Some(packet.len()),
        };
        if let Some(packet) = length.and_then(|length| packet.get(..length)) {
            self.reception.take(packet, self.outgoing.ssrc(), now);
        }
    }

    /// A report to the far end, on the port after that of its audio.
    pub fn report(&mut self, now: Instant, send: impl FnOnce(&[u8], SocketAddr)) {
        let Some(mut target) = self.target() else { return };
        let Some(port) = target.port().checked_add(1) else { return };
        target.set_port(port);
        let mut buffer = [0; REPORT_MAX];
        let sent = (self.outgoing.packets, self.outgoing.octets);
        let length = self.reception.report(self.outgoing.ssrc(), self.outgoing.timestamp(), sent, now.saturating_duration_since(self.began), now, &mut buffer);
        let length = self.ciphers.as_mut().map_or(Some(length), |(protector, _)| protector.protect_rtcp(&mut buffer, length));
        if let Some(packet) = length.and_then(|length| buffer.get(..length)) {
            send(packet, target);
        }
    }

    #[must_use]
    pub fn quality(&self) -> Quality {
        self.reception.quality()
    }

    /// Records from now on; an earlier recording ends.
    pub fn record(&mut self, recording: Option<Recording>) {
        self.recording = recording;
    }

    pub fn pause_recording(&mut self, paused: bool) {
        if let Some(recording) = &mut self.recording {
            recording.pause(paused);
        }
    }

    /// Turns that could not be taken: the clock of what is sent goes on.
    pub fn skip(&mut self, turns: u32) {
        self.outgoing.skip(turns);
        if let Some(recording) = &mut self.recording {
            recording.silence(turns.min(1_500));
        }
    }

    pub fn play(&mut self, id: PlayId, pieces: Vec<Piece>, repeat: Repeat, now: Instant) {
        if let Some(refused) = self.player.push(id, pieces, repeat) {
            tell_played(&mut self.events, refused, now);
        }
    }

    pub fn stop(&mut self, now: Instant) {
        let ended = &mut self.events;
        self.player.stop(|played| tell_played(ended, played, now));
    }

    #[must_use]
    pub fn position(&self) -> Option<(PlayId, u32)> {
        self.player.position()
    }

    pub fn send_keys(&mut self, keys: &[Key]) {
        self.key_sender.push(keys);
    }

    pub fn tell(&mut self, event: MediaEvent) {
        self.events.push_back(event);
    }

    pub fn next_event(&mut self) -> Option<MediaEvent> {
        self.events.pop_front()
    }
}

fn tell_played(events: &mut VecDeque<MediaEvent>, played: Played, at: Instant) {
    events.push_back(MediaEvent::PlayDone { id: played.id, played_ms: played.played_ms, completed: played.completed, at });
}

fn codec_of(payload_type: u8) -> Option<Codec> {
    match payload_type {
        0 => Some(Codec::Pcmu),
        8 => Some(Codec::Pcma),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
