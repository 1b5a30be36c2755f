//! Who signs in, what they may, and the pages about it.

pub mod account;
pub mod activity;
pub mod api_key;
pub mod approval;
pub mod came_from;
pub mod door;
pub mod four_eyes;
pub mod guard;
pub mod id_token;
pub mod invitation;
pub mod passkey;
pub mod password;
pub mod provider;
pub mod recorder;
pub mod second_factor;
pub mod session;
pub mod settings;
pub mod sign_in;
pub mod sign_in_code;
pub mod sign_in_provider;
pub mod single_sign_on;
pub mod team;
pub mod totp;
pub mod webauthn;
pub mod who;

pub use clarion_domain::tenancy::tries::Tries;
