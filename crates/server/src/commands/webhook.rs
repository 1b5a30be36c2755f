//! `clarion webhook list|add|secret|enable|disable|remove|test|log|replay`: where a client's system is told what happens.

use anyhow::Context;
use clap::{Args, Subcommand};
use clarion_domain::id::WebhookId;
use clarion_domain::time::Instant;
use clarion_domain::webhooks::event::{WebhookDeliveryState, WebhookEventKind};
use clarion_store::Tenant;
use clarion_store::webhooks::NewWebhook;

use crate::config::Config;
use crate::output::{Listing, print_done, print_secret};
use crate::{clock, open};

const LOG_ROWS: i64 = 100;

#[derive(Debug, Args)]
pub struct WebhookArgs {
    /// Short name or identifier of the tenant.
    #[arg(long, global = true, default_value = "", hide_default_value = true)]
    tenant: String,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The tenant's webhooks, the newest first.
    List,
    /// Add an endpoint; its secret is printed this once.
    Add {
        url: String,
        /// What it is told, such as import.loaded; again for more.
        #[arg(long = "event", required = true)]
        events: Vec<WebhookEventKind>,
    },
    /// Make a new secret; for a day everything is signed with the old one as well.
    Secret { webhook: WebhookId },
    Enable { webhook: WebhookId },
    /// Tell it nothing any more; what waits is given up.
    Disable { webhook: WebhookId },
    /// Delete it with its log.
    Remove { webhook: WebhookId },
    /// Send a test event.
    Test { webhook: WebhookId },
    /// What it was told lately.
    Log {
        webhook: WebhookId,
        /// Only those that stand so: waiting, delivered or failed.
        #[arg(long)]
        state: Option<WebhookDeliveryState>,
    },
    /// Tell again what failed since a time, such as 2026-11-23T09:30:00Z.
    Replay {
        webhook: WebhookId,
        #[arg(long)]
        since: String,
        /// What was delivered as well.
        #[arg(long)]
        all: bool,
    },
}

pub async fn run(config: &Config, args: &WebhookArgs) -> anyhow::Result<()> {
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    let now = clock::now();
    let done = match &args.verb {
        Verb::List => return list(&tenant, args.json).await,
        Verb::Log { webhook, state } => return log(&tenant, *webhook, *state, args.json).await,
        Verb::Add { url, events } => {
            let made = tenant.create_webhook(&NewWebhook { url: url.clone(), events: events.clone() }, now).await?;
            print_secret(&made.id, &made.secret, args.json);
            return Ok(());
        }
        Verb::Secret { webhook } => {
            print_secret(webhook, &tenant.rotate_webhook_secret(*webhook, now).await?, args.json);
            return Ok(());
        }
        Verb::Enable { webhook } => tenant.enable_webhook(*webhook, true, now).await.map(|()| "enabled".to_owned()),
        Verb::Disable { webhook } => tenant.enable_webhook(*webhook, false, now).await.map(|()| "disabled; what waited can be replayed".to_owned()),
        Verb::Remove { webhook } => tenant.delete_webhook(*webhook, now).await.map(|()| "removed".to_owned()),
        Verb::Test { webhook } => tenant.test_webhook(*webhook, now).await.map(|event| format!("{event} goes out")),
        Verb::Replay { webhook, since, all } => {
            let since: jiff::Timestamp = since.parse().context("--since: write it as 2026-11-23T09:30:00Z")?;
            tenant.replay_webhook(*webhook, Instant::from(since), !all, now).await.map(|count| format!("events that are told again: {count}"))
        }
    }?;
    print_done(&done, args.json);
    Ok(())
}

async fn list(tenant: &Tenant, json: bool) -> anyhow::Result<()> {
    let mut listing = Listing::new(&["id", "url", "events", "enabled", "why_not", "waiting", "failing_since"]);
    for webhook in tenant.webhooks().await? {
        let events: Vec<&str> = webhook.events.iter().map(|kind| kind.as_str()).collect();
        listing.row([
            webhook.id.to_string().into(),
            webhook.url.into(),
            events.join(" ").into(),
            webhook.enabled.into(),
            webhook.disabled_why.into(),
            webhook.waiting.into(),
            webhook.failing_since.map(Instant::rfc3339).into(),
        ]);
    }
    listing.print(json);
    Ok(())
}

async fn log(tenant: &Tenant, id: WebhookId, state: Option<WebhookDeliveryState>, json: bool) -> anyhow::Result<()> {
    let mut listing = Listing::new(&["event", "kind", "state", "tries", "created_at", "last_status", "last_error", "next_at"]);
    for delivery in tenant.webhook_deliveries(id, state, None, LOG_ROWS).await?.rows {
        listing.row([
            delivery.event.to_string().into(),
            delivery.kind.as_str().into(),
            delivery.state.as_str().into(),
            delivery.tries.into(),
            delivery.created_at.rfc3339().into(),
            delivery.last_status.into(),
            delivery.last_error.into(),
            delivery.next_at.map(Instant::rfc3339).into(),
        ]);
    }
    listing.print(json);
    Ok(())
}
