//! Each test runs on SQLite, and on PostgreSQL when `CLARION_TEST_POSTGRES` names one; `./test` always names one.
#![allow(dead_code, reason = "each test program uses its part")]

use std::future::Future;
use std::path::PathBuf;

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::carriers::settings::TrunkSettings;
use clarion_domain::id::{TenantId, TrunkId};
use clarion_domain::personal::Personal;
use clarion_domain::tenancy::tenant::{Actor, NumberMode};
use clarion_domain::time::Instant;
use clarion_store::carriers::{NewRoute, NewTrunk};
use clarion_store::db::{Db, Statement, scratch_postgres};
use clarion_store::tenancy::NewTenant;
use clarion_store::{Store, Tenant};

/// 2026-11-23T12:00:00Z.
pub const NOON: Instant = Instant(1_795_435_200_000);

/// A store in a folder of its own, which goes with it.
pub struct Bench {
    pub store: Store,
    pub folder: tempfile::TempDir,
}

impl Bench {
    pub fn keyring(&self) -> PathBuf {
        self.folder.path().join("keyring")
    }

    /// A tenant that takes the numbers reserved for drama.
    pub async fn tenant(&self, slug: &str) -> Tenant {
        let new = NewTenant { slug, name: slug, number_mode: NumberMode::Demo, default_region: "GB", zone: "Europe/London", help_text: "Call 020 7946 0000." };
        let id: TenantId = self.store.create_tenant(&new, NOON).await.expect("a tenant");
        self.store.tenant(id, Actor::Operator).await.expect("its handle")
    }
}

/// A trunk of this channel to nowhere; the names of trunks are each one tenant's.
pub fn trunk_of(tenant: &Tenant, channel: Channel) -> NewTrunk {
    let settings = match channel {
        Channel::Sms => r#"{"kind":"smpp","host":"127.0.0.1","port":2775,"system_id":"clarion"}"#,
        Channel::Voice => r#"{"kind":"sip","hosts":["127.0.0.1:5060"]}"#,
    };
    let settings: TrunkSettings = serde_json::from_str(settings).expect("settings");
    NewTrunk { name: format!("{channel} of {}", tenant.id()), settings, secret: Personal::default(), rate_per_second: 10, cost_per_segment: 350, currency: "GBP".into() }
}

/// A route to such a trunk, for tests that only start campaigns: without one none may start.
pub async fn route(tenant: &Tenant, channel: Channel) -> TrunkId {
    let trunk = tenant.add_trunk(&trunk_of(tenant, channel), false, NOON).await.expect("a trunk");
    tenant.add_route(&NewRoute { prefix: "+".into(), sender: String::new(), trunk, priority: 1 }, false, NOON).await.expect("a route");
    trunk
}

async fn bench(db: Db, folder: tempfile::TempDir) -> Bench {
    db.migrate().await.expect("migrates");
    let store = Store::new(db, &folder.path().join("keyring"), 1).expect("a store");
    Bench { store, folder }
}

static MISCOUNTED: Statement = Statement { text: "SELECT COUNT(*) FROM contact_list l WHERE l.members <> (SELECT COUNT(*) FROM list_member m WHERE m.list_id = l.id)", postgres: "" };

/// Whatever the test did, each list says how many are on it.
async fn run<F: Future<Output = ()>>(test: impl Fn(Bench) -> F, bench: Bench) {
    let db = bench.store.db().clone();
    test(bench).await;
    // Its folder is gone, and its files are still open.
    let miscounted: i64 = db.query_first(&MISCOUNTED, &[]).await.expect("asks").expect("a row").take(0).expect("a number");
    assert_eq!(miscounted, 0);
}

/// The same behaviour on both engines. `purpose` names the scratch database: one of its own for each test.
pub async fn for_each_store<F: Future<Output = ()>>(purpose: &str, test: impl Fn(Bench) -> F) {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = Db::open_sqlite(&folder.path().join("clarion.db")).await.expect("opens");
    run(&test, bench(sqlite, folder).await).await;
    if let Ok(url) = std::env::var("CLARION_TEST_POSTGRES") {
        let postgres = scratch_postgres(&url, purpose).await.expect("a scratch database");
        run(&test, bench(postgres, tempfile::tempdir().expect("a folder")).await).await;
    }
}
