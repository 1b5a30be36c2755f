//! Audio of calls: RTP in and out of a few threads that own the sockets, and the handles that steer them.
//!
//! Architecture invariant: everything but `worker` and `engine` is a function of its arguments; time comes
//! in as an `Instant`, chance as numbers. A media thread never waits for anything but its own clock.

mod conceal;
mod engine;
pub mod g711;
mod inband;
mod jitter;
mod key_receiver;
mod key_sender;
mod keys;
mod leg;
mod outgoing;
mod player;
mod ports;
pub mod prompt;
mod reception;
mod record;
mod rtp;
mod source;
mod srtp;
mod stats;
mod worker;

pub use engine::{LegConfig, MediaConfig, MediaEngine, MediaError, MediaLeg};
pub use inband::InBandKeys;
pub use keys::{Key, KeyPath};
pub use leg::MediaEvent;
pub use player::{Piece, PlayId, Repeat};
pub use ports::PortRange;
pub use reception::Quality;
pub use record::{Mark, MarkKind, RecordingSink};
pub use source::Latch;
pub use stats::MediaStats;

/// Samples in a second: the telephone network's.
pub const SAMPLE_RATE_HZ: u32 = 8_000;
/// Samples in one turn of the wheel, 20 ms.
pub const FRAME_SAMPLES: usize = 160;
/// Milliseconds in one turn of the wheel.
pub const FRAME_MS: u64 = 20;

/// 20 ms of mono audio.
pub type Frame = [i16; FRAME_SAMPLES];
