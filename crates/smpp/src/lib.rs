//! SMPP 3.4 and 5.0 for both ends of a bind: codec, text, receipts, sessions, rate.
//! It knows the protocol and nothing of who is being contacted or why.
//!
//! Architecture invariant: no clock, chance or configuration file is read here except by the
//! session task and [`supervise`]; everything else is a function of its arguments.

pub mod client;
pub mod limiter;
mod link;
pub mod pdu;
pub mod receipt;
pub mod server;
pub mod supervise;
pub mod text;
pub use clarion_tls as tls;
