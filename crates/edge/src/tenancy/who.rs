//! The names behind the actors of records and events.

use clarion_domain::id::UserId;
use clarion_store::tenancy::User;

use super::guard::Session;
use crate::page::fault::Fault;

/// Everybody of the tenant, by id.
pub struct Team(Vec<User>);

impl Team {
    /// A user by name; a key, the operator or the software as they are written.
    pub fn name(&self, actor: &str) -> String {
        let user = actor.strip_prefix("user:").and_then(|id| id.parse::<UserId>().ok());
        let known = user.and_then(|id| self.0.iter().find(|user| user.id == id));
        match (known, actor) {
            (Some(user), _) => user.display_name.clone(),
            (None, "system") => "Clarion".into(),
            (None, "operator") => "The operator".into(),
            (None, "subject") => "The person".into(),
            (None, other) => match other.split_once(':') {
                Some(("key", key)) => format!("API key {key}"),
                Some(("sftp", account)) => format!("SFTP account {account}"),
                _ => other.to_owned(),
            },
        }
    }

    pub fn people(&self) -> &[User] {
        &self.0
    }
}

impl Session {
    pub async fn team(&self) -> Result<Team, Fault> {
        Ok(Team(self.tenant.users().await?))
    }
}
