//! A contact file becomes rows, and each row a contact or a reject with its reason.

pub mod cell;
pub mod csv_text;
pub mod drop_path;
pub mod import;
pub mod mapping;
pub mod proposal;
pub mod reject;
pub mod row;
