//! People as the tenant knows them: contacts, lists, saved filters.

pub mod bulk;
pub mod contact;
pub mod filter;
pub mod list;
pub mod member;
pub mod search;
pub mod timeline;
