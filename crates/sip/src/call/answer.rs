//! The ACK of a 2xx of ours, and what it may bring: the answer to our offer, and the time to say BYE.

use std::time::Instant;

use super::{Call, CallEvent, Ending, Phase, description};
use crate::cause::{EndedBy, HangUp};
use crate::message::Message;
use crate::wire::Wire;

impl Call {
    pub fn acknowledged(&mut self, wire: &mut Wire, now: Instant, ack: &Message) {
        let number = ack.cseq().map(|(number, _)| number);
        let Some(repeat) = self.exchange.repeat.take_if(|repeat| Some(repeat.number) == number) else { return };
        let was_waiting = self.phase == Phase::Answered;
        if was_waiting {
            self.phase = Phase::Up;
        }
        if let (Some(hang_up), Some(tag)) = (self.exchange.bye_after_ack.take(), self.main.clone()) {
            return self.bye(wire, now, &tag, &hang_up);
        }
        if repeat.offered && !self.is_over() {
            match description(ack).map(|body| self.media.settle(&body)) {
                Some(Ok(agreed)) if was_waiting => {
                    self.media.agreed = Some(agreed.clone());
                    self.tell(wire, CallEvent::Answered { at: self.answered_at.unwrap_or(now), media: agreed });
                }
                Some(Ok(agreed)) => self.agree(wire, "", agreed),
                _ if was_waiting => return self.lost(wire, now, EndedBy::Us, "no session description in the ACK", None),
                _ => {}
            }
        }
        self.exchange_settled(wire, now);
    }

    /// Our 2xx was never acknowledged (RFC 3261, section 13.3.1.4).
    pub(super) fn never_acknowledged(&mut self, wire: &mut Wire, now: Instant) {
        let hang_up = self.exchange.bye_after_ack.take().unwrap_or(HangUp { q850: 102, text: "no ACK".to_owned() });
        if let Some(tag) = self.main.clone() {
            self.bye(wire, now, &tag, &hang_up);
        }
        self.end(wire, now, EndedBy::Timeout, Ending { q850: Some(102), ..Ending::words("the answer was never acknowledged") });
    }
}
