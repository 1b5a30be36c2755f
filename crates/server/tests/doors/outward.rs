//! Instructions, connectors, exports and webhooks by command, against a client's system behind real HTTPS.

use std::time::Duration;

use clarion_testbed::{Carrier, CarrierConfig, people, sample_csv};
use serde_json::{Value, json};

use super::authority::Authority;
use super::receiver::{Receiver, trusting};
use super::support::{Installation, installations};
use super::{file, with};

const PATIENCE: Duration = Duration::from_secs(60);
const AGREED: [&str; 8] = ["--purpose", "reminders of appointments", "--legal-basis", "contract", "--agreed-by", "Grace Hopper, data protection lead", "--until", "2099-01-01T00:00:00Z"];

fn id_of(made: &Value) -> String {
    made["id"].as_str().unwrap_or_else(|| panic!("no id in {made}")).to_owned()
}

fn record(all: &Installation, kind: &str, reference: &str, fields: &[&str]) -> String {
    let fields: Vec<&str> = fields.iter().flat_map(|field| ["--field", field]).collect();
    id_of(&all.json(&with(&[&["instruction", "record", kind, reference], &fields[..], &AGREED].concat())))
}

fn instructions(all: &Installation) -> String {
    assert!(all.fails(&["instruction", "list"]).1.contains("say which tenant with --tenant: northwind"));
    let (code, said) = all.fails(&with(&[&["instruction", "record", "pull", "NW-1", "--field", "phone", "--field", "shoe"], &AGREED[..]].concat()));
    assert!(code == 5 && said.contains("the field \"shoe\" is not known: declare it with a purpose first"), "{said}");
    let first = record(all, "pull", "NW-1", &["phone", "first_name", "reference"]);
    let (code, said) = all.fails(&with(&[&["instruction", "record", "pull", "NW-1", "--field", "phone"], &AGREED[..]].concat()));
    assert!(code == 5 && said.contains("replace it by a new version"), "{said}");
    let said = all.ok(&with(&[&["instruction", "replace", &first, "--field", "phone", "--field", "reference"], &AGREED[..]].concat()));
    assert!(said.starts_with("version 2 of NW-1 holds now (ins_"), "{said}");
    let listed = all.json(&with(&["instruction", "list"]));
    assert_eq!((&listed[0]["standing"], &listed[1]["standing"], &listed[0]["fields"]), (&json!("in_force"), &json!("replaced"), &json!("phone reference")));
    let (code, said) = all.fails(&with(&["instruction", "revoke", &first, "--why", "a letter"]));
    assert!(code == 5 && said.contains("revoke the version that holds"), "{said}");
    id_of(&listed[0])
}

fn run_of(all: &Installation, connector: &str, run: &str) -> Value {
    serde_json::from_str(&all.ok(&with(&["connector", "run", connector, run]))).expect("JSON")
}

fn ran(all: &Installation, connector: &str, verb: &str) -> Value {
    let run = id_of(&all.json(&with(&["connector", verb, connector])));
    all.wait_for("the run's end", PATIENCE, |all| !["waiting", "running"].contains(&run_of(all, connector, &run)["state"].as_str().unwrap_or_default()));
    run_of(all, connector, &run)
}

fn connectors(all: &Installation, instruction: &str, system: &Receiver) {
    system.answers("people", &json!({"status": 200, "headers": {"content-type": "application/json"}, "body": json!([{"mobile": "07700 900123", "id": "N-7", "first": "Ada"}]).to_string()}));
    let settings = json!({"url": system.url("people"), "format": "json", "times": "by hand", "authentication": "bearer",
        "fields": [{"from": "mobile", "to": "phone"}, {"from": "id", "to": "reference"}, {"from": "first", "to": "first_name"}]});
    let (settings, secret) = (file(all, "settings.json", settings.to_string()), file(all, "secret", "hush-hush\n"));
    let what = ["--instruction", instruction, "--settings", &settings];
    let (code, said) = all.fails(&with(&[&["connector", "add", "Bookings"], &what[..]].concat()));
    assert!(code == 5 && said.contains("secret: enter the secret"), "{said}");
    let said = all.ok(&with(&[&["connector", "add", "Bookings", "--secret-file", &secret, "--list", "Pulled"], &what[..]].concat()));
    assert!(said.starts_with("made connector Bookings (cnn_") && said.contains("paused: look at a preview, then resume it"), "{said}");
    let id = id_of(&all.json(&with(&["connector", "list"]))[0]);
    assert!(all.fails(&with(&["connector", "pull", &id])).1.contains("switch it on first, or look at a preview"));
    let shown = ran(all, &id, "preview");
    assert_eq!((&shown["state"], &shown["preview"]["fields"][0]["becomes"], &shown["preview"]["fields"][2]["not_agreed"]), (&json!("shown"), &json!("phone"), &json!(true)), "{shown}");
    assert_eq!(all.ok(&with(&["connector", "resume", &id])), "switched on\n");
    let stored = ran(all, &id, "pull");
    assert_eq!((&stored["state"], &stored["rows"], &stored["dropped"]), (&json!("stored"), &json!(1), &json!(["first_name"])), "{stored}");
    assert_eq!(system.came("people")[1]["headers"]["authorization"], "Bearer hush-hush");
    assert_eq!(ran(all, &id, "pull")["state"], "unchanged");
    assert_eq!(all.ok(&with(&["connector", "start-over", &id])), "the next pull asks for everything\n");
    assert_eq!(ran(all, &id, "pull")["state"], "stored");
    assert_eq!(all.json(&with(&["connector", "runs", &id])).as_array().map(Vec::len), Some(4));
    assert!(!all.ok(&with(&["connector", "show", &id])).contains("hush"));
    all.ok(&with(&[&["connector", "change", &id, "Bookings 2"], &what[..]].concat()));
    assert_eq!(all.ok(&with(&["connector", "pause", &id])), "paused\n");

    // Whose certificate is of another authority gets no question.
    let stranger = Receiver::start(&all.path("stranger"), &Authority::new(&all.path("stranger-keys")));
    let elsewhere = file(all, "elsewhere.json", json!({"url": stranger.url("people"), "format": "json", "times": "by hand", "fields": [{"from": "mobile", "to": "phone"}]}).to_string());
    let other = id_of(&all.json(&with(&["connector", "add", "Elsewhere", "--instruction", instruction, "--settings", &elsewhere])));
    let failed = ran(all, &other, "preview");
    assert!(failed["fault"] == "no_connection" && failed["what_to_do"].as_str().is_some_and(|text| text.contains("its certificate is not good")) && stranger.came("people").is_empty(), "{failed}");
    for gone in [&id, &other] {
        all.ok(&with(&["connector", "remove", gone]));
    }
    assert!(all.fails(&with(&["connector", "remove", &id])).1.contains("connector not found"));
}

fn webhooks(all: &Installation, system: &Receiver) {
    let (code, said) = all.fails(&with(&["webhook", "add", &system.url("hooks"), "--event", "webhook.test"]));
    assert!(code == 5 && said.contains("webhook.test comes when it is asked for: leave it out"), "{said}");
    let said = all.ok(&with(&["webhook", "add", &system.url("hooks"), "--event", "suppression.added"]));
    assert!(said.contains("its secret, shown this once: whsec_"), "{said}");
    let id = id_of(&all.json(&with(&["webhook", "list"]))[0]);
    assert!(all.ok(&with(&["webhook", "test", &id])).ends_with(" goes out\n"));
    let delivered = |all: &Installation| all.json(&with(&["webhook", "log", &id, "--state", "delivered"])).as_array().map_or(0, Vec::len);
    all.wait_for("the test event", PATIENCE, |all| delivered(all) == 1);
    let came = &system.came("hooks")[0];
    assert!(came["method"] == "POST" && came["headers"]["webhook-signature"].as_str().is_some_and(|signature| signature.starts_with("v1,")) && came["body"].as_str().is_some_and(|body| body.contains("webhook.test")), "{came}");
    assert_eq!(all.ok(&with(&["webhook", "replay", &id, "--since", "2020-01-01T00:00:00Z"])), "events that are told again: 0\n");
    assert_eq!(all.ok(&with(&["webhook", "replay", &id, "--since", "2020-01-01T00:00:00Z", "--all"])), "events that are told again: 1\n");
    all.wait_for("the same again", PATIENCE, |_| system.came("hooks").len() == 2);
    assert_eq!(system.came("hooks")[1]["headers"]["webhook-id"], came["headers"]["webhook-id"]);
    assert!(all.ok(&with(&["webhook", "disable", &id])).starts_with("disabled"));
    assert!(all.fails(&with(&["webhook", "test", &id])).1.contains("switch it on first"));
    all.ok(&with(&["webhook", "enable", &id]));
    assert_eq!(all.json(&with(&["webhook", "secret", &id]))["id"], id.as_str());
    all.ok(&with(&["webhook", "remove", &id]));
    assert_eq!(all.json(&with(&["webhook", "list"])), json!([]));
}

fn exports(all: &Installation, system: &Receiver, campaign: &str) {
    let instruction = record(all, "export", "NW-9", &["outcome", "reference"]);
    let (code, said) = all.fails(&with(&["export", "add", "Results", "--instruction", &instruction]));
    assert!(code == 2 && said.contains("--account") && said.contains("--url"), "it says both ways: {said}");
    assert!(all.fails(&with(&["export", "add", "Results", "--instruction", &instruction, "--account", "nobody"])).1.contains("there is no SFTP account called nobody: make it first"));
    let said = all.ok(&with(&["export", "add", "Results", "--instruction", &instruction, "--url", &system.url("results"), "--after-end", "0"]));
    assert!(said.contains("its secret, shown this once: whsec_"), "{said}");
    let id = id_of(&all.json(&with(&["export", "list"]))[0]);
    system.answers("results", &json!({"status": 410}));
    let file = id_of(&all.json(&with(&["export", "now", &id, campaign])));
    let stands = |all: &Installation| all.json(&with(&["export", "files", &id]))[0]["state"].as_str().unwrap_or_default().to_owned();
    all.wait_for("a refusal for good", PATIENCE, |all| stands(all) == "failed");
    system.answers("results", &json!({"status": 201}));
    assert_eq!(all.ok(&with(&["export", "retry", &id, &file])), "it is sent again\n");
    all.wait_for("its delivery", PATIENCE, |all| stands(all) == "delivered");
    let came = system.came("results");
    assert!(came.len() == 2 && came[1]["method"] == "PUT" && came[1]["headers"]["webhook-id"] == file.as_str(), "{came:?}");
    assert!(came[1]["body"].as_str().is_some_and(|body| body.starts_with("outcome,reference\r\n") && body.contains("NW-")), "{came:?}");
    assert!(all.fails(&with(&["export", "retry", &id, &file])).1.contains("only a file that failed can be sent again"));
    all.ok(&with(&["export", "pause", &id]));
    assert!(all.fails(&with(&["export", "now", &id, campaign])).1.contains("switch it on first"));
    all.ok(&with(&["export", "resume", &id]));
    assert_eq!(all.json(&with(&["export", "secret", &id]))["id"], id.as_str());

    all.ok(&with(&["sftp-account", "create", "drop"]));
    let laid = all.ok(&with(&["export", "add", "Laid out", "--instruction", &instruction, "--account", "drop"]));
    assert!(laid.starts_with("made export Laid out (exp_") && laid.ends_with("its files lie in out/\n"), "{laid}");
    assert!(all.fails(&with(&["sftp-account", "delete", "drop"])).1.contains("the export \"Laid out\" lays its files there: delete the export first"));
    let said = all.ok(&with(&["instruction", "revoke", &instruction, "--why", "the contract ended"]));
    assert_eq!(said, "revoked: what worked under it has stopped\n");
    let listed = all.json(&with(&["export", "list"]));
    assert!(listed.as_array().is_some_and(|all| all.len() == 2 && all.iter().all(|export| export["state"] == "stopped" && export["stopped_why"] == "its instruction was revoked")), "{listed}");
    for export in listed.as_array().expect("a list") {
        assert_eq!(all.ok(&with(&["export", "remove", export["id"].as_str().expect("an id")])), "removed, with its files\n");
    }
    all.ok(&with(&["sftp-account", "delete", "drop"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_out_and_comes_in_by_https_is_managed_by_command() {
    for mut all in installations("doors_outward").await {
        let carrier = Carrier::start(CarrierConfig { replies: false, ..CarrierConfig::default() }).await.expect("listens");
        tokio::task::block_in_place(|| {
            let authority = trusting(&mut all);
            std::fs::create_dir_all(all.path("stranger-keys")).expect("a folder");
            let system = Receiver::start(&all.path("system"), &authority);
            all.found("northwind", &carrier, 200);
            let list = file(&all, "people.csv", sample_csv(&people("NW", 0, 3)));
            all.ok(&with(&["import", &list, "--list", "Customers", "--yes"]));
            let campaign = all.draft("northwind", "Customers", "Readings", 100);
            let instruction = instructions(&all);
            all.serve();
            all.ok(&with(&["campaign", "start", &campaign]));
            connectors(&all, &instruction, &system);
            webhooks(&all, &system);
            all.wait_for("the campaign's end", PATIENCE, |all| all.report("northwind", &campaign)["state"] == "finished");
            exports(&all, &system, &campaign);
            assert_eq!(all.stop(), Some(0), "{}", all.log());
            assert!(!all.log().contains("hush-hush") && !all.log().contains("900123"), "neither a secret nor a number in a log line");
        });
    }
}
