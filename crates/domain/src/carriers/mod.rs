//! Companies that carry messages and calls, and how we reach them.

pub mod call_price;
pub mod fairness;
pub mod opted_out;
pub mod rate;
pub mod route;
pub mod sender;
pub mod settings;
pub mod sip_settings;
pub mod transfer_target;
pub mod trunk;
