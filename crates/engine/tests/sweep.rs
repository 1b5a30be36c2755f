//! The night of an installation: a tenant that cannot be swept keeps no other from it.

#[path = "../../store/tests/support/mod.rs"]
mod support;

use std::collections::HashSet;

use clarion_domain::id::ListId;
use clarion_domain::time::DAY_MS;
use clarion_engine::privacy::sweep_tenants;
use clarion_store::db::Statement;
use clarion_store::{Tenant, params};
use support::{Bench, NOON, for_each_store};

static HALF: Statement = Statement { text: "INSERT INTO contact_list (id, tenant_id, name, created_by, created_at) VALUES ($1, $2, $3, 'system', $4)", postgres: "" };
static BREAK: Statement = Statement { text: "INSERT INTO retention_setting (tenant_id, class, period_days, set_by, set_at) VALUES ($1, 'no such class', 1, 'system', 1)", postgres: "" };
static MEND: Statement = Statement { text: "DELETE FROM retention_setting WHERE tenant_id = $1", postgres: "" };

/// What the night takes away.
async fn left_half(bench: &Bench, tenant: &Tenant) -> ListId {
    let half = ListId(bench.store.next_id(NOON));
    bench.store.db().execute(&HALF, &params![half, tenant.id(), format!("being filled: {half}"), NOON]).await.expect("left");
    half
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_cannot_be_swept_keeps_no_other_from_it_and_is_tried_again_alone() {
    for_each_store("engine_sweep", |bench| async move {
        let (broken, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        bench.store.db().execute(&BREAK, &params![broken.id()]).await.expect("broken");
        let (half, now, mut done) = (left_half(&bench, &other).await, NOON.plus_ms(DAY_MS), HashSet::new());
        assert!(!sweep_tenants(&bench.store, &mut done, now).await.expect("ends"), "the night is not over");
        assert!(other.list(half).await.is_err(), "swept");
        assert!(done.contains(&other.id()) && !done.contains(&broken.id()));
        let later = left_half(&bench, &other).await;
        bench.store.db().execute(&MEND, &params![broken.id()]).await.expect("mended");
        assert!(sweep_tenants(&bench.store, &mut done, now).await.expect("ends"));
        assert!(done.contains(&broken.id()) && other.list(later).await.is_ok(), "each once a night");
    })
    .await;
}
