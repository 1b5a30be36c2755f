//! Whom a campaign that takes people in looks at: who has changed since its last look, whichever way they came and however late it was committed.

#[path = "support/people.rs"]
mod people;
mod support;

use std::time::Duration;

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::campaigns::retry::RetryRules;
use clarion_domain::campaigns::sequence::Evergreen;
use clarion_domain::compliance::purpose::{LegalBasis, Purpose};
use clarion_domain::contacts::filter::{Condition, Filter};
use clarion_domain::id::{CampaignId, ContactId, FilterId, ListId};
use clarion_domain::intake::cell::Cell;
use clarion_domain::intake::import::ImportSource;
use clarion_domain::intake::mapping::{ColumnUse, Mapping, StandardField};
use clarion_domain::intake::row::RowReader;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::tenancy::tenant::{Actor, NumberMode};
use clarion_domain::time::{DAY_MS, HOUR_MS, Instant};
use clarion_store::campaigns::{CampaignDraft, FREEZE_CHUNK, Look, StepEvent, StepNews, TakeIn, move_on};
use clarion_store::db::{Params, Statement};
use clarion_store::intake::{ImportFormat, ImportProposal, LoadChunk, NewImport, SealedRow};
use clarion_store::{Store, Tenant, params};
use people::{enlist, list_of, number, person, profile};
use support::{Bench, NOON, for_each_store, route};

const SENDER: &str = "+447700900999";

/// A campaign that takes people in from a list, a filter or both, and has begun.
async fn evergreen(tenant: &Tenant, list: Option<ListId>, filter: Option<FilterId>) -> CampaignId {
    evergreen_again(tenant, list, filter, None).await
}

/// The same, to which people may come again.
async fn evergreen_again(tenant: &Tenant, list: Option<ListId>, filter: Option<FilterId>, again_after_days: Option<u16>) -> CampaignId {
    let mut draft = CampaignDraft::new("Welcome");
    draft.purpose = Some(Purpose::Collections);
    draft.basis = Some(LegalBasis::Contract);
    (draft.list_id, draft.filter_id) = (list, filter);
    draft.body = "Please call us.".into();
    draft.sender = SENDER.into();
    draft.retry = RetryRules::never();
    draft.sequence.evergreen = Some(Evergreen { until_ms: NOON.plus_ms(90 * DAY_MS).ms(), new_a_day_max: None, again_after_days });
    tenant.add_sender(SENDER, true, "our own number", NOON).await.expect("a sender");
    route(tenant, Channel::Sms).await;
    let id = tenant.create_campaign(&draft, NOON).await.expect("a draft");
    tenant.start_campaign(id, NOON).await.expect("starts");
    tenant.freeze_chunk(id, None, NOON).await.expect("freezes");
    id
}

/// A look to its end: how many it took in, and how many it went through.
async fn look(tenant: &Tenant, id: CampaignId, now: Instant) -> (i64, i64) {
    let (mut at, mut sums) = (Look::Changes, (0, 0));
    loop {
        let (next, taken, looked_at) = match tenant.take_new_people(id, at, now).await.expect("looks") {
            TakeIn::More { at, taken, looked_at } => (Some(at), taken, looked_at),
            TakeIn::Done { taken, looked_at } => (None, taken, looked_at),
            TakeIn::NotOurs => panic!("it runs"),
        };
        sums = (sums.0 + taken, sums.1 + looked_at);
        let Some(next) = next else { return sums };
        at = next;
    }
}

static CONTACT: Statement = Statement { text: "INSERT INTO contact (id, tenant_id, reference_index, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)", postgres: "" };
static ADDRESS: Statement = Statement {
    text: "INSERT INTO address (id, tenant_id, contact_id, number_index, line_type, region, zones, created_at) VALUES ($1, $2, $1, $3, 'mobile', 'GB', 'Europe/London', $4)",
    postgres: "",
};
static MEMBER: Statement = Statement { text: "INSERT INTO list_member (list_id, contact_id) VALUES ($1, $2)", postgres: "" };

/// A list of so many that a look at all takes two steps; who is behind the first step has a reference.
async fn large_list(bench: &Bench, tenant: &Tenant) -> (ListId, i64) {
    let (list, count) = (tenant.create_list("Large", NOON).await.expect("a list"), FREEZE_CHUNK + 400);
    let first = bench.store.id_block(NOON, u16::try_from(count).expect("small"));
    let ids = || first..first + count;
    let reference = |id: i64| (id >= first + FREEZE_CHUNK).then(|| id.to_le_bytes().to_vec());
    let mut tx = bench.store.db().begin().await.expect("begins");
    let contacts: Vec<Params> = ids().map(|id| params![id, tenant.id(), reference(id), NOON]).collect();
    tx.execute_many(&CONTACT, &contacts).await.expect("contacts");
    let addresses: Vec<Params> = ids().map(|id| params![id, tenant.id(), id.to_le_bytes().to_vec(), NOON]).collect();
    tx.execute_many(&ADDRESS, &addresses).await.expect("addresses");
    let members: Vec<Params> = ids().map(|id| params![list, id]).collect();
    tx.execute_many(&MEMBER, &members).await.expect("members");
    tx.commit().await.expect("commits");
    (list, count)
}

const COLUMNS: [StandardField; 2] = [StandardField::Phone, StandardField::Reference];

fn rows(tenant: &Tenant, people: &[(usize, &str)]) -> Vec<SealedRow> {
    let mapping = Mapping { columns: COLUMNS.map(ColumnUse::Standard).to_vec() };
    let reader = RowReader::new(mapping, ["phone", "reference"].map(str::to_owned).to_vec(), "GB".parse().expect("a region"), NumberMode::Demo);
    let row = |(place, (last, reference)): (usize, &(usize, &str))| {
        let read = reader.read(place as u64 + 1, &[Cell::Text(number(*last)), Cell::Text((*reference).to_owned())]);
        tenant.seal_row(read.expect("a row")).expect("sealed")
    };
    people.iter().enumerate().map(row).collect()
}

/// A file with these people, loaded.
async fn load(bench: &Bench, tenant: &Tenant, list: Option<ListId>, people: &[(usize, &str)]) {
    let mapping = Mapping { columns: COLUMNS.map(ColumnUse::Standard).to_vec() };
    let new = NewImport { list, mapping: Some(&mapping), accept_repeat: true, ..NewImport::new(ImportSource::Api, "people.csv") };
    let mut upload = tenant.begin_import(&new, NOON).await.expect("begins");
    upload.write(b"phone,reference\n").await.expect("written");
    let (id, _) = upload.finish(NOON).await.expect("finished");
    let lease = bench.store.take_lease(&format!("import {id}"), NOON).await.expect("no fault").expect("free");
    let proposal = ImportProposal { format: ImportFormat::default(), headers: ["phone", "reference"].map(str::to_owned).to_vec(), mapping: mapping.clone() };
    tenant.keep_head(id, &lease, &proposal, &[], NOON).await.expect("kept");
    tenant.begin_load(id, &lease, people.len() as i64, NOON).await.expect("begins");
    let chunk = LoadChunk { rows: rows(tenant, people), rejects: Vec::new(), rows_read: people.len() as i64 };
    tenant.load_chunk(id, &lease, 0, chunk, NOON).await.expect("loaded");
    tenant.finish_load(id, &lease, &[], NOON).await.expect("loaded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_goes_through_who_is_new_and_not_through_the_list() {
    for_each_store("green_cost", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, count) = large_list(&bench, &tenant).await;
        let id = evergreen(&tenant, Some(list), None).await;
        // The node is killed behind the first step, and another begins anew.
        let first = tenant.take_new_people(id, Look::Changes, NOON).await.expect("looks");
        assert!(matches!(first, TakeIn::More { taken: FREEZE_CHUNK, .. }), "{first:?}");
        assert_eq!(look(&tenant, id, NOON).await, (count - FREEZE_CHUNK, FREEZE_CHUNK + 400), "nobody twice, and nobody forgotten");
        assert_eq!(look(&tenant, id, NOON).await, (0, 0), "nothing has changed");
        let (late, _) = person(&tenant, 1, &profile("Ada", "R-1")).await;
        tenant.add_to_list(list, late, NOON).await.expect("listed");
        assert_eq!(look(&tenant, id, NOON).await, (1, 1));
        assert_eq!((look(&tenant, id, NOON).await, tenant.campaign(id).await.expect("reads").audience_size), ((0, 0), count + 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_slow_to_commit_or_has_an_earlier_identifier_comes_in_too() {
    // What a door does, in a transaction that is not committed yet.
    static LATEST: Statement = Statement { text: "UPDATE tenant SET audience_changes = audience_changes + 1 WHERE id = $1", postgres: "" };
    static CHANGE: Statement = Statement { text: "INSERT INTO audience_change (tenant_id, position, contacts, made_at) SELECT id, audience_changes, $2, $3 FROM tenant WHERE id = $1", postgres: "" };
    for_each_store("green_slow", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (slow, _) = person(&tenant, 1, &profile("Ada", "R-1")).await;
        let (list, _) = list_of(&tenant, "New customers", 0).await;
        for last in 2..4 {
            enlist(&tenant, list, person(&tenant, last, &profile("Grace", &format!("R-{last}"))).await.0).await;
        }
        let (fast, _) = person(&tenant, 4, &profile("Edsger", "R-4")).await;
        let id = evergreen(&tenant, Some(list), None).await;
        assert_eq!(look(&tenant, id, NOON).await, (2, 2));

        let mut tx = bench.store.db().begin().await.expect("begins");
        tx.execute(&MEMBER, &params![list, slow]).await.expect("a member");
        tx.execute(&LATEST, &params![tenant.id()]).await.expect("numbered");
        tx.execute(&CHANGE, &params![tenant.id(), slow.0.to_le_bytes().to_vec(), NOON]).await.expect("noted");
        let theirs = tenant.clone();
        let other = tokio::spawn(async move { theirs.add_to_list(list, fast, NOON).await });
        // Where it need not wait for the slow one it is done by now, and the look goes past it.
        tokio::time::sleep(Duration::from_millis(200)).await;
        look(&tenant, id, NOON).await;
        tx.commit().await.expect("commits");
        other.await.expect("no panic").expect("listed");
        look(&tenant, id, NOON).await;
        assert_eq!(tenant.campaign(id).await.expect("reads").audience_size, 4, "the slow one too, whose identifier is lower than everybody's");

        // Another node's clock is behind.
        let behind = Store::new(bench.store.db().clone(), &bench.keyring(), 2).expect("a store").tenant(tenant.id(), Actor::System).await.expect("a handle");
        behind.put_contacts(Some(list), &rows(&tenant, &[(5, "R-5")]), NOON.plus_ms(-HOUR_MS)).await.expect("put");
        assert_eq!(look(&tenant, id, NOON).await, (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_way_somebody_comes_to_match_they_come_in() {
    for_each_store("green_ways", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, people) = list_of(&tenant, "Left out", 3).await;
        let conditions = vec![Condition::NotOnList { list }, Condition::HasReference { yes: true }];
        let filter = tenant.save_filter("Known to us", &Filter { all_of: conditions.clone() }, NOON).await.expect("a filter");
        let id = evergreen(&tenant, None, Some(filter)).await;
        assert_eq!(look(&tenant, id, NOON).await.0, 0);

        load(&bench, &tenant, None, &[(10, "R-10"), (11, "")]).await;
        assert_eq!(look(&tenant, id, NOON).await, (1, 2), "one of the file has no reference");
        load(&bench, &tenant, None, &[(11, "R-11")]).await;
        assert_eq!(look(&tenant, id, NOON).await, (1, 1), "a later file gives it");
        tenant.put_contacts(None, &rows(&tenant, &[(12, "R-12"), (13, "")]), NOON).await.expect("put");
        assert_eq!(look(&tenant, id, NOON).await, (1, 2));
        tenant.put_contacts(None, &rows(&tenant, &[(13, "R-13")]), NOON).await.expect("put");
        assert_eq!(look(&tenant, id, NOON).await, (1, 1));
        tenant.remove_from_list(list, people[0].0, NOON).await.expect("off");
        assert_eq!(look(&tenant, id, NOON).await, (1, 1), "nothing leaves them out any more");
        tenant.add_to_list(list, people[0].0, NOON).await.expect("on");
        tenant.remove_from_list(list, people[0].0, NOON).await.expect("off");
        assert_eq!(look(&tenant, id, NOON).await, (0, 1), "once");
        tenant.delete_list(list, NOON).await.expect("deleted");
        assert_eq!(look(&tenant, id, NOON).await.0, 2, "those who were still on it");
        load(&bench, &tenant, None, &[(14, "")]).await;
        assert_eq!(look(&tenant, id, NOON).await.0, 0);
        tenant.change_filter(filter, "Everybody", &Filter { all_of: conditions[..1].to_vec() }, NOON).await.expect("changed");
        assert_eq!(look(&tenant, id, NOON).await.0, 1, "whom the filter did not mean before");
        assert_eq!(look(&tenant, id, NOON).await, (0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_is_changed_in_the_middle_of_a_look_is_looked_by_again() {
    for_each_store("green_filter", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, count) = large_list(&bench, &tenant).await;
        let only = |yes| Filter { all_of: vec![Condition::HasReference { yes }] };
        let filter = tenant.save_filter("Known to us", &only(true), NOON).await.expect("a filter");
        let id = evergreen(&tenant, Some(list), Some(filter)).await;
        let TakeIn::More { mut at, taken: 0, .. } = tenant.take_new_people(id, Look::Changes, NOON).await.expect("looks") else { panic!("a second step") };
        tenant.change_filter(filter, "Unknown to us", &only(false), NOON).await.expect("changed");
        while let TakeIn::More { at: next, .. } = tenant.take_new_people(id, at, NOON).await.expect("looks") {
            at = next;
        }
        look(&tenant, id, NOON).await;
        assert_eq!(tenant.campaign(id).await.expect("reads").audience_size, FREEZE_CHUNK, "those of the first step, of {count}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_taken_back_is_passed_over_and_comes_in_when_they_are_loaded_anew() {
    for_each_store("green_undo", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, _) = list_of(&tenant, "New customers", 1).await;
        let id = evergreen(&tenant, Some(list), None).await;
        assert_eq!(look(&tenant, id, NOON).await, (1, 1));
        load(&bench, &tenant, Some(list), &[(10, "R-10"), (11, "R-11")]).await;
        let import = tenant.imports(None, 1).await.expect("imports").rows.remove(0).id;
        tenant.undo_import(import, 2, NOON).await.expect("asked");
        let lease = bench.store.take_lease(&format!("import {import}"), NOON).await.expect("no fault").expect("free");
        while tenant.undo_step(import, &lease, NOON).await.expect("removes") > 0 {}
        assert_eq!(look(&tenant, id, NOON).await.0, 0, "they are not there any more");
        load(&bench, &tenant, Some(list), &[(10, "R-10"), (11, "R-11")]).await;
        assert_eq!(look(&tenant, id, NOON).await, (2, 2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_night_it_looks_at_all_and_what_is_old_is_forgotten() {
    static KEPT: Statement = Statement { text: "SELECT COUNT(*) FROM audience_change", postgres: "" };
    for_each_store("green_night", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, _) = list_of(&tenant, "New customers", 1).await;
        let id = evergreen(&tenant, Some(list), None).await;
        let put = async |last: usize| -> ContactId {
            let (contact, _) = person(&tenant, last, &profile("Ada", &format!("R-{last}"))).await;
            tenant.add_to_list(list, contact, NOON).await.expect("listed");
            contact
        };
        put(1).await;
        assert_eq!(look(&tenant, id, NOON).await, (2, 2));
        // As a node of an earlier version writes it.
        enlist(&tenant, list, person(&tenant, 2, &profile("Grace", "R-2")).await.0).await;
        assert_eq!(look(&tenant, id, NOON).await, (0, 0));
        tenant.sweep(NOON.plus_ms(DAY_MS)).await.expect("sweeps");
        assert_eq!(look(&tenant, id, NOON).await, (1, 3));
        // What it has not looked at is not kept any more: it looks at all.
        put(3).await;
        let kept = async || bench.store.db().query(&KEPT, &[]).await.expect("counts")[0].take::<i64>(0).expect("a count");
        assert_eq!(kept().await, 2);
        tenant.sweep(NOON.plus_ms(3 * DAY_MS)).await.expect("sweeps");
        assert_eq!((kept().await, look(&tenant, id, NOON).await), (0, (1, 4)));
        put(4).await;
        assert_eq!(look(&tenant, id, NOON).await, (1, 1));
    })
    .await;
}

/// The carrier took the text of somebody.
async fn taken(tenant: &Tenant, id: CampaignId, position: u32) {
    let mut tx = tenant.store().db().begin().await.expect("begins");
    let news = StepNews { campaign: id, position, event: StepEvent::Attempt(Disposition::Accepted) };
    move_on(&mut tx, tenant.store(), &[news], NOON).await.expect("moves");
    tx.commit().await.expect("commits");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_comes_again_to_a_campaign_that_is_over() {
    static AGAIN: Statement = Statement { text: "SELECT position FROM comes_again WHERE campaign_id = $1 ORDER BY position", postgres: "" };
    for_each_store("green_over", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let (list, _) = list_of(&tenant, "Customers", 3).await;
        let id = evergreen_again(&tenant, Some(list), None, Some(30)).await;
        assert_eq!(look(&tenant, id, NOON).await, (3, 3));
        let coming = async || bench.store.db().query(&AGAIN, &params![id]).await.expect("reads").into_iter().map(|mut row| row.take(0).expect("a place")).collect::<Vec<i64>>();
        taken(&tenant, id, 0).await;
        assert_eq!(coming().await, [0]);
        tenant.pause_campaign(id, NOON).await.expect("pauses");
        taken(&tenant, id, 1).await;
        assert_eq!(coming().await, [0, 1], "it may go on");
        tenant.cancel_campaign(id, NOON).await.expect("cancels");
        taken(&tenant, id, 2).await;
        assert!(coming().await.is_empty(), "an answer that comes late");
        let counts = tenant.step_counts(&tenant.campaign(id).await.expect("reads")).await.expect("counts");
        assert_eq!(counts.ended.iter().map(|(_, _, n)| n).sum::<i64>(), 3, "and is counted all the same");
    })
    .await;
}
