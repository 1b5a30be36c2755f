//! The end of a call, from our side and from theirs.

use std::time::Instant;

use super::{Call, Ending, Phase, Purpose};
use crate::cause::{EndedBy, HangUp};
use crate::message::{Message, Method, Name};
use crate::transaction::ServerKey;
use crate::wire::Wire;

impl Call {
    /// Ends the call in whatever state it is.
    pub fn hang_up(&mut self, wire: &mut Wire, now: Instant, hang_up: HangUp) {
        match self.phase {
            Phase::Inviting => self.cancel(wire, now, hang_up),
            // Whoever picks up now is hung up on, also where it had rung for long enough.
            Phase::Cancelling(_) => self.rang_out = false,
            Phase::Over => {}
            Phase::Invited => self.refuse(wire, now, 480, "Temporarily Unavailable", Vec::new()),
            Phase::Answered | Phase::Up => {
                if let Some(tag) = self.main.clone() {
                    if self.phase == Phase::Answered {
                        // A callee's BYE waits for the ACK (RFC 3261, section 15).
                        self.exchange.bye_after_ack = Some(hang_up.clone());
                    } else {
                        self.bye(wire, now, &tag, &hang_up);
                    }
                }
                self.end(wire, now, EndedBy::Us, Ending { q850: Some(hang_up.q850), reason: hang_up.text, ..Ending::default() });
            }
        }
    }

    pub(super) fn bye(&mut self, wire: &mut Wire, now: Instant, tag: &str, hang_up: &HangUp) {
        let Some(dialog) = self.dialog(tag) else { return };
        let (mut bye, to) = dialog.request(Method::Bye, None);
        bye.push(Name::Reason, hang_up.header());
        self.send_within(wire, now, Purpose::Bye, bye, to, tag.to_owned());
    }

    /// BYE of the far end, in any state.
    pub(super) fn take_bye(&mut self, wire: &mut Wire, now: Instant, server: ServerKey, request: &Message, tag: &str) {
        wire.reply(now, server, request, 200, "OK");
        match self.phase {
            Phase::Inviting => {
                // One branch of several may end early; the call is over when it was the only one.
                self.dialogs.retain(|dialog| dialog.remote_tag != tag);
                if self.dialogs.is_empty() {
                    self.stop_inviting(wire, now);
                    self.end(wire, now, EndedBy::FarEnd, Ending::of(request));
                }
            }
            Phase::Cancelling(_) | Phase::Over => {}
            Phase::Invited => {
                self.answer_invite_with(wire, now, 487, "Request Terminated", Vec::new());
                self.end(wire, now, EndedBy::FarEnd, Ending::of(request));
            }
            Phase::Answered | Phase::Up if self.main.as_deref() == Some(tag) => {
                self.exchange.bye_after_ack = None;
                self.exchange.repeat = None;
                self.end(wire, now, EndedBy::FarEnd, Ending::of(request));
            }
            Phase::Answered | Phase::Up => {}
        }
    }

    /// Our INVITE must not ring on when its only dialog has ended.
    fn stop_inviting(&mut self, wire: &mut Wire, now: Instant) {
        if let Some(key) = self.invitation.as_ref().and_then(super::invite::Invitation::current_key) {
            wire.cancel(now, key, &HangUp::default().header());
        }
    }

    /// The dialog is no more for the far end (RFC 3261, section 12.2.1.2).
    pub(super) fn lost(&mut self, wire: &mut Wire, now: Instant, by: EndedBy, words: &str, status: Option<u16>) {
        if let Some(tag) = self.main.clone() {
            self.bye(wire, now, &tag, &HangUp { q850: 41, text: words.to_owned() });
        }
        self.end(wire, now, by, Ending { sip_status: status, q850: Some(41), ..Ending::words(words) });
    }
}
