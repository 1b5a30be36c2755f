//! A name is looked up when something is sent, and only addresses that webhooks may go to are handed on: the connection is made to
//! just those, so that a name cannot mean something else a moment later.

use std::net::SocketAddr;

use clarion_domain::webhooks::target::AllowedNetworks;
use clarion_store::Store;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// A name that stands only for addresses to which nothing may go.
#[derive(Debug, thiserror::Error)]
#[error("the name stands for no address that webhooks may go to")]
pub(super) struct NotPublic;

/// A name that stands for nothing.
#[derive(Debug, thiserror::Error)]
#[error("the name is not known")]
pub(super) struct NoSuchName;

pub(crate) struct Guarded {
    pub store: Store,
    /// Whether what is sent is encrypted.
    pub secure: bool,
}

fn allowed(networks: &AllowedNetworks, found: impl Iterator<Item = SocketAddr>, secure: bool) -> Result<Vec<SocketAddr>, NotPublic> {
    let left: Vec<SocketAddr> = found.filter(|address| networks.allows(address.ip(), secure)).collect();
    if left.is_empty() { Err(NotPublic) } else { Ok(left) }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (store, secure) = (self.store.clone(), self.secure);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| NoSuchName)?;
            Ok(Box::new(allowed(store.webhook_networks(), found, secure)?.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_may_be_gone_to_are_left() {
        let found = || ["127.0.0.1:0", "8.8.8.8:0", "[::1]:0", "[::ffff:10.0.0.1]:0"].map(|text| text.parse::<SocketAddr>().expect("an address")).into_iter();
        let public = AllowedNetworks::default();
        assert_eq!(allowed(&public, found(), true).expect("one is public"), ["8.8.8.8:0".parse().expect("an address")]);
        assert!(allowed(&public, found(), false).is_err(), "without TLS only where the operator allows it");
        let own = AllowedNetworks(vec!["127.0.0.0/8".parse().expect("a network")]);
        assert_eq!(allowed(&own, found(), false).expect("one is allowed"), ["127.0.0.1:0".parse().expect("an address")]);
    }
}
