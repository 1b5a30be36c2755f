//! Who did what to which record.

pub mod event;
