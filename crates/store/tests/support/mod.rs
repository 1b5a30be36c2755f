//! Each test runs on SQLite, and on PostgreSQL when `CLARION_TEST_POSTGRES` names one; `./test` always names one.
#![allow(dead_code, reason = "each test program uses its part")]

use std::future::Future;
use std::path::PathBuf;

use clarion_domain::id::TenantId;
use clarion_domain::tenancy::tenant::{Actor, NumberMode};
use clarion_domain::time::Instant;
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
