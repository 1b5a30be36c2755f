//! The nine stops on both databases, through the real binary: from a client's file to an erased person.

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use clarion_testbed::{BAD_ROWS, Carrier, CarrierConfig, Fate, Limits, people, sample_csv};
use serde_json::{Value, json};
use support::{Installation, count, installations, shown};

const PEOPLE: usize = 100;
const TENANT: [&str; 2] = ["--tenant", "northwind"];
/// Person 107 of the range: gets the message, and answers STOP.
const STOPPER: &str = "07700 900107";
const STOPPER_REFERENCE: &str = "NW-0107";

#[tokio::test(flavor = "multi_thread")]
async fn the_nine_stops() {
    for mut all in installations("walk").await {
        let limits = Limits { receipt_delay: (Duration::from_millis(50), Duration::from_millis(300)), ..CarrierConfig::default().limits };
        let carrier = Carrier::start(CarrierConfig { limits, ..CarrierConfig::default() }).await.expect("listens");
        tokio::task::block_in_place(|| walk(&mut all, &carrier));
    }
}

fn walk(all: &mut Installation, carrier: &Carrier) {
    tenancy(all, carrier);
    intake_and_contacts(all);
    let campaign = campaigns_and_compliance(all);
    attempts_and_carriers(all, carrier, &campaign);
    outcomes_and_reports(all, carrier, &campaign);
    whoever_said_stop_is_refused(all, carrier);
    privacy(all);
    audit(all, &campaign);
    assert_eq!(all.stop(), Some(0), "SIGTERM ends in order: {}", all.log());
    for personal in ["7700900", "7700 900", "Testperson", "Sampleton", "meter"] {
        assert!(!all.log().contains(personal), "a log line holds {personal}");
    }
}

fn with<'a>(args: &[&'a str]) -> Vec<&'a str> {
    args.iter().copied().chain(TENANT).collect()
}

fn tenancy(all: &Installation, carrier: &Carrier) {
    let (code, said) = all.fails(&["tenants"]);
    assert!((code, said.contains("clarion migrate")) == (4, true), "{code}: {said}");
    all.found("northwind", carrier, 200);
    let user = all.json(&with(&["create-user", "ada"]));
    assert_eq!(user["password"].as_str().map(str::len), Some(23), "a password is made and shown once");
    assert_eq!(all.fails(&with(&["create-user", "ada"])).0, 5, "a username is taken once");
    assert_eq!(all.fails(&["create-user", "bob", "--tenant", "nobody"]).0, 5);
    let checks = all.json(&["check"]);
    assert!(checks.as_array().expect("findings").iter().all(|finding| finding["ok"] == true), "{checks:#}");
}

fn intake_and_contacts(all: &Installation) {
    let file = shown(&all.path("people.csv"));
    let text = sample_csv(&people("NW", 100, PEOPLE));
    std::fs::write(&file, &text).expect("writes");
    let (_, said) = all.fails(&with(&["import", &file, "--list", "Customers"]));
    assert!(said.contains("add --yes"), "nobody is there to answer: {said}");
    let rejects = shown(&all.path("rejects.csv"));
    let result = all.json(&with(&["import", &file, "--list", "Customers", "--yes", "--rejects", &rejects]));
    assert_eq!((result["rows_loaded"].as_u64(), result["rows_rejected"].as_u64()), (Some(PEOPLE as u64), Some(BAD_ROWS as u64)), "{result:#}");
    let listed = std::fs::read_to_string(&rejects).expect("the reject file");
    assert_eq!(listed.lines().count(), 1 + BAD_ROWS, "a header and a line for each: {listed}");
    assert!(!listed.contains("07700"), "a reject file holds reasons, not numbers");

    let (_, said) = all.fails(&with(&["import", &file, "--list", "Customers"]));
    assert!(said.contains("loaded before") || said.contains("add --yes"), "the same bytes are recognised: {said}");
    for (name, bytes, reason) in [("empty.csv", &b""[..], "empty"), ("noise.csv", &[0u8, 159, 146, 150, 0, 1, 2, 3][..], "")] {
        std::fs::write(all.path(name), bytes).expect("writes");
        let (_, said) = all.fails(&with(&["import", &shown(&all.path(name)), "--list", "Customers", "--yes"]));
        assert!(said.contains(reason), "{name}: {said}");
    }
}

fn campaigns_and_compliance(all: &mut Installation) -> String {
    let campaign = all.draft("northwind", "Customers", "Readings", 100);
    let dry = all.json(&with(&["campaign", "dry-run", &campaign]));
    assert_eq!((dry["audience"].as_u64(), dry["eligible"].as_u64(), dry["refused"].as_u64(), dry["unrouted"].as_u64()), (Some(100), Some(100), Some(0), Some(0)), "{dry:#}");
    assert_eq!(all.fails(&with(&["campaign", "pause", &campaign])).0, 5, "a draft cannot pause");
    campaign
}

fn attempts_and_carriers(all: &mut Installation, carrier: &Carrier, campaign: &str) {
    all.serve();
    assert!(all.get(all.web, "/sign-in").starts_with("HTTP/1.1 200"), "the portal answers");
    assert!(all.get(all.web, "/api/v1/openapi.json").starts_with("HTTP/1.1 200"), "the API answers");
    assert!(all.get(all.web, "/metrics").starts_with("HTTP/1.1 404") || !all.get(all.web, "/metrics").contains("clarion_"), "measurements are not for the web");
    if all.database_url.is_none() {
        let (_, said) = all.fails(&["serve"]);
        assert!(said.contains("a server is running"), "{said}");
    }
    all.ok(&with(&["campaign", "start", campaign]));
    all.wait_for("the campaign's end", Duration::from_secs(60), |all| all.report("northwind", campaign)["state"] == "finished" && carrier.outstanding() == 0);
    let trunks = all.json(&["trunk", "list"]);
    assert_eq!(trunks[0]["state"], "up", "{trunks:#}");
    all.wait_for("a healthy doctor", Duration::from_secs(20), |all| all.run(&["doctor"]).status.success());
}

fn outcomes_and_reports(all: &Installation, carrier: &Carrier, campaign: &str) {
    let told = |fates: &[Fate]| fates.iter().map(|fate| carrier.tally().first_fates().get(fate).copied().unwrap_or(0)).sum::<u64>() as i64;
    all.wait_for("the receipts", Duration::from_secs(20), |all| count(&all.report("northwind", campaign), &["accepted"]) == told(&[Fate::Silent]));
    let report = all.report("northwind", campaign);
    assert_eq!(count(&report, &[]), PEOPLE as i64, "{report:#}");
    assert_eq!(count(&report, &["delivered"]), told(&[Fate::Delivered, Fate::DeliveredTwiceTold, Fate::DeliveredToldEarly]), "{report:#}");
    assert_eq!(count(&report, &["expired"]), told(&[Fate::Expired]), "{report:#}");
    assert_eq!(count(&report, &["undeliverable", "blocked", "rejected", "invalid_number"]), told(&[Fate::Undeliverable, Fate::Blocked, Fate::Refused]), "{report:#}");
    assert_eq!((count(&report, &["unknown"]), carrier.tally().doubled()), (0, 0));
    assert_eq!(report["exact"], true, "the counts equal a recount");
    the_api_says_the_same(all, campaign, &report);
    let text = "Northwind Energy: hello Hazel, your reading NW-0107 is due. Reply STOP to end these messages.";
    assert_eq!(carrier.tally().received("+447700900107", text), 1, "the fields were filled");
    let metrics = all.get(all.metrics, "/metrics");
    assert!(metrics.contains("clarion_outcomes_attempts{tenant=\"northwind\",disposition=\"delivered\"}"), "{metrics}");
}

/// The API's counts and the CSV file are the report's: which is a recount of the attempts.
fn the_api_says_the_same(all: &Installation, campaign: &str, report: &Value) {
    let key = all.json(&with(&["api-key", "create", "reports", "--role", "viewer"]));
    let key = key["secret"].as_str().expect("a secret");
    let day = |days: i64| jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
    let span = format!("from={}&to={}&campaign={campaign}", day(-2), day(40));
    let ask = |path: String| {
        let (status, text) = all.ask(key, "GET", &path, "application/json", "");
        assert_eq!(status, 200, "{text}");
        text
    };
    let mut said: [BTreeMap<(String, String), i64>; 3] = Default::default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for row in report["counts"].as_array().expect("counts") {
        *said[0].entry((word(&row["disposition"]), word(&row["cause"]))).or_default() += row["n"].as_i64().expect("a number");
    }
    let measures: Value = serde_json::from_str(&ask(format!("/reports/measures?{span}"))).expect("JSON");
    for row in measures["items"].as_array().expect("items") {
        assert!(row["hour"].as_str().is_some_and(|hour| hour.ends_with(":00:00.000Z")), "counted by the hour: {row}");
        *said[1].entry((word(&row["disposition"]), word(&row["cause"]))).or_default() += row["n"].as_i64().expect("a number");
    }
    for line in ask(format!("/reports/measures.csv?{span}")).lines().filter(|line| line.starts_with(campaign)) {
        let cells: Vec<&str> = line.split(',').collect();
        *said[2].entry((cells[3].to_owned(), cells[4].to_owned())).or_default() += cells[5].parse::<i64>().expect("a number");
    }
    assert!(!said[0].is_empty() && said[0] == said[1] && said[0] == said[2], "{said:#?}");
    let counts: Value = serde_json::from_str(&ask(format!("/campaigns/{campaign}/counts"))).expect("JSON");
    let live: i64 = counts["attempts"].as_array().expect("attempts").iter().map(|row| row["n"].as_i64().expect("a number")).sum();
    assert_eq!(live, count(report, &[]), "{counts:#}");
    all.ok(&with(&["api-key", "list"]));
}

/// The next campaign on the same list refuses them, and says by which rule.
fn whoever_said_stop_is_refused(all: &mut Installation, carrier: &Carrier) {
    let before = carrier.tally().by_destination().get("447700900107").copied();
    assert_eq!(before, Some(2), "the message, and one confirmation of the STOP");
    let again = all.draft("northwind", "Customers", "Readings again", 100);
    let dry = all.json(&with(&["campaign", "dry-run", &again]));
    assert!(dry["refused"].as_u64() >= Some(2), "two numbers said STOP: {dry:#}");
    all.ok(&with(&["campaign", "start", &again]));
    all.wait_for("the second campaign's decisions", Duration::from_secs(60), |all| {
        let report = all.report("northwind", &again);
        report["state"] == "finished" || report["waiting"].as_array().is_some_and(|rows| !rows.is_empty())
    });
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(carrier.tally().by_destination().get("447700900107").copied(), before, "whoever said STOP gets nothing more");
    all.run(&with(&["campaign", "cancel", &again]));
}

fn privacy(all: &Installation) {
    let export = all.ok(&with(&["subject", "export", STOPPER]));
    assert!(export.contains("+447700900107") && export.contains(STOPPER_REFERENCE) && export.contains("STOP"), "everything held is in it");
    let page = all.ok(&with(&["subject", "export", STOPPER_REFERENCE, "--format", "html"]));
    assert!(page.starts_with("<!doctype html>") && !page.contains("<script"), "the page opens anywhere");
    let would = all.json(&with(&["subject", "erase", STOPPER, "--dry-run"]));
    assert_eq!(would["dry_run"], true);
    all.json(&with(&["subject", "erase", STOPPER]));
    let gone = all.run(&with(&["subject", "export", STOPPER]));
    let left = String::from_utf8_lossy(&gone.stdout).into_owned();
    assert!(!left.contains(STOPPER_REFERENCE) && !left.contains("Hazel"), "nothing of them is left: {left}");
    assert_eq!(all.fails(&with(&["subject", "erase", "neither a number nor known"])).0, 5);

    let file = shown(&all.path("back.csv"));
    std::fs::write(&file, format!("phone,first_name\n{STOPPER},Hazel\n07700 900300,Rowan\n")).expect("writes");
    let result = all.json(&with(&["import", &file, "--list", "Customers", "--yes"]));
    assert_eq!((result["rows_loaded"].as_u64(), result["rows_rejected"].as_u64()), (Some(1), Some(1)), "an erased person does not come back: {result:#}");
    all.ok(&with(&["sweep"]));
    all.ok(&with(&["retention", "list"]));
    assert!(all.ok(&["inventory"]).contains("sealed_number"));
}

fn audit(all: &Installation, campaign: &str) {
    let events = all.json(&with(&["audit", "list", "--limit", "1000"]));
    let acts: Vec<_> = events.as_array().expect("events").iter().map(|event| event["act"].as_str().unwrap_or_default()).collect();
    for act in ["created", "loaded", "started", "suppressed", "exported", "erased"] {
        assert!(acts.contains(&act), "{act} is not among {acts:?}");
    }
    // The tenant's own sender is nobody's number.
    assert!(!events.to_string().replace("+447700900990", "").contains("7700900"), "an event holds no number");
    let listed = all.json(&with(&["campaign", "list"]));
    assert!(listed.as_array().expect("campaigns").iter().any(|row| row["id"] == json!(campaign)));
    let checks = all.json(&["audit", "verify"]);
    assert!(checks.as_array().expect("chains").iter().all(|check| check["first_bad_entry"].is_null()), "{checks:#}");
    let entries: i64 = checks.as_array().expect("chains").iter().filter(|check| check["tenant"] == "northwind").filter_map(|check| check["entries"].as_i64()).sum();
    assert!(entries >= acts.len() as i64, "every event stands in a chain: {entries}");
}

#[test]
fn a_flipped_byte_in_the_audit_is_named_by_the_command() {
    let all = Installation::new(None);
    all.ok(&["migrate"]);
    all.ok(&["create-tenant", "harbour", "--name", "Harbour Lending", "--numbers", "demo"]);
    for user in ["ada", "bob", "cleo"] {
        all.json(&["create-user", user, "--tenant", "harbour"]);
    }
    assert!(all.ok(&["audit", "verify"]).contains("nothing"));
    // As an attacker would: a byte in the file, not a statement. Any name that stands in the file nowhere else will do.
    let path = all.path("clarion-data/clarion.db");
    let written = std::fs::read(&path).expect("the database");
    let events = all.json(&["audit", "list", "--tenant", "harbour"]);
    let (number, hash) = (events[1]["number"].as_i64().expect("a number"), events[1]["hash"].as_str().expect("a hash"));
    let hash: Vec<u8> = (0..32).map(|place| u8::from_str_radix(&hash[2 * place..2 * place + 2], 16).expect("hexadecimal")).collect();
    let places: Vec<usize> = (0..written.len() - 32).filter(|place| written[*place..*place + 32] == hash[..]).collect();
    assert_eq!(places.len(), 1, "the hash of an entry that is not the last stands in the file once");
    let mut changed = written.clone();
    changed[places[0] + 7] ^= 1;
    std::fs::write(&path, changed).expect("written");
    let (code, said) = all.fails(&["audit", "verify", "--tenant", "harbour"]);
    assert_eq!(code, 1, "{said}");
    let output = all.run(&["audit", "verify", "--tenant", "harbour", "--json"]);
    let checks: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(checks[0]["first_bad_entry"].as_i64(), Some(number), "{checks:#}");
    std::fs::write(&path, written).expect("written");
    all.ok(&["audit", "verify"]);
}

#[test]
fn a_backup_restores_without_its_keys_and_reads_only_with_them() {
    let all = Installation::new(None);
    all.ok(&["migrate"]);
    all.ok(&["create-tenant", "harbour", "--name", "Harbour Lending", "--numbers", "demo"]);
    let (copy, keys) = (shown(&all.path("copy.db")), all.path("apart"));
    std::fs::create_dir(&keys).expect("a folder");
    assert!(all.fails(&["backup", &copy, "--keyring-to", &shown(&all.path("keys"))]).1.contains("another folder"));
    all.ok(&["backup", &copy, "--keyring-to", &shown(&keys.join("keyring"))]);
    assert!(all.fails(&["backup", &copy]).1.contains("exists"));
    assert!(all.fails(&["restore", &copy]).1.contains("--replace"));
    all.ok(&["create-tenant", "later", "--name", "Later", "--numbers", "demo"]);
    all.ok(&["restore", &copy, "--replace"]);
    assert_eq!(all.json(&["tenants"]).as_array().map(Vec::len), Some(1), "what came after the backup is gone");

    std::fs::remove_file(all.path("clarion-keys/keyring")).expect("the keyring");
    let (_, said) = all.fails(&["import", &copy, "--tenant", "harbour", "--list", "x", "--yes"]);
    assert!(said.contains("keyring") || said.contains("does not open"), "another keyring opens nothing: {said}");
    std::fs::copy(keys.join("keyring"), all.path("clarion-keys/keyring")).expect("copies");
    all.ok(&["audit", "list", "--tenant", "harbour"]);
    std::fs::write(all.path("noise.db"), "no database").expect("writes");
    assert!(all.fails(&["restore", &shown(&all.path("noise.db")), "--replace"]).1.contains("no whole backup"));
}

/// From the embedded database to the other one (PostgreSQL where there is one), with the same keyring.
#[tokio::test(flavor = "multi_thread")]
async fn everything_moves_to_another_database() {
    let mut all = Installation::new(None);
    let there = match std::env::var("CLARION_TEST_POSTGRES") {
        Ok(url) => Some(clarion_store::db::scratch_url(&url, "moved").await.expect("a scratch database")),
        Err(_) => None,
    };
    all.ok(&["migrate"]);
    all.ok(&["create-tenant", "northwind", "--name", "Northwind Energy", "--numbers", "demo"]);
    std::fs::write(all.path("people.csv"), sample_csv(&people("NW", 100, PEOPLE))).expect("writes");
    all.json(&with(&["import", "people.csv", "--list", "Customers", "--yes"]));
    let export = |all: &Installation| {
        let mut export: Value = serde_json::from_str(&all.ok(&with(&["subject", "export", STOPPER]))).expect("JSON");
        export["sections"].as_array_mut().expect("sections").retain(|section| !["Your requests", "What was done with your record"].contains(&section["title"].as_str().unwrap_or_default()));
        export["sections"].clone()
    };
    let before = export(&all);
    let target = there.as_ref().map_or_else(|| "[server]\ndata_dir = \"moved\"\n".to_owned(), |url| format!("[database]\nurl = \"{url}\"\n"));
    std::fs::write(all.path("other.toml"), &target).expect("writes");
    std::fs::write(all.path("same.toml"), "").expect("writes");
    assert!(all.fails(&["copy-database", "--to", "same.toml"]).1.contains("the same database"));
    let copied = all.json(&["copy-database", "--to", "other.toml"]);
    assert!(copied.as_array().expect("tables").iter().any(|row| row["table"] == "contact" && row["rows"] == PEOPLE as u64), "{copied:#}");
    let (code, said) = all.fails(&["copy-database", "--to", "other.toml"]);
    assert!(code == 4 && said.contains("not empty"), "{code}: {said}");
    if there.is_some() {
        all.database_url = there;
        assert_eq!(export(&all), before, "the other database says the same of a person");
    }
}

#[test]
fn the_demo_runs_to_its_end_and_agrees_with_its_carrier() {
    let all = Installation::new(None);
    let said = all.ok(&["demo", "--once"]);
    assert!(said.contains("They agree.") && said.contains("Northwind Energy") && said.contains("Harbour Lending"), "{said}");
}
