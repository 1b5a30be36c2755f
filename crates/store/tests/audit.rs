//! The audit's chains: one byte changed anywhere is found and the first bad entry named; what is missing, moved, doubled or cut off too.

mod support;

use clarion_domain::audit::chain::Chain;
use clarion_domain::audit::event::Act;
use clarion_domain::id::TenantId;
use clarion_domain::privacy::retention::RecordClass;
use clarion_domain::time::{DAY_MS, Instant, MINUTE_MS};
use clarion_store::audit::{ChainCheck, ChainFault, OPERATOR};
use clarion_store::db::{Db, Statement, Value};
use clarion_store::privacy::OtherNodes;
use clarion_store::{Store, Tenant, params};
use support::{Bench, NOON, for_each_store};

fn statement(text: String) -> &'static Statement {
    Box::leak(Box::new(Statement { text: text.leak(), postgres: "" }))
}

async fn run(db: &Db, text: impl Into<String>, values: Vec<Value>) -> u64 {
    db.execute(statement(text.into()), &values).await.expect("the statement")
}

/// A tenant whose acts are numbered 1 (its own creation) to 9, and whose sign-ins 1 to 4; a minute between two.
async fn busy(bench: &Bench) -> Tenant {
    let tenant = bench.tenant("north").await;
    for minute in 1..9 {
        tenant.audit_alone(NOON.plus_ms(minute * MINUTE_MS), Act::Changed, "campaign", 40 + minute, "its name").await.expect("an act");
    }
    for minute in 1..5 {
        tenant.audit_alone(NOON.plus_ms(minute * MINUTE_MS), Act::SignedIn, "user", 7, "").await.expect("a sign-in");
    }
    tenant
}

async fn check(store: &Store, tenant: TenantId, chain: Chain) -> ChainCheck {
    store.verify_audit(tenant).await.expect("verifies").into_iter().find(|check| check.chain == chain).expect("each chain")
}

async fn fault(store: &Store, tenant: TenantId) -> Option<ChainFault> {
    store.verify_audit(tenant).await.expect("verifies").into_iter().find_map(|check| check.fault)
}

#[track_caller]
fn names(found: &Option<ChainFault>, number: i64, words: &str) {
    let found = found.as_ref().unwrap_or_else(|| panic!("nothing was found; expected {number}: {words}"));
    assert_eq!(found.number, number, "{}", found.what);
    assert!(found.what.contains(words), "{words} in {:?}", found.what);
}

fn flipped(value: &Value) -> Value {
    match value {
        Value::Int(number) => Value::Int(number ^ 1 << 20),
        Value::Text(text) if text.is_empty() => Value::Text("x".into()),
        Value::Text(text) => {
            let mut bytes = text.clone().into_bytes();
            bytes[0] ^= 1;
            Value::Text(String::from_utf8(bytes).expect("ASCII"))
        }
        Value::Blob(bytes) => {
            let mut bytes = bytes.clone();
            bytes[5] ^= 4;
            Value::Blob(bytes)
        }
        other => panic!("{other:?} has no bit to flip"),
    }
}

/// The value of one column of the one row that `place` finds.
async fn held(db: &Db, table: &str, column: &str, place: &str, text: bool, blob: bool) -> Value {
    let mut row = db.query_first(statement(format!("SELECT {column} FROM {table} WHERE {place}")), &[]).await.expect("reads").expect("the row");
    if blob { Value::Blob(row.take(0).expect("bytes")) } else if text { Value::Text(row.take(0).expect("text")) } else { Value::Int(row.take(0).expect("a number")) }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_byte_in_any_column_is_found_and_the_entry_named() {
    for_each_store("audit_flips", |bench| async move {
        let tenant = busy(&bench).await;
        let (store, db, id) = (&bench.store, bench.store.db(), tenant.id());
        store.anchor_audit(id, NOON).await.expect("anchored");
        assert_eq!(fault(store, id).await, None);
        let event: i64 = match held(db, "audit_event", "id", &format!("tenant_id = {} AND chain = 'acts' AND number = 3", id.0), false, false).await {
            Value::Int(event) => event,
            other => panic!("{other:?}"),
        };
        let place = format!("id = {event}");
        let (texts, blobs) = (["actor", "act", "object_kind", "detail", "chain"], ["hash", "signature"]);
        for column in ["tenant_id", "at", "actor", "act", "object_kind", "object_id", "detail", "chain", "number", "hash", "id"] {
            let value = held(db, "audit_event", column, &place, texts.contains(&column), blobs.contains(&column)).await;
            run(db, format!("UPDATE audit_event SET {column} = $1 WHERE {place}"), vec![flipped(&value)]).await;
            let found = fault(store, id).await;
            assert_eq!(found.as_ref().map(|found| found.number), Some(3), "{column}: {found:?}");
            // By its number alone, for one flip is of the identifier.
            let back = match (&value, column) {
                (_, "id") => format!("id = {}", event ^ 1 << 20),
                _ => place.clone(),
            };
            run(db, format!("UPDATE audit_event SET {column} = $1 WHERE {back}"), vec![value]).await;
            assert_eq!(fault(store, id).await, None, "{column} is whole again");
        }
        let of = |number: i64| format!("tenant_id = {} AND chain = 'acts' AND number = {number}", id.0);
        for (table, column, number) in [("audit_head", "number", 9), ("audit_head", "hash", 9), ("audit_anchor", "hash", 9), ("audit_anchor", "at", 9), ("audit_anchor", "key_number", 9), ("audit_anchor", "signature", 9)] {
            let value = held(db, table, column, &of(number), false, blobs.contains(&column)).await;
            let changed = flipped(&value);
            run(db, format!("UPDATE {table} SET {column} = $1 WHERE {}", of(number)), vec![changed.clone()]).await;
            assert!(fault(store, id).await.is_some_and(|found| found.number >= 9), "{table}.{column}");
            run(db, format!("UPDATE {table} SET {column} = $1 WHERE tenant_id = {} AND chain = 'acts' AND {column} = $2", id.0), vec![value, changed]).await;
            assert_eq!(fault(store, id).await, None, "{table}.{column} is whole again");
        }
        run(db, format!("UPDATE audit_anchor SET kind = 'sebl' WHERE {}", of(9)), vec![]).await;
        names(&fault(store, id).await, 9, "belongs to no chain");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_moved_put_in_or_cut_off_is_found() {
    for_each_store("audit_moves", |bench| async move {
        let tenant = busy(&bench).await;
        let (store, db, id) = (&bench.store, bench.store.db(), tenant.id());
        store.anchor_audit(id, NOON).await.expect("anchored");
        let of = |number: i64| format!("tenant_id = {} AND chain = 'acts' AND number = {number}", id.0);
        // Two swapped: each says what the other said.
        for (from, to) in [(4, 100), (5, 4), (100, 5)] {
            run(db, format!("UPDATE audit_event SET number = {to} WHERE {}", of(from)), vec![]).await;
        }
        names(&fault(store, id).await, 4, "was changed after");
        for (from, to) in [(4, 100), (5, 4), (100, 5)] {
            run(db, format!("UPDATE audit_event SET number = {to} WHERE {}", of(from)), vec![]).await;
        }
        assert_eq!(fault(store, id).await, None);
        // One put in, behind the end, and one that has no number.
        let put = "INSERT INTO audit_event (id, tenant_id, at, actor, act, object_kind, object_id, detail, chain, number, hash) VALUES ($1, $2, 5, 'operator', 'erased', 'contact', 1, '', 'acts', $3, $4)";
        for number in [0i64, 10] {
            run(db, put, params![5i64 + number, id, number, vec![0u8; 32]]).await;
            names(&fault(store, id).await, number, "outside the chains");
            run(db, "DELETE FROM audit_event WHERE id = $1", params![5i64 + number]).await;
        }
        // The end cut off, and the chain's own end moved back to hide it: the anchor still knows.
        let hash = held(db, "audit_event", "hash", &of(7), false, true).await;
        run(db, format!("DELETE FROM audit_event WHERE tenant_id = {} AND chain = 'acts' AND number > 7", id.0), vec![]).await;
        names(&fault(store, id).await, 8, "an anchor vouches for 9");
        run(db, format!("UPDATE audit_head SET number = 7, hash = $1 WHERE tenant_id = {} AND chain = 'acts'", id.0), vec![hash]).await;
        names(&fault(store, id).await, 8, "an anchor vouches for 9");
        // One taken out of the middle.
        run(db, format!("DELETE FROM audit_event WHERE {}", of(5)), vec![]).await;
        names(&fault(store, id).await, 5, "missing");
        // The other chain has no part in it.
        assert_eq!(check(store, id, Chain::SignIns).await.fault, None);
        // The whole beginning, as if it had been deleted by its clock.
        run(db, format!("DELETE FROM audit_event WHERE tenant_id = {} AND chain = 'sign_ins' AND number < 3", id.0), vec![]).await;
        names(&check(store, id, Chain::SignIns).await.fault, 1, "missing");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_deletes_from_the_front_and_the_rest_still_verifies() {
    for_each_store("audit_clock", |bench| async move {
        let tenant = busy(&bench).await;
        let (store, id) = (&bench.store, tenant.id());
        let later = NOON.plus_ms(200 * DAY_MS);
        tenant.audit_alone(later, Act::SignedIn, "user", 7, "").await.expect("a sign-in");
        store.anchor_audit(id, later).await.expect("anchored");
        let due: Instant = NOON.plus_ms(i64::from(RecordClass::PortalActivity.retention().period_days) * DAY_MS + 3 * MINUTE_MS);
        tenant.sweep(due).await.expect("swept");
        let signs = check(store, id, Chain::SignIns).await;
        assert_eq!((signs.begins_after, signs.entries, signs.fault), (2, 3, None), "the two oldest are gone");
        let due: Instant = NOON.plus_ms(i64::from(RecordClass::AuditEvent.retention().period_days) * DAY_MS + 5 * MINUTE_MS);
        tenant.sweep(due).await.expect("swept");
        for check in store.verify_audit(id).await.expect("verifies") {
            assert_eq!(check.fault, None, "{}", check.chain);
        }
        assert_eq!(check(store, id, Chain::SignIns).await.entries, 0, "every sign-in is past its clock");
        assert_eq!(check(store, id, Chain::Acts).await.begins_after, 5);
        tenant.audit_alone(due, Act::SignedIn, "user", 7, "").await.expect("a sign-in");
        assert_eq!(check(store, id, Chain::SignIns).await, ChainCheck { tenant: id, chain: Chain::SignIns, begins_after: 5, entries: 1, anchors: 2, fault: None });
        // Nobody but this installation may say that something was deleted by its clock.
        run(store.db(), format!("UPDATE audit_anchor SET number = 6 WHERE tenant_id = {} AND chain = 'acts' AND kind = 'start'", id.0), vec![]).await;
        names(&fault(store, id).await, 6, "signature");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anchors_outlive_the_keys_that_signed_them() {
    for_each_store("audit_keys", |bench| async move {
        let tenant = busy(&bench).await;
        let (store, db, id) = (&bench.store, bench.store.db(), tenant.id());
        store.anchor_audit(id, NOON).await.expect("anchored");
        for _ in 0..2 {
            store.rotate_root_keys(OtherNodes::NoneRuns, NOON).await.expect("rotated");
        }
        assert_eq!(fault(store, id).await, None, "the newest vouches for the second, which vouched for the first");
        assert_eq!(check(store, OPERATOR, Chain::Acts).await.entries, 3, "one tenant made and two rotations");
        run(db, "UPDATE audit_key SET public_key = $1 WHERE number = 2", params![vec![9u8; 32]]).await;
        names(&fault(store, id).await, 9, "signature");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_number_without_a_gap_and_a_thousand_are_anchored() {
    for_each_store("audit_crowd", |bench| async move {
        let tenant = bench.tenant("north").await;
        let store = &bench.store;
        let mut crowd = Vec::new();
        for worker in 0..16i64 {
            let tenant = tenant.clone();
            crowd.push(tokio::spawn(async move {
                for turn in 0..65i64 {
                    tenant.audit_alone(NOON.plus_ms(turn), Act::Changed, "campaign", worker, "").await.expect("an act");
                }
            }));
        }
        for worker in crowd {
            worker.await.expect("ends");
        }
        assert_eq!(check(store, tenant.id(), Chain::Acts).await, ChainCheck { tenant: tenant.id(), chain: Chain::Acts, begins_after: 0, entries: 1 + 16 * 65, anchors: 1, fault: None });
        let last = store.keep_audit_check(tenant.id(), &store.verify_audit(tenant.id()).await.expect("verifies"), NOON).await.expect("kept");
        assert_eq!(tenant.last_audit_check().await.expect("read"), Some(last));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_before_the_chain_is_linked_by_the_migration() {
    for_each_store("audit_before", |bench| async move {
        let tenant = bench.tenant("north").await;
        let (store, db, id) = (&bench.store, bench.store.db(), tenant.id());
        for text in [
            "DROP INDEX audit_event_chain",
            "ALTER TABLE audit_event DROP COLUMN chain",
            "ALTER TABLE audit_event DROP COLUMN number",
            "ALTER TABLE audit_event DROP COLUMN hash",
            "DROP TABLE audit_head",
            "DROP TABLE audit_anchor",
            "DROP TABLE audit_key",
            "DROP TABLE audit_check",
            "DELETE FROM audit_event",
            "DELETE FROM schema_migration WHERE name = '0020_audit_chain'",
        ] {
            run(db, text, vec![]).await;
        }
        for number in 0..2_500i64 {
            let act = if number % 5 == 0 { "signed_in" } else { "changed" };
            let put = "INSERT INTO audit_event (id, tenant_id, at, actor, act, object_kind, object_id, detail) VALUES ($1, $2, $3, 'operator', $4, 'campaign', 1, '')";
            run(db, put, params![10_000 - number, id, NOON.plus_ms(number), act]).await;
        }
        let applied = db.migrate().await.expect("migrates");
        assert_eq!(applied, ["0020_audit_chain"]);
        names(&fault(store, id).await, 1, "no anchor vouches for any of the 2000 entries");
        store.anchor_linked(&[], NOON).await.expect("nothing to anchor");
        assert!(fault(store, id).await.is_some());
        store.anchor_linked(&applied, NOON).await.expect("anchored");
        tenant.audit_alone(NOON, Act::Changed, "campaign", 1, "").await.expect("an act");
        assert_eq!((check(store, id, Chain::Acts).await.entries, check(store, id, Chain::SignIns).await.entries), (2_001, 500));
        assert_eq!(fault(store, id).await, None);
    })
    .await;
}

/// The database's own writer, who knows how entries are linked.
async fn rewritten(db: &Db, id: TenantId, from: i64) {
    run(db, format!("UPDATE audit_event SET detail = 'another' WHERE tenant_id = {} AND chain = 'acts' AND number = {from}", id.0), vec![]).await;
    let before = match from {
        1 => [0; 32],
        from => match held(db, "audit_event", "hash", &format!("tenant_id = {} AND chain = 'acts' AND number = {}", id.0, from - 1), false, true).await {
            Value::Blob(hash) => hash.try_into().expect("32 bytes"),
            other => panic!("{other:?}"),
        },
    };
    let select = statement(format!("SELECT number, id, at, actor, act, object_kind, object_id, detail FROM audit_event WHERE tenant_id = {} AND chain = 'acts' AND number >= {from} ORDER BY number", id.0));
    let (mut hash, mut links) = (before, Vec::new());
    for mut row in db.query(select, &[]).await.expect("reads") {
        let (number, event, at): (i64, i64, i64) = (row.take(0).expect("a number"), row.take(1).expect("an id"), row.take(2).expect("a time"));
        let (actor, act, kind, object, detail): (String, String, String, i64, String) =
            (row.take(3).expect("who"), row.take(4).expect("an act"), row.take(5).expect("a kind"), row.take(6).expect("an object"), row.take(7).expect("a detail"));
        let mut hasher = blake3::Hasher::new_derive_key("clarion 2026 audit entry version 1");
        hasher.update(&hash);
        for value in [id.0, number, event, at, object] {
            hasher.update(&value.to_le_bytes());
        }
        for text in ["acts", &actor, &act, &kind, &detail] {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        hash = *hasher.finalize().as_bytes();
        links.push(params![hash, event]);
    }
    let mut tx = db.begin().await.expect("begins");
    tx.execute_many(statement("UPDATE audit_event SET hash = $1 WHERE id = $2".into()), &links).await.expect("rewritten");
    tx.commit().await.expect("commits");
    run(db, format!("UPDATE audit_head SET hash = $1 WHERE tenant_id = {} AND chain = 'acts'", id.0), params![hash]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_without_the_anchors_that_it_must_have_is_not_whole() {
    for_each_store("audit_unanchored", |bench| async move {
        let tenant = bench.tenant("north").await;
        let (store, db, id) = (&bench.store, bench.store.db(), tenant.id());
        let users: Vec<_> = (0..16i64).map(|worker| { let tenant = tenant.clone(); tokio::spawn(async move { for turn in 0..140 { tenant.audit_alone(NOON.plus_ms(turn), Act::Changed, "campaign", worker, "").await.expect("an act"); } }) }).collect();
        for user in users {
            user.await.expect("ends");
        }
        let whole = check(store, id, Chain::Acts).await;
        assert_eq!((whole.entries, whole.anchors, whole.fault), (2_241, 2, None), "each thousandth is anchored");
        // Rewritten with hashes that fit, the anchors know better.
        rewritten(db, id, 700).await;
        names(&fault(store, id).await, 1_000, "not the one that was anchored");
        run(db, format!("DELETE FROM audit_anchor WHERE tenant_id = {}", id.0), vec![]).await;
        names(&fault(store, id).await, 1, "no anchor vouches for any of the 2241 entries");
        // What is not whole is not anchored by the night; what is, says what to keep elsewhere.
        let anchored = store.anchor_audit(OPERATOR, NOON).await.expect("anchored");
        assert_eq!((anchored.len(), anchored[0].chain, anchored[0].number), (1, Chain::Acts, 1));
        let again = store.anchor_audit(OPERATOR, NOON).await.expect("nothing new");
        assert_eq!((again.len(), again[0].number, again[0].hash), (1, 1, anchored[0].hash), "each night says every end");
        assert_eq!(check(store, OPERATOR, Chain::Acts).await.anchors, 1);
    })
    .await;
}
