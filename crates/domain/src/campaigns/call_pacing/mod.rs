//! How many calls a campaign may launch now, and why.

mod crowd;
mod hazard;
pub mod launch;
pub mod predictive;
pub mod settings;

pub use launch::{AgentsNow, DayLeft, Launch, PaceState, next};
pub use predictive::{PaceEvent, Predictor};
pub use settings::{CallPacing, PacingMode};
