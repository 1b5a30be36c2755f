//! Counts that equal a recount of the attempts.

pub mod measure;
