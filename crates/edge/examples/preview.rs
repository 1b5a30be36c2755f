//! The portal on a temporary SQLite with a few records, for looking at pages: prints its address and a session cookie.

use std::time::{SystemTime, UNIX_EPOCH};

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::compliance::suppression::{SuppressionReason, SuppressionScope};
use clarion_domain::intake::import::ImportSource;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::tenancy::role::Role;
use clarion_domain::tenancy::tenant::{Actor, NumberMode};
use clarion_domain::time::{HOUR_MS, Instant};
use clarion_edge::{Cookies, EdgeConfig, Share, hash_password, portal_router, serve};
use clarion_store::campaigns::CampaignDraft;
use clarion_store::carriers::{NewRoute, NewTrunk};
use clarion_store::db::Db;
use clarion_store::intake::NewImport;
use clarion_store::reports::{MeasureDelta, MeasureKey, add_measures};
use clarion_store::tenancy::{NewTenant, NewUser};
use clarion_store::{Store, Tenant};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn now() -> Instant {
    Instant(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64))
}

#[tokio::main]
async fn main() -> Outcome {
    let folder = tempfile::tempdir()?;
    let db = Db::open_sqlite(&folder.path().join("clarion.db")).await?;
    db.migrate().await?;
    let store = Store::new(db, &folder.path().join("keyring"), 1)?;
    let new = NewTenant { slug: "northwind", name: "Northwind Energy", number_mode: NumberMode::Demo, default_region: "GB", zone: "Europe/London", help_text: "Northwind Energy. Call 020 7946 0000." };
    let tenant = store.create_tenant(&new, now()).await?;
    let hash = hash_password("three plain words").await?;
    let operator = store.tenant(tenant, Actor::Operator).await?;
    let owner = operator.create_user(&NewUser { username: "ada", display_name: "Ada Lovelace", role: Role::Owner, password_hash: &hash }, now()).await?;
    operator.create_user(&NewUser { username: "grace", display_name: "Grace Hopper", role: Role::Supervisor, password_hash: &hash }, now()).await?;
    let ada = store.tenant(tenant, Actor::User(owner)).await?;
    seed(&ada).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{} clarion={}", listener.local_addr()?, ada.open_session(owner, now()).await?);
    let router = portal_router(store, EdgeConfig::new(now, Cookies::PlainLoopback, read_prompt));
    serve(listener, router, Share { connections_max: 100, exempt: Default::default() }, std::future::pending()).await;
    Ok(())
}

/// What the server gives: the real reader of sound files.
fn read_prompt(file: Vec<u8>) -> Result<Vec<i16>, clarion_edge::PromptFileError> {
    use clarion_edge::PromptFileError as E;
    use clarion_sip::media::prompt::{PromptError, PromptLimits, load};
    match load(file, PromptLimits::default()) {
        Ok(prompt) => Ok(prompt.audio.to_vec()),
        Err(error @ PromptError::UnknownFormat) => Err(E::OtherFormat(error.to_string())),
        Err(error) => Err(E::Unreadable(error.to_string())),
    }
}

async fn seed(tenant: &Tenant) -> Outcome {
    let list = tenant.create_list("Spring reminders", now()).await?;
    let mut upload = tenant.begin_import(&NewImport { list: Some(list), ..NewImport::new(ImportSource::Portal, "spring.csv") }, now()).await?;
    upload.write(b"phone,name\r\n07700900001,Ada\r\n").await?;
    upload.finish(now()).await?;
    tenant.suppress("07700 900123", SuppressionScope::Every, SuppressionReason::OptOut, "reply", now()).await?;
    tenant.suppress("07700 900456", SuppressionScope::Sms, SuppressionReason::TenantList, "ticket 17", now()).await?;
    let settings: TrunkSettings = serde_json::from_str(r#"{"kind":"smpp","host":"smsc.example","port":2775,"system_id":"northwind"}"#)?;
    let trunk = tenant.add_trunk(&NewTrunk { name: "Example Telecom".into(), settings, secret: "secret".into(), rate_per_second: 200, cost_per_segment: 400, currency: "GBP".into() }, false, now()).await?;
    tenant.add_route(&NewRoute { prefix: "+44".into(), sender: String::new(), trunk, priority: 1 }, false, now()).await?;
    tenant.add_sender("+447700900999", true, "letter of authority 12", now()).await?;
    let mut draft = CampaignDraft::new("Spring payment reminders");
    draft.channel = Channel::Sms;
    draft.purpose = Some(Purpose::Reminder);
    draft.basis = Some(LegalBasis::Contract);
    draft.list_id = Some(list);
    draft.body = "Hello {first_name|there}, your Northwind Energy bill is due on Friday. Call 020 7946 0000 with questions.".into();
    draft.sender = "+447700900999".into();
    let campaign = tenant.create_campaign(&draft, now()).await?;
    tenant.create_campaign(&CampaignDraft::new("Winter tariff letters"), now()).await?;
    let mut deltas = std::collections::HashMap::new();
    for hour in 0..9 {
        for (disposition, cause, n) in [(Disposition::Delivered, "", 900 + hour * 61), (Disposition::Accepted, "", 40 + 7 * hour), (Disposition::Undeliverable, "absent", 25 + 3 * hour), (Disposition::Unknown, "answer_lost", hour % 3)] {
            let key = MeasureKey { tenant: tenant.id(), campaign, hour: Instant(now().hour().ms() - hour * HOUR_MS), channel: Channel::Sms, disposition, cause: cause.into() };
            deltas.insert(key, MeasureDelta { n, segments: n, cost: n * 400 });
        }
    }
    let mut tx = tenant.store().db().begin().await?;
    add_measures(&mut tx, &deltas).await?;
    Ok(tx.commit().await?)
}
