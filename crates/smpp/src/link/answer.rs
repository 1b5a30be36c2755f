//! What a frame from the peer does to the session.

use super::flight::What;
use super::state::{Phase, State};
use super::{CloseReason, Outcome, QueryOutcome, RequestId, Role};
use crate::pdu::{
    Body, CommandId, CommandStatus, Frame, Framer, MessageId, Pdu, RetryClass, encode_bare,
};
use tokio::time::Instant;

impl<R: Role> State<R> {
    /// Everything that has come whole.
    pub(super) fn receive(&mut self, framer: &mut Framer, now: Instant) {
        while self.close.is_none() {
            let undecodable = match framer.next_frame() {
                Frame::Incomplete => return,
                Frame::Whole(frame) => match Pdu::decode(frame) {
                    Ok(pdu) => {
                        self.heard(pdu, now);
                        continue;
                    }
                    Err(error) => error,
                },
                Frame::Skipped(error) => error,
                Frame::Lost(error) => {
                    self.close = Some(CloseReason::FramingLost);
                    error
                }
            };
            tracing::warn!(session = self.session, problem = %undecodable, "a PDU could not be read");
            self.outbox.append(|out| undecodable.answer(out));
        }
    }

    fn heard(&mut self, pdu: Pdu, now: Instant) {
        let Pdu {
            status,
            sequence,
            body,
        } = pdu;
        match body {
            Body::SubmitSmResponse(id) | Body::DeliverSmResponse(id) | Body::DataSmResponse(id) => {
                self.answered(sequence, status, id, now);
            }
            Body::GenericNack => {
                let status = if status.is_ok() {
                    CommandStatus::RUNKNOWNERR
                } else {
                    status
                };
                self.answered(sequence, status, MessageId::default(), now);
            }
            Body::QuerySmResponse(response) => {
                let outcome = if status.is_ok() {
                    QueryOutcome::Known(response)
                } else {
                    QueryOutcome::Refused(status)
                };
                if let Some(flying) = self.flight.answer(sequence) {
                    self.pending.extend(R::queried(flying.token, outcome));
                }
            }
            Body::EnquireLink => {
                self.reply(CommandId::ENQUIRE_LINK_RESP, CommandStatus::ROK, sequence)
            }
            Body::EnquireLinkResponse => self.enquired = None,
            Body::Unbind => {
                self.reply(CommandId::UNBIND_RESP, CommandStatus::ROK, sequence);
                self.peer_left(now);
            }
            Body::UnbindResponse => {
                if matches!(self.phase, Phase::Unbinding { .. }) {
                    self.close = Some(CloseReason::Requested);
                }
            }
            Body::Bind(kind, _) => {
                self.reply(kind.command().response(), CommandStatus::RALYBND, sequence)
            }
            Body::BindResponse(..) | Body::Outbind(_) | Body::AlertNotification(_) => {
                tracing::debug!(
                    session = self.session,
                    "a PDU that needs no answer was passed over"
                );
            }
            request => self.requested(request, sequence),
        }
    }

    fn requested(&mut self, body: Body, sequence: u32) {
        let command = body.command();
        match self.role.requested(
            RequestId {
                session: self.session,
                sequence,
                command,
            },
            body,
        ) {
            Ok(event) => self.pending.push(event),
            Err(status) => self.reply(command.response(), status, sequence),
        }
    }

    fn reply(&mut self, command: CommandId, status: CommandStatus, sequence: u32) {
        self.outbox
            .append(|out| encode_bare(out, command, status, sequence));
    }

    fn answered(&mut self, sequence: u32, status: CommandStatus, id: MessageId, now: Instant) {
        let Some(flying) = self.flight.answer(sequence) else {
            return self.answered_unexpectedly(sequence, status, id);
        };
        let event = match flying.what {
            What::Query(_) => R::queried(flying.token, QueryOutcome::Refused(status)),
            What::Message { segments, message } => {
                self.tell_limiter(status, flying.sent_at, segments, now);
                let outcome = match status.retry() {
                    RetryClass::Accepted => Outcome::Accepted {
                        message_id: id.message_id,
                    },
                    RetryClass::Throttle => Outcome::Throttled { status, message },
                    _ => Outcome::Rejected { status },
                };
                Some(R::answered(flying.token, outcome))
            }
        };
        self.pending.extend(event);
    }

    /// Too late, or to nothing that we asked; a `generic_nack` may also answer our `enquire_link`.
    fn answered_unexpectedly(&mut self, sequence: u32, status: CommandStatus, id: MessageId) {
        if self
            .enquired
            .is_some_and(|(enquired, _)| enquired == sequence)
        {
            self.enquired = None;
            return;
        }
        match self.flight.answer_late(sequence) {
            Some(token) => {
                let accepted = Outcome::Accepted {
                    message_id: id.message_id,
                };
                let outcome = if status.is_ok() {
                    accepted
                } else {
                    Outcome::Rejected { status }
                };
                self.pending.push(R::answered_late(token, outcome));
            }
            None => tracing::warn!(
                session = self.session,
                sequence,
                "the peer answered what was never asked"
            ),
        }
    }

    fn tell_limiter(&self, status: CommandStatus, sent_at: Instant, segments: u32, now: Instant) {
        let Some(shared) = &self.limiter else { return };
        let (now_micros, sent_micros) = (shared.micros(now), shared.micros(sent_at));
        shared.with(|limiter, _| match status.retry() {
            RetryClass::Throttle => limiter.on_throttled(now_micros, sent_micros, segments),
            RetryClass::Accepted => limiter.on_accepted(now_micros, sent_micros, segments),
            _ => limiter.on_unanswered(now_micros, sent_micros),
        });
    }
}
