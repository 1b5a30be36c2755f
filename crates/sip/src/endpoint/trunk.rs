//! A handle to a trunk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, watch};

use super::Call;
use crate::call::CallKey;
use crate::dial::{DialError, DialRequest};
use crate::negotiated::LocalMedia;
use crate::transport::Input;
use crate::trunk::{TrunkConfig, TrunkKey, TrunkState};

pub struct Trunk {
    key: TrunkKey,
    config: Arc<TrunkConfig>,
    state: watch::Receiver<TrunkState>,
    inputs: mpsc::UnboundedSender<Input>,
    keys: Arc<AtomicU64>,
}

impl Trunk {
    pub(super) fn new(key: TrunkKey, config: Arc<TrunkConfig>, state: watch::Receiver<TrunkState>, inputs: mpsc::UnboundedSender<Input>, keys: Arc<AtomicU64>) -> Self {
        Self { key, config, state, inputs, keys }
    }

    /// Whether it can take calls. Dialling is allowed in any state: a server may have come back.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<TrunkState> {
        self.state.clone()
    }

    /// Calls. What becomes of it is told by the call's events, the last of which is always `Ended`.
    pub fn dial(&self, request: DialRequest, local: LocalMedia) -> Result<Call, DialError> {
        request.target(self.config.domain())?;
        request.further_headers(self.config.domain())?;
        let key = CallKey(self.keys.fetch_add(1, Ordering::Relaxed) * 2);
        let (events, receiver) = mpsc::unbounded_channel();
        // When the thread has ended the call has no events at all.
        let _ = self.inputs.send(Input::Dial { key, trunk: self.key, request: Box::new(request), local, events });
        Ok(Call::new(key, receiver, self.inputs.clone()))
    }
}

impl Drop for Trunk {
    fn drop(&mut self) {
        let _ = self.inputs.send(Input::RemoveTrunk(self.key));
    }
}
