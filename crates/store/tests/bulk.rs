//! Acts on many people at once, on both databases: an import that is taken back, and everybody who meets a filter put on a list.

mod support;
#[path = "support/people.rs"]
mod people;

use clarion_domain::contacts::filter::{Condition, Filter};
use clarion_domain::id::{CampaignId, ContactId, ImportId};
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_store::campaigns::CampaignDraft;
use clarion_store::db::Statement;
use clarion_store::intake::{NewImport, UndoCount};
use clarion_store::{StoreError, Tenant, params};
use people::list_of;
use support::{Bench, NOON, for_each_store};

static LOADED: Statement = Statement { text: "UPDATE import SET state = 'loaded', rows_loaded = 3 WHERE id = $1", postgres: "" };
static BROUGHT: Statement = Statement { text: "UPDATE contact SET import_id = $2 WHERE id = $1", postgres: "" };
static RECIPIENT: Statement = Statement { text: "INSERT INTO recipient (campaign_id, position, contact_id, address_id) VALUES ($1, 0, $2, 1)", postgres: "" };
static HALF: Statement = Statement { text: "INSERT INTO contact_list (id, tenant_id, name, created_by, created_at) VALUES ($1, $2, $3, 'system', $4)", postgres: "" };
static LEFT: Statement = Statement { text: "SELECT COUNT(*) FROM address WHERE contact_id = $1", postgres: "" };

/// An import that brought these people.
async fn import(bench: &Bench, tenant: &Tenant, people: &[ContactId]) -> ImportId {
    let mut upload = tenant.begin_import(&NewImport::new(ImportSource::Portal, "people.csv"), NOON).await.expect("begins");
    upload.write(b"phone\n").await.expect("written");
    let (id, _) = upload.finish(NOON).await.expect("finished");
    bench.store.db().execute(&LOADED, &params![id]).await.expect("loaded");
    for person in people {
        bench.store.db().execute(&BROUGHT, &params![*person, id]).await.expect("brought");
    }
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_taken_back_until_something_is_sent() {
    for_each_store("bulk_undo", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        let (list, people) = list_of(&tenant, "Arrears", 5).await;
        let people: Vec<ContactId> = people.into_iter().map(|(contact, _)| contact).collect();
        let first = import(&bench, &tenant, &people[..3]).await;
        let second = import(&bench, &tenant, &people[3..]).await;
        assert!(matches!(other.undo_import(first, 3, NOON).await, Err(StoreError::NotFound(_))));
        assert!(matches!(tenant.undo_import(first, 2, NOON).await, Err(StoreError::Conflict(text)) if text.contains("3 people would be removed now")));
        tenant.undo_import(first, 3, NOON).await.expect("asked");
        assert!(matches!(tenant.undo_import(first, 3, NOON).await, Err(StoreError::Conflict(text)) if text.contains("undoing")));
        assert_eq!(bench.store.waiting_imports(10).await.expect("waiting").iter().map(|waiting| waiting.id).collect::<Vec<_>>(), [first], "a worker sees it");
        let lease = bench.store.take_lease("import", NOON).await.expect("no fault").expect("free");
        assert_eq!(tenant.undo_step(first, &lease, NOON).await.expect("removes"), 3);
        assert_eq!(tenant.import(first).await.expect("it").state, ImportState::Undoing, "until nobody is left");
        assert_eq!(tenant.undo_step(first, &lease, NOON).await.expect("ends"), 0);
        assert_eq!(tenant.import(first).await.expect("it").state, ImportState::Undone);
        assert_eq!(tenant.list(list).await.expect("the list").members, 2, "off the list too");
        let left: i64 = bench.store.db().query_first(&LEFT, &params![people[0]]).await.expect("asks").expect("a row").take(0).expect("a number");
        assert_eq!(left, 0);
        // Somebody of the second file is in a campaign that has started.
        let campaign: CampaignId = tenant.create_campaign(&CampaignDraft::new("November"), NOON).await.expect("a draft");
        bench.store.db().execute(&RECIPIENT, &params![campaign, people[4]]).await.expect("in a campaign");
        assert!(matches!(tenant.undo_import(second, 2, NOON).await, Err(StoreError::Conflict(text)) if text.contains("has started")));
    })
    .await;
}

static USE: Statement = Statement { text: "UPDATE campaign SET list_id = $2 WHERE id = $1", postgres: "" };
static FINISHED: Statement = Statement { text: "UPDATE import SET finished_at = $2 WHERE id = $1", postgres: "" };
static CHANGED: Statement = Statement { text: "UPDATE contact SET updated_at = $2 WHERE id = $1", postgres: "" };

#[tokio::test(flavor = "multi_thread")]
async fn whom_another_file_brought_again_stays_when_the_first_is_taken_back() {
    for_each_store("bulk_undo_again", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, people) = list_of(&tenant, "Arrears", 3).await;
        let people: Vec<ContactId> = people.into_iter().map(|(contact, _)| contact).collect();
        let first = import(&bench, &tenant, &people).await;
        bench.store.db().execute(&FINISHED, &params![first, NOON.plus_ms(1_000)]).await.expect("finished");
        bench.store.db().execute(&CHANGED, &params![people[1], NOON.plus_ms(2_000)]).await.expect("loaded again");
        assert_eq!(tenant.undo_count(first).await.expect("counts"), UndoCount { removed: 2, staying: 1, used: false });
        assert!(matches!(tenant.undo_import(first, 3, NOON).await, Err(StoreError::Conflict(text)) if text.contains("2 people would be removed now")));
        tenant.undo_import(first, 2, NOON).await.expect("asked");
        let lease = bench.store.take_lease("import", NOON).await.expect("no fault").expect("free");
        assert_eq!(tenant.undo_step(first, &lease, NOON).await.expect("removes"), 2);
        assert_eq!(tenant.undo_step(first, &lease, NOON).await.expect("ends"), 0);
        let left: Vec<ContactId> = tenant.contacts(Some(list), None, 10).await.expect("reads").rows.into_iter().map(|entry| entry.contact_id).collect();
        assert_eq!(left, [people[1]]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_meets_a_filter_goes_on_a_list_when_the_number_is_the_one_that_was_shown() {
    for_each_store("bulk_list", |bench| async move {
        let (tenant, other) = (bench.tenant("northwind").await, bench.tenant("southwind").await);
        let (list, _) = list_of(&tenant, "Arrears", 4).await;
        let filter = tenant.save_filter("In arrears", &Filter { all_of: vec![Condition::OnList { list }] }, NOON).await.expect("a filter");
        assert!(matches!(other.list_filtered(filter, "Mine", 4, NOON).await, Err(StoreError::NotFound(_))));
        assert!(matches!(tenant.list_filtered(filter, "All", 3, NOON).await, Err(StoreError::Conflict(text)) if text.contains("4 people meet the filter now")));
        assert_eq!(tenant.lists().await.expect("lists").len(), 1, "nothing was made");
        let made = tenant.list_filtered(filter, "All", 4, NOON).await.expect("a list");
        assert_eq!(tenant.list(made).await.expect("the list").members, 4);
        // What a process that ended has left: its name says that it is not whole, and the night takes it away.
        let now = NOON.plus_ms(clarion_domain::time::DAY_MS);
        let half = clarion_domain::id::ListId(bench.store.next_id(NOON));
        bench.store.db().execute(&HALF, &params![half, tenant.id(), format!("being filled: {half}"), NOON]).await.expect("left");
        bench.store.db().execute(&HALF, &params![bench.store.next_id(NOON), tenant.id(), "being filled: by hand", NOON]).await.expect("left");
        tenant.sweep(now).await.expect("sweeps");
        let names: Vec<String> = tenant.lists().await.expect("lists").into_iter().map(|list| list.name).collect();
        assert_eq!(names, ["All", "Arrears", "being filled: by hand"], "one of before that only looks like it");
        assert!(matches!(tenant.list_filtered(filter, "All", 4, NOON).await, Err(StoreError::Conflict(_))), "a name is used once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_was_left_half_filled_is_offered_to_nobody_and_stops_no_night() {
    for_each_store("bulk_half", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, _) = list_of(&tenant, "Arrears", 1).await;
        for name in [format!("being filled: {list}"), "being filled: soon".into()] {
            assert!(matches!(tenant.rename_list(list, &name, NOON).await, Err(StoreError::Invalid(text)) if text.contains("choose another name")));
            assert!(tenant.create_list(&name, NOON).await.is_err());
        }
        let half = clarion_domain::id::ListId(bench.store.next_id(NOON));
        bench.store.db().execute(&HALF, &params![half, tenant.id(), format!("being filled: {half}"), NOON]).await.expect("left");
        assert_eq!(tenant.lists().await.expect("lists").len(), 1, "nobody takes half of it for all");
        // Nor can it be named by its identifier.
        let november = |list| CampaignDraft { list_id: Some(list), ..CampaignDraft::new("November") };
        let refused = tenant.create_campaign(&november(half), NOON).await;
        assert!(matches!(&refused, Err(StoreError::Faults(faults)) if faults[0].field == "list_id" && faults[0].message.contains("still being filled")), "{refused:?}");
        let (contact, without) = (tenant.contacts(Some(list), None, 1).await.expect("reads").rows[0].contact_id, Filter { all_of: vec![Condition::NotOnList { list: half }] });
        for refused in [
            tenant.add_to_list(half, contact, NOON).await,
            tenant.rename_list(half, "December", NOON).await,
            tenant.save_filter("The others", &without, NOON).await.map(|_| ()),
            tenant.begin_import(&NewImport { list: Some(half), ..NewImport::new(ImportSource::Portal, "people.csv") }, NOON).await.map(|_| ()),
        ] {
            assert!(matches!(&refused, Err(StoreError::Conflict(why)) if why.contains("still being filled")), "{refused:?}");
        }
        let campaign = tenant.create_campaign(&november(list), NOON).await.expect("a draft");
        bench.store.db().execute(&USE, &params![campaign, half]).await.expect("as an earlier version did it");
        let now = NOON.plus_ms(clarion_domain::time::DAY_MS);
        tenant.sweep(now).await.expect("sweeps all the same");
        assert!(tenant.list(half).await.is_ok(), "in use");
        tenant.cancel_campaign(campaign, now).await.expect("cancelled");
        tenant.sweep(now).await.expect("sweeps");
        assert!(matches!(tenant.list(half).await, Err(StoreError::NotFound(_))));
    })
    .await;
}
