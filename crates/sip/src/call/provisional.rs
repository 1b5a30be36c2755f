//! Reliable provisional responses, the caller's side (RFC 3262): each gets its PRACK, in order.

use std::time::Instant;

use super::{Call, Open, Purpose};
use crate::message::{Message, Method, Name};
use crate::wire::Wire;

impl Call {
    /// Sends the PRACK where one is asked for; false when this response is a repetition or comes before its turn.
    pub(super) fn acknowledge_provisional(&mut self, wire: &mut Wire, now: Instant, tag: &str, response: &Message) -> bool {
        if !response.lists(&Name::Require, "100rel") {
            return true;
        }
        let (Some(rseq), Some((number, _))) = (response.number(&Name::RSeq), response.cseq()) else { return true };
        let Some(dialog) = self.dialog(tag) else { return false };
        if dialog.last_rseq.is_some_and(|last| rseq != last.wrapping_add(1)) {
            return false;
        }
        dialog.last_rseq = Some(rseq);
        let (mut prack, to) = dialog.request(Method::Prack, None);
        prack.push(Name::RAck, format!("{rseq} {number} INVITE"));
        self.send_within(wire, now, Purpose::Prack, prack, to, tag.to_owned());
        true
    }

    /// Sends a request of a dialog, with credentials where they were asked for before.
    pub(super) fn send_within(&mut self, wire: &mut Wire, now: Instant, purpose: Purpose, mut request: Message, to: crate::hop::Destination, remote_tag: String) {
        let credentials = super::retry::credentials(&mut self.challenges, self.rules.credentials.as_ref(), &request, &mut *wire.chance);
        request.headers.extend(credentials);
        let key = wire.request(now, crate::wire::Owner::Call(self.key, purpose), request.clone(), to.clone(), None);
        self.open.push(Open { key, purpose, request, to, remote_tag, tries: 0 });
    }
}
