//! The carrier's later word, and the person's.

pub mod cause;
pub mod disposition;
pub mod receipt;
pub mod reply;
