//! TLS towards carriers and for our own listeners: authorities, pins, certificates. It knows nothing of what is said over it.

mod certificate;
mod client;
mod error;
mod hello;
mod listener;

pub use certificate::Certificate;
pub use client::{ClientIo, TlsClient, Trust, parse_pin};
pub use error::TlsError;
pub use hello::{HandshakeIo, Hello, challenge_certificate, read_hello, signing_request, use_ring};
pub use listener::acceptor;

use listener::{certificates, provider};
