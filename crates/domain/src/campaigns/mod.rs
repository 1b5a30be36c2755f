//! Purpose + audience + content + schedule + limits.

pub mod calendar;
pub mod call_pacing;
pub mod call_rate;
pub mod campaign;
pub mod estimate;
pub mod pacing;
pub mod retry;
pub mod schedule;
pub mod script;
pub mod segments;
pub mod sequence;
pub mod template;
