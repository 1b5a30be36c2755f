//! The SFTP drop. What a client writes goes straight into an import's sealed chunks; the folders that it sees are views of rows,
//! and no file lies on the disk. An account may bring files and read their results; it can never read back what it brought.

mod caller;
mod door;
mod folder;
mod host_key;
mod result;
mod session;
mod writing;

pub use door::{DropConfig, VerifyPassword, run};
pub use host_key::{HostKey, HostKeyError};
