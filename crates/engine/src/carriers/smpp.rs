//! A trunk over SMPP: one or two supervised binds, one limiter.

use std::time::Duration;

use clarion_domain::carriers::opted_out::OptedOutCodes;
use clarion_domain::carriers::settings::{BindStyle, GsmCoding, LongMessageForm, SmppSettings, SmppVersion};
use clarion_domain::carriers::trunk::TrunkState;
use clarion_domain::id::TrunkId;
use clarion_domain::outcomes::cause::Cause;
use clarion_smpp::client::{ClientConfig, Event, Outcome, SharedLimiter, Submission};
use clarion_smpp::limiter::Limiter;
use clarion_smpp::pdu::{Address, BindKind, CommandStatus, RetryClass, ShortMessage, Version, relative_time};
use clarion_smpp::supervise::{BindState, SuperviseConfig, Supervised, supervise};
use clarion_smpp::text::{LongMessage, TextCoding, segment};
use clarion_smpp::tls::{TlsClient, Trust, parse_pin};
use tokio::sync::mpsc;

use super::driver::CannotCarry;
use super::wire::{Acknowledge, Inbound, Prepared, WireEvent, WireOutcome, WirePart};

pub(super) struct SmppDriver {
    trunk: TrunkId,
    settings: SmppSettings,
    binds: Vec<Supervised>,
    limiter: SharedLimiter,
    events: mpsc::Sender<Vec<WireEvent>>,
}

/// The data coding of a trunk, for sending and for reading what comes in.
pub(super) fn coding(settings: &SmppSettings) -> TextCoding {
    match settings.gsm_coding {
        GsmCoding::Gsm => TextCoding::GSM,
        GsmCoding::Latin1 => TextCoding::LATIN1,
        GsmCoding::Ia5 => TextCoding::IA5,
    }
}

fn form(settings: &SmppSettings) -> LongMessage {
    match settings.long_message {
        LongMessageForm::Udh8 => LongMessage::Udh8,
        LongMessageForm::Udh16 => LongMessage::Udh16,
        LongMessageForm::SarTlvs => LongMessage::SarTlvs,
        LongMessageForm::MessagePayload => LongMessage::MessagePayload,
    }
}

fn tls(settings: &SmppSettings) -> Result<Option<TlsClient>, CannotCarry> {
    if !settings.tls {
        return Ok(None);
    }
    let trust = if !settings.tls_pin_sha256.is_empty() {
        Trust::PinSha256(parse_pin(&settings.tls_pin_sha256).map_err(|error| CannotCarry(error.to_string()))?)
    } else if !settings.tls_ca_pem.is_empty() {
        Trust::CaPem(settings.tls_ca_pem.clone().into_bytes())
    } else {
        return Err(CannotCarry("TLS needs the carrier's certificate: set tls_ca_pem or tls_pin_sha256".into()));
    };
    Ok(Some(TlsClient { server_name: settings.host.clone(), trust }))
}

/// How long the carrier tries; empty for its own default.
fn validity(minutes: u32) -> String {
    if minutes == 0 { String::new() } else { relative_time(Duration::from_secs(u64::from(minutes) * 60)) }
}

impl SmppDriver {
    pub(super) fn start(
        trunk: TrunkId,
        settings: &SmppSettings,
        password: &str,
        rate_per_second: i64,
        seed: u64,
        events: &mpsc::Sender<Vec<WireEvent>>,
    ) -> Result<Self, CannotCarry> {
        let limiter = SharedLimiter::new(Limiter::new(rate_per_second as f64));
        let mut config = ClientConfig::new(format!("{}:{}", settings.host, settings.port), &settings.system_id, password);
        config.tls = tls(settings)?;
        config.version = if settings.version == SmppVersion::V50 { Version::V50 } else { Version::V34 };
        config.bind.system_type.clone_from(&settings.system_type);
        config.link.window_max = settings.window as usize;
        config.link.queue_max = (settings.window as usize * 4).max(4_096);
        config.link.response_timeout = Duration::from_secs(u64::from(settings.response_timeout_seconds));
        config.link.enquire_link_interval = Duration::from_secs(u64::from(settings.enquire_link_seconds));
        config.limiter = Some(limiter.clone());
        let kinds: &[BindKind] = match settings.bind {
            BindStyle::Transceiver => &[BindKind::Transceiver],
            BindStyle::Separate => &[BindKind::Transmitter, BindKind::Receiver],
        };
        let mut binds = Vec::new();
        for (bind, kind) in kinds.iter().enumerate() {
            config.kind = *kind;
            let mut chance = Chance(seed ^ (bind as u64 + 1));
            let (supervised, received) = supervise(SuperviseConfig::new(config.clone()), move || chance.next());
            tokio::spawn(forward(trunk, bind, OptedOutCodes::of(&settings.opted_out_codes), received, events.clone()));
            binds.push(supervised);
        }
        Ok(Self { trunk, settings: settings.clone(), binds, limiter, events: events.clone() })
    }

    pub(super) fn state(&self) -> (TrunkState, String) {
        let states: Vec<BindState> = self.binds.iter().map(|bind| bind.state().borrow().clone()).collect();
        let up = states.iter().filter(|state| matches!(state, BindState::Bound { .. })).count();
        let reason = states.iter().find_map(|state| match state {
            BindState::Backoff { reason, .. } => Some((TrunkState::Waiting, reason.clone())),
            BindState::Refused { status, .. } => Some((TrunkState::Refused, format!("the carrier refuses the account: {status}"))),
            BindState::Connecting => Some((TrunkState::Connecting, "connecting".into())),
            BindState::Stopped => Some((TrunkState::Disabled, "stopped".into())),
            BindState::Bound { .. } => None,
        });
        match reason {
            None => (TrunkState::Up, String::new()),
            // Without its transmitter nothing can be sent.
            Some((_, reason)) if up > 0 && matches!(states.first(), Some(BindState::Bound { .. })) => (TrunkState::Degraded, reason),
            Some(down) => down,
        }
    }

    pub(super) fn window(&self) -> usize {
        self.settings.window as usize
    }

    /// Parts that wait for the rate, and are not on the wire yet.
    pub(super) fn queued(&self) -> usize {
        self.binds[0].queued()
    }

    pub(super) fn rate_per_second(&self) -> f64 {
        self.limiter.with(|limiter, _| limiter.rate_per_second())
    }

    /// The most that this node may send over it; what the carrier allows is found below that.
    pub(super) fn set_ceiling(&self, per_second: f64) {
        self.limiter.with(|limiter, _| limiter.set_ceiling(per_second));
    }

    pub(super) fn throttled(&self) -> u64 {
        self.limiter.with(|limiter, _| limiter.throttled_segments())
    }

    pub(super) fn prepare(&self, to: &str, from: &str, text: &str, reference: u64) -> Result<Prepared, CannotCarry> {
        let cut = segment(text, &coding(&self.settings), form(&self.settings), reference as u16).map_err(|error| CannotCarry(error.to_string()))?;
        let segments_each = if cut.parts.len() == 1 { cut.segments as u32 } else { 1 };
        let base = ShortMessage {
            source: sender(from),
            destination: Address::international(to),
            registered_delivery: u8::from(self.settings.receipts),
            validity_period: validity(self.settings.validity_minutes),
            ..ShortMessage::default()
        };
        let parts = (0..cut.parts.len())
            .map(|index| {
                let mut message = Box::new(base.clone());
                cut.apply(index, &mut message);
                WirePart::Smpp { message, segments: segments_each }
            })
            .collect();
        Ok(Prepared { segments: u16::try_from(cut.segments).unwrap_or(u16::MAX), parts })
    }

    pub(super) fn submit(&self, parts: Vec<(u64, WirePart)>) {
        let batch = parts
            .into_iter()
            .filter_map(|(token, part)| match part {
                WirePart::Smpp { message, segments } => Some(Submission { token, segments, message }),
                WirePart::Http(_) => None,
            })
            .collect();
        if let Err(refused) = self.binds[0].submit(batch) {
            self.hand_back(refused.into_batch());
        }
    }

    /// A batch that no session took comes back like anything else that was not sent.
    fn hand_back(&self, batch: Vec<Submission>) {
        let trunk = self.trunk;
        let back = batch.into_iter().map(|item| {
            let part = WirePart::Smpp { message: item.message, segments: item.segments };
            WireEvent::Result { trunk, token: item.token, outcome: WireOutcome::NotSent(part) }
        });
        let (events, back) = (self.events.clone(), back.collect());
        tokio::spawn(async move { events.send(back).await });
    }

    pub(super) fn acknowledge(&self, all: &[Acknowledge]) {
        for (index, bind) in self.binds.iter().enumerate() {
            bind.ack(all.iter().filter(|one| one.bind == index).map(|one| (one.request, CommandStatus::ROK)));
        }
    }

    pub(super) fn stop(&self) {
        for bind in &self.binds {
            bind.stop();
        }
    }
}

/// Digits are a number: a short code keeps its own type, a long one is international. Anything else is a name.
fn sender(from: &str) -> Address {
    let digits = from.trim_start_matches('+');
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Address::alphanumeric(from)
    } else if digits.len() <= 8 {
        // Type 3, network specific: what carriers expect of short codes.
        Address { ton: 3, npi: 0, value: digits.to_owned() }
    } else {
        Address::international(from)
    }
}

async fn forward(trunk: TrunkId, bind: usize, opted_out: OptedOutCodes, mut received: mpsc::Receiver<Vec<Event>>, events: mpsc::Sender<Vec<WireEvent>>) {
    while let Some(batch) = received.recv().await {
        let batch: Vec<WireEvent> = batch.into_iter().filter_map(|event| translate(trunk, bind, &opted_out, event)).collect();
        if !batch.is_empty() && events.send(batch).await.is_err() {
            return;
        }
    }
}

fn translate(trunk: TrunkId, bind: usize, opted_out: &OptedOutCodes, event: Event) -> Option<WireEvent> {
    match event {
        Event::SubmitResult { token, outcome } => Some(WireEvent::Result { trunk, token, outcome: fate(trunk, opted_out, outcome) }),
        Event::LateAnswer { token, outcome } => Some(WireEvent::Late { trunk, token, outcome: fate(trunk, opted_out, outcome) }),
        Event::Deliver { id, message } => Some(WireEvent::Inbound { trunk, inbound: Inbound { acknowledge: Acknowledge { bind, request: id }, message } }),
        Event::Bound { .. } | Event::Unbound { .. } => Some(WireEvent::Changed { trunk }),
        Event::QueryResult { .. } => None,
    }
}

fn fate(trunk: TrunkId, opted_out: &OptedOutCodes, outcome: Outcome) -> WireOutcome {
    let segments = 1;
    match outcome {
        Outcome::Accepted { message_id } => WireOutcome::Accepted { message_id },
        Outcome::Throttled { message, .. } => WireOutcome::Throttled(WirePart::Smpp { message, segments }),
        Outcome::Rejected { status } => match opted_out.cause_of(status.0) {
            // A system error may hide a message that was taken: it counts as unanswered.
            Cause::Smpp(_) if status.retry() == RetryClass::Ambiguous => WireOutcome::Lost,
            cause => WireOutcome::Rejected(cause),
        },
        Outcome::Invalid(field) => {
            tracing::warn!(%trunk, field = field.field, problem = field.problem, "a message cannot be written in SMPP");
            WireOutcome::Rejected(Cause::Smpp(CommandStatus::RINVMSGLEN.0))
        }
        Outcome::Lost => WireOutcome::Lost,
        Outcome::NotSent { message } => WireOutcome::NotSent(WirePart::Smpp { message, segments }),
    }
}

/// SplitMix64, to spread reconnects: not for secrets.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_get_their_type() {
        for (from, ton, value) in [("NorthBank", 5, "NorthBank"), ("+447700900123", 1, "447700900123"), ("60123", 3, "60123")] {
            let address = sender(from);
            assert_eq!((address.ton, address.value.as_str()), (ton, value), "{from}");
        }
    }

    #[test]
    fn a_status_of_the_trunks_list_is_an_opt_out_even_where_it_would_hide_a_message_that_was_taken() {
        let codes = OptedOutCodes::of(&["0x00000424".to_owned(), "0x08".to_owned()]);
        let rejected = |codes: &OptedOutCodes, status| fate(TrunkId(1), codes, Outcome::Rejected { status: CommandStatus(status) });
        for (status, word) in [(0x424, "opted_out:0x424"), (0x08, "opted_out:0x8"), (0x0b, "smpp:0x0000000b")] {
            assert!(matches!(rejected(&codes, status), WireOutcome::Rejected(cause) if cause.to_string() == word), "{word}");
        }
        assert!(matches!(rejected(&OptedOutCodes::default(), 0x08), WireOutcome::Lost));
        assert!(matches!(rejected(&OptedOutCodes::default(), 0x424), WireOutcome::Rejected(Cause::Smpp(0x424))));
    }
}
