//! SIP calls and their audio: messages, transactions, dialogs, calls, trunks; media, keys and who answered.
//! It knows the protocols and nothing of who is being called or why.
//!
//! Architecture invariant: no clock, chance or configuration file is read here except by the
//! tasks that own sockets; everything else is a function of its arguments.

// What both halves agree on.
pub mod negotiated;

// Audio.
pub mod media;
pub mod detect;

// Signalling: the text, then what it means, then calls and trunks, then sockets.
pub mod params;
pub mod uri;
pub mod name_addr;
pub mod message;
pub mod sdp;
pub mod auth;
pub mod cause;
pub mod chance;
pub use clarion_tls as tls;
pub mod hop;
mod oversize;
mod alarm;
pub mod transaction;
pub mod wire;
pub mod dialog;
pub mod call;
pub mod dial;
pub mod trunk;
pub mod user_agent;
mod transport;
pub mod endpoint;
