//! How many calls a campaign may launch now, and why.

pub mod launch;
pub mod settings;

pub use launch::{AgentsNow, DayLeft, Launch, PaceState, next};
pub use settings::{CallPacing, PacingMode};
