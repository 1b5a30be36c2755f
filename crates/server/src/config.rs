//! One TOML file and the environment become one `Config`; this is the only reader of the environment.

mod example;
mod section;
mod settings;

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Toml};

use crate::open::COMMAND_NODES;

pub use example::example;
pub use settings::{AcmeSettings, Config, LogFormat, LogSettings, ProxyHeader, VoiceSettings, WebSettings, WebhooksSettings};

/// Read when no `--config` is given and it exists in the folder that the command runs in.
const DEFAULT_FILE: &str = "clarion.toml";
/// `CLARION__WEB__LISTEN` is `listen` in `[web]`.
const ENVIRONMENT_PREFIX: &str = "CLARION__";

/// The configuration cannot be used; says which key and what to write instead.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is wrong: {0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl Config {
    /// Reads the file (which must exist when named), then the environment over it.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let path = file.map_or_else(|| PathBuf::from(DEFAULT_FILE), Path::to_path_buf);
        if file.is_some() && !path.is_file() {
            return Err(ConfigError(format!("there is no file {}; `clarion example-config > {}` writes one to start from", path.display(), path.display())));
        }
        let file = if path.is_file() { Figment::from(Toml::file_exact(&path)) } else { Figment::new() };
        let sources = file.merge(Env::prefixed(ENVIRONMENT_PREFIX).split("__"));
        let config: Self = sources.extract().map_err(|error| ConfigError(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// The address of a PostgreSQL server, when one is to be used: from its key, or from the file that holds it.
    pub fn database_url(&self) -> Result<Option<String>, ConfigError> {
        match (&self.database.url, &self.database.url_file) {
            (Some(_), Some(_)) => Err(ConfigError::new("database.url and database.url_file are both given: keep one")),
            (Some(url), None) => Ok(Some(url.reveal().to_owned())),
            (None, Some(file)) => read_secret("database.url_file", file).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The PEM of the authority that signed the certificate of the PostgreSQL server.
    pub fn database_authority(&self) -> Result<Option<Vec<u8>>, ConfigError> {
        let read = |file: &PathBuf| std::fs::read(file).map_err(|error| ConfigError(format!("database.ca_file {}: {error}", file.display())));
        self.database.ca_file.as_ref().map(read).transpose()
    }

    /// Where the SFTP host key lies, or will.
    pub fn sftp_host_key(&self) -> PathBuf {
        self.sftp.host_key_file.clone().unwrap_or_else(|| self.keys.keyring.with_file_name("sftp-host-key"))
    }

    fn check(&self) -> Result<(), ConfigError> {
        if let Some(url) = self.database_url()?
            && !(url.starts_with("postgres://") || url.starts_with("postgresql://"))
        {
            return Err(ConfigError::new("database.url begins with postgres://; leave it out for the embedded database"));
        }
        if self.server.node >= COMMAND_NODES {
            return Err(ConfigError::new(format!("server.node is 0 to {}", COMMAND_NODES - 1)));
        }
        if self.server.drain_seconds > 300 {
            return Err(ConfigError::new("server.drain_seconds is at most 300"));
        }
        if self.web.connections_per_address_max == 0 {
            return Err(ConfigError::new("web.connections_per_address_max is at least 1"));
        }
        if self.sftp.settle_seconds > 3600 {
            return Err(ConfigError::new("sftp.settle_seconds is at most 3600"));
        }
        if self.web.listen == self.metrics.listen && self.metrics.listen.port() != 0 {
            return Err(ConfigError::new("web.listen and metrics.listen are the same address: measurements are for the operator alone, give them a port of their own"));
        }
        Ok(())
    }
}

/// A secret from a file, without the line end that editors leave.
pub fn read_secret(key: &str, file: &Path) -> Result<String, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|error| ConfigError(format!("{key} {}: {error}", file.display())))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() { Err(ConfigError(format!("{key} {} is empty", file.display()))) } else { Ok(secret.to_owned()) }
}

#[cfg(test)]
mod tests;
