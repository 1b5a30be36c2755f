//! The tenant, and the keys of its programs.

pub mod activity;
pub mod api_key;
pub mod approval;
pub mod four_eyes;
pub mod invitation;
pub mod me;
pub mod settings;
pub mod single_sign_on;
pub mod user;
