//! What is held on a person, how long, and how it is taken out again.

pub mod legal_hold;
pub mod retention;
pub mod subject;
