//! Who signs in, what they may, and the pages about it.

pub mod account;
pub mod api_key;
pub mod guard;
pub mod password;
pub mod sign_in;
pub mod team;
mod tries;
pub mod who;

pub use tries::Tries;
