//! Files received, read back, decided about and loaded.

mod support;

use std::io::{Read, Seek, SeekFrom};

use clarion_domain::contacts::filter::{Condition, Filter};
use clarion_domain::id::{ImportId, ListId};
use clarion_domain::intake::cell::Cell;
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_domain::intake::mapping::{ColumnUse, Mapping, StandardField};
use clarion_domain::intake::reject::RejectReason;
use clarion_domain::intake::row::RowReader;
use clarion_domain::tenancy::tenant::NumberMode;
use clarion_store::intake::{ChunkResult, HeadOutcome, ImportFormat, ImportProposal, LoadChunk, NewDeclaredField, NewImport};
use clarion_store::{Lease, Store, StoreError, Tenant};
use support::{NOON, for_each_store};

fn mapping() -> Mapping {
    let standard = |field| ColumnUse::Standard(field);
    Mapping { columns: vec![standard(StandardField::Phone), standard(StandardField::Reference), standard(StandardField::FirstName), ColumnUse::Dropped] }
}

fn proposal() -> ImportProposal {
    let headers = ["phone", "ref", "name", "shoe size"].map(str::to_owned).to_vec();
    ImportProposal { format: ImportFormat { kind: "csv".into(), sentence: "CSV".into() }, headers, mapping: mapping() }
}

async fn upload(tenant: &Tenant, new: &NewImport<'_>, bytes: &[u8]) -> (ImportId, ImportState) {
    let mut upload = tenant.begin_import(new, NOON).await.expect("begins");
    for part in bytes.chunks(300_000) {
        upload.write(part).await.expect("written");
    }
    upload.finish(NOON).await.expect("finished")
}

/// An import that is about to load into `list`.
async fn loading(store: &Store, tenant: &Tenant, list: Option<ListId>, bytes: &[u8]) -> (ImportId, Lease) {
    let mapping = mapping();
    let new = NewImport { list, mapping: Some(&mapping), accept_repeat: true, ..NewImport::new(ImportSource::Api, "people.csv") };
    let (id, _) = upload(tenant, &new, bytes).await;
    let lease = store.take_lease(&format!("import {id}"), NOON).await.expect("no fault").expect("free");
    assert_eq!(tenant.keep_head(id, &lease, &proposal(), &[], NOON).await.expect("kept"), HeadOutcome::Ready);
    tenant.begin_load(id, &lease, 10, NOON).await.expect("begins");
    (id, lease)
}

fn chunk(tenant: &Tenant, first_line: u64, lines: &[[&str; 3]], rows_read: i64) -> LoadChunk {
    let reader = RowReader::new(mapping(), proposal().headers, "GB".parse().expect("a region"), NumberMode::Demo);
    let mut chunk = LoadChunk { rows_read, ..LoadChunk::default() };
    for (place, [phone, reference, name]) in lines.iter().enumerate() {
        let cells = [phone, reference, name, &"9"].map(|text| Cell::from(*text));
        match reader.read(first_line + place as u64, &cells) {
            Ok(row) => chunk.rows.push(tenant.seal_row(row).expect("sealed")),
            Err(rejects) => chunk.rejects.extend(rejects),
        }
    }
    chunk
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_kept_sealed_and_read_back_from_anywhere() {
    for_each_store("intake_file", |bench| async move {
        let tenant = bench.tenant("north").await;
        let bytes: Vec<u8> = (0..2_500_000u32).map(|n| (n * 7 % 251) as u8).collect();
        let (id, state) = upload(&tenant, &NewImport::new(ImportSource::Portal, "../people.csv"), &bytes).await;
        assert_eq!(state, ImportState::Received);
        let record = tenant.import(id).await.expect("the import");
        assert_eq!((record.file_name.as_str(), record.file_bytes, record.file_kept), ("people.csv", 2_500_000, true));
        let mut file = tenant.open_import_file(id).await.expect("opens");
        let read = tokio::task::spawn_blocking(move || {
            let mut whole = Vec::new();
            file.read_to_end(&mut whole).expect("reads");
            let mut part = [0; 10];
            file.seek(SeekFrom::Start((1 << 20) - 5)).expect("seeks");
            file.read_exact(&mut part).expect("reads across two chunks");
            assert_eq!(file.seek(SeekFrom::End(0)).expect("seeks"), 2_500_000);
            assert!(file.seek(SeekFrom::Current(-3_000_000)).is_err());
            (whole, part)
        })
        .await
        .expect("no panic");
        assert_eq!(read.1, bytes[(1 << 20) - 5..][..10]);
        assert!(read.0 == bytes);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_empty_and_given_up_uploads_leave_nothing() {
    for_each_store("intake_limits", |bench| async move {
        let tenant = bench.tenant("north").await;
        let new = NewImport { bytes_max: 2 << 20, ..NewImport::new(ImportSource::Api, "big.csv") };
        let mut big = tenant.begin_import(&new, NOON).await.expect("begins");
        let error = big.write(&vec![b'x'; (2 << 20) + 1]).await.expect_err("too large");
        assert_eq!(error.to_string(), "the file is larger than 2 MiB, the most that is taken: split it into several files");
        big.abort().await.expect("given up");
        let empty = tenant.begin_import(&new, NOON).await.expect("begins");
        assert!(empty.finish(NOON).await.expect_err("empty").to_string().starts_with("the file is empty"));
        let mut stale = tenant.begin_import(&new, NOON).await.expect("begins");
        stale.write(&vec![b'x'; 1 << 20]).await.expect("written");
        assert_eq!(bench.store.remove_stale_uploads(NOON.plus_ms(1)).await.expect("removed"), 1);
        assert!(matches!(stale.finish(NOON).await, Err(StoreError::Conflict(_) | StoreError::Db(_))));
        assert!(tenant.imports(None, 10).await.expect("a page").rows.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_wait_for_a_yes_and_a_mapping_for_its_confirmation() {
    for_each_store("intake_confirm", |bench| async move {
        let (tenant, other) = (bench.tenant("north").await, bench.tenant("south").await);
        let (first, lease) = loading(&bench.store, &tenant, None, b"phone\n07700900001\n").await;
        tenant.finish_load(first, &lease, &[], NOON).await.expect("finished");

        // Bytes that are only on their way are known too, until their import is over.
        let new = NewImport::new(ImportSource::Portal, "twice.csv");
        let (one, state) = upload(&tenant, &new, b"phone\n07700900002\n").await;
        assert_eq!((state, upload(&tenant, &new, b"phone\n07700900002\n").await.1), (ImportState::Received, ImportState::AwaitingRepeat), "two clicks");
        tenant.cancel_import(one, NOON).await.expect("cancelled");
        assert_eq!(upload(&tenant, &new, b"phone\n07700900002\n").await.1, ImportState::Received, "what was cancelled is forgotten");

        let new = NewImport::new(ImportSource::Portal, "again.csv");
        assert_eq!(upload(&other, &new, b"phone\n07700900001\n").await.1, ImportState::Received, "another tenant's file says nothing");
        let (again, state) = upload(&tenant, &new, b"phone\n07700900001\n").await;
        assert_eq!(state, ImportState::AwaitingRepeat);
        let repeat = tenant.import(again).await.expect("the import").repeat_of.expect("an earlier one");
        assert_eq!((repeat.import, repeat.file_name.as_str(), repeat.loaded_at), (first, "people.csv", Some(NOON)));
        tenant.confirm_repeat(again, NOON).await.expect("yes");
        assert!(tenant.confirm_repeat(again, NOON).await.is_err(), "once");

        assert!(tenant.confirm_mapping(again, &mapping(), None, NOON).await.expect_err("not read yet").to_string().contains("has not been read yet"));
        let lease = bench.store.take_lease("import", NOON).await.expect("no fault").expect("free");
        let sample = vec![vec!["07700 900001".to_owned(), "A1".into(), "Ada".into(), "5".into()]];
        assert_eq!(tenant.keep_head(again, &lease, &proposal(), &sample, NOON).await.expect("kept"), HeadOutcome::AwaitsMapping);
        assert_eq!(tenant.import_sample(again).await.expect("a sample"), sample);
        let mut bad = mapping();
        bad.columns[3] = ColumnUse::Declared("shoe_size".into());
        assert!(tenant.confirm_mapping(again, &bad, None, NOON).await.expect_err("undeclared").to_string().contains("not declared"));
        tenant.declare_field(&NewDeclaredField { name: "shoe_size", purpose: "to send shoes that fit", retention_days: 30 }, NOON).await.expect("declared");
        tenant.confirm_mapping(again, &bad, None, NOON).await.expect("confirmed");
        assert!(tenant.confirm_mapping(again, &bad, None, NOON).await.expect_err("once").to_string().contains("ready"));
        tenant.cancel_import(again, NOON).await.expect("cancelled");
        let record = tenant.import(again).await.expect("the import");
        assert_eq!((record.state, record.file_kept), (ImportState::Cancelled, false));
        assert!(tenant.open_import_file(again).await.is_err(), "the file went at once");
        assert!(matches!(other.import(again).await, Err(StoreError::NotFound(_))), "another tenant's import");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_become_contacts_once_and_every_refused_line_has_its_reason() {
    for_each_store("intake_load", |bench| async move {
        let tenant = bench.tenant("north").await;
        let list = tenant.create_list("Arrears", NOON).await.expect("a list");
        let (id, lease) = loading(&bench.store, &tenant, Some(list), b"first").await;
        let lines = [["07700 900001", "A1", "Ada"], ["07700 900002", "A2", "Grace"], ["07700 900003", "a1", "Eve"], ["020 7946", "A4", "Bob"]];
        let result = tenant.load_chunk(id, &lease, 0, chunk(&tenant, 2, &lines, 4), NOON).await.expect("loaded");
        assert_eq!(result, ChunkResult { loaded: 2, updated: 0, rejected: 2 });
        let again = tenant.load_chunk(id, &lease, 0, chunk(&tenant, 2, &lines, 4), NOON).await;
        assert!(matches!(again, Err(StoreError::Conflict(_))), "a chunk that was committed is not loaded twice");
        tenant.finish_load(id, &lease, &[tenant.number_hash("+447700900001")], NOON).await.expect("finished");

        let record = tenant.import(id).await.expect("the import");
        assert_eq!((record.state, record.rows_loaded, record.rows_rejected, record.rows_read), (ImportState::Loaded, 2, 2, 4));
        assert_eq!(record.dropped_columns(), ["shoe size"]);
        let counts = tenant.import_counts(id).await.expect("counts");
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(RejectReason::PhoneImpossible, 1), (RejectReason::ReferenceConflict, 1)]);
        let (csv, next) = tenant.reject_csv(id, None).await.expect("a file");
        assert!(next.is_none() && csv.starts_with("line,column,reason,what to do\r\n4,ref,reference_conflict,") && csv.contains("\r\n5,phone,phone_impossible,"), "{csv}");

        // A second file: known on the list, known and updated, new.
        let second = tenant.create_list("Second", NOON).await.expect("a list");
        let (id, lease) = loading(&bench.store, &tenant, Some(second), b"second").await;
        let ada = tenant.contact_by_number("+447700900001").await.expect("no fault").expect("Ada");
        tenant.add_to_list(second, ada, NOON).await.expect("added");
        let lines = [["07700 900001", "A1", "Augusta"], ["+44 7700 900002", "", "Grace H"], ["07700 900005", "A2", "Mallory"], ["07700 900006", "", ""]];
        let result = tenant.load_chunk(id, &lease, 0, chunk(&tenant, 2, &lines, 4), NOON).await.expect("loaded");
        assert_eq!(result, ChunkResult { loaded: 1, updated: 1, rejected: 2 });
        let page = tenant.import_rejects(id, "already_on_list", None, 10).await.expect("a page");
        assert_eq!((page.rows.len(), page.rows[0].line, page.rows[0].column.as_str()), (1, 2, "phone"));
        let grace = tenant.search_contacts("07700900002").await.expect("found")[0];
        let contact = tenant.contact(grace).await.expect("Grace");
        assert_eq!((contact.profile.first_name.as_str(), contact.profile.reference.as_str()), ("Grace H", "A2"));
        assert_eq!(contact.lists.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["Arrears", "Second"]);
        assert_eq!(contact.addresses[0].number.reveal(), "+447700900002");
        assert_eq!(contact.addresses[0].zones, ["Europe/London"]);
        assert_eq!(tenant.search_contacts(" a2 ").await.expect("found"), [grace], "by reference, whatever its case");
        assert!(tenant.search_contacts("0002").await.expect("no fault").is_empty());
        assert_eq!(tenant.contact(ada).await.expect("Ada").profile.first_name, "Ada", "a refused line changes nothing");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audience_is_who_meets_the_list_and_every_condition() {
    for_each_store("intake_audience", |bench| async move {
        let (tenant, other) = (bench.tenant("north").await, bench.tenant("south").await);
        let list = tenant.create_list("All", NOON).await.expect("a list");
        let (id, lease) = loading(&bench.store, &tenant, Some(list), b"many").await;
        let numbers: Vec<String> = (0..50).map(|n| format!("077009001{n:02}")).collect();
        let mut lines: Vec<[&str; 3]> = numbers.iter().enumerate().map(|(n, number)| [number.as_str(), if n % 5 == 0 { number.as_str() } else { "" }, "Ada"]).collect();
        lines.push(["020 7946 0001", "", "Landline"]);
        tenant.load_chunk(id, &lease, 0, chunk(&tenant, 2, &lines, 51), NOON).await.expect("loaded");

        let with_reference = Filter { all_of: vec![Condition::HasReference { yes: true }] };
        assert_eq!(tenant.audience_size(Some(list), &with_reference).await.expect("a size"), 10);
        let landlines: Filter = serde_json::from_str(r#"{"all_of":[{"is":"line_type","any_of":["fixed_line"]},{"is":"region","any_of":["GB"]}]}"#).expect("a filter");
        assert_eq!(tenant.audience_size(None, &landlines).await.expect("a size"), 1);
        let few = tenant.create_list("Few", NOON).await.expect("a list");
        let first = tenant.contacts(Some(list), None, 7).await.expect("a page");
        assert_eq!(first.rows.len(), 7);
        for entry in &first.rows {
            tenant.add_to_list(few, entry.contact_id, NOON).await.expect("added");
        }
        let not_few = Filter { all_of: vec![Condition::NotOnList { list: few }] };
        assert_eq!(tenant.audience_size(Some(list), &not_few).await.expect("a size"), 44);
        let both = Filter { all_of: vec![Condition::OnList { list }, Condition::OnList { list: few }] };
        assert_eq!(tenant.audience_size(None, &both).await.expect("a size"), 7);
        let later = Filter { all_of: vec![Condition::AddedSince { at_ms: NOON.ms() + 1 }] };
        assert_eq!(tenant.audience_size(None, &later).await.expect("a size"), 0);

        let (mut after, mut members) = (None, Vec::new());
        loop {
            let page = tenant.audience(Some(list), &Filter::default(), after, 20).await.expect("a page");
            members.extend(page.rows.iter().map(|member| member.contact_id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert!(members.len() == 51 && members.is_sorted());
        assert_eq!(other.audience_size(Some(list), &Filter::default()).await.expect("a size"), 0, "another tenant's list");
        assert_eq!(tenant.lists().await.expect("lists").iter().map(|list| list.members).collect::<Vec<_>>(), [51, 7]);
        tenant.save_filter("Referenced", &with_reference, NOON).await.expect("saved");
        assert!(matches!(tenant.save_filter("Referenced", &with_reference, NOON).await, Err(StoreError::Conflict(_))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_the_lease_commits_nothing() {
    for_each_store("intake_lease", |bench| async move {
        let tenant = bench.tenant("north").await;
        let (id, old) = loading(&bench.store, &tenant, None, b"first").await;
        let new = bench.store.take_lease(&format!("import {id}"), NOON).await.expect("no fault").expect("this node's own after a restart");
        let error = tenant.load_chunk(id, &old, 0, chunk(&tenant, 2, &[["07700900001", "", ""]], 1), NOON).await.expect_err("fenced");
        assert!(error.to_string().contains("taken this work over"), "{error}");
        tenant.load_chunk(id, &new, 0, chunk(&tenant, 2, &[["07700900001", "", ""]], 1), NOON).await.expect("loads");
        bench.store.give_back_lease(&new).await.expect("given back");
    })
    .await;
}
