//! People and lists. Personal data is masked until somebody with the right reveals it, which is audited.

pub mod contact;
pub mod filter;
pub mod list;
pub mod search;
pub mod standing;
pub mod timeline;
