//! Session timers (RFC 4028): a call whose far end is gone does not stay up for ever.

use std::time::{Duration, Instant};

use super::{Call, CallAlarm, Phase, Purpose};
use crate::alarm::Alarm;
use crate::cause::EndedBy;
use crate::message::{Header, Message, Method, Name};
use crate::params::Params;
use crate::wire::Wire;

/// No shorter interval may be asked for (RFC 4028, section 4).
pub const SESSION_MIN: Duration = Duration::from_secs(90);

#[derive(Debug, Default)]
pub struct Session {
    interval: Option<Duration>,
    we_refresh: bool,
    /// Counts agreements: alarms of earlier ones are deaf.
    number: u32,
}

impl Session {
    /// What a request of ours within the dialog says, so that the refresher stays who it is.
    pub fn request_headers(&self, min: Duration) -> Vec<Header> {
        let Some(interval) = self.interval else { return Vec::new() };
        let who = if self.we_refresh { "uac" } else { "uas" };
        vec![
            Header { name: Name::SessionExpires, value: format!("{};refresher={who}", interval.as_secs()) },
            Header { name: Name::MinSe, value: min.as_secs().to_string() },
        ]
    }
}

/// The interval, and who is to refresh, when that is said.
fn read(message: &Message) -> Option<(Duration, Option<String>)> {
    let seconds = message.number(&Name::SessionExpires)?;
    let value = message.get(&Name::SessionExpires)?;
    let params = Params::parse(value.split_once(';').map_or("", |(_, params)| params));
    // A day at the most: more is as good as none, and can be added to any time.
    Some((Duration::from_secs(u64::from(seconds.min(86_400))), params.get("refresher").map(str::to_ascii_lowercase)))
}

impl Call {
    /// A 2xx said what holds. `ours` when the request was.
    pub(super) fn session_agreed(&mut self, wire: &mut Wire, now: Instant, response: &Message, ours: bool) {
        match read(response) {
            Some((interval, refresher)) => {
                let caller = refresher.as_deref() != Some("uas");
                self.keep_session(wire, now, interval, caller == ours);
            }
            None => {
                self.session.interval = None;
                self.session.number += 1;
            }
        }
    }

    fn keep_session(&mut self, wire: &mut Wire, now: Instant, interval: Duration, we_refresh: bool) {
        // Less than the floor could only be a mistake, and would keep the wire busy.
        let interval = interval.max(self.rules.session_min.min(SESSION_MIN));
        self.session.interval = Some(interval);
        self.session.we_refresh = we_refresh;
        self.session.number += 1;
        let number = self.session.number;
        if we_refresh {
            wire.alarm(now + interval / 2, Alarm::Call(self.key, CallAlarm::SessionRefresh(number)));
        }
        let margin = (interval / 3).min(Duration::from_secs(32));
        wire.alarm(now + interval - margin, Alarm::Call(self.key, CallAlarm::SessionExpire(number)));
    }

    pub(super) fn session_refresh(&mut self, wire: &mut Wire, now: Instant, number: u32) {
        if number != self.session.number || self.phase != Phase::Up {
            return;
        }
        let busy = self.open.iter().any(|open| matches!(open.purpose, Purpose::Offer | Purpose::Refresh));
        if busy {
            // What is under way refreshes too.
            return;
        }
        self.refresh_now(wire, now);
    }

    pub(super) fn refresh_now(&mut self, wire: &mut Wire, now: Instant) {
        if self.phase != Phase::Up || self.session.interval.is_none() {
            return;
        }
        if self.main_dialog().is_some_and(|dialog| dialog.allows_update) {
            self.ask(wire, now, Purpose::Refresh, Method::Update, false);
        } else {
            self.ask(wire, now, Purpose::Refresh, Method::Invite, true);
        }
    }

    pub(super) fn session_expired(&mut self, wire: &mut Wire, now: Instant, number: u32) {
        if number == self.session.number && self.phase == Phase::Up {
            self.lost(wire, now, EndedBy::Timeout, "the session timer ran out", None);
        }
    }

    /// Our floor, when a request asks for less and would understand the refusal.
    pub(super) fn session_too_short(&self, request: &Message) -> Option<Duration> {
        let (interval, _) = read(request)?;
        (interval < self.rules.session_min && request.lists(&Name::Supported, "timer")).then_some(self.rules.session_min)
    }

    /// What our 2xx says to their request, and from then on holds.
    pub(super) fn session_answer(&mut self, wire: &mut Wire, now: Instant, request: &Message) -> Vec<Header> {
        let Some((interval, refresher)) = read(request) else {
            self.session.interval = None;
            self.session.number += 1;
            return Vec::new();
        };
        let supports = request.lists(&Name::Supported, "timer");
        let caller = match refresher.as_deref() {
            Some("uas") => false,
            Some(_) => true,
            None => supports,
        };
        self.keep_session(wire, now, interval, !caller);
        let who = if caller { "uac" } else { "uas" };
        let mut headers = vec![Header { name: Name::SessionExpires, value: format!("{};refresher={who}", interval.as_secs()) }];
        if caller {
            headers.push(Header { name: Name::Require, value: "timer".to_owned() });
        }
        headers
    }
}
