//! Peers that we did not write: SIPp with scenarios of ours, Kamailio between, baresip at the far end.

mod away;
mod baresip;
mod failover;
mod kamailio;
#[path = "../names/mod.rs"]
mod names;
#[path = "../../../testbed/src/ports.rs"]
mod ports;
mod pracked;
mod public;
mod script;
mod scripted;
