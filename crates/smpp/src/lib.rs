//! SMPP 3.4 and 5.0 for both ends of a bind: codec, text, receipts, sessions, rate.
//! It knows the protocol and nothing of who is being contacted or why.
//!
//! Architecture invariant: no clock, chance or configuration file is read here except by the
//! session task and [`supervise`]; everything else is a function of its arguments.

pub mod pdu;
pub mod text;
pub mod receipt;
pub mod limiter;
pub mod tls;
mod link;
pub mod client;
pub mod supervise;
pub mod server;
