//! Handles to calls, of ours and from outside.

use tokio::sync::mpsc;

use crate::call::{CallEvent, CallKey, IncomingRequest};
use crate::cause::HangUp;
use crate::message::{Header, Name};
use crate::negotiated::{Direction, LocalMedia};
use crate::transport::Input;
use crate::user_agent::CallCommand;

/// One call. Dropping it hangs up.
#[derive(Debug)]
pub struct Call {
    key: CallKey,
    events: mpsc::UnboundedReceiver<CallEvent>,
    inputs: mpsc::UnboundedSender<Input>,
    ended: bool,
}

impl Call {
    pub(super) fn new(key: CallKey, events: mpsc::UnboundedReceiver<CallEvent>, inputs: mpsc::UnboundedSender<Input>) -> Self {
        Self { key, events, inputs, ended: false }
    }

    /// Unique within the endpoint.
    #[must_use]
    pub fn id(&self) -> CallKey {
        self.key
    }

    /// The next event; `None` after `Ended`, or when the endpoint was closed.
    pub async fn event(&mut self) -> Option<CallEvent> {
        let event = self.events.recv().await;
        self.ended |= matches!(event, None | Some(CallEvent::Ended(_)));
        event
    }

    /// Ends the call: CANCEL before the answer (RFC 3261, section 9), BYE after it (section 15), 480 to an INVITE that is open.
    /// `Ended` follows once it is known how it ended: an answer may have crossed.
    pub fn hang_up(&self, reason: HangUp) {
        self.command(CallCommand::HangUp(reason));
    }

    /// Blind transfer to a URI (RFC 3515); told of by `CallEvent::Refer`.
    pub fn refer(&self, target: &str) {
        self.command(CallCommand::Refer(target.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect()));
    }

    /// Puts the far end on hold (RFC 3264, section 8.4).
    pub fn hold(&self) {
        self.command(CallCommand::ChangeMedia { local: None, direction: Some(Direction::SendOnly) });
    }

    pub fn resume(&self) {
        self.command(CallCommand::ChangeMedia { local: None, direction: Some(Direction::SendReceive) });
    }

    /// Moves our end of the audio, by re-INVITE.
    pub fn change_media(&self, local: LocalMedia) {
        self.command(CallCommand::ChangeMedia { local: Some(local), direction: None });
    }

    /// Accepts what `CallEvent::TransferWanted` asked for; then tell how it goes on.
    pub fn accept_transfer(&self) {
        self.command(CallCommand::AnswerTransfer { accept: true });
    }

    pub fn refuse_transfer(&self) {
        self.command(CallCommand::AnswerTransfer { accept: false });
    }

    /// A status of the call that the transfer led to; a final one ends the telling.
    pub fn tell_transfer(&self, status: u16) {
        self.command(CallCommand::NotifyTransfer { status });
    }

    fn command(&self, command: CallCommand) {
        // When the thread has ended, so have all calls.
        let _ = self.inputs.send(Input::Command(self.key, command));
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.ended {
            self.command(CallCommand::HangUp(HangUp::default()));
        }
    }
}

/// An INVITE from outside that has no final answer yet. Dropping it answers 480.
#[derive(Debug)]
pub struct IncomingCall {
    pub request: IncomingRequest,
    call: Call,
}

impl IncomingCall {
    pub(super) fn new(request: IncomingRequest, call: Call) -> Self {
        Self { request, call }
    }

    #[must_use]
    pub fn id(&self) -> CallKey {
        self.call.key
    }

    /// The caller may give up: `Ended`.
    pub async fn event(&mut self) -> Option<CallEvent> {
        self.call.event().await
    }

    /// 180 Ringing.
    pub fn ring(&self) {
        self.call.command(CallCommand::Ring);
    }

    /// 183 with audio before the answer; `EarlyMedia` says what was agreed on.
    pub fn early(&self, local: LocalMedia) {
        self.call.command(CallCommand::Early(local));
    }

    /// 200. `Answered` says what was agreed on.
    pub fn answer(self, local: LocalMedia) -> Call {
        self.call.command(CallCommand::Answer(local));
        self.call
    }

    /// A final failure; `Ended` follows.
    pub fn reject(self, status: u16, reason: &str) -> Call {
        self.reject_with(status, reason, &[])
    }

    /// The same with further headers: Reason, Retry-After, Contact of a 3xx …
    pub fn reject_with(self, status: u16, reason: &str, headers: &[(&str, &str)]) -> Call {
        let clean = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
        let headers = headers.iter().map(|(name, value)| Header { name: Name::parse(&clean(name)), value: clean(value) }).collect();
        self.call.command(CallCommand::Reject { status: status.clamp(300, 699), words: clean(reason), headers });
        self.call
    }
}
