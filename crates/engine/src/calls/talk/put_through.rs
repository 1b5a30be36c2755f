//! Putting a person through: an agent is rung on a line of the dialler's, joined, and gone again. When one does not come, the next is tried while there is time.

use std::sync::Arc;
use std::time::Duration;

use clarion_domain::attempts::call::CallEvent;
use clarion_domain::attempts::leg::EndedBy;
use clarion_domain::time::Instant;
use clarion_domain::campaigns::script::document::TransferMode;
use clarion_domain::campaigns::script::{ScriptEvent, Speech};
use clarion_sip::call::ReferProgress;
use clarion_sip::cause::HangUp;
use clarion_sip::media::{MediaEngine, Repeat};
use tokio::sync::oneshot;

use super::{News, Talk};
use super::recorded::Announcing;
use crate::calls::agent::{Agent, Line, RingError, RingTime};

/// Agents who are tried for one person, one after the other.
const AGENTS_TRIED_MAX: u8 = 5;
/// With less time than this nobody else is rung: no agent is so quick.
const RINGS_MIN: Duration = Duration::from_millis(500);

/// A person who is being put through, until they are joined with an agent.
pub(super) struct Transfer {
    pub turn: u32,
    /// The carrier said that it will try.
    is_accepted: bool,
    /// The last that it told of that: 180 when the agent is rung.
    last_told: u16,
    group: String,
    mode: TransferMode,
    speech: Option<Arc<Speech>>,
    began: tokio::time::Instant,
    /// When nobody else is tried.
    until: tokio::time::Instant,
    tries_left: u8,
}

impl Talk {
    /// Begins to put through. Whoever has heard nothing yet has two seconds from the answer in all, and hears the information message then (UK-6).
    pub(super) fn put_through(&mut self, turn: u32, group: String, mode: TransferMode, ring_ms_max: u32, speech: Option<Arc<Speech>>) {
        let now = tokio::time::Instant::now();
        // Where that time is over already, an agent is the better end.
        let informed_by = self.informed_by.filter(|by| !self.is_served && now < *by);
        self.timer = informed_by.map(|by| (by, turn));
        self.transfer = Some(Transfer { turn, is_accepted: false, last_told: 0, group, mode, speech, began: now, until: now + Duration::from_millis(ring_ms_max.into()), tries_left: AGENTS_TRIED_MAX });
        // What is told from now on is told of this one.
        self.late = None;
        self.next_agent(turn);
    }

    /// Asks for another agent, or says that there is none.
    fn next_agent(&mut self, turn: u32) {
        let until = self.gives_up_at();
        match self.transfer.as_mut().filter(|transfer| transfer.tries_left > 0) {
            Some(transfer) if tokio::time::Instant::now() + RINGS_MIN < until => {
                transfer.tries_left -= 1;
                (transfer.is_accepted, transfer.last_told) = (false, 0);
                let (line, wanted) = oneshot::channel();
                let _ = self.news.send(News::WantAgent { attempt: self.plan.attempt, group: transfer.group.clone(), line });
                self.wanting = Some(wanted);
            }
            _ => self.not_put_through(turn),
        }
    }

    fn gives_up_at(&self) -> tokio::time::Instant {
        let until = self.transfer.as_ref().map_or_else(tokio::time::Instant::now, |transfer| transfer.until);
        self.timer.map_or(until, |(at, _)| until.min(at))
    }

    fn not_put_through(&mut self, turn: u32) {
        (self.transfer, self.timer) = (None, None);
        self.on(ScriptEvent::NotPutThrough { turn });
    }

    /// The script goes another way: whoever is still rung for this person is rung no longer.
    pub(super) fn no_transfer(&mut self) {
        if self.transfer.take().is_some() {
            self.wanting = None;
            if let Some((agent, _)) = &self.agent {
                agent.hang_up();
            }
            self.agent_gone();
        }
    }

    /// The person has waited for long enough.
    pub(super) fn nobody_in_time(&mut self) {
        let Some((turn, mode)) = self.transfer.as_ref().map(|transfer| (transfer.turn, transfer.mode)) else { return };
        if let Some((agent, _)) = &self.agent {
            agent.not_in_time();
        }
        if mode == TransferMode::Refer {
            // The carrier goes on ringing them, and may still join them.
            self.late = self.agent.take().map(|(agent, _)| agent);
        }
        self.no_transfer();
        self.not_put_through(turn);
    }

    pub(super) fn ring_agent(&mut self, line: Option<Line>, media: &MediaEngine) {
        let Some(transfer) = &mut self.transfer else { return };
        let (turn, mode, speech) = (transfer.turn, transfer.mode, transfer.speech.take());
        let Some(line) = line else { return self.not_put_through(turn) };
        self.tell(CallEvent::Reserved { at: self.now() });
        self.announce();
        let pieces = speech.map(|speech| self.pieces(&speech)).unwrap_or_default();
        if !pieces.is_empty() {
            self.tell(CallEvent::MessageStarted { at: self.now() });
            self.leg.play(pieces, Repeat::Loop);
        }
        if self.is_served {
            self.timer = None;
        }
        let time = self.ring_time();
        // An agent's leg ends itself when nobody picks up, but not before its server has said so, and a carrier tells nothing.
        self.timer = Some((time.until, turn));
        if mode == TransferMode::Refer {
            self.call.refer(&line.address);
            self.agent = Some((Agent::elsewhere(line, time), turn));
            return;
        }
        match Agent::ring(line, media, time) {
            Ok(agent) => self.agent = Some((agent, turn)),
            Err(RingError::Address) => self.next_agent(turn),
            Err(RingError::NoAudio) => self.not_put_through(turn),
        }
    }

    /// Of an agent who is rung from now on. Whoever is rung for less than half of the whole time is not to blame for what others used.
    fn ring_time(&self) -> RingTime {
        let (now, until) = (tokio::time::Instant::now(), self.gives_up_at());
        let whole = self.transfer.as_ref().map_or(Duration::ZERO, |transfer| until.saturating_duration_since(transfer.began));
        RingTime { until, blamed_from: now + whole / 2 }
    }

    /// The agent's leg is over, or will be in a moment: what it costs is told, and the slot is free. After the word of why, so that nobody
    /// takes the slot of a call that seems to need it still.
    pub(super) fn agent_gone(&mut self) {
        let now = self.now();
        self.agent_heard_by = None;
        if let Some(cost) = self.agent.take().and_then(|(agent, _)| agent.cost(now)) {
            let _ = self.news.send(News::AgentCost { attempt: self.plan.attempt, cost });
        }
    }

    pub(super) fn agent_told(&mut self, told: AgentTold) {
        let now = self.now();
        let Some((_, turn)) = &self.agent else { return };
        let turn = *turn;
        match told {
            AgentTold::Answered => {
                if let Some((agent, _)) = &mut self.agent {
                    agent.answered(now);
                }
                self.timer = None;
                match &mut self.announcing {
                    Announcing::Plays { agent_waits, .. } => *agent_waits = true,
                    Announcing::No | Announcing::Done => self.join(now),
                }
            }
            AgentTold::Heard => self.agent_heard_by = None,
            AgentTold::Left { was_bridged: true } => {
                self.tell(CallEvent::Unbridged { at: now });
                self.agent_gone();
                self.on(ScriptEvent::AgentLeft { turn });
            }
            AgentTold::Left { was_bridged: false } => {
                if let Announcing::Plays { agent_waits, .. } = &mut self.announcing {
                    *agent_waits = false;
                }
                self.agent_gone();
                self.next_agent(turn);
            }
        }
    }

    pub(super) fn referred(&mut self, progress: ReferProgress) {
        let Some(transfer) = self.transfer.as_mut().filter(|transfer| transfer.mode == TransferMode::Refer) else { return self.referred_late(progress) };
        let turn = transfer.turn;
        match progress {
            // What became of it may overtake the 202: that is then none of whoever is tried next.
            ReferProgress::Accepted => transfer.is_accepted = self.agent.is_some(),
            ReferProgress::Trying(status) => (transfer.is_accepted, transfer.last_told) = (self.agent.is_some(), status),
            // It tells no more, and not how it ended: the far end's hanging up does, or the time.
            ReferProgress::Done(..200) => {}
            ReferProgress::Done(200..300) => {
                (self.transfer, self.timer) = (None, None);
                self.joined_elsewhere(self.now());
                self.on(ScriptEvent::Bridged { turn });
                // The carrier has joined them: our own part is over.
                self.call.hang_up(HangUp::default());
            }
            ReferProgress::Done(status) => {
                if let Some((agent, _)) = self.agent.take() {
                    agent.failed(format!("it answered {status}"));
                }
                self.next_agent(turn);
            }
            ReferProgress::Refused(_) => {
                self.agent = None;
                self.not_put_through(turn);
            }
        }
    }

    /// What the carrier tells of an agent for whom the person waits no longer. Joined is joined, and the rest of the script is not for them.
    fn referred_late(&mut self, progress: ReferProgress) {
        match progress {
            ReferProgress::Done(200..300) => {
                let Some(agent) = self.late.take() else { return };
                agent.taken_elsewhere();
                self.tell(CallEvent::Bridged { at: self.now() });
                self.call.hang_up(HangUp::default());
            }
            ReferProgress::Done(300..) | ReferProgress::Refused(_) => self.late = None,
            ReferProgress::Accepted | ReferProgress::Trying(_) | ReferProgress::Done(_) => {}
        }
    }

    fn joined_elsewhere(&mut self, now: Instant) {
        if let Some((agent, _)) = &self.agent {
            agent.taken_elsewhere();
        }
        self.tell(CallEvent::Bridged { at: now });
    }

    /// A carrier that has taken the person over may hang up without a word of it. One that said that it rings the agent says it when they come: then it is
    /// the person who is gone.
    pub(super) fn perhaps_taken_over(&mut self, by: EndedBy, now: Instant) {
        let is_untold = |transfer: &Transfer| transfer.is_accepted && transfer.last_told <= 100;
        if by == EndedBy::Person && self.transfer.as_ref().is_some_and(is_untold) {
            self.joined_elsewhere(now);
        }
    }
}

pub(in crate::calls) enum AgentTold {
    Answered,
    /// Something was heard of them since they were joined.
    Heard,
    Left { was_bridged: bool },
}

/// Never returns while no line is awaited.
pub(super) async fn wait_line(waiting: &mut Option<oneshot::Receiver<Option<Line>>>) -> Option<Line> {
    let Some(receiver) = waiting else { return std::future::pending().await };
    let line = receiver.await.ok().flatten();
    *waiting = None;
    line
}

pub(super) async fn agent_tells(agent: &mut Option<(Agent, u32)>) -> AgentTold {
    match agent {
        Some((agent, _)) => agent.tells().await,
        None => std::future::pending().await,
    }
}
