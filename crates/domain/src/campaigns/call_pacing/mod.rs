//! How many calls a campaign may launch now, and why.

mod crowd;
mod hazard;
pub mod launch;
pub mod predictive;
pub mod settings;
mod shortfall;
mod surprise;

pub use launch::{AbandonmentCount, AgentsNow, Ahead, Launch, PaceState, Why, next};
pub use predictive::{PaceEvent, Predictor};
pub use settings::{CALLS_AT_ONCE_MAX, CALLS_PER_SECOND_MAX, CEILING_BP_MAX, CallPacing, CallPacingError, POWER_PERCENT_MAX, PacingMode, RING_MS_MAX};
