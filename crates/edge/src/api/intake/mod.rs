//! Contact files, what became of each line, and the fields that the tenant declared.

pub mod decide;
pub mod field;
pub mod import;
pub mod reject;
pub mod sftp;
pub mod upload;
