//! One try to one address on one channel.

pub mod attempt;
pub mod call;
pub mod leg;
pub mod recording;
pub mod test_call;
