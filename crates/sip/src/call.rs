//! One call: an INVITE of ours or theirs, the dialogs that come of it, and its end.

mod answer;
mod bye;
mod event;
mod incoming;
mod invite;
mod media;
mod offer;
mod provisional;
mod refer;
mod retry;
mod session;
mod within;

pub use event::{CallEvent, IncomingRequest, ReferProgress};
pub use invite::{Invitation, Redirects};
pub use media::{CallMedia, description};

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::auth::{Challenge, Credentials};
use crate::cause::{CallEnd, EndedBy, HangUp};
use crate::dialog::Dialog;
use crate::hop::{Destination, Hop};
use crate::message::Message;
use crate::transaction::ClientKey;
use crate::trunk::TrunkKey;
use crate::wire::{Effect, Wire};

/// When nothing else was asked for: nobody lets it ring for longer, and no call may be forgotten on the wire.
const RING_MAX: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallKey(pub u64);

/// What a request of a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Invite,
    Bye,
    Prack,
    /// An INVITE or UPDATE with an offer of ours.
    Offer,
    /// An INVITE or UPDATE that keeps the session timer going.
    Refresh,
    Refer,
    Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallAlarm {
    /// It has rung for long enough.
    RingMax,
    /// No final response came after our CANCEL.
    CancelPatience,
    /// The time to offer again after 491 (RFC 3261, section 14.1).
    OfferAgain,
    /// With the number of the agreement that set them: a later one overrides.
    SessionRefresh(u32),
    SessionExpire(u32),
    /// A reliable provisional response is repeated until its PRACK.
    RepeatProvisional(u32),
    /// A 2xx is repeated until its ACK.
    Repeat2xx(u32),
    Forget,
}

/// What a call takes from its trunk, or from the endpoint when it came in.
#[derive(Debug, Clone)]
pub struct CallRules {
    pub credentials: Option<Credentials>,
    /// What we ask for; the far end may shorten it (RFC 4028).
    pub session_expires: Option<Duration>,
    /// The shortest session interval that we bear.
    pub session_min: Duration,
    /// Offer 100rel.
    pub reliable_provisional: bool,
    /// The wait for any answer at all before the next server is tried.
    pub silence_max: Duration,
    pub redirects: Redirects,
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    /// Our INVITE has no final response yet.
    Inviting,
    /// Nor has it after we want it to end.
    Cancelling(HangUp),
    /// Their INVITE has no final response yet.
    Invited,
    /// Our 2xx waits for its ACK.
    Answered,
    Up,
    Over,
}

/// A request that waits for its response, kept so that it can be sent again with credentials.
struct Open {
    key: ClientKey,
    purpose: Purpose,
    request: Message,
    to: Destination,
    /// Further servers of the name that it goes to.
    others: VecDeque<Hop>,
    remote_tag: String,
    tries: u8,
}

pub(crate) struct Call {
    pub key: CallKey,
    pub trunk: Option<TrunkKey>,
    /// Under which requests within its dialogs find it.
    pub name: String,
    rules: CallRules,
    phase: Phase,
    began_at: Instant,
    rang_at: Option<Instant>,
    answered_at: Option<Instant>,
    /// We gave it up because it had rung for long enough.
    rang_out: bool,
    tried: bool,
    media: CallMedia,
    invitation: Option<Invitation>,
    invited: Option<incoming::Invited>,
    dialogs: Vec<Dialog>,
    /// The tag of the dialog that was answered first.
    main: Option<String>,
    open: Vec<Open>,
    challenges: Vec<Challenge>,
    session: session::Session,
    exchange: offer::Exchange,
    transfer: refer::Transfer,
}

/// The name of a call within the user agent.
#[must_use]
pub fn call_name(call_id: &str, own_tag: &str) -> String {
    format!("{call_id}|{own_tag}")
}

impl Call {
    fn new(key: CallKey, trunk: Option<TrunkKey>, name: String, rules: CallRules, media: CallMedia, phase: Phase, now: Instant) -> Self {
        Self {
            key,
            trunk,
            name,
            rules,
            phase,
            began_at: now,
            rang_at: None,
            answered_at: None,
            rang_out: false,
            tried: false,
            media,
            invitation: None,
            invited: None,
            dialogs: Vec::new(),
            main: None,
            open: Vec::new(),
            challenges: Vec::new(),
            session: session::Session::default(),
            exchange: offer::Exchange::default(),
            transfer: refer::Transfer::default(),
        }
    }

    #[must_use]
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// The wait for any answer at all where there is another server to ask.
    #[must_use]
    pub fn silence_max(&self) -> Duration {
        self.rules.silence_max
    }

    /// The name that a request goes to was looked up: which server has it, and which come next.
    pub fn goes_to(&mut self, key: ClientKey, server: Hop, others: VecDeque<Hop>) {
        if let Some(open) = self.open.iter_mut().find(|open| open.key == key) {
            (open.to, open.others) = (Destination::Hop(server), others);
        } else if let Some(invitation) = &mut self.invitation {
            invitation.goes_to(key, server, others);
        }
    }

    fn main_dialog(&mut self) -> Option<&mut Dialog> {
        let main = self.main.as_deref()?;
        self.dialogs.iter_mut().find(|dialog| dialog.remote_tag == main)
    }

    fn dialog(&mut self, remote_tag: &str) -> Option<&mut Dialog> {
        self.dialogs.iter_mut().find(|dialog| dialog.remote_tag == remote_tag)
    }

    /// Nothing follows the end.
    fn tell(&self, wire: &mut Wire, event: CallEvent) {
        if self.phase != Phase::Over {
            wire.event(self.key, event);
        }
    }

    /// Says once that it is over. What is still to be acknowledged or repeated goes on for a while.
    fn end(&mut self, wire: &mut Wire, now: Instant, by: EndedBy, end: Ending) {
        if self.phase == Phase::Over {
            return;
        }
        self.phase = Phase::Over;
        let end = CallEnd {
            by,
            sip_status: end.sip_status,
            q850: end.q850,
            reason: end.reason,
            retry_after: end.retry_after,
            began_at: self.began_at,
            rang_at: self.rang_at,
            answered_at: self.answered_at,
            ended_at: now,
        };
        wire.event(self.key, CallEvent::Ended(end));
        wire.effects.push(Effect::Gone { call: self.key });
        wire.alarm(now + wire.timers.patience() + wire.timers.t4, crate::alarm::Alarm::Call(self.key, CallAlarm::Forget));
    }

    /// What an alarm means; true when the call may be forgotten.
    pub fn ring(&mut self, wire: &mut Wire, now: Instant, alarm: CallAlarm) -> bool {
        match alarm {
            CallAlarm::RingMax => self.rang_long_enough(wire, now),
            CallAlarm::CancelPatience => self.cancel_patience_over(wire, now),
            CallAlarm::OfferAgain => self.offer_again(wire, now),
            CallAlarm::SessionRefresh(number) => self.session_refresh(wire, now, number),
            CallAlarm::SessionExpire(number) => self.session_expired(wire, now, number),
            CallAlarm::RepeatProvisional(number) => self.repeat_provisional(wire, now, number),
            CallAlarm::Repeat2xx(number) => self.repeat_2xx(wire, now, number),
            CallAlarm::Forget => return self.phase == Phase::Over,
        }
        false
    }
}

/// What is known of an end beside times.
#[derive(Debug, Default)]
struct Ending {
    sip_status: Option<u16>,
    q850: Option<u8>,
    reason: String,
    retry_after: Option<Duration>,
}

impl Ending {
    fn words(reason: &str) -> Self {
        Self { reason: reason.to_owned(), ..Self::default() }
    }

    /// From a final failure, or a BYE or CANCEL.
    fn of(message: &Message) -> Self {
        let reason = crate::cause::Reason::of(message);
        let phrase = match &message.start {
            crate::message::Start::Response { reason, .. } => crate::cause::bounded(reason),
            crate::message::Start::Request { .. } => String::new(),
        };
        Self {
            sip_status: message.status(),
            q850: reason.q850,
            reason: reason.text.unwrap_or(phrase),
            retry_after: crate::cause::retry_after(message),
        }
    }
}
