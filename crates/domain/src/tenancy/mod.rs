//! Tenants, the people who sign in, and what each may do.

pub mod activity;
pub mod four_eyes;
pub mod places;
pub mod role;
pub mod tenant;
pub mod tries;
