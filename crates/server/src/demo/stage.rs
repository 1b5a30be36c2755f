//! What the demo runs on: a fresh folder, an embedded database, the pretend carrier, one node.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clarion_edge::RateLimits;
use clarion_engine::calls::PortRange;
use clarion_store::Store;
use clarion_store::db::Db;
use clarion_testbed::voice::{VoiceCarrier, VoiceCarrierConfig};
use clarion_testbed::{Carrier, CarrierConfig};

use super::calls;
use crate::config::{VoiceSettings, WebhooksSettings};
use crate::node::{Node, NodeConfig};
use crate::web::WebPlan;
use crate::{clock, open, voice};

/// Everything that ends with the demo.
pub struct Stage {
    pub store: Store,
    pub carrier: Carrier,
    /// The same for calls.
    pub voice: VoiceCarrier,
    pub node: Node,
    folder: PathBuf,
}

impl Stage {
    /// `port` 0 takes any free one.
    pub async fn set(port: u16) -> anyhow::Result<Self> {
        let folder = fresh_folder()?;
        let db = Db::open_sqlite(&folder.join("database").join(open::SQLITE_FILE)).await?;
        db.migrate().await?;
        let store = Store::new(db, &folder.join("keys").join("keyring"), 0)?;
        // A receiver on this machine can be tried.
        store.allow_webhook_networks(crate::webhooks::networks(&WebhooksSettings { allow_networks: vec!["127.0.0.0/8".into()] })?);
        let carrier = Carrier::start(CarrierConfig::default()).await.context("the pretend carrier did not start")?;
        let mut behind = VoiceCarrierConfig::new(PortRange { first: 30_000, last: 31_999 });
        (behind.person_says, behind.machine_greets) = calls::voices().await;
        let voice_carrier = VoiceCarrier::start(behind).context("the pretend telephone carrier did not start")?;
        let settings = NodeConfig { sftp: None, name: "demo".into(), web: WebPlan::loopback(port), rate_limits: RateLimits::default(), metrics: None, drain: Duration::from_secs(5), dialler: voice::dialler(&VoiceSettings::default(), Duration::from_secs(5))? };
        let node = Node::start(store.clone(), &settings).await?;
        Ok(Self { store, carrier, voice: voice_carrier, node, folder })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Stops everything and removes the folder.
    pub async fn strike(self) -> anyhow::Result<()> {
        self.node.stop().await;
        drop(self.carrier);
        drop(self.voice);
        drop(self.store);
        std::fs::remove_dir_all(&self.folder).with_context(|| self.folder.display().to_string())
    }
}

fn fresh_folder() -> anyhow::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("clarion-demo-{}-{}", std::process::id(), clock::now().ms()));
    for part in ["database", "keys"] {
        open::make_private_folder(&folder.join(part))?;
    }
    Ok(folder)
}
