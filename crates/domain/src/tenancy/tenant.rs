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

/// An actor that does not read as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an actor")]
pub struct MalformedActor;

impl std::str::FromStr for Actor {
    type Err = MalformedActor;

    fn from_str(text: &str) -> Result<Self, MalformedActor> {
        let known = match text.split_once(':') {
            Some(("user", id)) => id.parse().ok().map(Self::User),
            Some(("key", id)) => id.parse().ok().map(Self::ApiKey),
            Some(("sftp", id)) => id.parse().ok().map(Self::Sftp),
            Some(_) => None,
            None => [Self::Operator, Self::System, Self::Subject].into_iter().find(|actor| actor.to_string() == text),
        };
        known.ok_or(MalformedActor)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_reads_as_it_is_written() {
        for actor in [Actor::User(UserId(1)), Actor::ApiKey(ApiKeyId(2)), Actor::Sftp(SftpAccountId(3)), Actor::Operator, Actor::System, Actor::Subject] {
            assert_eq!(actor.to_string().parse(), Ok(actor));
        }
        assert!(["", "user", "user:key_0000000000001", "owner"].iter().all(|text| text.parse::<Actor>().is_err()));
    }
}
