//! What is held, how long, and how it goes.

pub mod inventory;
pub mod retention;
pub mod subject_request;
