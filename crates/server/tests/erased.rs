//! An erased person is in no file of a running installation, comes back by no import, send or restored backup, and an old
//! backup opens no more after the root key was rotated. The real binary, and the raw bytes of every file.

mod support;

use std::time::Duration;

use clarion_domain::tenancy::tenant::Actor;
use clarion_store::Store;
use clarion_store::db::{Db, Statement};
use clarion_store::params;
use clarion_testbed::{Carrier, CarrierConfig};
use serde_json::{Value, json};
use support::{Installation, shown};

const TENANT: [&str; 2] = ["--tenant", "northwind"];
const NUMBER: &str = "07700 900123";
const REFERENCE: &str = "ACC-77120934";
/// The number as anybody may have written it, the reference and the names.
const PLAIN: [&str; 7] = ["7700900123", "7700 900123", "7700-900123", REFERENCE, "acc-77120934", "Wilhelmina", "Featherstonehaugh"];

fn with<'a>(args: &[&'a str]) -> Vec<&'a str> {
    args.iter().copied().chain(TENANT).collect()
}

fn plain() -> Vec<Vec<u8>> {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    PLAIN.iter().flat_map(|text| [text.as_bytes().to_vec(), wide(text)]).collect()
}

/// The person's wrapped key and the blind index of the reference, straight from the row.
async fn keyed(all: &Installation) -> Vec<Vec<u8>> {
    static SELECT: Statement = Statement { text: "SELECT wrapped_key, reference_index FROM contact WHERE id = $1", postgres: "" };
    let db = Db::open_sqlite(&all.path("clarion-data/clarion.db")).await.expect("opens");
    let store = Store::open(db, &all.path("clarion-keys/keyring"), 120).await.expect("a store");
    let tenant = store.tenant(store.tenants().await.expect("tenants")[0].id, Actor::Operator).await.expect("a handle");
    let contact = tenant.search_contacts(NUMBER).await.expect("no fault")[0];
    let mut row = store.db().query_first(&SELECT, &params![contact]).await.expect("no fault").expect("the row");
    let held = vec![row.take(0).expect("a key"), row.take(1).expect("an index")];
    assert!(!all.files_with(&held).is_empty(), "they are found where they are");
    held
}

fn load_and_send(all: &mut Installation) {
    let file = all.path("people.csv");
    std::fs::write(&file, format!("phone,reference,first_name,last_name\n{NUMBER},{REFERENCE},Wilhelmina,Featherstonehaugh\n07700 900124,ACC-2,Grace,Hopper\n")).expect("writes");
    all.ok(&with(&["import", &shown(&file), "--list", "Customers", "--yes"]));
    std::fs::remove_file(file).expect("the client's own copy");
    let campaign = all.draft("northwind", "Customers", "Readings", 100);
    all.serve();
    all.ok(&with(&["campaign", "start", &campaign]));
    all.wait_for("the campaign's end", Duration::from_secs(60), |all| all.report("northwind", &campaign)["state"] == "finished");
}

/// A file with the person that nobody has confirmed yet, and a draft for a test send.
fn wait_with_a_file(all: &Installation, key: &str) -> (String, String) {
    let (status, import) = all.ask(key, "POST", "/imports?file_name=waiting.csv", "text/csv", &format!("phone,first_name\n+44 (0) {},Wilhelmina\n", NUMBER.trim_start_matches('0')));
    assert_eq!(status, 201, "{import}");
    let import: Value = serde_json::from_str(&import).expect("JSON");
    let draft = json!({"name": "Again", "purpose": "reminder", "legal_basis": "contract", "sender": "+447700900990", "body": "Northwind Energy: hello. Reply STOP to end these messages."});
    let (status, campaign) = all.ask(key, "POST", "/campaigns", "application/json", &draft.to_string());
    assert_eq!(status, 201, "{campaign}");
    let campaign: Value = serde_json::from_str(&campaign).expect("JSON");
    let id = |made: &Value| made["id"].as_str().expect("an id").to_owned();
    (id(&import["import"]), id(&campaign))
}

fn nothing_comes_back(all: &Installation, key: &str, import: &str, campaign: &str) {
    let (_, import) = all.ask(key, "GET", &format!("/imports/{import}"), "application/json", "");
    assert!(import.contains("\"cancelled\"") && import.contains("erased while it waited"), "{import}");
    let (status, said) = all.ask(key, "POST", &format!("/campaigns/{campaign}/test-sends"), "application/json", &json!({"number": NUMBER}).to_string());
    let notice: Value = serde_json::from_str(&said).unwrap_or_default();
    if status == 202 {
        let path = format!("/notices/{}", notice["id"].as_str().expect("an id"));
        all.wait_for("the test send's refusal", Duration::from_secs(20), |all| all.ask(key, "GET", &path, "application/json", "").1.contains("\"refused\""));
    } else {
        assert!((400..500).contains(&status), "{status}: {said}");
    }
    let (_, why) = all.ask(key, "POST", &format!("/campaigns/{campaign}/why-not"), "application/json", &json!({"number": NUMBER}).to_string());
    assert!(why.contains("eras") || why.contains("suppress"), "{why}");
    let file = all.path("back.csv");
    std::fs::write(&file, format!("phone,first_name\n{NUMBER},Wilhelmina\n07700 900300,Rowan\n")).expect("writes");
    let result = all.json(&with(&["import", &shown(&file), "--list", "Customers", "--yes"]));
    assert_eq!((result["rows_loaded"].as_u64(), result["rows_rejected"].as_u64()), (Some(1), Some(1)), "{result:#}");
    std::fs::remove_file(file).expect("the client's own copy");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_in_no_file_and_does_not_come_back() {
    let mut all = Installation::new(None);
    let carrier = Carrier::start(CarrierConfig::default()).await.expect("listens");
    tokio::task::block_in_place(|| {
        all.found("northwind", &carrier, 200);
        load_and_send(&mut all);
    });
    assert_eq!(all.files_with(&plain()), Vec::<String>::new(), "sealed from the first byte, in logs and log files too");
    let held = keyed(&all).await;
    tokio::task::block_in_place(|| {
        let outside = tempfile::tempdir().expect("a folder");
        let backup = shown(&outside.path().join("backup.db"));
        all.ok(&["backup", &backup]);
        let key = all.json(&with(&["api-key", "create", "crm", "--role", "owner"]))["secret"].as_str().expect("a secret").to_owned();
        let (import, campaign) = wait_with_a_file(&all, &key);
        let sent = carrier.tally().by_destination().get("447700900123").copied();
        assert!(sent.is_some(), "the person was contacted");

        all.ok(&with(&["subject", "erase", NUMBER]));
        all.wait_for("the person to be in no file", Duration::from_secs(20), |all| all.files_with(&[plain(), held.clone()].concat()).is_empty());
        nothing_comes_back(&all, &key, &import, &campaign);
        assert_eq!(carrier.tally().by_destination().get("447700900123").copied(), sent, "nothing more was sent");
        assert_eq!(all.stop(), Some(0));
        assert_eq!(all.files_with(&[plain(), held.clone()].concat()), Vec::<String>::new(), "nor after the end");

        let said = all.ok(&["restore", &backup, "--replace"]);
        assert!(said.contains("erased again: 1"), "{said}");
        assert_eq!(all.files_with(&[plain(), held.clone()].concat()), Vec::<String>::new(), "the backup's person is gone again");
        let left = all.ok(&with(&["subject", "export", NUMBER]));
        assert!(left.contains("Stops on contacting you") && !left.contains("Who you are"), "only the tombstone is left: {left}");

        all.ok(&["rotate-keys"]);
        all.ok(&with(&["audit", "list"]));
        let (_, said) = { all.run(&["restore", &backup, "--replace"]); all.fails(&with(&["audit", "list"])) };
        assert!(said.contains("root key 1 is not in the keyring"), "the old backup opens no more: {said}");
    });
}
