//! Companies that carry messages and calls, and how we reach them.

pub mod settings;
pub mod trunk;
