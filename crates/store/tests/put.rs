//! People whom programs hand over without a file, and several programs at the same time.

mod support;
#[path = "support/people.rs"]
mod people;

use clarion_domain::id::{ContactId, ListId};
use clarion_domain::intake::cell::Cell;
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_domain::intake::mapping::{ColumnUse, Mapping, StandardField};
use clarion_domain::intake::reject::RejectReason;
use clarion_domain::intake::row::RowReader;
use clarion_domain::tenancy::tenant::NumberMode;
use clarion_store::Tenant;
use clarion_store::compliance::rule_book;
use clarion_store::contacts::TimelineKind;
use clarion_store::db::Statement;
use clarion_store::intake::{PutResult, SealedRow};
use clarion_store::params;
use people::number;
use support::{NOON, for_each_store};

const ROUNDS: usize = 6;
const PEOPLE: usize = 150;

static REMAINS: Statement = Statement {
    text: "SELECT COUNT(*) FROM contact c WHERE c.erased_at IS NOT NULL AND (c.sealed_profile IS NOT NULL OR c.reference_index IS NOT NULL OR EXISTS (SELECT 1 FROM list_member m WHERE m.contact_id = c.id))",
    postgres: "",
};

/// Numbers of erased people by which somebody is still found.
static STANDS: Statement = Statement {
    text: "SELECT COUNT(*) FROM address a JOIN suppression s ON s.tenant_id = a.tenant_id AND s.number_index = a.number_index WHERE s.reason = 'erased'",
    postgres: "",
};

/// Number, reference and first name of each.
fn rows(tenant: &Tenant, people: &[(String, String, String)]) -> Vec<SealedRow> {
    let fields = [StandardField::Phone, StandardField::Reference, StandardField::FirstName];
    let mapping = Mapping { columns: fields.map(ColumnUse::Standard).to_vec() };
    let reader = RowReader::new(mapping, ["number", "reference", "first_name"].map(str::to_owned).to_vec(), "GB".parse().expect("a region"), NumberMode::Demo);
    let read = |(place, (number, reference, name)): (usize, &(String, String, String))| {
        let cells = [number, reference, name].map(|text| Cell::Text(text.clone()));
        tenant.seal_row(reader.read(place as u64 + 1, &cells).expect("a row")).expect("sealed")
    };
    people.iter().enumerate().map(read).collect()
}

fn put(tenant: &Tenant, list: Option<ListId>, rows: Vec<SealedRow>) -> tokio::task::JoinHandle<Vec<PutResult>> {
    let tenant = tenant.clone();
    tokio::spawn(async move { tenant.put_contacts(list, &rows, NOON).await.expect("put") })
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_programs_say_of_one_person_at_once_is_all_kept() {
    for_each_store("put_at_once", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let known = |n: usize| (number(n), format!("K-{n}"), text("Ada"));
        let list = tenant.create_list("Known", NOON).await.expect("a list");
        put(&tenant, Some(list), rows(&tenant, &(0..PEOPLE).map(known).collect::<Vec<_>>())).await.expect("ended");
        for round in 0..ROUNDS {
            let references: Vec<_> = (0..PEOPLE).map(|n| (number(n), format!("R-{round}-{n}"), String::new())).collect();
            let names: Vec<_> = (0..PEOPLE).rev().map(|n| (number(n), String::new(), format!("Ada {round}"))).collect();
            let (one, other) = (put(&tenant, None, rows(&tenant, &references)), put(&tenant, None, rows(&tenant, &names)));
            let (one, other) = (one.await.expect("ended"), other.await.expect("ended"));
            assert!(one.iter().chain(&other).all(|result| matches!(result, PutResult::Updated(_))), "each is known");
            for entry in tenant.contacts(Some(list), None, 1_000).await.expect("reads").rows {
                let said = (entry.profile.reference.starts_with(&format!("R-{round}-")), entry.profile.first_name == format!("Ada {round}"));
                assert_eq!(said, (true, true), "round {round}");
            }
            // Two new people with one reference: whoever comes second is told so.
            let fresh = |n: usize| rows(&tenant, &[(number(900 + 2 * round + n), format!("N-{round}"), text("Grace"))]);
            let (one, other) = (put(&tenant, None, fresh(0)), put(&tenant, None, fresh(1)));
            let results = [one.await.expect("ended")[0], other.await.expect("ended")[0]];
            let refused = results.iter().filter(|result| **result == PutResult::Refused(RejectReason::ReferenceConflict)).count();
            assert_eq!(refused, 1, "round {round}: {results:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_while_they_are_put_stays_erased() {
    for_each_store("put_erased", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let list = tenant.create_list("Arrears", NOON).await.expect("a list");
        let person = |n: usize| (number(n), format!("R-{n}"), text("Ada"));
        let everybody: Vec<_> = (0..PEOPLE).map(person).collect();
        put(&tenant, Some(list), rows(&tenant, &everybody)).await.expect("ended");
        for round in 0..ROUNDS {
            // Some are new, and come while they are looked for.
            let fresh = (0..PEOPLE / 3).map(|n| person(400 + round * PEOPLE / 3 + n));
            let putting = put(&tenant, Some(list), rows(&tenant, &everybody.iter().cloned().chain(fresh).collect::<Vec<_>>()));
            for n in [400 + round * PEOPLE / 3, round, PEOPLE - 1 - round] {
                tenant.subject_erase(&number(n), false, NOON).await.expect("erased");
            }
            putting.await.expect("ended");
            for left in [&REMAINS, &STANDS] {
                let left: i64 = bench.store.db().query_first(left, &params![]).await.expect("asks").expect("a row").take(0).expect("a number");
                assert_eq!(left, 0, "round {round}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_without_a_file_can_be_told_where_from_and_be_taken_back() {
    for_each_store("put_origin", |bench| async move {
        let tenant = bench.tenant("northwind").await;
        let people = [(number(1), text("A-1"), text("Ada")), (number(2), text("A-2"), text("Grace"))];
        let results = put(&tenant, None, rows(&tenant, &people)).await.expect("ended");
        let PutResult::Added(grace) = results[1] else { panic!("{results:?}") };
        put(&tenant, None, rows(&tenant, &people)).await.expect("ended");
        let imports = tenant.imports(None, 10).await.expect("reads").rows;
        let [origin] = &imports[..] else { panic!("whoever was known came from nowhere new: {imports:?}") };
        assert_eq!((origin.source, origin.state, origin.rows_total, origin.rows_loaded, origin.file_kept), (ImportSource::Api, ImportState::Loaded, Some(2), 2, false));
        assert_eq!(origin.created_by, "operator");
        let timeline = tenant.timeline(grace, rule_book(), None, 10).await.expect("a timeline");
        assert!(timeline.iter().any(|event| matches!(&event.what, TimelineKind::Imported { import, file_name, line: Some(2) } if *import == origin.id && file_name == "contacts/bulk")));
        let export = tenant.subject_export("A-2", rule_book(), NOON).await.expect("an export");
        assert!(export.sections.iter().any(|section| section.title == "Files you came from" && section.records.len() == 1));
        tenant.undo_import(origin.id, 2, NOON).await.expect("asked");
        let lease = bench.store.take_lease("import", NOON).await.expect("no fault").expect("free");
        assert_eq!(tenant.undo_step(origin.id, &lease, NOON).await.expect("removes"), 2);
        assert_eq!(tenant.undo_step(origin.id, &lease, NOON).await.expect("ends"), 0);
        let left: Vec<ContactId> = tenant.contacts(None, None, 10).await.expect("reads").rows.into_iter().map(|entry| entry.contact_id).collect();
        assert!(left.is_empty());
    })
    .await;
}
