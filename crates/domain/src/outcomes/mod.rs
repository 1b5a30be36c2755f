//! The carrier's later word, and the person's.

pub mod disposition;
pub mod reply;
