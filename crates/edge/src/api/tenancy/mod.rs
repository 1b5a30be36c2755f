//! The tenant, and the keys of its programs.

pub mod activity;
pub mod api_key;
pub mod invitation;
pub mod me;
pub mod user;
