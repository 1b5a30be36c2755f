//! Putting a person through: an agent is rung on a line of the dialler's, joined, and gone again.

use std::sync::Arc;
use std::time::Duration;

use clarion_domain::attempts::call::CallEvent;
use clarion_domain::campaigns::script::document::TransferMode;
use clarion_domain::campaigns::script::{ScriptEvent, Speech};
use clarion_sip::call::ReferProgress;
use clarion_sip::cause::HangUp;
use clarion_sip::media::{MediaEngine, Repeat};
use tokio::sync::oneshot;

use super::recorded::Announcing;
use super::{News, Talk};
use crate::calls::agent::{Agent, Line};

impl Talk {
    pub(super) fn ring_agent(&mut self, (line, turn, speech, mode, ring_ms_max): (Option<Line>, u32, Option<Arc<Speech>>, TransferMode, u32), media: &MediaEngine) {
        let Some(line) = line else { return self.on(ScriptEvent::NotPutThrough { turn }) };
        self.tell(CallEvent::Reserved { at: self.now() });
        self.announce();
        if let Some(speech) = speech {
            self.tell(CallEvent::MessageStarted { at: self.now() });
            let pieces = self.pieces(&speech);
            if !pieces.is_empty() {
                self.leg.play(pieces, Repeat::Loop);
            }
        }
        if mode == TransferMode::Refer {
            self.referring = Some(turn);
            self.call.refer(&line.address);
            self.agent = Some((Agent::elsewhere(line), turn));
            return;
        }
        match Agent::ring(line, media, Duration::from_millis(ring_ms_max.into())) {
            Ok(agent) => self.agent = Some((agent, turn)),
            Err(()) => self.on(ScriptEvent::NotPutThrough { turn }),
        }
    }

    /// The agent's leg is over, or will be in a moment: what it costs is told, and the slot is free. After the word of why, so that nobody
    /// takes the slot of a call that seems to need it still.
    pub(super) fn agent_gone(&mut self) {
        let now = self.now();
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
                match &mut self.announcing {
                    Announcing::Plays { agent_waits, .. } => *agent_waits = true,
                    Announcing::No | Announcing::Done => self.join(now),
                }
            }
            AgentTold::Left { was_bridged: true } => {
                self.tell(CallEvent::Unbridged { at: now });
                self.agent_gone();
                self.on(ScriptEvent::AgentLeft { turn });
            }
            AgentTold::Left { was_bridged: false } => {
                self.agent_gone();
                self.on(ScriptEvent::NotPutThrough { turn });
            }
        }
    }

    pub(super) fn referred(&mut self, progress: ReferProgress) {
        let (now, Some(turn)) = (self.now(), self.referring) else { return };
        match progress {
            ReferProgress::Done(status) if status < 300 => {
                self.referring = None;
                self.tell(CallEvent::Bridged { at: now });
                self.on(ScriptEvent::Bridged { turn });
                // The carrier has joined them: our own part is over.
                self.call.hang_up(HangUp::default());
            }
            ReferProgress::Done(_) | ReferProgress::Refused(_) => {
                (self.referring, self.agent) = (None, None);
                self.on(ScriptEvent::NotPutThrough { turn });
            }
            ReferProgress::Accepted | ReferProgress::Trying(_) => {}
        }
    }
}

pub(in crate::calls) enum AgentTold {
    Answered,
    Left { was_bridged: bool },
}

/// The line that is awaited, the turn, what is heard meanwhile, how they are joined, how long the agent is rung.
pub(super) type Wanted = (oneshot::Receiver<Option<Line>>, u32, Option<Arc<Speech>>, TransferMode, u32);

pub(super) async fn wait_line(waiting: &mut Option<Wanted>) -> (Option<Line>, u32, Option<Arc<Speech>>, TransferMode, u32) {
    let Some((receiver, ..)) = waiting else { return std::future::pending().await };
    let line = receiver.await.ok().flatten();
    match waiting.take() {
        Some((_, turn, speech, mode, ring_ms_max)) => (line, turn, speech, mode, ring_ms_max),
        None => std::future::pending().await,
    }
}

pub(super) async fn agent_tells(agent: &mut Option<(Agent, u32)>) -> AgentTold {
    match agent {
        Some((agent, _)) => agent.tells().await,
        None => std::future::pending().await,
    }
}
