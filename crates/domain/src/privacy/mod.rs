//! What is held, how long, and how it goes.

pub mod retention;
