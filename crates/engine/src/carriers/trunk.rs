//! A trunk in use: its driver, its credit, what is in flight.

use clarion_domain::carriers::opted_out::OptedOutCodes;
use clarion_domain::carriers::settings::{LongMessageForm, MessageIdFormat, TrunkSettings};
use clarion_domain::carriers::trunk::TrunkState;
use clarion_domain::id::{NodeId, TrunkId};
use clarion_domain::personal::Personal;
use clarion_domain::time::Instant;
use clarion_smpp::receipt::IdFormat;
use clarion_smpp::text::TextCoding;
use clarion_store::carriers::{TrunkRecord, TrunkStatus};
use tokio::sync::mpsc;

use super::credit::Credit;
use super::driver::{CannotCarry, Driver};
use super::http::HttpDriver;
use super::silence::Silence;
use super::smpp::{SmppDriver, coding};
use super::wire::{Acknowledge, Prepared, WireEvent, WireOutcome, WirePart};

pub(crate) struct Trunk {
    pub record: TrunkRecord,
    pub opted_out: OptedOutCodes,
    driver: Driver,
    credit: Credit,
    silence: Silence,
    /// When it was last looked at, and what was seen: one look a cycle serves all its messages.
    seen_micros: u64,
    is_up: bool,
    rate: f64,
    in_flight: usize,
    /// Parts claimed in this cycle: on their way once its transaction stands.
    promised: usize,
    accepted: i64,
    last: (TrunkState, Instant),
    queue: Queue,
}

impl Trunk {
    pub(super) fn start(record: TrunkRecord, secret: &Personal, events: &mpsc::Sender<Vec<WireEvent>>, now: Instant, now_micros: u64) -> Result<Self, CannotCarry> {
        let rate = record.rate_per_second;
        let driver = match &record.settings {
            TrunkSettings::Smpp(settings) => Driver::Smpp(Box::new(SmppDriver::start(record.id, settings, secret.reveal(), rate, record.id.0 as u64, events)?)),
            TrunkSettings::Http(settings) => Driver::Http(HttpDriver::start(record.id, settings, secret.clone(), rate, events)?),
            TrunkSettings::Sip(_) => return Err(CannotCarry("a SIP trunk carries calls, not messages".into())),
        };
        let opted_out = record.settings.opted_out_codes();
        Ok(Self { record, opted_out, driver, credit: Credit::default(), silence: Silence::default(), seen_micros: now_micros, is_up: false, rate: 0.0, in_flight: 0, promised: 0, accepted: 0, last: (TrunkState::Connecting, now), queue: Queue { down_since: None, until: now } })
    }

    pub(crate) fn id(&self) -> TrunkId {
        self.record.id
    }

    /// The state, and in words why it is not up.
    fn state(&self) -> (TrunkState, String) {
        match self.driver.state() {
            (TrunkState::Up | TrunkState::Degraded, _) if self.silence.is_shut(self.seen_micros) => {
                (TrunkState::Waiting, "the carrier takes messages and answers none: it is tried again by one at a time".into())
            }
            state => state,
        }
    }

    /// Whether it could when `budget` was last asked.
    pub(crate) fn can_send(&self) -> bool {
        self.is_up
    }

    fn look(&mut self, now_micros: u64) {
        if self.seen_micros != now_micros {
            self.seen_micros = now_micros;
            self.promised = 0;
            self.is_up = matches!(self.state().0, TrunkState::Up | TrunkState::Degraded);
            self.rate = self.driver.rate_per_second();
            self.credit.look(self.rate, self.driver.queued());
            if self.is_up {
                self.queue.down_since = None;
            }
        }
    }

    /// The look of a cycle for which the test says how much time has passed: in truth the queue empties by the real clock.
    #[cfg(test)]
    pub(crate) fn look_by_hand(&mut self, now_micros: u64, passed_ms: i64) {
        let waited = self.credit.waiting();
        self.look(now_micros);
        let gone = (self.rate * passed_ms as f64 / 1e3) as u32;
        self.credit.look(self.rate, waited.saturating_sub(gone) as usize);
    }

    /// Segments that may be claimed now: what the rate allows, within the window.
    pub(crate) fn budget(&mut self, now_micros: u64) -> u32 {
        self.look(now_micros);
        if !self.is_up {
            return 0;
        }
        let window = if self.silence.is_probing(now_micros) { 1 } else { self.driver.window().saturating_sub(self.silence.places_kept()) };
        let room = window.saturating_sub(self.in_flight + self.promised);
        self.credit.available().min(u32::try_from(room).unwrap_or(u32::MAX))
    }

    /// How long until it has room again: for its rate, or (a guess) for its window.
    pub(crate) fn wait_ms(&self) -> i64 {
        const WINDOW_MS: i64 = 3;
        self.credit.wait_ms(self.rate).clamp(WINDOW_MS, 1_000)
    }

    /// When to ask again for one more recipient that waits for this trunk and no other.
    pub(crate) fn queue_up(&mut self, down: bool, now: Instant) -> Instant {
        self.queue.up(down, self.rate, now)
    }

    /// Several nodes that send over one account share what it may take.
    pub(super) fn share_among(&self, nodes: u32) {
        self.driver.set_ceiling(self.record.rate_per_second as f64 / f64::from(nodes.max(1)));
    }

    /// A long message may overdraw the budget once; the rest waits until it is paid back.
    pub(crate) fn spend(&mut self, segments: u16, parts: usize) {
        self.credit.spend(u32::from(segments));
        self.promised += parts;
    }

    /// Gives back what was spent on a claim that did not stand.
    pub(crate) fn refund(&mut self, segments: u16) {
        self.credit.spend_back(u32::from(segments));
    }

    pub(crate) fn prepare(&self, to: &str, from: &str, text: &str, reference: u64) -> Result<Prepared, CannotCarry> {
        self.driver.prepare(to, from, text, reference)
    }

    pub(crate) fn submit(&mut self, parts: Vec<(u64, WirePart)>) {
        self.in_flight += parts.len();
        self.promised = 0;
        self.driver.submit(parts);
    }

    /// One part has its result.
    pub(crate) fn answered(&mut self, outcome: &WireOutcome) {
        self.in_flight = self.in_flight.saturating_sub(1);
        match outcome {
            WireOutcome::Lost => self.silence.lost(self.seen_micros),
            WireOutcome::Accepted { .. } => {
                self.accepted += 1;
                self.silence.broken();
            }
            WireOutcome::Throttled(_) | WireOutcome::Rejected(_) => self.silence.broken(),
            WireOutcome::NotSent(_) => {}
        }
    }

    /// A late answer or a new connection: it speaks.
    pub(crate) fn spoke(&mut self) {
        self.silence.broken();
    }

    pub(crate) fn acknowledge(&self, all: &[Acknowledge]) {
        self.driver.acknowledge(all);
    }

    pub(crate) fn stop(&self) {
        self.driver.stop();
    }

    /// How inbound texts are read.
    pub(crate) fn coding(&self) -> TextCoding {
        match &self.record.settings {
            TrunkSettings::Smpp(settings) => coding(settings),
            TrunkSettings::Http(_) | TrunkSettings::Sip(_) => TextCoding::GSM,
        }
    }

    /// How the id of a receipt relates to that of the submit response.
    pub(crate) fn id_format(&self) -> IdFormat {
        match &self.record.settings {
            TrunkSettings::Smpp(settings) => match settings.message_id_format {
                MessageIdFormat::AsIs => IdFormat::AsIs,
                MessageIdFormat::CaseInsensitive => IdFormat::CaseInsensitive,
                MessageIdFormat::HexToDecimal => IdFormat::HexToDecimal,
                MessageIdFormat::DecimalToHex => IdFormat::DecimalToHex,
                MessageIdFormat::Auto => IdFormat::Auto,
            },
            TrunkSettings::Http(_) | TrunkSettings::Sip(_) => IdFormat::AsIs,
        }
    }

    /// How many receipts a message of so many segments has.
    pub(crate) fn parts_of(&self, segments: u16) -> u8 {
        match &self.record.settings {
            TrunkSettings::Smpp(settings) if settings.long_message != LongMessageForm::MessagePayload => segments.min(255) as u8,
            _ => 1,
        }
    }

    pub(crate) fn status(&mut self, node: NodeId, now: Instant) -> TrunkStatus {
        let (state, reason) = self.state();
        if self.last.0 != state {
            self.last = (state, now);
        }
        TrunkStatus {
            trunk: self.record.id,
            node,
            state,
            reason,
            rate_now: self.driver.rate_per_second().round() as i64,
            outstanding: self.in_flight as i64,
            accepted: self.accepted,
            throttled: self.driver.throttled() as i64,
            since: self.last.1,
            seen_at: now,
        }
    }
}

/// When those are asked about again who wait for a trunk that others of their campaign do not need.
#[derive(Debug, Clone, Copy)]
struct Queue {
    down_since: Option<Instant>,
    /// The place of the last one.
    until: Instant,
}

impl Queue {
    const SOON_MS: i64 = 250;
    /// Rates change: nobody is put off further than this for want of room.
    const ROOM_MS_MAX: i64 = 60_000;
    const DOWN_MS_MIN: i64 = 2_000;
    const DOWN_MS_MAX: i64 = 300_000;

    /// With room wanting, one after the other at the trunk's rate. While it is down, all together, after as long again as it
    /// has been down already: many thousands must not be asked about each second.
    fn up(&mut self, down: bool, rate: f64, now: Instant) -> Instant {
        if down {
            let since = *self.down_since.get_or_insert(now);
            return now.plus_ms((now.ms() - since.ms()).clamp(Self::DOWN_MS_MIN, Self::DOWN_MS_MAX));
        }
        let step_ms = (1e3 / rate.max(0.1)).ceil() as i64;
        let next = self.until.plus_ms(step_ms).max(now.plus_ms(Self::SOON_MS));
        self.until = next.min(now.plus_ms(Self::ROOM_MS_MAX));
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_room_comes_at_the_rate_and_who_waits_for_a_dead_trunk_ever_later() {
        let mut queue = Queue { down_since: None, until: Instant(0) };
        let places: Vec<i64> = (0..3).map(|_| queue.up(false, 10.0, Instant(1_000)).ms()).collect();
        assert_eq!(places, [1_250, 1_350, 1_450]);
        assert_eq!((0..2_000).map(|_| queue.up(false, 10.0, Instant(1_000)).ms()).last(), Some(61_000));
        assert_eq!(queue.up(true, 10.0, Instant(5_000)), Instant(7_000));
        assert_eq!(queue.up(true, 10.0, Instant(105_000)), Instant(205_000));
        assert_eq!(queue.up(true, 10.0, Instant(3_605_000)), Instant(3_905_000));
    }
}
