//! Trunks, the routes that choose one, and the senders from which the tenant may write.

pub mod receipt;
pub mod route;
pub mod sender;
pub mod settings;
pub mod transfer_target;
pub mod trunk;
