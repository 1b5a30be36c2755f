//! Calls: who is next, may they be called now, the row before the wire, and the call itself from dialling to its end.
//!
//! One task a node decides and writes, in turns: what its calls told since the last turn, then the claims of the next
//! calls, one commit, and only then the wire. Each call is a task of its own that runs the campaign's script.

mod agent;
mod ahead;
mod campaign;
mod claim;
mod dialler;
mod lost;
mod pace;
mod recording;
mod slots;
mod sounds;
mod speech;
mod talk;
mod test_call;
mod turn;
mod waiting;

pub use clarion_sip::endpoint::EndpointConfig;
pub use clarion_sip::media::{MediaConfig, PortRange};
pub(crate) use lost::{LostCall, end_calls, lost_calls};
pub use dialler::{DiallerConfig, run};
pub use speech::{SpeechEngine, SpeechError, SpeechRequest};
