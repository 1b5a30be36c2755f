//! A whole database moved between the engines and back says the same.

#[path = "support/people.rs"]
mod people;
mod support;

use clarion_domain::tenancy::role::Role;
use clarion_store::Store;
use clarion_store::db::{Db, DbError, copy_database, scratch_postgres};
use people::list_of;
use support::{Bench, NOON, for_each_store};

const PEOPLE: usize = 700;

async fn embedded(folder: &tempfile::TempDir, name: &str) -> Db {
    Db::open_sqlite(&folder.path().join(name)).await.expect("opens")
}

async fn says(bench: &Bench, db: Db) -> Vec<String> {
    let store = Store::new(db, &bench.keyring(), 2).expect("the same keys");
    let tenant = store.tenants().await.expect("tenants").remove(0);
    let tenant = store.tenant(tenant.id, clarion_domain::tenancy::tenant::Actor::Operator).await.expect("a handle");
    let mut said: Vec<String> = tenant.lists().await.expect("lists").into_iter().map(|list| format!("{} {}", list.name, list.members)).collect();
    for last in [0, PEOPLE / 2, PEOPLE - 1] {
        let contact = tenant.search_contacts(&people::number(last)).await.expect("no fault")[0];
        let contact = tenant.contact(contact).await.expect("a contact");
        said.push(format!("{} {} {}", contact.profile.first_name, contact.profile.reference, contact.addresses[0].number.reveal()));
    }
    said.extend(tenant.audit_events("", "", None, 10_000).await.expect("events").rows.into_iter().map(|event| format!("{} {}", event.at.ms(), event.act.as_str())));
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_copied_to_the_other_engine_and_back() {
    for_each_store("transfer_source", |bench| async move {
        let tenant = bench.tenant("north").await;
        list_of(&tenant, "Arrears", PEOPLE).await;
        tenant.create_api_key("crm", Role::Viewer, NOON).await.expect("a key");
        let before = says(&bench, bench.store.db().clone()).await;
        assert!(before.len() > 5 && before[1].starts_with("Ada 0 "), "{before:?}");

        let folder = tempfile::tempdir().expect("a folder");
        let copy = embedded(&folder, "copy.db").await;
        let told = std::sync::Mutex::new(Vec::new());
        copy_database(bench.store.db(), &copy, |table, of| told.lock().expect("a list").push((table, of))).await.expect("copied");
        let told = told.into_inner().expect("a list");
        assert!(told.iter().all(|(_, of)| *of == told.len()) && told.iter().any(|(table, _)| table.table == "contact" && table.rows == PEOPLE as i64));
        assert_eq!(says(&bench, copy.clone()).await, before);
        let again = copy_database(bench.store.db(), &copy, |_, _| {}).await;
        assert!(matches!(again, Err(DbError::Schema(said)) if said.contains("not empty")));

        if let Ok(url) = std::env::var("CLARION_TEST_POSTGRES") {
            let purpose = if bench.store.db().is_sqlite() { "transfer_of_sqlite" } else { "transfer_of_postgres" };
            let there = scratch_postgres(&url, purpose).await.expect("a scratch database");
            copy_database(&copy, &there, |_, _| {}).await.expect("copied");
            assert_eq!(says(&bench, there.clone()).await, before);
            let back = embedded(&folder, "back.db").await;
            copy_database(&there, &back, |_, _| {}).await.expect("copied back");
            assert_eq!(says(&bench, back).await, before);
        }
    })
    .await;
}
