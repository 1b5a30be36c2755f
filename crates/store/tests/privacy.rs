//! What is held is told, goes when it should, and is gone when it went.

mod support;
#[path = "support/people.rs"]
mod people;

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::compliance::rule_book::RuleBook;
use clarion_domain::id::{ContactId, ImportId, ListId};
use clarion_domain::intake::cell::Cell;
use clarion_domain::intake::import::ImportSource;
use clarion_domain::intake::mapping::{ColumnUse, Mapping, StandardField};
use clarion_domain::intake::reject::RejectReason;
use clarion_domain::intake::row::RowReader;
use clarion_domain::privacy::inventory::validate;
use clarion_domain::privacy::retention::RecordClass;
use clarion_domain::tenancy::tenant::NumberMode;
use clarion_domain::time::{DAY_MS, Instant, SECOND_MS};
use clarion_store::db::Statement;
use clarion_store::intake::{ImportFormat, ImportProposal, LoadChunk, NewDeclaredField, NewImport};
use clarion_store::privacy::{INVENTORY, OtherNodes, data_inventory_page, subject_html};
use clarion_store::{StoreError, Tenant, params};
use support::{Bench, NOON, for_each_store};

const FIELDS: [StandardField; 4] = [StandardField::Phone, StandardField::Reference, StandardField::FirstName, StandardField::LastName];

/// Loads people (number, reference, first name, last name) and leaves their file stored.
async fn load(bench: &Bench, tenant: &Tenant, list: Option<ListId>, people: &[[&str; 4]], now: Instant) -> ImportId {
    let mut columns: Vec<ColumnUse> = FIELDS.iter().map(|field| ColumnUse::Standard(*field)).collect();
    columns.push(ColumnUse::Declared("branch".into()));
    let mapping = Mapping { columns };
    let file: String = people.iter().map(|person| person.join(",") + "\n").collect();
    let headers = ["phone", "ref", "first", "last", "branch"].map(str::to_owned).to_vec();
    let new = NewImport { list, mapping: Some(&mapping), accept_repeat: true, ..NewImport::new(ImportSource::Command, "people.csv") };
    let mut upload = tenant.begin_import(&new, now).await.expect("begins");
    upload.write(file.as_bytes()).await.expect("written");
    let (id, _) = upload.finish(now).await.expect("finished");
    let lease = bench.store.take_lease(&format!("import {id}"), now).await.expect("no fault").expect("free");
    let format = ImportFormat { kind: "csv".into(), sentence: "CSV".into() };
    let sample = vec![people[0].map(str::to_owned).to_vec()];
    tenant.keep_head(id, &lease, &ImportProposal { format, headers: headers.clone(), mapping: mapping.clone() }, &sample, now).await.expect("kept");
    tenant.begin_load(id, &lease, people.len() as i64, now).await.expect("begins");
    let reader = RowReader::new(mapping, headers, "GB".parse().expect("a region"), NumberMode::Demo);
    let mut chunk = LoadChunk { rows_read: people.len() as i64, ..LoadChunk::default() };
    let mut indexes = Vec::new();
    for (place, person) in people.iter().enumerate() {
        let mut cells: Vec<Cell> = person.iter().map(|text| Cell::from(*text)).collect();
        cells.push(Cell::from("Leeds"));
        let row = reader.read(place as u64 + 2, &cells).expect("a good row");
        let sealed = tenant.seal_row(row).expect("sealed");
        indexes.push(sealed.number_hash());
        chunk.rows.push(sealed);
    }
    tenant.load_chunk(id, &lease, 0, chunk, now).await.expect("loaded");
    tenant.finish_load(id, &lease, &indexes, now).await.expect("finished");
    id
}

async fn declare(tenant: &Tenant) {
    tenant.declare_field(&NewDeclaredField { name: "branch", purpose: "to name the nearest branch", retention_days: 60 }, NOON).await.expect("declared");
}

async fn find(tenant: &Tenant, typed: &str) -> ContactId {
    tenant.search_contacts(typed).await.expect("no fault")[0]
}

/// Whether one of these texts stands in any file of the folder.
fn stands_in(folder: &std::path::Path, texts: &[&str]) -> Option<String> {
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a file");
        for text in texts {
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                return Some(format!("{} of {} characters", path.display(), text.len()));
            }
        }
    }
    None
}

fn holds_bytes(folder: &std::path::Path, wanted: &[u8]) -> bool {
    std::fs::read_dir(folder).expect("the folder").any(|entry| {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        bytes.windows(wanted.len()).any(|window| window == wanted)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_gone_from_every_table_and_file_and_stays_out() {
    for_each_store("privacy_erase", |bench| async move {
        let tenant = bench.tenant("north").await;
        declare(&tenant).await;
        let list = tenant.create_list("Arrears", NOON).await.expect("a list");
        let people = [["07700 900123", "ACC-77120934", "Wilhelmina", "Featherstonehaugh"], ["07700 900124", "ACC-2", "Grace", "Hopper"]];
        let import = load(&bench, &tenant, Some(list), &people, NOON).await;
        let other_file = load(&bench, &tenant, None, &[["07700 900125", "ACC-3", "Ada", "Lovelace"]], NOON).await;
        let person = find(&tenant, "07700 900123").await;
        tenant.suppress("07700 900123", clarion_domain::compliance::suppression::SuppressionScope::Sms, clarion_domain::compliance::suppression::SuppressionReason::OptOut, "portal", NOON).await.expect("suppressed");

        let secrets = ["7700900123", "7700 900123", "ACC-77120934", "Wilhelmina", "Featherstonehaugh"];
        assert_eq!(stands_in(bench.folder.path(), &secrets), None, "sealed from the first byte");

        let dry = tenant.subject_erase("07700900123", true, NOON).await.expect("a dry run");
        assert!(dry.dry_run && tenant.contact(person).await.expect("still there").erased_at.is_none());
        tenant.set_legal_hold(person, "Smith v North", NOON).await.expect("held");
        let held = tenant.subject_erase("acc-77120934", false, NOON).await.expect_err("held");
        assert!(held.to_string().contains("Smith v North"), "{held}");
        tenant.lift_legal_hold(person, NOON).await.expect("lifted");

        let done = tenant.subject_erase("acc-77120934", false, NOON).await.expect("erased");
        assert_eq!(done.counts, dry.counts, "the dry run told the truth");
        assert_eq!((done.count("contacts emptied"), done.count("numbers removed"), done.count("list entries removed"), done.count("stored files removed whole")), (1, 1, 1, 1));
        assert_eq!(done.count("suppressions replaced by the tombstone"), 1);
        let index = tenant.number_index("+447700900123");
        assert!(tenant.search_contacts("07700900123").await.expect("no fault").is_empty());
        assert!(tenant.search_contacts("ACC-77120934").await.expect("no fault").is_empty());
        let husk = tenant.contact(person).await.expect("the emptied row");
        assert!(husk.erased_at == Some(NOON) && husk.addresses.is_empty() && husk.lists.is_empty() && husk.profile.first_name.is_empty());
        assert!(!tenant.import(import).await.expect("the import").file_kept && tenant.import(other_file).await.expect("the other").file_kept);
        assert_eq!(stands_in(bench.folder.path(), &secrets), None);
        let stops = tenant.suppressions_of("+447700900123").await.expect("entries");
        assert_eq!(stops.iter().map(|stop| stop.reason.as_str()).collect::<Vec<_>>(), ["erased"]);
        if bench.store.db().is_sqlite() {
            assert!(holds_bytes(bench.folder.path(), &index), "the tombstone is found by the keyed hash");
            let sealed_reference = tenant.reference_index("ACC-77120934");
            assert!(!holds_bytes(bench.folder.path(), &sealed_reference), "the index of the reference is gone from file and log");
        }

        let events = tenant.audit_events("", "", None, 1_000).await.expect("events").rows;
        assert!(events.iter().any(|event| event.object_kind == "legal_hold") && events.iter().all(|event| !event.detail.contains("Smith")), "no event names the matter");

        // A later file cannot bring them back, and is not kept after loading.
        let again = load(&bench, &tenant, Some(list), &[["07700 900123", "NEW-1", "Wilhelmina", "F"], ["07700 900126", "", "Bob", ""]], NOON).await;
        let counts = tenant.import_counts(again).await.expect("counts");
        assert_eq!(counts.get(&RejectReason::ErasedPerson), Some(&1));
        assert!(!tenant.import(again).await.expect("the import").file_kept);

        let export = tenant.subject_export("07700900123", &RuleBook::embedded().expect("rules"), NOON).await.expect("an answer");
        let titles: Vec<&str> = export.sections.iter().map(|section| section.title.as_str()).collect();
        assert_eq!(titles, ["Stops on contacting you", "How long each kind of record is kept"], "only the tombstone is left");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_destroys_the_root_key_and_everything_else_still_opens() {
    for_each_store("privacy_rotate", |bench| async move {
        let tenant = bench.tenant("north").await;
        declare(&tenant).await;
        let import = load(&bench, &tenant, None, &[["07700 900123", "A1", "Ada", "L"], ["07700 900124", "A2", "Grace", "H"]], NOON).await;
        let old_ring = std::fs::read_to_string(bench.keyring()).expect("the keyring");
        let old_key = old_ring.split_whitespace().nth(1).expect("a key").to_owned();
        let rotation = bench.store.rotate_root_keys(OtherNodes::MayRun, NOON).await.expect("rotated");
        assert_eq!((rotation.root_key, rotation.keys_wrapped_anew), (2, 5), "two of the tenant, two people, one file");
        assert_eq!(stands_in(bench.folder.path(), &[&old_key]), None, "the old root key is nowhere");
        let reopened = clarion_store::Store::new(bench.store.db().clone(), &bench.keyring(), 1).expect("opens again");
        let tenant = reopened.tenant(tenant.id(), tenant.actor()).await.expect("its handle");
        let contact = tenant.contact(find(&tenant, "A1").await).await.expect("a contact");
        assert_eq!((contact.profile.first_name.as_str(), contact.addresses[0].number.reveal()), ("Ada", "+447700900123"));
        assert!(tenant.open_import_file(import).await.is_ok());
        let again = reopened.rotate_root_keys(OtherNodes::MayRun, NOON).await.expect("rotated again");
        assert_eq!((again.root_key, again.keys_wrapped_anew), (3, 5));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_tells_everything_in_plain_words() {
    for_each_store("privacy_export", |bench| async move {
        let (tenant, other) = (bench.tenant("north").await, bench.tenant("south").await);
        declare(&tenant).await;
        let list = tenant.create_list("Arrears", NOON).await.expect("a list");
        load(&bench, &tenant, Some(list), &[["07700 900123", "A1", "Ada", "L<b>"]], NOON).await;
        let rules = RuleBook::embedded().expect("rules");
        let export = tenant.subject_export("a1", &rules, NOON).await.expect("an answer");
        let json = serde_json::to_string(&export).expect("plain data");
        for held in ["+447700900123", "07700 900123", "\"Ada\"", "Leeds", "to name the nearest branch", "Arrears", "people.csv", "Mobile", "Europe/London", "90 days"] {
            assert!(json.contains(held), "{} letters are missing", held.len());
        }
        let page = subject_html(&export);
        assert!(page.contains("What north holds on you") && page.contains("L&lt;b&gt;") && !page.contains("L<b>"));
        for word in ["contact_row", "attempt_metadata", "fixed_line", "campaign_end", "message_body"] {
            assert!(!page.contains(word), "{word} is no word for a person");
        }
        let empty = other.subject_export("07700900123", &rules, NOON).await.expect("an answer");
        assert!(empty.is_empty(), "another tenant holds nothing");
        assert!(matches!(other.subject_export("A1", &rules, NOON).await, Err(StoreError::Invalid(_))));
        let again = tenant.subject_export("a1", &rules, NOON).await.expect("an answer");
        assert!(again.sections.iter().any(|section| section.title == "Your requests"), "the first request is told too");
        assert!(again.sections.iter().any(|section| section.title == "What was done with your record"));
    })
    .await;
}

/// Just within and just past the clock of a class.
fn around(class: RecordClass, from: Instant) -> (Instant, Instant) {
    let end = from.plus_ms(i64::from(class.retention().period_days) * DAY_MS);
    (end.plus_ms(-SECOND_MS), end.plus_ms(SECOND_MS))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_takes_each_class_when_its_clock_has_run_out_and_not_a_second_before() {
    for_each_store("privacy_sweep", |bench| async move {
        let tenant = bench.tenant("north").await;
        declare(&tenant).await;
        let import = load(&bench, &tenant, None, &[["07700 900123", "A1", "Ada", "L"], ["07700 900124", "A2", "Grace", "H"]], NOON).await;
        let (ada, grace) = (find(&tenant, "A1").await, find(&tenant, "A2").await);
        tenant.set_legal_hold(grace, "Smith v North", NOON).await.expect("held");

        let (within, past) = around(RecordClass::SourceFile, NOON);
        tenant.sweep(within).await.expect("swept");
        assert!(tenant.import(import).await.expect("the import").file_kept);
        tenant.sweep(past).await.expect("swept");
        assert!(!tenant.import(import).await.expect("the import").file_kept);

        let field_ends = NOON.plus_ms(60 * DAY_MS);
        tenant.sweep(field_ends.plus_ms(-SECOND_MS)).await.expect("swept");
        assert_eq!(tenant.contact(ada).await.expect("Ada").profile.field("branch"), Some("Leeds"));
        tenant.sweep(field_ends.plus_ms(SECOND_MS)).await.expect("swept");
        assert_eq!(tenant.contact(ada).await.expect("Ada").profile.field("branch"), None, "a declared field has a clock of its own");
        assert_eq!(tenant.contact(grace).await.expect("Grace").profile.field("branch"), Some("Leeds"), "a legal hold keeps it");

        let (within, past) = around(RecordClass::ContactRow, NOON);
        tenant.sweep(within).await.expect("swept");
        assert!(tenant.contact(ada).await.is_ok());
        tenant.sweep(past).await.expect("swept");
        assert!(matches!(tenant.contact(ada).await, Err(StoreError::NotFound(_))));
        assert_eq!(tenant.contact(grace).await.expect("held").profile.first_name, "Grace");
        tenant.lift_legal_hold(grace, past).await.expect("lifted");
        tenant.sweep(past).await.expect("swept");
        assert!(tenant.contact(grace).await.is_err(), "the hold was all that kept her");

        let evidence = tenant.sweeps(None, 100).await.expect("evidence").rows;
        assert!(evidence.iter().any(|record| record.class == RecordClass::ContactRow && record.deleted == 1 && record.evidence.len() == 32));
        assert!(matches!(tenant.set_retention(RecordClass::ConsentProof, Some(30), NOON).await, Err(StoreError::Invalid(_))), "a floor of the law");
        assert!(matches!(tenant.set_retention(RecordClass::Suppression, Some(30), NOON).await, Err(StoreError::Invalid(_))));
        tenant.set_retention(RecordClass::SourceFile, Some(7), NOON).await.expect("shorter");
        let import = load(&bench, &tenant, None, &[["07700 900125", "A3", "Eve", "M"]], NOON).await;
        tenant.sweep(NOON.plus_ms(7 * DAY_MS - SECOND_MS)).await.expect("swept");
        assert!(tenant.import(import).await.expect("the import").file_kept);
        tenant.sweep(NOON.plus_ms(7 * DAY_MS + SECOND_MS)).await.expect("swept");
        assert!(!tenant.import(import).await.expect("the import").file_kept);
    })
    .await;
}

#[test]
fn every_column_has_its_line_in_the_inventory() {
    let columns = schema_columns();
    let faults = validate(INVENTORY, columns.iter().map(|(table, column)| (table.as_str(), column.as_str())));
    assert!(faults.is_empty(), "{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    assert!(columns.len() > 200);
    assert_eq!(Channel::ALL.len(), 2);
}

/// The columns of the migrations' tables, in both engines' texts.
fn schema_columns() -> std::collections::BTreeSet<(String, String)> {
    let mut columns = std::collections::BTreeSet::from([("schema_migration".to_owned(), "name".to_owned())]);
    for migration in clarion_store::db::MIGRATIONS_SQLITE.iter().chain(clarion_store::db::MIGRATIONS_POSTGRES) {
        for added in migration.text.split("ALTER TABLE ").skip(1) {
            let (name, rest) = added.split_once(" ADD COLUMN ").expect("a table that grows");
            columns.insert((name.to_owned(), rest.split_whitespace().next().expect("a column").to_owned()));
        }
        for table in migration.text.split("CREATE TABLE ").skip(1) {
            let (name, rest) = table.split_once(" (").expect("a table's name");
            let body = rest.split_once("\n)").expect("a table's end").0;
            for line in body.lines().map(str::trim).filter(|line| !line.is_empty()) {
                let first = line.split_whitespace().next().expect("a word");
                if !["PRIMARY", "UNIQUE", "FOREIGN", "CHECK"].contains(&first) {
                    columns.insert((name.to_owned(), first.to_owned()));
                }
            }
        }
    }
    columns
}

#[test]
fn the_inventory_page_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/data-inventory.md");
    let page = data_inventory_page();
    if std::env::var("CLARION_UPDATE").is_ok() {
        std::fs::write(&path, &page).expect("written");
    }
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(held == page, "docs/data-inventory.md is not current: run the tests with CLARION_UPDATE=1 and commit it");
}

/// What a database held before an erasure, put back as a restored backup does: the person's rows, and no word of the erasure.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_erased_is_erased_again_after_an_old_backup_was_restored() {
    let folder = tempfile::tempdir().expect("a folder");
    let (database, keyring, backup) = (folder.path().join("clarion.db"), folder.path().join("keyring"), folder.path().join("backup.db"));
    let open = async |path: &std::path::Path| {
        let db = clarion_store::db::Db::open_sqlite(path).await.expect("opens");
        db.migrate().await.expect("migrates");
        Bench { store: clarion_store::Store::new(db, &keyring, 1).expect("a store"), folder: tempfile::tempdir().expect("a folder") }
    };
    let before = open(&database).await;
    let tenant = before.tenant("north").await;
    declare(&tenant).await;
    load(&before, &tenant, None, &[["07700 900123", "A1", "Ada", "L"], ["07700 900124", "A2", "Grace", "H"]], NOON).await;
    let ada = find(&tenant, "A1").await;
    tenant.set_legal_hold(ada, "Smith v North", NOON).await.expect("held");
    clarion_store::db::copy_sqlite(&database, &backup).expect("copied");
    tenant.lift_legal_hold(ada, NOON).await.expect("lifted");
    tenant.subject_erase("A1", false, NOON.plus_ms(SECOND_MS)).await.expect("erased");
    assert_eq!(before.store.reconcile_erasures(NOON).await.expect("no fault"), 0, "what is in step stays as it is");

    let after = open(&backup).await;
    let restored = after.store.tenant(tenant.id(), tenant.actor()).await.expect("its handle");
    assert_eq!(restored.contact(ada).await.expect("Ada").profile.first_name, "Ada", "the backup brought her back, hold and all");
    assert_eq!(after.store.reconcile_erasures(NOON).await.expect("erased"), 1);
    assert!(restored.contact(ada).await.expect("the emptied row").erased_at.is_some());
    assert!(restored.search_contacts("07700900123").await.expect("no fault").is_empty() && restored.legal_holds().await.expect("holds").is_empty());
    assert_eq!(restored.suppressions_of("+447700900123").await.expect("stops")[0].reason.as_str(), "erased");
    assert_eq!(restored.contact(find(&restored, "A2").await).await.expect("Grace").profile.first_name, "Grace");
    assert_eq!(after.store.reconcile_erasures(NOON).await.expect("no fault"), 0, "once is enough");
    let ledger = std::fs::read_to_string(clarion_store::privacy::ledger_path(&keyring)).expect("the ledger");
    assert!(!ledger.contains("900123") && ledger.lines().filter(|line| !line.is_empty()).count() == 1, "keyed hashes, a line an erasure");
}

/// Whoever brings the person back holds the lock, and has not committed yet.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_loaded_while_they_are_erased_again_is_erased_too() {
    static LOCK: Statement = Statement { text: "UPDATE tenant SET name = name WHERE id = $1", postgres: "" };
    for_each_store("privacy_again", |bench| async move {
        let tenant = bench.tenant("north").await;
        let index: String = tenant.number_index("+447700900123").iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(clarion_store::privacy::ledger_path(&bench.keyring()), format!("{} {index} {}\n", tenant.id().0, NOON.ms())).expect("the ledger");
        let mut tx = bench.store.db().begin().await.expect("begins");
        tx.execute(&LOCK, &params![tenant.id()]).await.expect("locked");
        let (ada, _) = people::person_in_tx(&mut tx, &tenant, "+447700900123", &people::profile("Ada", "A1"), "GB", "Europe/London").await;
        let store = bench.store.clone();
        let again = tokio::spawn(async move { store.reconcile_erasures(NOON).await });
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        tx.commit().await.expect("loaded");
        assert_eq!(again.await.expect("no panic").expect("erased"), 1);
        assert!(tenant.contact(ada).await.expect("the emptied row").erased_at.is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_knows_more_than_the_ledger_writes_it_anew() {
    for_each_store("privacy_ledger", |bench| async move {
        let tenant = bench.tenant("north").await;
        declare(&tenant).await;
        load(&bench, &tenant, None, &[["07700 900123", "A1", "Ada", "L"]], NOON).await;
        tenant.subject_erase("A1", false, NOON).await.expect("erased");
        let path = clarion_store::privacy::ledger_path(&bench.keyring());
        let whole = std::fs::read_to_string(&path).expect("the ledger");
        std::fs::remove_file(&path).expect("lost");
        assert_eq!(bench.store.reconcile_erasures(NOON).await.expect("no fault"), 0);
        assert_eq!(std::fs::read_to_string(&path).expect("the ledger"), whole);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_waits_with_an_erased_person_in_it_goes_and_others_wait_on() {
    for_each_store("privacy_waiting", |bench| async move {
        let tenant = bench.tenant("north").await;
        declare(&tenant).await;
        load(&bench, &tenant, None, &[["07700 900123", "A1", "Ada", "L"]], NOON).await;
        let send = async |bytes: &[u8]| {
            let mut upload = tenant.begin_import(&NewImport::new(ImportSource::Api, "people"), NOON).await.expect("begins");
            upload.write(bytes).await.expect("written");
            upload.finish(NOON).await.expect("finished").0
        };
        let with = send(b"phone,name\n+44 (0) 7700-900123,Ada\n").await;
        let without = send(b"phone,name\n07700 900124,Grace\n").await;
        let archive = send(b"PK\x03\x04 a spreadsheet").await;
        let done = tenant.subject_erase("A1", false, NOON).await.expect("erased");
        assert_eq!(done.count("files that waited to be loaded, removed: send them again"), 2);
        for (import, kept) in [(with, false), (without, true), (archive, false)] {
            let record = tenant.import(import).await.expect("the import");
            assert_eq!((record.file_kept, record.state.as_str()), (kept, if kept { "received" } else { "cancelled" }));
            assert_eq!(record.error.contains("was erased while it waited"), !kept);
        }
    })
    .await;
}
