//! Counts, and the same counts as a file.

pub mod campaign;
pub mod measure;
