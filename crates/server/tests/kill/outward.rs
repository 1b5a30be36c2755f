//! kill -9 while webhooks wait and while a pull is under way, over real HTTPS: no event is lost, what is told again has the identifier that it
//! had, and of the pull there is one import or none.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::receiver::{Receiver, trusting};
use crate::support::{Installation, installations, shown};

const TENANT: [&str; 2] = ["--tenant", "northwind"];
const PATIENCE: Duration = Duration::from_secs(60);
const EVENTS: usize = 12;

fn with<'a>(args: &[&'a str]) -> Vec<&'a str> {
    args.iter().copied().chain(TENANT).collect()
}

fn id_of(made: &Value) -> String {
    made["id"].as_str().unwrap_or_else(|| panic!("no id in {made}")).to_owned()
}

fn ids(came: &[Value]) -> BTreeSet<String> {
    came.iter().map(|one| one["headers"]["webhook-id"].as_str().expect("an identifier").to_owned()).collect()
}

fn webhooks_wait(all: &mut Installation, receiver: &Receiver) {
    let hook = id_of(&all.json(&with(&["webhook", "add", &receiver.url("hooks"), "--event", "suppression.added"])));
    let log = |all: &Installation| all.json(&with(&["webhook", "log", &hook])).as_array().cloned().unwrap_or_default();
    // It hears each event, and says nothing before the server is dead.
    receiver.answers("hooks", &json!({"status": 204, "after_seconds": 600}));
    for round in 0..3 {
        for n in 0..EVENTS / 3 {
            all.ok(&with(&["suppression", "add", &format!("07700 900{:03}", round * 100 + n)]));
        }
        let before = receiver.came("hooks").len();
        all.serve();
        all.wait_for("an event on its way", PATIENCE, |_| receiver.came("hooks").len() > before);
        all.kill();
    }
    let (cut, waiting) = (ids(&receiver.came("hooks")), log(all));
    assert!(!cut.is_empty() && waiting.len() == EVENTS && waiting.iter().all(|event| event["state"] == "waiting"), "{waiting:?}");
    receiver.answers("hooks", &json!({"status": 204}));
    let before = receiver.came("hooks").len();
    all.serve();
    all.wait_for("everything to be told", PATIENCE, |all| log(all).iter().all(|event| event["state"] == "delivered"));
    let told = receiver.came("hooks").split_off(before);
    let events: BTreeSet<String> = log(all).iter().map(|event| event["event"].as_str().expect("an event").to_owned()).collect();
    assert_eq!((told.len(), ids(&told)), (EVENTS, events.clone()), "each once, and none is lost");
    assert!(cut.is_subset(&events), "what was cut off came again under the identifier that it had");
    assert_eq!(all.stop(), Some(0), "{}", all.log());
}

fn a_pull_is_cut(all: &mut Installation, system: &Receiver) {
    let rows = json!([{"mobile": "07700 900801"}, {"mobile": "07700 900802"}]).to_string();
    let answer = |after_seconds: u64| json!({"status": 200, "headers": {"content-type": "application/json"}, "body": rows, "after_seconds": after_seconds});
    let settings = all.path("settings.json");
    std::fs::write(&settings, json!({"url": system.url("people"), "format": "json", "times": "by hand", "fields": [{"from": "mobile", "to": "phone"}]}).to_string()).expect("writes");
    let terms = ["--purpose", "reminders of appointments", "--legal-basis", "contract", "--agreed-by", "Grace Hopper", "--until", "2099-01-01T00:00:00Z"];
    let instruction = id_of(&all.json(&with(&[&["instruction", "record", "pull", "NW-1", "--field", "phone"], &terms[..]].concat())));
    let connector = id_of(&all.json(&with(&["connector", "add", "Bookings", "--instruction", &instruction, "--settings", &shown(&settings)])));
    all.ok(&with(&["connector", "resume", &connector]));
    let runs = |all: &Installation| all.json(&with(&["connector", "runs", &connector])).as_array().cloned().unwrap_or_default();
    system.answers("people", &answer(600));
    all.ok(&with(&["connector", "pull", &connector]));
    all.serve();
    all.wait_for("the question", PATIENCE, |_| !system.came("people").is_empty());
    all.kill();
    assert_eq!(runs(all)[0]["state"], "running");
    system.answers("people", &answer(0));
    all.ok(&with(&["connector", "pull", &connector]));
    all.serve();
    all.wait_for("the next run", PATIENCE, |all| runs(all)[0]["state"] == "stored");
    let ran = runs(all);
    assert_eq!((ran.len(), &ran[1]["state"], &ran[1]["fault"]), (2, &json!("failed"), &json!("interrupted")), "{ran:?}");
    assert_eq!(all.stop(), Some(0), "{}", all.log());
    assert!(!all.log().contains("7700900"), "no number in a log line");
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_that_wait_and_pulls_outlive_a_kill() {
    for mut all in installations("kill_outward").await {
        tokio::task::block_in_place(|| {
            let authority = trusting(&mut all);
            all.ok(&["migrate"]);
            all.ok(&["create-tenant", "northwind", "--name", "Northwind", "--numbers", "demo", "--help-text", "Call 020 7946 0000."]);
            let system = Receiver::start(&all.path("system"), &authority);
            webhooks_wait(&mut all, &system);
            a_pull_is_cut(&mut all, &system);
        });
    }
}
