//! Short links: the code, the host under which it stands, and who opens one.

pub mod code;
pub mod host;
pub mod opener;
pub mod target;
