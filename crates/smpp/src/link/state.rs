//! The session's memory between two turns of its loop: what waits, what flies, what is to be told.

use super::flight::{Flight, Flying, What};
use super::outbox::Outbox;
use super::{
    Answer, AnswerBody, CloseReason, Command, LinkConfig, Outcome, QueryOutcome, Role,
    SharedLimiter, Submission,
};
use crate::pdu::{
    Body, CommandId, CommandStatus, Pdu, QuerySm, encode_bare, encode_message,
    encode_message_response,
};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How far the end of the session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// We want to leave and wait for the last answers.
    Draining {
        until: Instant,
    },
    /// `unbind` is written.
    Unbinding {
        until: Instant,
    },
    /// The peer unbound; the last answers may still come.
    PeerLeft {
        until: Instant,
    },
}

/// How long a peer has for its last words.
const FAREWELL: Duration = Duration::from_secs(2);

pub(super) struct State<R: Role> {
    pub(super) role: R,
    pub(super) session: u64,
    pub(super) config: LinkConfig,
    pub(super) limiter: Option<SharedLimiter>,
    pub(super) room: Arc<Semaphore>,
    pub(super) queue: VecDeque<Submission>,
    pub(super) queries: VecDeque<(u64, QuerySm)>,
    pub(super) flight: Flight,
    pub(super) outbox: Outbox,
    pub(super) pending: Vec<R::Event>,
    pub(super) phase: Phase,
    pub(super) heard_at: Instant,
    /// Sequence and time of an unanswered `enquire_link`.
    pub(super) enquired: Option<(u32, Instant)>,
    /// When the limiter lets the next message go.
    pub(super) paced_until: Option<Instant>,
    pub(super) close: Option<CloseReason>,
}

impl<R: Role> State<R> {
    pub(super) fn take(&mut self, command: Command, now: Instant) {
        match command {
            Command::Submit(batch) => self.queue.extend(batch),
            Command::Query(token, query) => self.queries.push_back((token, query)),
            Command::Answer(answers) => answers.into_iter().for_each(|answer| self.answer(answer)),
            Command::Unbind => self.leave(now),
        }
    }

    pub(super) fn leave(&mut self, now: Instant) {
        if self.phase == Phase::Open {
            self.phase = Phase::Draining {
                until: now + self.config.response_timeout,
            };
        }
    }

    pub(super) fn peer_left(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::PeerLeft { .. }) {
            self.phase = Phase::PeerLeft {
                until: now + FAREWELL,
            };
        }
    }

    fn answer(&mut self, answer: Answer) {
        if answer.id.session != self.session {
            return;
        }
        let (command, sequence) = (answer.id.command.response(), answer.id.sequence);
        self.outbox.append(|out| match answer.body {
            AnswerBody::Query(response) if answer.status.is_ok() => {
                Pdu {
                    status: answer.status,
                    sequence,
                    body: Body::QuerySmResponse(response),
                }
                .encode(out);
            }
            AnswerBody::MessageId(_)
                if command == CommandId::SUBMIT_SM_RESP && !answer.status.is_ok() =>
            {
                encode_bare(out, command, answer.status, sequence);
            }
            AnswerBody::MessageId(id) => {
                encode_message_response(out, command, answer.status, sequence, &id)
            }
            AnswerBody::Query(_) => encode_bare(out, command, answer.status, sequence),
        });
    }

    /// Moves what may go from the queue to the outbox.
    pub(super) fn fill(&mut self, now: Instant) {
        if self.phase != Phase::Open {
            return self.proceed_with_farewell(now);
        }
        self.paced_until = None;
        while self.has_window() {
            let Some((token, query)) = self.queries.pop_front() else {
                break;
            };
            let sequence = self.flight.sequence();
            let pdu = Pdu {
                status: CommandStatus::ROK,
                sequence,
                body: Body::QuerySm(query.clone()),
            };
            let ends_at = self.outbox.append(|out| pdu.encode(out));
            self.flight.add(
                sequence,
                Flying {
                    token,
                    ends_at,
                    sent_at: now,
                    what: What::Query(query),
                },
            );
        }
        while self.has_window() && !self.queue.is_empty() && self.may_go(now) {
            let Some(submission) = self.queue.pop_front() else {
                break;
            };
            self.room.add_permits(1);
            self.launch(submission, now);
        }
    }

    fn has_window(&self) -> bool {
        self.flight.count() < self.config.window_max.max(1) && !self.outbox.is_full()
    }

    fn may_go(&mut self, now: Instant) -> bool {
        let (Some(limiter), Some(next)) = (&self.limiter, self.queue.front()) else {
            return true;
        };
        let now_micros = limiter.micros(now);
        match limiter.with(|limiter, _| limiter.acquire(now_micros, next.segments)) {
            Ok(()) => true,
            Err(at_micros) => {
                self.paced_until = Some(limiter.instant(at_micros));
                false
            }
        }
    }

    fn launch(&mut self, submission: Submission, now: Instant) {
        let Submission {
            token,
            segments,
            message,
        } = submission;
        if let Err(invalid) = message.check() {
            self.limiter_unanswered(now, now);
            return self
                .pending
                .push(R::answered(token, Outcome::Invalid(invalid)));
        }
        let sequence = self.flight.sequence();
        let ends_at = self
            .outbox
            .append(|out| encode_message(out, R::SENDS, sequence, &message));
        let what = What::Message { segments, message };
        self.flight.add(
            sequence,
            Flying {
                token,
                ends_at,
                sent_at: now,
                what,
            },
        );
    }

    pub(super) fn limiter_unanswered(&self, now: Instant, sent_at: Instant) {
        if let Some(shared) = &self.limiter {
            let (now_micros, sent_micros) = (shared.micros(now), shared.micros(sent_at));
            shared.with(|limiter, _| limiter.on_unanswered(now_micros, sent_micros));
        }
    }

    /// Hands back what was never written, waits for the last answers, says goodbye.
    fn proceed_with_farewell(&mut self, now: Instant) {
        self.return_queue();
        let idle = self.flight.count() == 0;
        match self.phase {
            Phase::Draining { until } if idle || now >= until => {
                let sequence = self.flight.sequence();
                self.outbox.append(|out| {
                    encode_bare(out, CommandId::UNBIND, CommandStatus::ROK, sequence)
                });
                self.phase = Phase::Unbinding {
                    until: now + FAREWELL,
                };
            }
            Phase::Unbinding { until } if now >= until => self.close = Some(CloseReason::Requested),
            Phase::PeerLeft { until } if (idle && self.outbox.is_empty()) || now >= until => {
                self.close = Some(CloseReason::PeerUnbound);
            }
            _ => {}
        }
    }

    pub(super) fn return_queue(&mut self) {
        for Submission { token, message, .. } in self.queue.drain(..) {
            self.room.add_permits(1);
            self.pending
                .push(R::answered(token, Outcome::NotSent { message }));
        }
        for (token, _) in self.queries.drain(..) {
            self.pending
                .extend(R::queried(token, QueryOutcome::Unanswered));
        }
    }

    /// Messages whose answer is overdue, and the sign of life.
    pub(super) fn tend(&mut self, now: Instant) {
        while let Some(flying) = self.flight.expire(now, self.config.response_timeout) {
            self.limiter_unanswered(now, flying.sent_at);
            let event = self.fate(flying);
            self.pending.extend(event);
        }
        match self.enquired {
            Some((_, at)) if now >= at + self.config.enquire_link_timeout => {
                self.close = Some(CloseReason::NoSignOfLife);
            }
            None if now >= self.heard_at + self.config.enquire_link_interval => {
                let sequence = self.flight.sequence();
                self.outbox.append(|out| {
                    encode_bare(out, CommandId::ENQUIRE_LINK, CommandStatus::ROK, sequence)
                });
                self.enquired = Some((sequence, now));
            }
            _ => {}
        }
    }

    /// The end of a request that nobody answered.
    pub(super) fn fate(&self, flying: Flying) -> Option<R::Event> {
        match flying.what {
            What::Query(_) => R::queried(flying.token, QueryOutcome::Unanswered),
            What::Message { .. } if self.outbox.has_written(flying.ends_at) => {
                Some(R::answered(flying.token, Outcome::Lost))
            }
            // It may still stand in the outbox of a live session, and would go out after all.
            What::Message { .. } if self.close.is_none() => {
                Some(R::answered(flying.token, Outcome::Lost))
            }
            What::Message { message, .. } => {
                Some(R::answered(flying.token, Outcome::NotSent { message }))
            }
        }
    }

    /// The next moment at which something is due without anybody's doing.
    pub(super) fn due_at(&self) -> Instant {
        let sign_of_life = match self.enquired {
            Some((_, at)) => at + self.config.enquire_link_timeout,
            None => self.heard_at + self.config.enquire_link_interval,
        };
        let answer = self
            .flight
            .oldest()
            .map(|oldest| oldest + self.config.response_timeout);
        let farewell = match self.phase {
            Phase::Open => None,
            Phase::Draining { until } | Phase::Unbinding { until } | Phase::PeerLeft { until } => {
                Some(until)
            }
        };
        [answer, farewell, self.paced_until]
            .into_iter()
            .flatten()
            .fold(sign_of_life, Instant::min)
    }
}
