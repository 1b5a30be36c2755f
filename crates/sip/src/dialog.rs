//! A dialog (RFC 3261, section 12): who the far end is, and how a request within it is addressed.

use crate::hop::Destination;
use crate::message::{Header, Message, Method, Name, Start};
use crate::name_addr::NameAddr;
use crate::negotiated::NegotiatedMedia;
use crate::uri::Uri;
use crate::wire::{Effect, Wire};

/// Longer route sets are cut: a loop of proxies.
const ROUTES_MAX: usize = 16;

#[derive(Debug, Clone)]
pub struct Dialog {
    pub call_id: String,
    /// Our From, with our tag.
    pub local: String,
    /// Their To, with their tag.
    pub remote: String,
    pub remote_tag: String,
    /// Where they want requests; the last hop when they did not say.
    pub target: Option<String>,
    pub routes: Vec<String>,
    pub local_number: u32,
    pub remote_number: Option<u32>,
    /// Where the dialog was made; a place for requests when the target names none.
    pub made_at: Destination,
    pub allows_update: bool,
    /// Of the reliable provisional responses (RFC 3262).
    pub last_rseq: Option<u32>,
    pub agreed: Option<NegotiatedMedia>,
    /// Offer and answer were exchanged again before the INVITE's final response: a description in that is old.
    pub moved_on: bool,
    pub confirmed: bool,
    /// The ACK of its 2xx, to be repeated with it.
    pub ack: Option<(Vec<u8>, Destination)>,
}

impl Dialog {
    /// The caller's side, from a response that has a To tag or is final.
    #[must_use]
    pub fn of_response(response: &Message, number: u32, made_at: &Destination) -> Self {
        let mut routes: Vec<String> = response.all(&Name::RecordRoute).take(ROUTES_MAX).map(str::to_owned).collect();
        routes.reverse();
        Self {
            call_id: response.call_id().unwrap_or_default().to_owned(),
            local: response.get(&Name::From).unwrap_or_default().to_owned(),
            remote: response.get(&Name::To).unwrap_or_default().to_owned(),
            remote_tag: tag(response.to()),
            target: response.contact().map(|contact| contact.uri.to_string()),
            routes,
            local_number: number,
            remote_number: None,
            made_at: made_at.clone(),
            allows_update: allows_update(response),
            last_rseq: None,
            agreed: None,
            moved_on: false,
            confirmed: false,
            ack: None,
        }
    }

    /// The callee's side, from the INVITE and the tag that our responses carry.
    #[must_use]
    pub fn of_request(request: &Message, own_tag: &str, made_at: &Destination) -> Self {
        Self {
            call_id: request.call_id().unwrap_or_default().to_owned(),
            local: format!("{};tag={own_tag}", request.get(&Name::To).unwrap_or_default()),
            remote: request.get(&Name::From).unwrap_or_default().to_owned(),
            remote_tag: tag(request.from()),
            target: request.contact().map(|contact| contact.uri.to_string()),
            routes: request.all(&Name::RecordRoute).take(ROUTES_MAX).map(str::to_owned).collect(),
            local_number: 0,
            remote_number: request.cseq().map(|(number, _)| number),
            made_at: made_at.clone(),
            allows_update: allows_update(request),
            last_rseq: None,
            agreed: None,
            moved_on: false,
            confirmed: false,
            ack: None,
        }
    }

    /// The final response may come by another way than the provisional one did.
    pub fn confirm(&mut self, response: &Message) {
        self.confirmed = true;
        self.routes = response.all(&Name::RecordRoute).take(ROUTES_MAX).map(str::to_owned).collect();
        self.routes.reverse();
        self.remote = response.get(&Name::To).unwrap_or_default().to_owned();
        self.refresh(response);
    }

    /// A target refresh (RFC 3261, section 12.2): a new Contact in a request or response of INVITE or UPDATE.
    pub fn refresh(&mut self, message: &Message) {
        if let Some(contact) = message.contact() {
            self.target = Some(contact.uri.to_string());
        }
        if message.get(&Name::Allow).is_some() {
            self.allows_update = allows_update(message);
        }
    }

    /// A request within the dialog, and where it goes. `number` is `None` for the next one.
    pub fn request(&mut self, method: Method, number: Option<u32>) -> (Message, Destination) {
        let number = number.unwrap_or_else(|| {
            self.local_number += 1;
            self.local_number
        });
        let target = self.target.clone().unwrap_or_else(|| Uri::sip(None, &self.remote_host(), None).to_string());
        let first = self.routes.first().and_then(|route| NameAddr::parse(route).ok());
        let mut routes = self.routes.clone();
        let mut uri = target.clone();
        let next = match &first {
            // A strict router takes the place of the URI, which goes to the end (RFC 3261, section 12.2.1.1).
            Some(first) if !first.uri.is_loose() => {
                uri = first.uri.to_string();
                routes.remove(0);
                routes.push(format!("<{target}>"));
                Some(first.uri.clone())
            }
            Some(first) => Some(first.uri.clone()),
            None => self.target.as_deref().and_then(|target| Uri::parse(target).ok()),
        };
        let to = self.way_to(next.as_ref());
        let mut message = Message { start: Start::Request { method: method.clone(), uri }, headers: Vec::with_capacity(16), body: Vec::new() };
        for route in routes {
            message.push(Name::Route, route);
        }
        message.push(Name::From, self.local.as_str());
        message.push(Name::To, self.remote.as_str());
        message.push(Name::CallId, self.call_id.as_str());
        message.push(Name::CSeq, format!("{number} {method}"));
        (message, to)
    }

    /// A caller's stream stays the way to them when nothing else was said, or when only it can be.
    fn way_to(&self, next: Option<&Uri>) -> Destination {
        match (next, &self.made_at) {
            (None, made_at) => made_at.clone(),
            (Some(_), Destination::Stream { .. }) if self.routes.is_empty() => self.made_at.clone(),
            (Some(uri), made_at) => Destination::of_uri(uri, made_at),
        }
    }

    /// The ACK of a 2xx, with the credentials of its INVITE (RFC 3261, section 13.2.2.4).
    pub fn acknowledge(&mut self, wire: &mut Wire, number: u32, credentials: Vec<Header>) {
        self.acknowledge_with(wire, number, credentials, None);
    }

    /// The same, with an answer to the offer that the 2xx held.
    pub fn acknowledge_with(&mut self, wire: &mut Wire, number: u32, credentials: Vec<Header>, body: Option<Vec<u8>>) {
        let (mut ack, to) = self.request(Method::Ack, Some(number));
        ack.headers.extend(credentials);
        if let Some(body) = body {
            ack.set_body("application/sdp", body);
        }
        self.ack = Some(wire.send_ack(ack, to));
    }

    /// The 2xx came again: our ACK was lost, or the server that was to take it on is dead. Where the way is a name, the next of its servers has
    /// its turn.
    pub fn repeat_ack(&mut self, wire: &mut Wire) {
        if let Some((bytes, to)) = &mut self.ack {
            if let Destination::Name { turn, .. } = to {
                *turn = turn.wrapping_add(1);
            }
            wire.effects.push(Effect::Send { to: to.clone(), bytes: bytes.clone(), client: None });
        }
    }

    fn remote_host(&self) -> String {
        NameAddr::parse(&self.remote).map_or_else(|_| "invalid".to_owned(), |remote| remote.uri.host)
    }

    /// Whether a request of theirs is in order (RFC 3261, section 12.2.2).
    pub fn take_number(&mut self, request: &Message) -> bool {
        let Some((number, _)) = request.cseq() else { return false };
        if self.remote_number.is_some_and(|last| number <= last) {
            return false;
        }
        self.remote_number = Some(number);
        true
    }
}

fn allows_update(message: &Message) -> bool {
    message.lists(&Name::Allow, "UPDATE")
}

fn tag(address: Option<NameAddr>) -> String {
    address.and_then(|address| address.tag().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hop::{Hop, Transport};
    use crate::message::parse;

    fn made_at() -> Destination {
        Destination::Hop(Hop { transport: Transport::Udp, address: ([192, 0, 2, 9], 5060).into(), tls: None })
    }

    fn dialog(headers: &str) -> Dialog {
        let text = format!("SIP/2.0 200 OK\r\nFrom: <sip:a@h>;tag=a\r\nTo: <sip:b@h>;tag=b\r\nCall-ID: c\r\n{headers}\r\n\r\n");
        Dialog::of_response(&parse(text.as_bytes()).expect("a message"), 1, &made_at())
    }

    #[test]
    fn routes_are_followed_loosely_and_strictly() {
        let mut loose = dialog("Contact: <sip:b@192.0.2.1>\r\nRecord-Route: <sip:192.0.2.2;lr>, <sip:192.0.2.3:5070;lr>");
        let (bye, to) = loose.request(Method::Bye, None);
        assert_eq!(bye.start, Start::Request { method: Method::Bye, uri: "sip:b@192.0.2.1".into() });
        assert_eq!(bye.all(&Name::Route).collect::<Vec<_>>(), ["<sip:192.0.2.3:5070;lr>", "<sip:192.0.2.2;lr>"]);
        assert!(matches!(to, Destination::Hop(hop) if hop.address == ([192, 0, 2, 3], 5070).into()));
        assert_eq!(bye.get(&Name::CSeq), Some("2 BYE"));
        let mut strict = dialog("Contact: <sip:b@192.0.2.1>\r\nRecord-Route: <sip:192.0.2.2>");
        let (bye, _) = strict.request(Method::Bye, None);
        assert_eq!(bye.start, Start::Request { method: Method::Bye, uri: "sip:192.0.2.2".into() });
        assert_eq!(bye.all(&Name::Route).collect::<Vec<_>>(), ["<sip:b@192.0.2.1>"]);
    }

    #[test]
    fn without_a_contact_requests_go_back_to_where_the_dialog_was_made() {
        let (bye, to) = dialog("Allow: INVITE").request(Method::Bye, None);
        assert_eq!(bye.start, Start::Request { method: Method::Bye, uri: "sip:h".into() });
        assert_eq!(to, made_at());
    }
}
