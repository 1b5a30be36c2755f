//! Connectors: pulls from a client's system and exports back to it, each under an instruction that the client gave.

pub mod export;
pub mod instruction;
pub mod pull;
pub mod pull_fault;
pub mod shape;
pub mod times;
pub mod watermark;
