//! What came back: replies, and the words for how attempts ended.

pub mod reply;
pub mod words;
