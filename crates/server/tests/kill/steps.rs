//! kill -9 in the midst of a text and, an hour later, a call: while texts go, just after a stop was answered, while people wait for the call, while
//! phones ring and while a person and an agent talk. In between people reply, opt out and pay. Nobody gets a step twice, nobody is lost.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{VoiceCarrier, VoiceCarrierConfig};
use clarion_testbed::{Carrier, CarrierConfig, Limits, Mix, people, sample_csv};
use serde_json::Value;

use super::calls::{CALLER_ID, SCRIPT, kill_in, tenant_of};
use crate::support::{Installation, count, installations, shown};

const PEOPLE: usize = 40;
/// While texts go; each after a few more of them, so that some are left.
const KILLS: usize = 3;
const TEXTS_A_KILL: usize = 5;
/// Slow enough that some are left after the kills.
const TEXTS_A_SECOND: &str = "3";
/// Two of them write, one opts out.
const WRITE: (i64, i64) = (2, 1);
/// Of whom the client's system says that they have paid; none of them replies.
const PAID: [&str; 4] = ["NW-0001", "NW-0002", "NW-0003", "NW-0004"];
const SECONDS_UNTIL_THE_CALLS: i64 = 3_660;

/// Texts are answered late, and people write back what their numbers say.
async fn carrier_of_texts() -> Carrier {
    let limits = Limits { rate_per_second: None, answer_delay: Duration::from_millis(150), receipt_delay: (Duration::from_millis(50), Duration::from_millis(400)) };
    Carrier::start(CarrierConfig { mix: Mix::AllDelivered, replies: true, limits, ..CarrierConfig::default() }).await.expect("listens")
}

/// A text, then a call, to `PEOPLE`: it only has to be started.
fn ready(all: &mut Installation, texts: &Carrier, calls: &VoiceCarrier) -> String {
    all.found("northwind", texts, 1000);
    all.ok(&["sender", "add", CALLER_ID, "--tenant", "northwind", "--evidence", "reserved for drama"]);
    all.ok(&["sender", "confirm", CALLER_ID, "--answered", "--tenant", "northwind"]);
    let (settings, steps, file) = (all.path("voice.toml"), all.path("steps.toml"), all.path("people.csv"));
    std::fs::write(&settings, format!("kind = \"sip\"\nhosts = [\"{}\"]\n", calls.address())).expect("writes");
    std::fs::write(&file, sample_csv(&people("NW", 0, PEOPLE))).expect("writes");
    let call = format!(
        "[[then]]\nwait = {{ hours = 1 }}\nchannel = \"voice\"\nsender = \"{CALLER_ID}\"\nscript = '''{SCRIPT}'''\nretry = {{ attempts_max = 1, rules = [] }}\nrate_per_second = 50\n\
         [then.call_pacing]\npace = {{ mode = \"progressive\" }}\ncalls_per_second_max = 10\ncalls_at_once_max = 2\nring_ms_max = 20000\n"
    );
    std::fs::write(&steps, call).expect("writes");
    let added = all.json(&["trunk", "add", "voice", "--settings", &shown(&settings), "--tenant", "northwind", "--rate", "20"]);
    all.ok(&["route", "add", added["id"].as_str().expect("an id"), "--tenant", "northwind"]);
    all.ok(&["target", "add", "Floor", &format!("sip:agents@{}", calls.address()), "--capacity", "8", "--tenant", "northwind"]);
    all.ok(&["import", &shown(&file), "--tenant", "northwind", "--list", "Customers", "--yes"]);
    let text = "Northwind Energy: hello {first_name|there}, your reading {reference} is due. Reply STOP to end these messages.";
    let terms = ["--name", "Readings", "--list", "Customers", "--purpose", "reminder", "--sender", "+447700900990", "--rate", TEXTS_A_SECOND, "--body", text, "--sequence", &shown(&steps)];
    all.draft_of("northwind", &terms)
}

/// How many stand at each step, the steps' own campaigns, and why it ended for how many.
struct Standing {
    at: Vec<i64>,
    steps: Vec<String>,
    ended: BTreeMap<String, i64>,
}

fn standing(all: &Installation, campaign: &str) -> Standing {
    let told = all.json(&["campaign", "steps", campaign, "--tenant", "northwind"]);
    let steps = told["steps"].as_array().expect("steps");
    let mut ended = BTreeMap::new();
    for one in steps.iter().flat_map(|step| step["ended"].as_array().expect("reasons")) {
        *ended.entry(one["why"].as_str().expect("a word").to_owned()).or_insert(0) += one["people"].as_i64().expect("a number");
    }
    let word = |step: &Value| step["campaign"].as_str().expect("a started step").to_owned();
    Standing { at: steps.iter().map(|step| step["standing"].as_i64().expect("a number")).collect(), steps: steps.iter().map(word).collect(), ended }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_and_a_call_through_kills_are_each_done_once_for_everybody() {
    for mut all in installations("kill_steps").await {
        let (texts, calls) = (carrier_of_texts().await, VoiceCarrier::start(VoiceCarrierConfig::new(audio_ports())).expect("a carrier"));
        let campaign = tokio::task::block_in_place(|| {
            let campaign = ready(&mut all, &texts, &calls);
            kill_while_texts_go(&mut all, &texts, &campaign);
            stop_who_paid(&mut all, &campaign);
            campaign
        });
        let (_, tenant) = tenant_of(&all).await;
        let call = tokio::task::block_in_place(|| {
            all.kill();
            all.pass(SECONDS_UNTIL_THE_CALLS);
            all.serve();
            standing(&all, &campaign).steps[1].clone()
        });
        // Two calls at once: so few meet nobody through the kills that the day's calls are not ended for it.
        for state in ["ringing", "bridged", "ringing"] {
            kill_in(&mut all, &tenant, &call, &[state]).await;
        }
        tokio::task::block_in_place(|| everybody_is_accounted_for(&mut all, (&texts, &calls), &campaign));
    }
}

fn kill_while_texts_go(all: &mut Installation, texts: &Carrier, campaign: &str) {
    all.serve();
    all.ok(&["campaign", "start", campaign, "--tenant", "northwind"]);
    for round in 0..KILLS {
        let goal = texts.tally().by_destination().len() + TEXTS_A_KILL;
        all.wait_for("more texts", Duration::from_secs(60), |_| texts.tally().by_destination().len() >= goal);
        std::thread::sleep(Duration::from_millis(30 * round as u64));
        all.kill();
        all.launch();
    }
    all.wait_until_it_answers();
    // What people wrote while nobody listened is told again.
    all.wait_for("every text and every reply", Duration::from_secs(90), |all| standing(all, campaign).at[0] == 0 && texts.outstanding() == 0);
    let stood = standing(all, campaign);
    assert_eq!((stood.ended.get("reply"), stood.ended.get("opt_out")), (Some(&WRITE.0), Some(&WRITE.1)), "{:?}", stood.ended);
}

/// Told by the API, and killed as soon as it has answered.
fn stop_who_paid(all: &mut Installation, campaign: &str) {
    let key = all.json(&["api-key", "create", "crm", "--role", "manager", "--tenant", "northwind"])["secret"].as_str().expect("a secret").to_owned();
    let body = serde_json::json!({"reason": "paid", "references": PAID}).to_string();
    let (status, answer) = all.ask(&key, "POST", &format!("/campaigns/{campaign}/recipients/stop"), "application/json", &body);
    all.kill();
    assert_eq!(status, 200, "{answer}");
    assert_eq!(serde_json::from_str::<Value>(&answer).expect("JSON")["stopped"], PAID.len(), "{answer}");
    all.serve();
    assert_eq!(standing(all, campaign).ended.get("told:paid"), Some(&(PAID.len() as i64)), "what was answered stands");
}

fn everybody_is_accounted_for(all: &mut Installation, (texts, calls): (&Carrier, &VoiceCarrier), campaign: &str) {
    let begun = Instant::now();
    while all.report("northwind", campaign)["state"] != "finished" {
        assert!(begun.elapsed() < Duration::from_secs(180), "the end did not come on {}: {:#}\n{}", all.database_name(), all.json(&["campaign", "steps", campaign, "--tenant", "northwind"]), all.log());
        std::thread::sleep(Duration::from_millis(200));
    }
    let stood = standing(all, campaign);
    let (text, call) = (all.report("northwind", &stood.steps[0]), all.report("northwind", &stood.steps[1]));
    let of = |why: &str| stood.ended.get(why).copied().unwrap_or(0);
    println!("{}: {} texts, {} of them unknown; {} calls, {} of them unknown; {:?}", all.database_name(), count(&text, &[]), count(&text, &["unknown"]), count(&call, &[]), count(&call, &["unknown"]), stood.ended);
    assert_eq!((texts.tally().doubled(), calls.tally().called_again()), (0, 0), "no step is done twice");
    assert_eq!(count(&text, &[]), PEOPLE as i64, "everybody's text is accounted for: {text:#}");
    assert_eq!(count(&call, &[]), (PEOPLE - PAID.len()) as i64 - WRITE.0 - WRITE.1, "and the call of each whom nothing stopped: {call:#}");
    assert!(count(&call, &[]) - calls.tally().calls() as i64 <= count(&call, &["unknown"]), "who was not called is shown as unknown: {call:#}");
    assert!(count(&text, &["unknown"]) > 0 && count(&call, &["unknown"]) > 0, "kills caught texts and calls, or this test proves nothing");
    assert_eq!((stood.at, stood.ended.values().sum::<i64>()), (vec![0, 0], PEOPLE as i64), "everybody's way is over: {:?}", stood.ended);
    assert_eq!((of("reply"), of("told:paid"), of("put_through")), (WRITE.0, PAID.len() as i64, count(&call, &["put_through"])), "{:?}", stood.ended);
    assert_eq!(of("opt_out"), WRITE.1 + count(&call, &["opted_out"]), "{:?}", stood.ended);
    assert!(of("put_through") > 0 && of("completed") > 0, "{:?}", stood.ended);
    assert_eq!((&text["exact"], &call["exact"]), (&Value::Bool(true), &Value::Bool(true)), "the counts equal a recount");
    assert_eq!(all.stop(), Some(0), "SIGTERM ends in order: {}", all.log());
    assert!(!all.log().contains("7700900") && !all.log().contains("2079460"), "no number in a log line");
}
