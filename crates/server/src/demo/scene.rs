//! The demo's story: two tenants load their people and contact them.

use std::time::{Duration, Instant as Since};

use anyhow::{Context, bail};
use clarion_domain::campaigns::campaign::CampaignState;
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::schedule::{Day, TimeOfDay};
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::id::{CampaignId, ListId};
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_domain::tenancy::role::Role;
use clarion_domain::tenancy::tenant::{Actor, NumberMode};
use clarion_store::campaigns::CampaignDraft;
use clarion_store::carriers::{NewRoute, NewTrunk};
use clarion_store::intake::NewImport;
use clarion_store::tenancy::NewTenant;
use clarion_store::tenancy::NewUser;
use clarion_store::{Store, Tenant};
use clarion_testbed::{Person, people, sample_csv};

use super::{Stage, calling_hours};
use crate::clock;

const LOAD_WAIT: Duration = Duration::from_secs(60);
const RATE_PER_SECOND: i64 = 40;
const CAMPAIGN_RATE_PER_SECOND: u32 = 10;
/// Holidays in a row are at most four; a week of weekdays is enough to find an open one.
const DAYS_TRIED: usize = 7;

struct Part {
    slug: &'static str,
    name: &'static str,
    owner: &'static str,
    purpose: Purpose,
    basis: LegalBasis,
    campaign: &'static str,
    body: &'static str,
    sender: &'static str,
    prefix: &'static str,
    first_person: usize,
}

const PARTS: [Part; 2] = [
    Part {
        slug: "northwind",
        name: "Northwind Energy",
        owner: "Amira Northwood",
        purpose: Purpose::Reminder,
        basis: LegalBasis::Contract,
        campaign: "Meter readings",
        body: "Northwind Energy: hello {first_name|there}, your meter reading is due on Friday. Reply STOP to end these messages.",
        sender: "+447700900990",
        prefix: "NW",
        first_person: 100,
    },
    Part {
        slug: "harbour",
        name: "Harbour Lending",
        owner: "Hugo Harbourne",
        purpose: Purpose::Collections,
        basis: LegalBasis::Contract,
        campaign: "Missed instalments",
        body: "Harbour Lending: hello {first_name|there}, please call us about your account. We can help if you are struggling to pay. Reply STOP to end these messages.",
        sender: "+447700900991",
        prefix: "HL",
        first_person: 400,
    },
];

/// One tenant with its campaign under way.
pub struct Cast {
    pub tenant: Tenant,
    pub name: &'static str,
    pub username: &'static str,
    pub campaign: CampaignId,
}

/// Sets the story going; `password` is for both sign-ins. Each tenant loads `count` people.
pub async fn play(stage: &Stage, password: &str, count: usize) -> anyhow::Result<Vec<Cast>> {
    let hash = clarion_edge::hash_password(password).await?;
    let mut tenants = Vec::new();
    for part in &PARTS {
        tenants.push((part, found(&stage.store, part, &hash).await?));
    }
    connect(stage, &tenants[0].1).await?;
    let mut cast = Vec::new();
    for (part, tenant) in tenants {
        let list = load(&tenant, "Customers", "customers.csv", &people(part.prefix, part.first_person, count)).await?;
        let campaign = tenant.create_campaign(&draft(part, list), clock::now()).await?;
        cast.push(Cast { tenant, name: part.name, username: part.slug, campaign });
    }
    open_the_day(&cast[0]).await?;
    for member in &cast {
        member.tenant.start_campaign(member.campaign, clock::now()).await.with_context(|| format!("{} could not start", member.name))?;
    }
    Ok(cast)
}

async fn found(store: &Store, part: &Part, password_hash: &str) -> anyhow::Result<Tenant> {
    let help = format!("{}: call 020 7946 0123. Reply STOP to end these messages.", part.name);
    let new = NewTenant { slug: part.slug, name: part.name, number_mode: NumberMode::Demo, default_region: "GB", zone: "Europe/London", help_text: &help };
    let id = store.create_tenant(&new, clock::now()).await?;
    let tenant = store.tenant(id, Actor::Operator).await?;
    tenant.create_user(&NewUser { username: part.slug, display_name: part.owner, role: Role::Owner, password_hash }, clock::now()).await?;
    tenant.add_sender(part.sender, true, "a number reserved for drama", clock::now()).await?;
    Ok(tenant)
}

/// The pretend carrier becomes the operator's trunk, and the route of every number.
async fn connect(stage: &Stage, tenant: &Tenant) -> anyhow::Result<()> {
    let address = stage.carrier.address();
    let settings: TrunkSettings = serde_json::from_value(serde_json::json!({ "kind": "smpp", "host": address.ip().to_string(), "port": address.port(), "system_id": "pretend" }))?;
    let new = NewTrunk { name: "Pretend carrier".into(), settings, secret: "pretend".into(), rate_per_second: RATE_PER_SECOND, cost_per_segment: 350, currency: "GBP".into() };
    let trunk = tenant.add_trunk(&new, true, clock::now()).await?;
    tenant.add_route(&NewRoute { prefix: "+".into(), sender: String::new(), trunk, priority: 10 }, true, clock::now()).await?;
    Ok(())
}

/// The client's file goes the way that every file goes.
pub(super) async fn load(tenant: &Tenant, name: &str, file: &str, people: &[Person]) -> anyhow::Result<ListId> {
    let list = tenant.list_named(name, clock::now()).await?;
    let new = NewImport { list: Some(list), auto_start: true, ..NewImport::new(ImportSource::Command, file) };
    let mut upload = tenant.begin_import(&new, clock::now()).await?;
    upload.write(sample_csv(people).as_bytes()).await?;
    let (id, _) = upload.finish(clock::now()).await?;
    let began = Since::now();
    loop {
        let record = tenant.import(id).await?;
        match record.state {
            ImportState::Loaded => return Ok(list),
            ImportState::Failed | ImportState::Cancelled | ImportState::Undoing | ImportState::Undone | ImportState::AwaitingMapping | ImportState::AwaitingRepeat => bail!("the sample file {file} was not loaded: {} {}", record.state, record.error),
            _ if began.elapsed() > LOAD_WAIT => bail!("the sample file {file} is still {} after {} s", record.state, LOAD_WAIT.as_secs()),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn draft(part: &Part, list: ListId) -> CampaignDraft {
    let mut draft = CampaignDraft::new(part.campaign);
    draft.purpose = Some(part.purpose);
    draft.basis = Some(part.basis);
    draft.list_id = Some(list);
    draft.body = part.body.into();
    draft.sender = part.sender.into();
    draft.schedule.days = Day::ALL.to_vec();
    (draft.schedule.from, draft.schedule.until) = (TimeOfDay::from_minute(8 * 60).unwrap_or(draft.schedule.from), TimeOfDay::from_minute(20 * 60).unwrap_or(draft.schedule.until));
    draft.retry = RetryRules::never();
    draft.rate_per_second = CAMPAIGN_RATE_PER_SECOND;
    draft
}

/// Puts the clock forward until the rules let somebody be contacted: past the night, the weekend, a holiday.
async fn open_the_day(member: &Cast) -> anyhow::Result<()> {
    let (began, zone) = (clock::now(), jiff::tz::TimeZone::get("Europe/London").context("the zone table has no London")?);
    for skip in 0..DAYS_TRIED {
        clock::pretend(calling_hours(began, &zone, skip));
        let result = clarion_engine::campaigns::dry_run(&member.tenant, member.campaign, clock::now()).await?;
        if result.eligible > 0 {
            return Ok(());
        }
    }
    bail!("the rules let nobody be contacted on any of the next {DAYS_TRIED} weekdays; `clarion campaign dry-run` says why")
}

/// Whether every campaign has come to its end.
pub async fn is_over(campaigns: &[(&Tenant, CampaignId)]) -> anyhow::Result<bool> {
    for (tenant, id) in campaigns {
        let campaign = tenant.campaign(*id).await?;
        match campaign.state {
            CampaignState::Finished => {}
            CampaignState::Paused | CampaignState::Cancelled => bail!("{}: the campaign is {}: {}", campaign.name, campaign.state, campaign.state_reason),
            _ => return Ok(false),
        }
    }
    Ok(true)
}
