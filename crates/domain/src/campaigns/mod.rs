//! Purpose + audience + content + schedule + limits.

pub mod campaign;
pub mod estimate;
pub mod pacing;
pub mod retry;
pub mod schedule;
pub mod segments;
pub mod template;
