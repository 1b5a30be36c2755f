//! The agent's side of putting through: a second call, joined to the person's in our media.

use std::sync::Arc;

use clarion_domain::carriers::call_price::CallPrice;
use clarion_domain::id::TrunkId;
use clarion_domain::time::Instant;
use clarion_sip::call::CallEvent as SipEvent;
use clarion_sip::cause::{CallEnd, EndedBy as SipEndedBy, HangUp};
use clarion_sip::dial::DialRequest;
use clarion_sip::endpoint::{Call, Trunk};
use clarion_sip::media::{LegConfig, MediaEngine, MediaEvent, MediaLeg};
use tokio::sync::mpsc;

use super::slots::Slot;
use super::talk::{AgentTold, News, NewsSender};

/// The way to an agent whose slot is held.
pub(super) struct Line {
    pub slot: Slot,
    pub trunk: Arc<Trunk>,
    /// How their leg offers its audio.
    pub leg: LegConfig,
    /// As it is dialled, and as a carrier is told to join it.
    pub address: String,
    pub caller_id: String,
    /// Who we are to the carrier alone, where it wants that.
    pub asserted: Option<String>,
    /// On the trunk, when it is a carrier's, with what that takes.
    pub place: Option<Place>,
}

/// The place of an agent's leg on a trunk. Dropping it gives it back.
pub(super) struct Place {
    pub trunk: TrunkId,
    pub price: CallPrice,
    pub news: NewsSender,
}

impl Drop for Place {
    fn drop(&mut self) {
        // A dialler that is gone counts no places.
        let _ = self.news.send(News::Freed { trunk: self.trunk, tenant: None });
    }
}

/// An agent who is rung or who talks.
pub(super) struct Agent {
    slot: Slot,
    /// `None` when the carrier rings them.
    call: Option<(Call, MediaLeg, mpsc::Receiver<MediaEvent>)>,
    bridged: bool,
    answered_at: Option<Instant>,
    /// Before this its target is not to blame when time is up.
    blamed_from: tokio::time::Instant,
    place: Option<Place>,
}

/// For how long an agent may be rung, and from when on it is their target's fault when nobody has picked up.
#[derive(Clone, Copy)]
pub(super) struct RingTime {
    pub until: tokio::time::Instant,
    pub blamed_from: tokio::time::Instant,
}

/// Why an agent cannot be rung, by our own side.
pub(super) enum RingError {
    /// There is none for any other agent either.
    NoAudio,
    /// Its target is left alone for a while.
    Address,
}

/// Why an agent's leg came to nothing, for the live page.
fn why(end: &CallEnd) -> String {
    match (end.by, end.sip_status) {
        (SipEndedBy::Us, _) => NOT_IN_TIME.to_owned(),
        (_, Some(status)) => format!("it answered {status}"),
        (SipEndedBy::Timeout | SipEndedBy::Unreachable, None) => {
            tracing::warn!(reason = end.reason, "the way to an agent does not work");
            "its server cannot be reached or does not answer".to_owned()
        }
        (SipEndedBy::FarEnd, None) => "it ended the call".to_owned(),
    }
}

/// Why the target of an agent who is rung no longer is left alone for a while.
const NOT_IN_TIME: &str = "nobody picked up in time";

impl Agent {
    /// Rings an agent. Fails when our side cannot.
    pub fn ring(line: Line, media: &MediaEngine, time: RingTime) -> Result<Self, RingError> {
        let (leg, heard) = media.open_leg(line.leg.clone()).map_err(|error| {
            tracing::warn!(%error, "no audio for an agent's call");
            RingError::NoAudio
        })?;
        let ring_max = time.until.saturating_duration_since(tokio::time::Instant::now());
        let request = DialRequest { to: line.address.clone(), caller_id: line.caller_id, asserted: line.asserted, ring_max: Some(ring_max), ..DialRequest::default() };
        let call = line.trunk.dial(request, leg.local().clone()).map_err(|error| {
            tracing::warn!(%error, "an agent's address cannot be dialled");
            line.slot.failed("its address cannot be dialled".to_owned());
            RingError::Address
        })?;
        Ok(Self { slot: line.slot, call: Some((call, leg, heard)), bridged: false, answered_at: None, blamed_from: time.blamed_from, place: line.place })
    }

    /// The carrier is asked to ring them; only their slot is held here.
    pub fn elsewhere(line: Line, time: RingTime) -> Self {
        Self { slot: line.slot, call: None, bridged: false, answered_at: None, blamed_from: time.blamed_from, place: None }
    }

    /// The carrier has joined them.
    pub fn taken_elsewhere(&self) {
        self.slot.taken_elsewhere();
    }

    /// Joins the agent and the person.
    pub fn bridge(&mut self, person: &MediaLeg, now: Instant) {
        if let Some((_, leg, _)) = &self.call {
            leg.bridge(person);
            leg.listen_for_sound();
        }
        self.slot.talks(now);
        self.bridged = true;
    }

    pub fn answered(&mut self, now: Instant) {
        self.answered_at.get_or_insert(now);
    }

    /// What the leg costs that ends now; `None` for one that nobody bills or nobody answered.
    pub fn cost(&self, now: Instant) -> Option<i64> {
        let up_ms = u64::try_from(now.ms() - self.answered_at?.ms()).unwrap_or(0);
        Some(self.place.as_ref()?.price.of_answered(Some(up_ms)))
    }

    pub fn hang_up(&self) {
        if let Some((call, ..)) = &self.call {
            call.hang_up(HangUp::default());
        }
    }

    /// Nobody came by this way, for this reason: its target is left alone for a while.
    pub fn failed(&self, why: String) {
        self.slot.failed(why);
        self.hang_up();
    }

    /// The person has waited for long enough. The target is left alone for a while, unless others have used up most of that time.
    pub fn not_in_time(&self) {
        if tokio::time::Instant::now() >= self.blamed_from {
            self.slot.failed(NOT_IN_TIME.to_owned());
        }
        self.hang_up();
    }

    /// The next thing that matters. Cancel-safe: it waits on channels alone.
    pub async fn tells(&mut self) -> AgentTold {
        let Some((call, leg, heard)) = &mut self.call else { return std::future::pending().await };
        loop {
            tokio::select! {
                event = call.event() => match event {
                    Some(SipEvent::Answered { media, .. }) => {
                        leg.connect(media);
                        return AgentTold::Answered;
                    }
                    Some(SipEvent::EarlyMedia(agreed) | SipEvent::MediaChanged(agreed)) => leg.connect(agreed),
                    Some(SipEvent::Ended(end)) => {
                        // Our own end of it: time was up.
                        let is_excused = end.by == SipEndedBy::Us && tokio::time::Instant::now() < self.blamed_from;
                        if self.answered_at.is_none() && !is_excused {
                            self.slot.failed(why(&end));
                        }
                        return AgentTold::Left { was_bridged: self.bridged };
                    }
                    None => return AgentTold::Left { was_bridged: self.bridged },
                    Some(_) => {}
                },
                event = heard.recv() => match event {
                    Some(MediaEvent::Timeout { .. }) if self.bridged => call.hang_up(HangUp::default()),
                    Some(MediaEvent::Sounded { .. }) => return AgentTold::Heard,
                    _ => {}
                },
            }
        }
    }
}
