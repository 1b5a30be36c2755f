//! Starts campaigns that are due, freezes their audiences, finishes those that are done, and answers dry runs.

use std::collections::HashMap;
use std::time::Duration;

use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::id::{CampaignId, TenantId};
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::{Instant, SECOND_MS};
use clarion_store::campaigns::{FreezeStep, LOADING, Look, TakeIn, WorkingCampaign};
use clarion_store::{Signal, Store, StoreError, Tenant};

use super::dry_run::dry_run;
use crate::intake::Clock;

const POLL: Duration = Duration::from_secs(1);
/// People come in within seconds of their import where that costs little.
const TAKE_IN_POLL: Duration = Duration::from_secs(2);
/// Of its time, a campaign spends a twentieth at most on looking.
const TAKE_IN_RESTS: i64 = 20;
/// Far longer than a look at one chunk; a node that comes instead of one that died waits so long.
const LOOK_LEASE_MS: i64 = 60 * SECOND_MS;
/// Somebody waits for it in front of a screen.
const DRY_RUN_POLL: Duration = Duration::from_millis(300);

/// Works until the task is dropped or aborted; what it leaves in the middle is taken up again at the next start.
/// A long dry run delays no campaign.
pub async fn run(store: Store, clock: Clock) {
    tokio::join!(look_after(&store, clock), answer(&store, clock), look_for_new(&store, clock));
}

async fn look_for_new(store: &Store, clock: Clock) {
    let mut looks = Looks::default();
    loop {
        match look_once(store, clock, &mut looks).await {
            Ok(_) if looks.values().any(|look| look.middle.is_some()) => tokio::task::yield_now().await,
            Ok(_) => tokio::time::sleep(TAKE_IN_POLL).await,
            Err(error) => {
                tracing::warn!(%error, "evergreen campaigns could not look for new people; trying again");
                tokio::time::sleep(TAKE_IN_POLL).await;
            }
        }
    }
}

/// How far each evergreen campaign is in its look for new people. They take turns, chunk by chunk: one that looks at many delays no other.
type Looks = HashMap<CampaignId, Looking>;

#[derive(Default)]
struct Looking {
    /// In the middle of a look, which goes on here.
    middle: Option<Look>,
    spent_ms: i64,
    rests_until: Instant,
    /// This node alone looks until then.
    leased_until: Instant,
}

/// Every look from its beginning to its end. Returns how many times a campaign took people in.
async fn take_in(store: &Store, clock: Clock) -> Result<usize, StoreError> {
    let (mut looks, mut took) = (Looks::default(), 0);
    loop {
        took += look_once(store, clock, &mut looks).await?;
        if looks.values().all(|look| look.middle.is_none()) {
            return Ok(took);
        }
    }
}

/// One chunk of each campaign that does not rest.
async fn look_once(store: &Store, clock: Clock, looks: &mut Looks) -> Result<usize, StoreError> {
    let mut took = 0;
    let running = store.evergreen_campaigns(clock()).await?;
    looks.retain(|known, _| running.iter().any(|(_, id)| id == known));
    for (tenant, id) in running {
        let look = looks.entry(id).or_default();
        let began = clock();
        if began < look.rests_until {
            continue;
        }
        match look_at_chunk(store, (tenant, id), look, clock).await {
            Ok(new) => took += usize::from(new > 0),
            // One that cannot look delays no other.
            Err(error) => {
                tracing::warn!(campaign = %id, %tenant, %error, "an evergreen campaign could not look for new people; trying again");
                look.middle = None;
            }
        }
        look.spent_ms += clock().ms() - began.ms();
        if look.middle.is_none() {
            look.rests_until = look.rests_until.max(clock().plus_ms(std::mem::take(&mut look.spent_ms) * TAKE_IN_RESTS));
        }
    }
    Ok(took)
}

/// How many came in. Of several nodes one looks, as long as its lease lasts.
async fn look_at_chunk(store: &Store, (tenant, id): (TenantId, CampaignId), look: &mut Looking, clock: Clock) -> Result<i64, StoreError> {
    let now = clock();
    if look.leased_until.ms() - now.ms() < LOOK_LEASE_MS / 2 {
        let Some(lease) = store.lease(&format!("evergreen {id}"), now, LOOK_LEASE_MS).await? else {
            (look.middle, look.rests_until) = (None, now.plus_ms(LOOK_LEASE_MS / 4));
            return Ok(0);
        };
        look.leased_until = lease.expires_at;
    }
    let tenant = store.tenant(tenant, Actor::System).await?;
    let new = match tenant.take_new_people(id, look.middle.unwrap_or_default(), now).await {
        Ok(TakeIn::More { at, taken, .. }) => {
            look.middle = Some(at);
            taken
        }
        Ok(TakeIn::Done { taken, .. }) => {
            look.middle = None;
            taken
        }
        Ok(TakeIn::NotOurs) => {
            look.middle = None;
            0
        }
        Err(StoreError::NotFound(what @ ("filter" | "list"))) => {
            look.middle = None;
            tenant.pause_campaign_because(id, &format!("its {what} was deleted: nobody new can be taken in"), now).await?;
            0
        }
        Err(error) => return Err(error),
    };
    if new > 0 {
        tracing::info!(campaign = %id, tenant = %tenant.id(), new, "an evergreen campaign took people in");
    }
    Ok(new)
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
