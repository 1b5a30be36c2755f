//! The carrier's later word, and the person's.

pub mod answered_by;
mod call_cause;
pub mod call_end;
pub mod call_label;
pub mod cause;
pub mod cost;
pub mod disposition;
mod keyword;
pub mod receipt;
pub mod reply;
