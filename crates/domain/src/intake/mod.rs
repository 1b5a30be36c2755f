//! A contact file becomes rows, and each row a contact or a reject with its reason.

pub mod import;
pub mod mapping;
pub mod reject;
