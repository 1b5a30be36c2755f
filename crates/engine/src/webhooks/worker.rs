//! Endpoints are worked on beside each other, so that one that is slow or down slows nobody; each by one node at a time, by a lease.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use clarion_domain::tenancy::tenant::Actor;
use clarion_store::webhooks::DueWebhook;
use clarion_store::{Lease, Signal, Store, StoreError, Tenant};
use tokio::task::JoinSet;

use super::send::Post;
use crate::intake::Clock;

/// Another node's events, and those of acts that raise no signal, are found by the poll.
const POLL: Duration = Duration::from_secs(1);
/// Endpoints worked on at once, in all and of one tenant.
const ENDPOINTS_MAX: usize = 64;
const ENDPOINTS_OF_TENANT_MAX: usize = 8;
/// Events on their way to one endpoint at once.
const IN_FLIGHT_MAX: i64 = 8;
const DUE_MAX: i64 = 1_000;

/// What the worker takes from outside.
#[derive(Clone, Copy)]
pub struct WebhookConfig {
    pub clock: Clock,
    /// Spreads what is tried again.
    pub chance: fn() -> u64,
}

struct Teller {
    store: Store,
    post: Post,
    config: WebhookConfig,
}

/// Works until the task is dropped. What was sent and not written down by then is sent again, under the same identifier.
pub async fn run(store: Store, config: WebhookConfig) {
    let teller = match Post::new(&store) {
        Ok(post) => Arc::new(Teller { store: store.clone(), post, config }),
        Err(error) => return tracing::error!(%error, "webhooks cannot be sent: there is no HTTP client"),
    };
    let mut running = HashSet::<DueWebhook>::new();
    let mut tasks = JoinSet::new();
    loop {
        while let Some(done) = tasks.try_join_next() {
            match done {
                Ok(webhook) => running.remove(&webhook),
                // The worker ends with its task's panic, and is started again with an empty set.
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => false,
            };
        }
        match store.due_webhooks((config.clock)(), DUE_MAX).await {
            Ok(due) => {
                for webhook in due {
                    let of_tenant = running.iter().filter(|other| other.tenant == webhook.tenant).count();
                    if running.len() < ENDPOINTS_MAX && of_tenant < ENDPOINTS_OF_TENANT_MAX && running.insert(webhook) {
                        let teller = teller.clone();
                        tasks.spawn(async move {
                            teller.tell_and_log(webhook).await;
                            webhook
                        });
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "webhooks could not be looked after; trying again"),
        }
        store.signals().wait(Signal::Webhooks, POLL).await;
    }
}

/// Tells what is due now, an endpoint after the other; the number of tries.
pub async fn work(store: &Store, config: WebhookConfig) -> Result<usize, StoreError> {
    let post = Post::new(store).map_err(|error| StoreError::Invalid(error.to_string()))?;
    let teller = Arc::new(Teller { store: store.clone(), post, config });
    let mut tries = 0;
    for webhook in store.due_webhooks((config.clock)(), DUE_MAX).await? {
        tries += teller.tell(webhook).await?;
    }
    Ok(tries)
}

impl Teller {
    async fn tell_and_log(self: Arc<Self>, webhook: DueWebhook) {
        if let Err(error) = self.tell(webhook).await {
            tracing::warn!(webhook = %webhook.id, tenant = %webhook.tenant, %error, "a webhook waits: trying again");
        }
    }

    /// Tells one endpoint all that is due there; the number of tries. None while another node does.
    async fn tell(self: &Arc<Self>, webhook: DueWebhook) -> Result<usize, StoreError> {
        let name = format!("webhook {}", webhook.id);
        let Some(lease) = self.store.take_lease(&name, (self.config.clock)()).await? else { return Ok(0) };
        let tenant = self.store.tenant(webhook.tenant, Actor::System).await?;
        let mut tries = 0;
        let ended = loop {
            match self.round(&tenant, webhook, &lease).await {
                Ok(0) => break Ok(tries),
                Ok(some) => tries += some,
                Err(error) => break Err(error),
            }
        };
        self.store.give_back_lease(&lease).await?;
        ended
    }

    /// What is due, sent at once; written down in one transaction before the next round.
    async fn round(self: &Arc<Self>, tenant: &Tenant, due: DueWebhook, lease: &Lease) -> Result<usize, StoreError> {
        let now = (self.config.clock)();
        let Some(webhook) = tenant.sending_webhook(due.id, now).await? else { return Ok(0) };
        let deliveries = tenant.due_deliveries(&webhook, now, IN_FLIGHT_MAX).await?;
        let webhook = Arc::new(webhook);
        let mut flights = JoinSet::new();
        for delivery in deliveries {
            let (teller, webhook) = (self.clone(), webhook.clone());
            flights.spawn(async move { teller.post.send(&webhook, delivery, (teller.config.clock)()).await });
        }
        let tries = flights.join_all().await;
        if !tries.is_empty() {
            tenant.record_tries(lease, due.id, &tries, (self.config.clock)(), self.config.chance).await?;
        }
        Ok(tries.len())
    }
}
