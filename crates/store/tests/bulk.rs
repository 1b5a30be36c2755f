//! Acts on many people at once, on both databases: an import that is taken back, and everybody who meets a filter put on a list.

mod support;
#[path = "support/people.rs"]
mod people;

use std::time::Duration;

use clarion_domain::contacts::filter::{Condition, Filter};
use clarion_domain::id::{CampaignId, ContactId, ImportId};
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_store::campaigns::{CampaignDraft, RecipientFilter};
use clarion_store::db::{Params, Statement};
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

static CONTACT: Statement = Statement { text: "INSERT INTO contact (id, tenant_id, created_at, updated_at) VALUES ($1, $2, 1, 1)", postgres: "" };
static PLACE: Statement = Statement { text: "INSERT INTO recipient (campaign_id, position, contact_id, address_id) VALUES ($1, $2, $3, 1)", postgres: "" };
static SECOND: Statement = Statement { text: "UPDATE campaign SET sequence_id = $2, step = 2 WHERE id = $1", postgres: "" };
static ATTEMPT: Statement = Statement {
    text: "INSERT INTO attempt (id, tenant_id, campaign_id, position, try_number, contact_id, address_id, channel, trunk_id, state, disposition, cause, decision, segments, cost, sealed_body,
                                carrier_message_id, parts_heard, claimed_at, answered_at, settled_at)
           VALUES ($1, $2, $3, $4, 1, $5, 1, 'sms', 1, 'settled', $6, '', '', 1, 350, NULL, '', 1, 1, 1, 1)",
    postgres: "",
};

/// More than are put on it at once; of four one was tried twice, one a second time at the next step, one was reached there, and one was tried once.
#[tokio::test(flavor = "multi_thread")]
async fn of_those_who_were_not_reached_each_goes_on_the_list_once_however_many_they_are() {
    for_each_store("bulk_relist", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let id = tenant.create_campaign(&CampaignDraft::new("November"), NOON).await.expect("a draft");
        let next = tenant.create_campaign(&CampaignDraft::new("November, again"), NOON).await.expect("a draft");
        bench.store.db().execute(&SECOND, &params![next, id]).await.expect("a step");
        let (many, first) = (2_200_i64, bench.store.id_block(NOON, 2_200));
        let (tries, more) = (bench.store.id_block(NOON, 2_200), bench.store.id_block(NOON, 2_200));
        let attempt = |attempt: i64, step: CampaignId, place: i64, ending: Disposition| params![attempt, tenant.id(), step, place, first + place, ending.as_str()];
        let mut attempts: Vec<Params> = (0..many).map(|place| attempt(tries + place, id, place, Disposition::NoAnswer)).collect();
        // Who comes first was tried again last.
        attempts.extend((0..many).rev().zip(more..).filter_map(|(place, again)| match place % 4 {
            0 => Some(attempt(again, id, place, Disposition::NoAnswer)),
            1 => Some(attempt(again, next, place, Disposition::NoAnswer)),
            2 => Some(attempt(again, next, place, Disposition::AnsweredPerson)),
            _ => None,
        }));
        let mut tx = bench.store.db().begin().await.expect("begins");
        tx.execute_many(&CONTACT, &(0..many).map(|place| params![first + place, tenant.id()]).collect::<Vec<_>>()).await.expect("people");
        for step in [id, next] {
            tx.execute_many(&PLACE, &(0..many).map(|place| params![step, place, first + place]).collect::<Vec<_>>()).await.expect("recipients");
        }
        tx.execute_many(&ATTEMPT, &attempts).await.expect("attempts");
        tx.commit().await.expect("commits");
        let not_reached = [RecipientFilter::Disposition(Disposition::NoAnswer)];
        let (_, of_all) = tenant.list_recipients(id, &not_reached, "Through all steps", NOON).await.expect("a list");
        let (_, of_next) = tenant.list_recipients(next, &not_reached, "By the last", NOON).await.expect("a list");
        assert_eq!((of_all, of_next), (many / 4 * 3, many / 4));
        assert_eq!(tenant.last_endings(id).await.expect("counts")[&Disposition::NoAnswer], of_all, "as many as were shown");
    })
    .await;
}

static HELD: Statement = Statement { text: "UPDATE tenant SET name = name WHERE id = $1", postgres: "" };
static ERASED: Statement = Statement { text: "UPDATE contact SET erased_at = $2 WHERE id = $1", postgres: "" };
static OFF: Statement = Statement { text: "DELETE FROM list_member WHERE contact_id = $1", postgres: "" };

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_erased_while_a_list_is_filled_does_not_come_on_it() {
    for_each_store("bulk_meanwhile", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, people) = list_of(&tenant, "Arrears", 5).await;
        let filter = tenant.save_filter("In arrears", &Filter { all_of: vec![Condition::OnList { list }] }, NOON).await.expect("a filter");
        // An erasure as it stands before its commit: on PostgreSQL the list is filled meanwhile, on SQLite behind it.
        let mut tx = bench.store.db().begin().await.expect("begins");
        tx.execute(&HELD, &params![tenant.id()]).await.expect("held");
        tx.execute(&OFF, &params![people[0].0]).await.expect("off the lists");
        let theirs = tenant.clone();
        let filling = tokio::spawn(async move { theirs.list_filtered(filter, "All", 5, NOON).await });
        tokio::time::sleep(Duration::from_millis(300)).await;
        tx.execute(&ERASED, &params![people[0].0, NOON]).await.expect("erased");
        tx.commit().await.expect("commits");
        let made = filling.await.expect("no panic").expect("a list");
        let on_it: Vec<ContactId> = tenant.contacts(Some(made), None, 10).await.expect("reads").rows.into_iter().map(|entry| entry.contact_id).collect();
        assert_eq!(on_it, people[1..].iter().map(|(contact, _)| *contact).collect::<Vec<_>>());
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
