//! TLS towards carriers and for our own listeners: authorities, pins, certificates. It knows nothing of what is said over it.

mod client;
mod error;
mod listener;

pub use client::{TlsClient, Trust, parse_pin};
pub use error::TlsError;
pub use listener::acceptor;

use listener::{certificates, provider};
