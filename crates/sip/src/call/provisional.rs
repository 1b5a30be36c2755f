//! Reliable provisional responses, the caller's side (RFC 3262): each gets its PRACK, in order. A change of ours that waits while the call
//! rings goes with one, once the far end has answered our first offer.

use std::time::Instant;

use super::{Call, Open, Purpose, description};
use crate::message::{Message, Method, Name};
use crate::wire::Wire;

/// What a provisional response is to us.
pub(super) enum Provisional {
    Unreliable,
    /// The next reliable one, with the RAck that acknowledges it.
    InTurn(String),
    /// A repetition, or one that comes before its turn.
    OutOfTurn,
}

impl Call {
    pub(super) fn take_provisional(&mut self, tag: &str, response: &Message) -> Provisional {
        if !response.lists(&Name::Require, "100rel") {
            return Provisional::Unreliable;
        }
        let (Some(rseq), Some((number, _))) = (response.number(&Name::RSeq), response.cseq()) else { return Provisional::Unreliable };
        let Some(dialog) = self.dialog(tag) else { return Provisional::OutOfTurn };
        if dialog.last_rseq.is_some_and(|last| rseq != last.wrapping_add(1)) {
            return Provisional::OutOfTurn;
        }
        dialog.last_rseq = Some(rseq);
        Provisional::InTurn(format!("{rseq} {number} INVITE"))
    }

    pub(super) fn send_prack(&mut self, wire: &mut Wire, now: Instant, tag: &str, rack: String) {
        let is_answered = self.dialog(tag).is_some_and(|dialog| dialog.agreed.is_some());
        let offer = if is_answered { self.wanted_offer() } else { None };
        let Some(dialog) = self.dialog(tag) else { return };
        let (mut prack, to) = dialog.request(Method::Prack, None);
        prack.push(Name::RAck, rack);
        if let Some(offer) = offer {
            prack.set_body(super::media::SDP, offer);
        }
        self.send_within(wire, now, Purpose::Prack, prack, to, tag.to_owned());
    }

    /// The final response to a PRACK of ours that held an offer.
    pub(super) fn prack_answered(&mut self, wire: &mut Wire, now: Instant, tag: &str, status: u16, response: Option<&Message>) {
        let accepted = (200..300).contains(&status);
        let agreed = response.filter(|_| accepted).and_then(|response| self.media.settle(&description(response)?).ok());
        match agreed {
            Some(agreed) => {
                self.offer_accepted();
                self.agree(wire, tag, agreed);
            }
            None => self.offer_refused(wire, if accepted { 488 } else { status }),
        }
        self.exchange_settled(wire, now);
    }

    /// Sends a request of a dialog, with credentials where they were asked for before.
    pub(super) fn send_within(&mut self, wire: &mut Wire, now: Instant, purpose: Purpose, mut request: Message, to: crate::hop::Destination, remote_tag: String) {
        let credentials = super::retry::credentials(&mut self.challenges, self.rules.credentials.as_ref(), &request, &mut *wire.chance);
        request.headers.extend(credentials);
        let key = wire.request(now, crate::wire::Owner::Call(self.key, purpose), request.clone(), to.clone(), None);
        self.open.push(Open { key, purpose, request, to, others: Default::default(), remote_tag, tries: 0 });
    }
}
