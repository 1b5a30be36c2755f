//! Peers that we did not write: SIPp with scenarios of ours, Kamailio between, baresip at the far end.

mod away;
mod baresip;
mod kamailio;
mod script;
mod scripted;
