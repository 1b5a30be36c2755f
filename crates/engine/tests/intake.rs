//! Files go through the worker: read, checked whole, loaded in chunks, taken up again after a crash.

use std::future::Future;
use std::path::Path;

use clarion_domain::id::{ImportId, ListId};
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_domain::intake::mapping::Mapping;
use clarion_domain::intake::reject::RejectReason;
use clarion_domain::tenancy::tenant::{Actor, NumberMode};
use clarion_domain::time::Instant;
use clarion_engine::intake::{FileLimits, work};
use clarion_store::db::{Db, Statement, scratch_postgres};
use clarion_store::intake::{NewDeclaredField, NewImport};
use clarion_store::tenancy::NewTenant;
use clarion_store::{Store, Tenant};

/// 2026-11-23T12:00:00Z.
fn noon() -> Instant {
    Instant(1_795_435_200_000)
}

async fn tenant_in(db: Db, folder: &Path) -> (Store, Tenant) {
    db.migrate().await.expect("migrates");
    let store = Store::new(db, &folder.join("keyring"), 1).expect("a store");
    let new = NewTenant { slug: "north", name: "North", number_mode: NumberMode::Demo, default_region: "GB", zone: "Europe/London", help_text: "Call 020 7946 0000." };
    let id = store.create_tenant(&new, noon()).await.expect("a tenant");
    let tenant = store.tenant(id, Actor::Operator).await.expect("its handle");
    (store, tenant)
}

/// Each test on both engines.
async fn for_each_store<F: Future<Output = ()>>(purpose: &str, test: impl Fn(Store, Tenant) -> F) {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = Db::open_sqlite(&folder.path().join("clarion.db")).await.expect("opens");
    let (store, tenant) = tenant_in(sqlite, folder.path()).await;
    test(store, tenant).await;
    if let Ok(url) = std::env::var("CLARION_TEST_POSTGRES") {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, tenant) = tenant_in(scratch_postgres(&url, purpose).await.expect("a scratch database"), folder.path()).await;
        test(store, tenant).await;
    }
}

async fn send(tenant: &Tenant, list: Option<ListId>, mapping: Option<&Mapping>, bytes: &[u8]) -> ImportId {
    let new = NewImport { list, mapping, auto_start: true, accept_repeat: true, ..NewImport::new(ImportSource::Command, "people.csv") };
    let mut upload = tenant.begin_import(&new, noon()).await.expect("begins");
    for part in bytes.chunks(100_000) {
        upload.write(part).await.expect("written");
    }
    upload.finish(noon()).await.expect("finished").0
}

/// Works until nothing moves.
async fn settle(store: &Store) {
    while work(store, FileLimits::default(), noon).await.expect("works") > 0 {}
}

/// Numbers of the drama range, ten thousand of them: 07700 900000 to 900999 and the cities' 496 ranges.
fn number(n: usize) -> String {
    let cities = ["113", "114", "115", "116", "117", "118", "121", "131", "141", "151", "161"];
    match n {
        0..1_000 => format!("07700 900{n:03}"),
        n => format!("0{} 496 0{:03}", cities[n / 1_000 - 1], n % 1_000),
    }
}

fn people(count: usize) -> String {
    let mut csv = String::from("Mobile;Customer Ref;First name;Shoe size\r\n");
    for n in 0..count {
        csv.push_str(&format!("{};R{n};Ada {n};{}\r\n", number(n), n % 13));
    }
    csv
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_bad_rows_is_loaded_and_every_bad_row_explained() {
    for_each_store("engine_intake_rows", |store, tenant| async move {
        let list = tenant.create_list("All", noon()).await.expect("a list");
        let mut csv = people(5_000);
        csv.push_str("07700 900001;R9001;Twice;1\r\n");
        csv.push_str("+44 20 8366 1177;;Real;1\r\n");
        csv.push_str(";;No number;1\r\n");
        csv.push_str("0161 496 0999;R4;Conflict;1\r\n");
        csv.push_str("0161 496 0998;=cmd();Formula;1\r\n");
        csv.push_str("0161 496 0997;;Short\r\n");
        let id = send(&tenant, Some(list), None, csv.as_bytes()).await;
        settle(&store).await;
        let record = tenant.import(id).await.expect("the import");
        assert_eq!((record.state, record.error.as_str()), (ImportState::Loaded, ""));
        assert_eq!((record.rows_total, record.rows_read, record.rows_loaded, record.rows_rejected), (Some(5_006), 5_006, 5_000, 6));
        assert_eq!(record.dropped_columns(), ["Shoe size"]);
        let counts: Vec<_> = tenant.import_counts(id).await.expect("counts").into_iter().collect();
        use RejectReason as R;
        assert_eq!(counts, [(R::PhoneMissing, 1), (R::RealNumberInDemo, 1), (R::RepeatedInFile, 1), (R::FormulaCell, 1), (R::ColumnCountDiffers, 1), (R::ReferenceConflict, 1)]);
        assert_eq!(tenant.list(list).await.expect("the list").members, 5_000);
        let found = tenant.search_contacts("R4999").await.expect("found");
        let contact = tenant.contact(found[0]).await.expect("a contact");
        assert_eq!((contact.profile.first_name.as_str(), contact.import_line), ("Ada 4999", Some(5_001)));

        // The same people again: all on the list.
        let again = send(&tenant, Some(list), None, people(300).as_bytes()).await;
        settle(&store).await;
        let record = tenant.import(again).await.expect("the import");
        assert_eq!((record.rows_loaded, record.rows_updated, record.rows_rejected), (0, 0, 300));
    })
    .await;
}

/// Whether these bytes stand in any file of the folder.
fn stands_in(folder: &Path, wanted: &[u8]) -> bool {
    let files = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file());
    files.into_iter().any(|path| std::fs::read(path).expect("a file").windows(wanted.len()).any(|window| window == wanted))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_column_is_on_no_disk_once_its_file_is_loaded_and_a_declared_one_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = Db::open_sqlite(&folder.path().join("clarion.db")).await.expect("opens");
    let (store, tenant) = tenant_in(db, folder.path()).await;
    let csv = "Mobile,Diagnosis,Branch\n07700 900001,measles,Leeds\n07700 900002,mumps,York\n";
    tenant.declare_field(&NewDeclaredField { name: "branch", purpose: "to name the nearest branch", retention_days: 60 }, noon()).await.expect("declared");
    let id = send(&tenant, None, None, csv.as_bytes()).await;
    static CHUNK: Statement = Statement { text: "SELECT sealed FROM import_chunk", postgres: "" };
    static KEY: Statement = Statement { text: "SELECT wrapped_key FROM import WHERE wrapped_key IS NOT NULL", postgres: "" };
    static ROWS: Statement = Statement { text: "SELECT COUNT(*) FROM import_chunk", postgres: "" };
    let sealed: Vec<u8> = store.db().query_first(&CHUNK, &[]).await.expect("no fault").expect("the file").take(0).expect("bytes");
    let key: Vec<u8> = store.db().query_first(&KEY, &[]).await.expect("no fault").expect("its key").take(0).expect("bytes");
    store.db().truncate_log().await.expect("written out");
    assert!(stands_in(folder.path(), &sealed) && stands_in(folder.path(), &key), "sealed, it lies there while it waits");
    settle(&store).await;
    let record = tenant.import(id).await.expect("the import");
    assert_eq!((record.state, record.rows_loaded, record.file_kept, record.dropped_columns()), (ImportState::Loaded, 2, false, vec!["Diagnosis"]));
    let chunks: i64 = store.db().query_first(&ROWS, &[]).await.expect("no fault").expect("a count").take(0).expect("a number");
    assert_eq!(chunks, 0);
    store.db().truncate_log().await.expect("written out");
    for left in [&sealed[..], &key, b"measles", b"Leeds"] {
        assert!(!stands_in(folder.path(), left), "{} bytes are left", left.len());
    }
    let contact = tenant.contact(tenant.search_contacts("07700 900001").await.expect("found")[0]).await.expect("a contact");
    assert_eq!(contact.profile.fields.into_iter().collect::<Vec<_>>(), [("branch".to_owned(), "Leeds".to_owned())]);
    // A file of nothing but known columns is kept, sealed, until its retention ends; its bytes are known either way.
    let whole = send(&tenant, None, None, b"phone\n07700 900003\n").await;
    settle(&store).await;
    assert!(tenant.import(whole).await.expect("the import").file_kept);
    let mut again = tenant.begin_import(&NewImport::new(ImportSource::Command, "people.csv"), noon()).await.expect("begins");
    again.write(csv.as_bytes()).await.expect("written");
    assert_eq!(again.finish(noon()).await.expect("finished").1, ImportState::AwaitingRepeat);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_gets_a_sentence_and_nothing_is_loaded() {
    for_each_store("engine_intake_bad", |store, tenant| async move {
        let mut endless = people(4_000).into_bytes();
        endless.extend_from_slice(b"07700 900999;R;\"never closed;");
        endless.resize(endless.len() + 20 * 1024 * 1024, b'x');
        let mapping_of_two: Mapping = serde_json::from_str(r#"{"columns":[{"standard":"phone"},"dropped"]}"#).expect("a mapping");
        let cases: [(&[u8], Option<&Mapping>, &str); 5] = [
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0", None, "picture"),
            (b"07700 900001,Ada\n07700 900002,Grace\n", None, "names of the columns"),
            (b"phone,name\n", None, "no lines after it"),
            (&endless, None, "does not end"),
            (b"phone,name,more\n07700900001,Ada,x\n", Some(&mapping_of_two), "2 columns and the file has 3"),
        ];
        for (bytes, mapping, sentence) in cases {
            let id = send(&tenant, None, mapping, bytes).await;
            settle(&store).await;
            let record = tenant.import(id).await.expect("the import");
            assert_eq!(record.state, ImportState::Failed, "{sentence}");
            assert!(record.error.contains(sentence), "{}", record.error);
            assert!(!record.file_kept && record.rows_loaded == 0);
        }
        // One line more than a file may have.
        let id = send(&tenant, None, None, people(11).as_bytes()).await;
        let limits = FileLimits { lines_max: 10, ..FileLimits::default() };
        while work(&store, limits, noon).await.expect("works") > 0 {}
        assert_eq!(tenant.import(id).await.expect("the import").error, "the file has more than 10 lines: split it into several files");
        assert!(tenant.contacts(None, None, 1).await.expect("a page").rows.is_empty(), "nothing is half-loaded");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_was_cut_off_goes_on_after_its_last_chunk() {
    for_each_store("engine_intake_resume", |store, tenant| async move {
        let list = tenant.create_list("All", noon()).await.expect("a list");
        let mut csv = people(9_000);
        csv.push_str("07700 900001;;Twice, first seen before the crash;1\r\n");
        let id = send(&tenant, Some(list), None, csv.as_bytes()).await;
        work(&store, FileLimits::default(), noon).await.expect("the head");
        let mut cut = 0;
        for pause_ms in [1, 20, 60, 120, 200] {
            let worker = tokio::spawn({
                let store = store.clone();
                async move { work(&store, FileLimits::default(), noon).await }
            });
            tokio::time::sleep(std::time::Duration::from_millis(pause_ms)).await;
            worker.abort();
            cut += usize::from(worker.await.is_err_and(|error| error.is_cancelled()));
        }
        assert!(cut > 0, "the worker was cut off at least once");
        settle(&store).await;
        let record = tenant.import(id).await.expect("the import");
        assert_eq!((record.state, record.rows_read, record.rows_loaded, record.rows_rejected), (ImportState::Loaded, 9_001, 9_000, 1));
        assert_eq!(tenant.list(list).await.expect("the list").members, 9_000);
        let repeated = &tenant.import_rejects(id, "repeated_in_file", None, 10).await.expect("a page").rows[0];
        assert_eq!((repeated.line, repeated.column.as_str()), (9_002, "Mobile"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_word_from_anybody_a_file_waits_for_its_mapping() {
    for_each_store("engine_intake_waits", |store, tenant| async move {
        let mut upload = tenant.begin_import(&NewImport::new(ImportSource::Portal, "people.csv"), noon()).await.expect("begins");
        upload.write(people(10).as_bytes()).await.expect("written");
        let (id, _) = upload.finish(noon()).await.expect("finished");
        settle(&store).await;
        let record = tenant.import(id).await.expect("the import");
        assert_eq!(record.state, ImportState::AwaitingMapping);
        let proposal = record.proposal.expect("a proposal");
        assert_eq!(proposal.headers, ["Mobile", "Customer Ref", "First name", "Shoe size"]);
        let sample = tenant.import_sample(id).await.expect("a sample");
        assert_eq!((sample.len(), sample[0][0].as_str()), (3, "07700 900000"));
        tenant.confirm_mapping(id, &proposal.mapping, None, noon()).await.expect("confirmed");
        settle(&store).await;
        assert_eq!(tenant.import(id).await.expect("the import").rows_loaded, 10);
    })
    .await;
}
