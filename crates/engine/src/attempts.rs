//! Attempts: who is next, may they be contacted, the row before the wire, and the wire.
//!
//! One task does it all for a node, in cycles: what came in since the last cycle is written, new recipients are
//! decided and claimed, one commit makes both durable, and only then anything is acknowledged or sent.

#[cfg(test)]
pub(crate) mod by_hand;
mod campaign;
mod claim;
mod cycle;
pub(crate) mod decided;
mod flight;
pub(crate) mod notice;
pub(crate) mod recover;
mod rows;
#[cfg(test)]
mod evergreen_tests;
#[cfg(test)]
mod recover_tests;
#[cfg(test)]
mod sequence_tests;
mod worker;

pub(crate) use flight::{Flight, Flights, Landing, LateAnswer, Next, Target};
pub(crate) use rows::{Counted, CycleRows, DueRow, EndedTry, InboundPart, InboundText, LateReceipt};
pub(crate) use worker::Sender;
pub use worker::{SenderConfig, run};
