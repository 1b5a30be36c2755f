//! Who did what to which record.

pub mod chain;
pub mod event;
