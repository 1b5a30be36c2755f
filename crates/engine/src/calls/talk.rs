//! One call: dialled, heard, spoken to, perhaps put through. It tells the dialler what happens and owns nothing that must last.

mod put_through;
mod recorded;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use clarion_domain::attempts::call::{ANSWER_TO_INFORMATION_MS, CallEvent};
use clarion_domain::attempts::leg::EndedBy;
use clarion_domain::attempts::recording::{RecordingKind, RecordingSettings};
use clarion_domain::campaigns::script::machine::PlayedFor;
use clarion_domain::campaigns::script::{Action, Order, Script, ScriptEvent, ScriptMachine, Speech};
use clarion_domain::id::{AddressId, AttemptId, CampaignId, ContactId, TenantId, TrunkId};
use clarion_domain::outcomes::answered_by::AnsweredBy;
use clarion_domain::outcomes::call_end::CallEnd as OurEnd;
use clarion_domain::outcomes::cause::Cause;
use clarion_domain::time::Instant;
use clarion_sip::call::CallEvent as SipEvent;
use clarion_sip::cause::{CallEnd, EndedBy as SipEndedBy, HangUp};
use clarion_sip::detect::DetectConfig;
use clarion_sip::dial::DialRequest;
use clarion_sip::endpoint::{Call, Trunk};
use clarion_sip::media::{LegConfig, MediaEngine, MediaEvent, MediaLeg, PlayId, Repeat};
use clarion_store::contacts::ContactProfile;
use tokio::sync::{mpsc, oneshot};

pub(super) use put_through::AgentTold;
use put_through::{Transfer, agent_tells, wait_line};
use recorded::{Announcing, Running, features};

use super::agent::{Agent, Line};
use super::recording::{Recorder, RecordingTells, RecordingTold};
use super::sounds::{OwnWords, Sounds};
use crate::intake::Clock;

/// What a call needs from the start.
pub(super) struct CallPlan {
    pub attempt: AttemptId,
    pub of: RecordedCall,
    pub recorder: Recorder,
    pub recording: Arc<RecordingSettings>,
    pub script: Arc<Script>,
    pub sounds: Arc<Sounds>,
    pub profile: Arc<ContactProfile>,
    pub trunk: Arc<Trunk>,
    pub request: DialRequest,
    pub leg: LegConfig,
    pub clock: Clock,
}

/// Whose call it is, for its recordings.
#[derive(Clone, Copy)]
pub(super) struct RecordedCall {
    pub tenant: TenantId,
    pub campaign: CampaignId,
    pub contact: ContactId,
    pub address: AddressId,
}

/// What a call tells the dialler.
pub(super) enum News {
    Happened { attempt: AttemptId, event: CallEvent },
    /// The step of the script, by its name.
    Step { attempt: AttemptId, step: String },
    /// What the detector heard of who answered, as JSON.
    Measured { attempt: AttemptId, features: String },
    /// The fallback prompt was played in the place of words that could not be rendered.
    FellBack { attempt: AttemptId },
    /// The number is to be suppressed; the answer comes once that is committed.
    Suppress { attempt: AttemptId, done: oneshot::Sender<()> },
    /// An agent of this group is wanted; `None` when nobody is free.
    WantAgent { attempt: AttemptId, group: String, line: oneshot::Sender<Option<Line>> },
    /// The same for a test call that rings agents, which is none of the dialler's calls: at once, or `None`.
    TesterWantsAgent { tenant: TenantId, group: String, caller_id: String, line: oneshot::Sender<Option<Line>> },
    /// A key was pressed.
    Key { key: char },
    /// A test call of this tenant no longer takes its place on the trunk, nor perhaps an agent's slot.
    Freed { trunk: TrunkId, tenant: Option<TenantId> },
    /// An agent's leg is over, and was answered: what it costs.
    AgentCost { attempt: AttemptId, cost: i64 },
    /// The last word of every call.
    Over { attempt: AttemptId },
}

/// What the dialler may ask of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// Hang up unless the person talks with an agent, waits for one, or hears why there is none (UK-7).
    StopUnlessServed,
    HangUp,
}

pub(super) type NewsSender = mpsc::UnboundedSender<News>;

/// Runs a call to its end.
pub(super) async fn talk(plan: CallPlan, media: MediaEngine, news: NewsSender, mut asks: mpsc::UnboundedReceiver<Ask>) {
    let attempt = plan.attempt;
    // A person's own words are ready before the phone rings: after the answer there are two seconds (UK-6).
    let own_words = plan.sounds.learn(&plan.script, |name| plan.profile.field(name).map(str::to_owned)).await;
    let now = (plan.clock)();
    // A dialler that is gone has no use for news.
    let not_dialled = |cause| drop(news.send(News::Happened { attempt, event: CallEvent::Ended { at: now, by: EndedBy::Us, cause } }));
    if asks.try_recv().is_ok() {
        not_dialled(None);
    } else {
        match Talk::dial(plan, own_words, &media, news.clone()) {
            Ok(talk) => talk.run(asks, &media).await,
            Err(reason) => {
                tracing::warn!(reason, "a call could not be dialled");
                not_dialled(Some(Cause::Call(OurEnd::MediaFailed)));
            }
        }
    }
    let _ = news.send(News::Over { attempt });
}

struct Talk {
    plan: CallPlan,
    own_words: OwnWords,
    news: NewsSender,
    call: Call,
    leg: MediaLeg,
    heard: mpsc::Receiver<MediaEvent>,
    machine: Option<ScriptMachine>,
    turn: u32,
    playing: Option<(PlayId, u32, PlayedFor)>,
    timer: Option<(tokio::time::Instant, u32)>,
    agent: Option<(Agent, u32)>,
    /// By when something is to be heard of the agent who was joined (UK-2).
    agent_heard_by: Option<tokio::time::Instant>,
    transfer: Option<Transfer>,
    /// Whom the carrier was asked to ring, and still rings though the person waits no longer.
    late: Option<Agent>,
    suppressing: Option<(oneshot::Receiver<()>, u32)>,
    wanting: Option<oneshot::Receiver<Option<Line>>>,
    orders: VecDeque<Order>,
    running: Option<Running>,
    recording_told: (RecordingTells, mpsc::UnboundedReceiver<RecordingTold>),
    is_paused: bool,
    announcing: Announcing,
    detecting: bool,
    /// The word that is kept for the register: the first by which a script would leave the way of people.
    measured: AnsweredBy,
    spoke: bool,
    /// The trunk has answered something.
    is_tried: bool,
    /// The person has heard something from us, or is with an agent, or is asked for a key.
    is_served: bool,
    answered: bool,
    /// When whoever has heard nothing is to hear the information message.
    informed_by: Option<tokio::time::Instant>,
    ended: bool,
}

impl Talk {
    fn dial(plan: CallPlan, own_words: OwnWords, media: &MediaEngine, news: NewsSender) -> Result<Self, &'static str> {
        let (leg, heard) = media.open_leg(plan.leg.clone()).map_err(|_| "no port or thread for its audio")?;
        let call = plan.trunk.dial(plan.request.clone(), leg.local().clone()).map_err(|_| "the number cannot be dialled")?;
        let mut talk = Self {
            call,
            leg,
            heard,
            machine: None,
            turn: 0,
            playing: None,
            timer: None,
            agent: None,
            agent_heard_by: None,
            transfer: None,
            late: None,
            suppressing: None,
            wanting: None,
            orders: VecDeque::new(),
            running: None,
            recording_told: mpsc::unbounded_channel(),
            is_paused: false,
            announcing: Announcing::No,
            detecting: false,
            measured: AnsweredBy::Unsure,
            spoke: false,
            is_tried: false,
            is_served: false,
            answered: false,
            informed_by: None,
            ended: false,
            own_words,
            plan,
            news,
        };
        talk.tell(CallEvent::Dialled { at: talk.now() });
        Ok(talk)
    }

    fn now(&self) -> Instant {
        (self.plan.clock)()
    }

    fn tell(&mut self, event: CallEvent) {
        use CallEvent as E;
        self.is_served |= matches!(event, E::MessageStarted { .. } | E::InformationStarted { .. } | E::Gathering { .. } | E::Bridged { .. });
        let _ = self.news.send(News::Happened { attempt: self.plan.attempt, event });
    }

    async fn run(mut self, mut asks: mpsc::UnboundedReceiver<Ask>, media: &MediaEngine) {
        while !self.ended {
            while let Some(order) = self.orders.pop_front() {
                self.carry_out(order);
            }
            let deadline = self.timer.map(|(at, _)| at);
            tokio::select! {
                event = self.call.event() => match event {
                    Some(event) => self.signalled(event),
                    None => self.lost(),
                },
                Some(event) = self.heard.recv() => self.heard(event),
                () = at(deadline) => {
                    if let Some((_, turn)) = self.timer.take() {
                        self.time_is_up(turn);
                    }
                }
                () = at(self.agent_heard_by) => {
                    self.agent_heard_by = None;
                    self.tell(CallEvent::AgentSilent { at: self.now() });
                }
                Some(ask) = asks.recv() => self.asked(ask),
                done = wait(&mut self.suppressing) => {
                    // When the dialler could not commit it, the confirmation is not played: it would not be true.
                    let event = if done.1 { ScriptEvent::Suppressed { turn: done.0 } } else { ScriptEvent::Failed { turn: done.0 } };
                    self.on(event);
                }
                line = wait_line(&mut self.wanting) => self.ring_agent(line, media),
                told = agent_tells(&mut self.agent) => self.agent_told(told),
                Some(told) = self.recording_told.1.recv() => self.recording_told(told),
            }
        }
    }

    /// The endpoint ended under the call.
    fn lost(&mut self) {
        self.ended = true;
        self.tell(CallEvent::Lost { at: self.now() });
        self.agent_gone();
    }

    fn time_is_up(&mut self, turn: u32) {
        match &self.transfer {
            Some(transfer) if transfer.turn == turn => self.nobody_in_time(),
            _ => self.on(ScriptEvent::TimedOut { turn }),
        }
    }

    fn asked(&mut self, ask: Ask) {
        let goes_on = self.agent.is_some() || self.transfer.is_some() || self.playing.as_ref().is_some_and(|(.., why)| *why == PlayedFor::Information);
        if ask == Ask::HangUp || !goes_on {
            self.call.hang_up(HangUp::default());
        }
    }

    fn signalled(&mut self, event: SipEvent) {
        let now = self.now();
        match event {
            SipEvent::Trying { .. } => self.is_tried = true,
            SipEvent::MediaRefused { .. } => {}
            SipEvent::Ringing { .. } => self.tell(CallEvent::Rang { at: now }),
            SipEvent::EarlyMedia(agreed) => {
                self.leg.connect(agreed);
                self.listen(false);
            }
            SipEvent::Answered { media, .. } => self.was_answered(media, now),
            SipEvent::MediaChanged(agreed) => self.leg.connect(agreed),
            SipEvent::Refer(progress) => self.referred(progress),
            SipEvent::TransferWanted { .. } => self.call.refuse_transfer(),
            SipEvent::Key(key) => self.on(ScriptEvent::Key(key)),
            SipEvent::Ended(end) => self.over(&end, now),
        }
    }

    fn listen(&mut self, answered: bool) {
        if self.plan.script.acts_on_machines() || self.plan.recording.openings || !answered {
            if !self.detecting {
                self.detecting = true;
                self.leg.detect(DetectConfig { answered, ..DetectConfig::default() });
            }
            if answered {
                self.leg.answered();
                self.measure(features(None, None));
            }
        } else if self.detecting {
            self.leg.stop_detecting();
        }
    }

    fn was_answered(&mut self, media: clarion_sip::negotiated::NegotiatedMedia, now: Instant) {
        self.answered = true;
        self.informed_by = Some(tokio::time::Instant::now() + Duration::from_millis(ANSWER_TO_INFORMATION_MS.unsigned_abs()));
        self.leg.connect(media);
        self.tell(CallEvent::Answered { at: now });
        // What was heard on the way was the network's.
        self.measured = AnsweredBy::Unsure;
        self.listen(true);
        if self.plan.recording.openings {
            self.record(RecordingKind::Opening, None);
        }
        let (machine, order) = ScriptMachine::start(self.plan.script.clone(), AnsweredBy::Unsure);
        self.machine = Some(machine);
        self.orders.push_back(order);
    }

    fn over(&mut self, end: &CallEnd, now: Instant) {
        self.ended = true;
        self.on(ScriptEvent::HungUp);
        if let Some((agent, _)) = &self.agent {
            agent.hang_up();
        }
        let by = match end.by {
            SipEndedBy::Us => EndedBy::Us,
            SipEndedBy::FarEnd if self.answered => EndedBy::Person,
            SipEndedBy::FarEnd => EndedBy::Network,
            SipEndedBy::Timeout | SipEndedBy::Unreachable => EndedBy::Network,
        };
        let wire = match (end.sip_status, end.q850) {
            // It had its time and never rang: no user responding, unless the trunk did not say a word either.
            (_, Some(19)) if end.by == SipEndedBy::Us && !self.answered && end.rang_at.is_none() => Some(if self.is_tried { Cause::Q850(18) } else { Cause::Call(OurEnd::TrunkSilent) }),
            // Our own CANCEL is answered 487, which says nothing that we do not know.
            (Some(487), _) if end.by == SipEndedBy::Us => None,
            (Some(status), reason) => Some(Cause::Sip { status, reason: reason.unwrap_or(0) }),
            (None, Some(reason)) if !self.answered && end.by != SipEndedBy::Us => Some(Cause::Q850(reason)),
            (None, _) => None,
        };
        let cause = match end.by {
            SipEndedBy::Unreachable | SipEndedBy::Timeout if !self.answered && wire.is_none() => Some(Cause::Call(OurEnd::TrunkSilent)),
            _ => wire,
        };
        self.perhaps_taken_over(by, now);
        if !self.answered && end.answered_at.is_some() {
            // Somebody picked up as the call was stopped, or where no audio could be agreed on, and heard nothing: that counts, whatever came between.
            tracing::warn!(reason = end.reason, "a call was answered and could not be spoken to");
            self.tell(CallEvent::Answered { at: now });
        }
        self.tell(CallEvent::Ended { at: now, by, cause });
        self.agent_gone();
    }

    fn heard(&mut self, event: MediaEvent) {
        let now = self.now();
        match event {
            MediaEvent::Key { key, .. } => self.on(ScriptEvent::Key(key.as_char())),
            MediaEvent::PlayDone { id, completed: true, .. } => {
                if let Announcing::Plays { play, agent_waits } = self.announcing
                    && play == id
                {
                    self.announcing = Announcing::Done;
                    if agent_waits {
                        self.join(now);
                    }
                }
                if let Some((_, turn, why)) = self.playing.take_if(|(playing, ..)| *playing == id) {
                    // Before its end it is no message: the machine may have hung up, or its tape been full.
                    if why == PlayedFor::Voicemail {
                        self.tell(CallEvent::VoicemailLeft { at: now });
                    }
                    self.on(ScriptEvent::Played { turn });
                }
            }
            MediaEvent::Detected { verdict, .. } => self.judged(&verdict, now),
            MediaEvent::SpeechStarted { .. } if self.answered && !self.spoke => {
                self.spoke = true;
                self.tell(CallEvent::SpeechHeard { at: now });
            }
            // Nothing is heard any more of an answered call: the far end is gone without a word.
            MediaEvent::Timeout { .. } if self.answered => self.call.hang_up(HangUp::default()),
            _ => {}
        }
    }

    fn on(&mut self, event: ScriptEvent) {
        if let ScriptEvent::Key(key) = event {
            let _ = self.news.send(News::Key { key });
        }
        if let Some(order) = self.machine.as_mut().and_then(|machine| machine.on(event)) {
            self.orders.push_back(order);
        }
    }

    fn pieces(&self, speech: &Speech) -> Vec<Arc<[i16]>> {
        let (pieces, fell_back) = self.plan.sounds.pieces(speech, &self.own_words, |name| self.plan.profile.field(name).map(str::to_owned));
        if fell_back {
            let _ = self.news.send(News::FellBack { attempt: self.plan.attempt });
        }
        pieces
    }

    fn play(&mut self, speech: &Speech, turn: u32, why: PlayedFor) {
        let pieces = self.pieces(speech);
        if pieces.is_empty() {
            // Nothing of it could be had: the script goes on as if it had been heard, rather than stand still.
            self.on(ScriptEvent::Played { turn });
            return;
        }
        let at = self.now();
        match why {
            PlayedFor::Information => self.tell(CallEvent::InformationStarted { at }),
            PlayedFor::Message => self.tell(CallEvent::MessageStarted { at }),
            PlayedFor::Voicemail => {}
        }
        self.playing = Some((self.leg.play(pieces, Repeat::Once), turn, why));
    }

    /// Whatever was being done before stops.
    fn carry_out(&mut self, order: Order) {
        let (turn, now) = (order.turn, self.now());
        (self.turn, self.playing, self.timer) = (turn, None, None);
        self.leg.stop();
        self.no_transfer();
        if self.running.take_if(|running| running.kind == RecordingKind::Message).is_some() {
            self.leg.stop_recording();
        }
        if self.announcing != Announcing::Done {
            self.announcing = Announcing::No;
        }
        if let Some(step) = order.step {
            let _ = self.news.send(News::Step { attempt: self.plan.attempt, step: self.plan.script.step(step).name.clone() });
        }
        let after = |ms: u32| tokio::time::Instant::now() + Duration::from_millis(ms.into());
        match order.action {
            Action::Play { speech, why } => self.play(&speech, turn, why),
            Action::Wait { ms } => {
                self.tell(CallEvent::Gathering { at: now });
                self.timer = Some((after(ms), turn));
            }
            Action::AwaitVoicemail { ms } => self.timer = Some((after(ms), turn)),
            Action::PutThrough { target, mode, ring_ms_max, speech } => self.put_through(turn, target, mode, ring_ms_max, speech),
            Action::Suppress => {
                let (done, wait) = oneshot::channel();
                let _ = self.news.send(News::Suppress { attempt: self.plan.attempt, done });
                self.suppressing = Some((wait, turn));
            }
            Action::Record { ms_max, silence_ms_max } => {
                self.record(RecordingKind::Message, Some(silence_ms_max));
                self.timer = Some((after(ms_max), turn));
            }
            Action::PauseRecording { is_paused } => {
                if let Some(running) = &self.running {
                    self.plan.recorder.wanted(running.id, is_paused);
                }
                self.pause(is_paused);
                self.on(ScriptEvent::Recorded { turn });
            }
            Action::HangUp(_) => self.call.hang_up(HangUp::default()),
        }
    }
}

/// Never returns without a time.
async fn at(time: Option<tokio::time::Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// The turn, and whether it was committed. Never returns while nothing is awaited.
async fn wait(waiting: &mut Option<(oneshot::Receiver<()>, u32)>) -> (u32, bool) {
    let Some((receiver, turn)) = waiting else { return std::future::pending().await };
    let (turn, done) = (*turn, receiver.await.is_ok());
    *waiting = None;
    (turn, done)
}
