//! From the configuration to the sending of webhooks and to the asking of connectors.

use clarion_domain::webhooks::target::AllowedNetworks;
use clarion_engine::connectors::{ConnectorConfig, PullLimits};
use clarion_engine::webhooks::WebhookConfig;
use clarion_store::seal::random_bytes;

use crate::clock;
use crate::config::{ConfigError, WebhooksSettings};

/// The networks that the operator allows.
pub fn networks(settings: &WebhooksSettings) -> Result<AllowedNetworks, ConfigError> {
    crate::web::networks("webhooks.allow_networks", &settings.allow_networks)
}

/// What the worker of a node is run with.
pub fn worker() -> WebhookConfig {
    WebhookConfig { clock: clock::now, chance }
}

/// The same for connectors, which may go where webhooks may.
pub fn connectors() -> ConnectorConfig {
    ConnectorConfig { clock: clock::now, chance, limits: PullLimits::default() }
}

/// Without random bytes everything is tried again at the same time: nothing is lost by that.
fn chance() -> u64 {
    random_bytes().map_or(0, u64::from_le_bytes)
}
