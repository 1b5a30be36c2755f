//! One try to one address on one channel.

pub mod attempt;
