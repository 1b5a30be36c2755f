//! Peers that we did not write: SIPp with scenarios of ours, Kamailio between, baresip at the far end.

mod away;
mod baresip;
mod failover;
mod kamailio;
#[path = "../names/mod.rs"]
mod names;
mod pracked;
mod public;
mod script;
mod scripted;
