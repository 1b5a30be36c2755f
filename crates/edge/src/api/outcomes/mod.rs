//! What people wrote back.

pub mod reply;
