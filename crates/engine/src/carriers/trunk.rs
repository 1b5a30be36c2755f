//! A trunk in use: its driver, its credit, what is in flight.

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
use super::smpp::{SmppDriver, coding};
use super::wire::{Acknowledge, Prepared, WireEvent, WirePart};

pub(crate) struct Trunk {
    pub record: TrunkRecord,
    driver: Driver,
    credit: Credit,
    in_flight: usize,
    accepted: i64,
    last: (TrunkState, Instant),
}

impl Trunk {
    pub(super) fn start(record: TrunkRecord, secret: &Personal, events: &mpsc::Sender<Vec<WireEvent>>, now: Instant, now_micros: u64) -> Result<Self, CannotCarry> {
        let rate = record.rate_per_second;
        let driver = match &record.settings {
            TrunkSettings::Smpp(settings) => Driver::Smpp(Box::new(SmppDriver::start(record.id, settings, secret.reveal(), rate, record.id.0 as u64, events)?)),
            TrunkSettings::Http(settings) => Driver::Http(HttpDriver::start(record.id, settings, secret.clone(), rate, events)?),
            TrunkSettings::Sip(_) => return Err(CannotCarry("a SIP trunk carries calls, not messages".into())),
        };
        Ok(Self { record, driver, credit: Credit::new(now_micros), in_flight: 0, accepted: 0, last: (TrunkState::Connecting, now) })
    }

    pub(crate) fn id(&self) -> TrunkId {
        self.record.id
    }

    pub(crate) fn state(&self) -> TrunkState {
        self.driver.state().0
    }

    pub(crate) fn can_send(&self) -> bool {
        matches!(self.state(), TrunkState::Up | TrunkState::Degraded)
    }

    /// Segments that may be claimed now: what the rate allows, within the window.
    pub(crate) fn budget(&mut self, now_micros: u64) -> u32 {
        if !self.can_send() {
            return 0;
        }
        self.credit.fill(self.driver.rate_per_second(), now_micros);
        let room = self.driver.window().saturating_sub(self.in_flight);
        self.credit.available().min(u32::try_from(room).unwrap_or(u32::MAX))
    }

    /// A long message may overdraw the budget once; the rest waits until it is paid back.
    pub(crate) fn spend(&mut self, segments: u16) {
        self.credit.spend(u32::from(segments));
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
        self.driver.submit(parts);
    }

    /// One part has its result.
    pub(crate) fn answered(&mut self, accepted: bool) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.accepted += i64::from(accepted);
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
        let (state, reason) = self.driver.state();
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
