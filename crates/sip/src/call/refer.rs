//! Blind transfer (RFC 3515): we ask the far end to call somebody else, or are asked to.

use std::time::Instant;

use super::{Call, CallEvent, Phase, Purpose, ReferProgress};
use crate::message::{Message, Method, Name};
use crate::name_addr::NameAddr;
use crate::transaction::ServerKey;
use crate::uri::{Uri, escape_user};
use crate::wire::Wire;

#[derive(Default)]
pub struct Transfer {
    /// Ours was accepted, and is being told of.
    under_way: bool,
    /// Theirs waits for its answer, or for its end to be told.
    asked: Option<(ServerKey, Box<Message>)>,
    accepted: bool,
}

impl Call {
    /// `target` is a URI, or a number at the domain at which we are known to the far end; who transfers is said by Referred-By (RFC 3892).
    pub fn refer(&mut self, wire: &mut Wire, now: Instant, target: &str) {
        if self.phase != Phase::Up {
            return self.tell(wire, CallEvent::Refer(ReferProgress::Refused(481)));
        }
        let Some(dialog) = self.main_dialog() else { return };
        let tag = dialog.remote_tag.clone();
        let local = NameAddr::parse(&dialog.local).map(|local| local.uri);
        let by = local.as_ref().map(|local| format!("<{local}>")).unwrap_or_default();
        let target = match (Uri::parse(target), local) {
            (Err(_), Ok(local)) => Uri::sip(Some(&escape_user(target)), &local.host, None).to_string(),
            _ => target.to_owned(),
        };
        let (mut refer, to) = dialog.request(Method::Refer, None);
        refer.push(Name::ReferTo, format!("<{target}>"));
        refer.push(Name::ReferredBy, by);
        refer.push(Name::Contact, wire.contact(&to));
        self.send_within(wire, now, Purpose::Refer, refer, to, tag);
    }

    pub(super) fn referred(&mut self, wire: &mut Wire, status: u16) {
        self.transfer.under_way = (200..300).contains(&status);
        let progress = if self.transfer.under_way { ReferProgress::Accepted } else { ReferProgress::Refused(status) };
        self.tell(wire, CallEvent::Refer(progress));
    }

    /// NOTIFY with the status line of the transfer's call.
    pub(super) fn take_notify(&mut self, wire: &mut Wire, now: Instant, server: ServerKey, request: &Message) {
        // A NOTIFY may overtake the 202 that it follows from.
        let waits = self.transfer.under_way || self.open.iter().any(|open| open.purpose == Purpose::Refer);
        let refers = request.get(&Name::Event).is_some_and(|event| event.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("refer"));
        if !waits || !refers {
            return wire.reply(now, server, request, 481, "Subscription Does Not Exist");
        }
        wire.reply(now, server, request, 200, "OK");
        let text = String::from_utf8_lossy(&request.body);
        let status = text.split_ascii_whitespace().nth(1).and_then(|status| status.parse::<u16>().ok());
        let over = request.get(&Name::SubscriptionState).is_some_and(|state| state.trim().to_ascii_lowercase().starts_with("terminated"));
        let progress = match status {
            Some(status) if status < 200 && !over => ReferProgress::Trying(status),
            Some(status) => ReferProgress::Done(status),
            None if over => ReferProgress::Done(0),
            None => return,
        };
        if matches!(progress, ReferProgress::Done(_)) {
            self.transfer.under_way = false;
        }
        self.tell(wire, CallEvent::Refer(progress));
    }

    /// Their REFER: who owns the call decides.
    pub(super) fn take_refer(&mut self, wire: &mut Wire, now: Instant, server: ServerKey, request: &Message) {
        let target = request.get(&Name::ReferTo).and_then(|value| NameAddr::parse(value).ok());
        match target {
            Some(target) if self.phase == Phase::Up && self.transfer.asked.is_none() && !self.transfer.accepted => {
                self.transfer.asked = Some((server, Box::new(request.clone())));
                self.tell(wire, CallEvent::TransferWanted { target: target.uri.to_string() });
            }
            Some(_) => wire.reply(now, server, request, 603, "Decline"),
            None => wire.reply(now, server, request, 400, "Bad Refer-To"),
        }
    }

    pub fn answer_transfer(&mut self, wire: &mut Wire, now: Instant, accept: bool) {
        let Some((server, request)) = self.transfer.asked.take() else { return };
        if !accept {
            return wire.reply(now, server, &request, 603, "Decline");
        }
        let mut response = wire.response(server, &request, 202, "Accepted");
        if let Some(to) = wire.server(server).map(|server| server.to().clone()) {
            response.push(Name::Contact, wire.contact(&to));
        }
        wire.respond(now, server, &response);
        self.transfer.accepted = true;
        self.notify_transfer(wire, now, 100);
    }

    /// Tells how a transfer that we accepted goes on; a final status ends it.
    pub fn notify_transfer(&mut self, wire: &mut Wire, now: Instant, status: u16) {
        if !self.transfer.accepted {
            return;
        }
        let Some(dialog) = self.main_dialog() else { return };
        let tag = dialog.remote_tag.clone();
        let (mut notify, to) = dialog.request(Method::Notify, None);
        notify.push(Name::Event, "refer");
        notify.push(Name::SubscriptionState, if status < 200 { "active;expires=60" } else { "terminated;reason=noresource" });
        notify.push(Name::Contact, wire.contact(&to));
        notify.set_body("message/sipfrag;version=2.0", format!("SIP/2.0 {status} {}\r\n", if status < 200 { "Trying" } else { "Done" }).into_bytes());
        self.transfer.accepted = status < 200;
        self.send_within(wire, now, Purpose::Notify, notify, to, tag);
    }
}
