//! Starts campaigns that are due, freezes their audiences, finishes those that are done, and answers dry runs.

use std::time::Duration;

use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::id::CampaignId;
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;
use clarion_store::campaigns::{FreezeStep, LOADING, TakeIn, WorkingCampaign};
use clarion_store::{Signal, Store, StoreError, Tenant};

use super::dry_run::dry_run;
use crate::intake::Clock;

const POLL: Duration = Duration::from_secs(1);
/// People come in within seconds of their import where that costs little.
const TAKE_IN_POLL: Duration = Duration::from_secs(2);
/// Of its time, a twentieth at most is spent on looking.
const TAKE_IN_RESTS: u64 = 20;
/// Somebody waits for it in front of a screen.
const DRY_RUN_POLL: Duration = Duration::from_millis(300);

/// Works until the task is dropped or aborted; what it leaves in the middle is taken up again at the next start.
/// A long dry run delays no campaign.
pub async fn run(store: Store, clock: Clock) {
    tokio::join!(look_after(&store, clock), answer(&store, clock), look_for_new(&store, clock));
}

/// Looks for people whom evergreen campaigns take in. It reads all who match: the longer that lasts, the longer it rests.
async fn look_for_new(store: &Store, clock: Clock) {
    loop {
        let began = clock();
        if let Err(error) = take_in(store, clock).await {
            tracing::warn!(%error, "evergreen campaigns could not look for new people; trying again");
        }
        let lasted = u64::try_from(clock().ms() - began.ms()).unwrap_or(0);
        tokio::time::sleep(TAKE_IN_POLL.max(Duration::from_millis(lasted * TAKE_IN_RESTS))).await;
    }
}

async fn take_in(store: &Store, clock: Clock) -> Result<usize, StoreError> {
    let mut all = 0;
    for (tenant, id) in store.evergreen_campaigns(clock()).await? {
        let tenant = store.tenant(tenant, Actor::System).await?;
        let (mut after, mut new) = (None, 0);
        loop {
            match tenant.take_new_people(id, after, clock()).await? {
                TakeIn::More { after: next, taken } => (after, new) = (Some(next), new + taken),
                TakeIn::Done { taken } => {
                    new += taken;
                    break;
                }
                TakeIn::NotOurs => break,
            }
        }
        if new > 0 {
            tracing::info!(campaign = %id, tenant = %tenant.id(), new, "an evergreen campaign took people in");
            all += 1;
        }
    }
    Ok(all)
}

async fn look_after(store: &Store, clock: Clock) {
    loop {
        match advance_campaigns(store, clock).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => tracing::warn!(%error, "campaigns could not be looked after; trying again"),
        }
        store.signals().wait(Signal::Campaigns, POLL).await;
    }
}

async fn answer(store: &Store, clock: Clock) {
    loop {
        if let Err(error) = answer_dry_runs(store, clock).await {
            tracing::warn!(%error, "dry runs could not be answered; trying again");
        }
        tokio::time::sleep(DRY_RUN_POLL).await;
    }
}

/// Does what is to be done now; returns how many campaigns and dry runs it moved on.
pub async fn work(store: &Store, clock: Clock) -> Result<usize, StoreError> {
    Ok(advance_campaigns(store, clock).await? + take_in(store, clock).await? + answer_dry_runs(store, clock).await?)
}

async fn advance_campaigns(store: &Store, clock: Clock) -> Result<usize, StoreError> {
    let mut moved = 0;
    for campaign in store.working_campaigns().await? {
        match advance(store, &campaign, clock).await {
            Ok(true) => moved += 1,
            Ok(false) => {}
            Err(error) => tracing::warn!(campaign = %campaign.id, tenant = %campaign.tenant_id, %error, "a campaign waits: trying again"),
        }
    }
    Ok(moved)
}

async fn answer_dry_runs(store: &Store, clock: Clock) -> Result<usize, StoreError> {
    let mut answered = 0;
    while let Some((tenant, id, campaign)) = store.next_dry_run().await? {
        let tenant = store.tenant(tenant, Actor::System).await?;
        let result = dry_run(&tenant, campaign, clock()).await.map_err(|error| error.to_string());
        tenant.answer_dry_run(id, &result, clock()).await?;
        answered += 1;
    }
    Ok(answered)
}

async fn advance(store: &Store, campaign: &WorkingCampaign, clock: Clock) -> Result<bool, StoreError> {
    let tenant = store.tenant(campaign.tenant_id, Actor::System).await?;
    match campaign.state {
        CampaignState::Scheduled if campaign.starts_at.is_some_and(|at| at <= clock()) => start(&tenant, campaign.id, clock()).await,
        CampaignState::Starting => freeze(&tenant, campaign.id, clock).await,
        CampaignState::Running => tenant.finish_campaign_if_done(campaign.id, clock()).await,
        _ => Ok(false),
    }
}

/// A start that has become impossible sends the campaign back to its author; a load that is not done is waited for.
async fn start(tenant: &Tenant, id: CampaignId, now: Instant) -> Result<bool, StoreError> {
    match tenant.start_campaign(id, now).await {
        Ok(_) => Ok(true),
        Err(StoreError::Conflict(why)) if why == LOADING => {
            tenant.note_start_delayed(id, LOADING).await?;
            Ok(false)
        }
        // Somebody moved it at the same moment.
        Err(StoreError::Conflict(_)) => Ok(false),
        Err(StoreError::Faults(faults)) => {
            let why = StoreError::Faults(faults).to_string();
            tenant.unschedule_because(id, &format!("it could not start: {why}"), now).await?;
            tracing::info!(campaign = %id, tenant = %tenant.id(), "a scheduled campaign could not start and is a draft again");
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

async fn freeze(tenant: &Tenant, id: CampaignId, clock: Clock) -> Result<bool, StoreError> {
    let mut after = None;
    loop {
        match tenant.freeze_chunk(id, after, clock()).await? {
            FreezeStep::More { after: next } => after = Some(next),
            FreezeStep::Frozen { audience_size } => {
                tracing::info!(campaign = %id, tenant = %tenant.id(), audience_size, "an audience is frozen: the campaign runs");
                return Ok(true);
            }
            FreezeStep::NotOurs => return Ok(false),
        }
    }
}
