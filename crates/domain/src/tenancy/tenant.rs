//! The client organisation, and who acts in its name.

use crate::id::{ApiKeyId, SftpAccountId, UserId};
use crate::word::words;

words! {
    /// Which numbers may be loaded and contacted. The demo knows only numbers reserved for drama, production never does.
    pub enum NumberMode {
        Production = "production",
        Demo = "demo",
    }
}

/// Who does something; every change records one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    User(UserId),
    ApiKey(ApiKeyId),
    /// A program that drops files by SFTP.
    Sftp(SftpAccountId),
    /// The operator at the command line.
    Operator,
    /// The software itself: a worker, a sweep.
    System,
    /// The person contacted, by reply or public page.
    Subject,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Actor::User(id) => write!(f, "user:{id}"),
            Actor::ApiKey(id) => write!(f, "key:{id}"),
            Actor::Sftp(id) => write!(f, "sftp:{id}"),
            Actor::Operator => f.write_str("operator"),
            Actor::System => f.write_str("system"),
            Actor::Subject => f.write_str("subject"),
        }
    }
}
