//! Carriers: the trunks that are configured, the drivers that speak to them, and what they say of themselves.

mod credit;
mod driver;
mod http;
mod refusals;
mod registry;
mod routes;
mod silence;
mod sip;
mod smpp;
mod trunk;
mod wire;

pub(crate) use refusals::is_of_the_account;
pub(crate) use registry::Carriers;
pub(crate) use sip::SipTrunks;
pub(crate) use trunk::Trunk;
pub(crate) use wire::{Acknowledge, Inbound, Prepared, WireEvent, WireOutcome, WirePart};
