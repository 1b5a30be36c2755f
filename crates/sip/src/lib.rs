//! SIP calls and their audio: messages, transactions, dialogs, calls, trunks; media, keys and who answered.
//! It knows the protocols and nothing of who is being called or why.
//!
//! Architecture invariant: no clock, chance or configuration file is read here except by the
//! tasks that own sockets; everything else is a function of its arguments.

pub mod detect;
pub mod media;
pub mod negotiated;
