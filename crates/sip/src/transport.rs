//! The task that owns the sockets, and with them the clock: it drives the user agent and does what it says.

mod driver;
mod inbox;
mod outbound;
mod resolve;
mod stream;

pub(crate) use driver::{Arrived, Driver, Input, Sockets};
