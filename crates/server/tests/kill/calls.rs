//! kill -9 with calls up: while a phone rings, while a person listens, while a person and an agent talk. Nobody is called twice, every call is
//! shown by what is known of it, whoever had answered and met nobody counts as abandoned and is left alone.

use std::time::Duration;

use clarion_domain::id::CampaignId;
use clarion_domain::tenancy::tenant::Actor;
use clarion_store::db::Db;
use clarion_store::{Store, Tenant};
use clarion_testbed::ports::audio_ports;
use clarion_testbed::voice::{CallFate, VoiceCarrier, VoiceCarrierConfig};
use clarion_testbed::{people, sample_csv};
use serde_json::Value;

use crate::support::{Installation, count, installations, shown};

pub const CALLER_ID: &str = "+442079460990";
const PEOPLE: usize = 16;

/// Long enough to be caught in: the greeting is spoken for some seconds.
pub const SCRIPT: &str = r#"
language = "en-GB"
start = "menu"

[information]
text = "This was a call on behalf of Northwind Energy. Nobody is free to speak to you now. You can reach us on 020 7946 0990."

[steps.menu]
do = "gather"
speech = { text = "Hello. This is Northwind Energy. Press 1 to speak to us about your reading, or 9 not to be called again." }
digits_max = 1
timeout_ms = 6000
keys = { "1" = "agents", "9" = "stop" }
invalid = "bye"
timeout = "bye"

[steps.agents]
do = "transfer"
target = "agents"

[steps.stop]
do = "opt_out"
speech = { text = "We will not call you again. Goodbye." }

[steps.bye]
do = "hang_up"
"#;

/// People who take their time; half of them want an agent.
fn slow_people() -> VoiceCarrier {
    let mut config = VoiceCarrierConfig::new(audio_ports());
    (config.ring, config.patience, config.talk) = (Duration::from_millis(900), Duration::from_millis(2_500), Duration::from_millis(2_500));
    config.agent_rings = Duration::from_millis(900);
    config.fate_of = |number| match CallFate::of_number(number) {
        CallFate::Dead | CallFate::Declines => CallFate::PutThrough,
        fate => fate,
    };
    VoiceCarrier::start(config).expect("a carrier")
}

/// A campaign of calls that only has to be started.
fn ready(all: &mut Installation, carrier: &VoiceCarrier, at_once: &str) -> String {
    all.ok(&["migrate"]);
    all.ok(&["create-tenant", "northwind", "--name", "Northwind Energy", "--numbers", "demo"]);
    all.ok(&["sender", "add", CALLER_ID, "--tenant", "northwind", "--evidence", "reserved for drama"]);
    all.ok(&["sender", "confirm", CALLER_ID, "--answered", "--tenant", "northwind"]);
    let (settings, script, file) = (all.path("trunk.toml"), all.path("script.toml"), all.path("people.csv"));
    std::fs::write(&settings, format!("kind = \"sip\"\nhosts = [\"{}\"]\n", carrier.address())).expect("writes");
    std::fs::write(&script, SCRIPT).expect("writes");
    std::fs::write(&file, sample_csv(&people("NW", 0, PEOPLE))).expect("writes");
    let added = all.json(&["trunk", "add", "voice", "--settings", &shown(&settings), "--tenant", "northwind", "--rate", "20"]);
    all.ok(&["route", "add", added["id"].as_str().expect("an id"), "--tenant", "northwind"]);
    all.ok(&["target", "add", "Floor", &format!("sip:agents@{}", carrier.address()), "--capacity", "8", "--tenant", "northwind"]);
    all.ok(&["import", &shown(&file), "--tenant", "northwind", "--list", "Customers", "--yes"]);
    all.draft_of("northwind", &draft_terms("Readings by phone", &shown(&script), "progressive", at_once))
}

fn draft_terms<'a>(name: &'a str, script: &'a str, pace: &'a str, at_once: &'a str) -> [&'a str; 18] {
    ["--name", name, "--list", "Customers", "--purpose", "reminder", "--channel", "voice", "--script", script, "--sender", CALLER_ID, "--calls-per-second", "10", "--calls-at-once", at_once, "--pace", pace]
}

/// The installation's own database, read beside the server.
pub async fn tenant_of(all: &Installation) -> (Store, Tenant) {
    let db = match &all.database_url {
        Some(url) => Db::open_postgres(url).await.expect("opens"),
        None => Db::open_sqlite(&all.path("clarion-data/clarion.db")).await.expect("opens"),
    };
    let store = Store::new(db, &all.path("clarion-keys/keyring"), 9).expect("a store");
    let id = store.tenants().await.expect("read")[0].id;
    let tenant = store.tenant(id, Actor::System).await.expect("a tenant");
    (store, tenant)
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_up_when_the_server_is_killed_are_shown_and_nobody_is_called_again() {
    for mut all in installations("kill_calls").await {
        let carrier = slow_people();
        let campaign = tokio::task::block_in_place(|| {
            // Called one after the other: with three who met nobody, the day's calls would be over.
            let campaign = ready(&mut all, &carrier, "1");
            all.serve();
            all.ok(&["campaign", "start", &campaign, "--tenant", "northwind"]);
            campaign
        });
        let (store, tenant) = tenant_of(&all).await;
        let mut abandoned = 0;
        for states in [&["ringing"][..], &["playing", "gathering"], &["reserved"], &["bridged"]] {
            abandoned += kill_in(&mut all, &tenant, &campaign, states).await;
        }
        assert!(abandoned > 0, "whoever waited for an agent met nobody, or this test proves nothing");
        tokio::task::block_in_place(|| everybody_is_accounted_for(&all, &carrier, &campaign));
        let days = store.abandonment_days(campaign.parse().expect("an id"), "2000-01-01").await.expect("read");
        let report = tokio::task::block_in_place(|| all.report("northwind", &campaign));
        assert_eq!(days.iter().map(|day| day.passed).sum::<i64>(), count(&report, &["put_through"]), "{report:#}");
        assert_eq!(days.iter().map(|day| day.abandoned).sum::<i64>(), abandoned + count(&report, &["abandoned"]), "{report:#}");
        tokio::task::block_in_place(|| whoever_was_abandoned_is_left_alone(&mut all, days.iter().map(|day| day.abandoned).sum()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_that_leaves_many_without_an_agent_ends_the_days_calls_and_says_so() {
    const WAITING: usize = 3;
    for mut all in installations("kill_many_calls").await {
        let mut config = VoiceCarrierConfig::new(audio_ports());
        (config.patience, config.agent_rings) = (Duration::from_secs(1), Duration::from_secs(8));
        config.fate_of = |_| CallFate::PutThrough;
        let carrier = VoiceCarrier::start(config).expect("a carrier");
        let campaign = tokio::task::block_in_place(|| {
            let campaign = ready(&mut all, &carrier, "8");
            all.serve();
            all.ok(&["campaign", "start", &campaign, "--tenant", "northwind"]);
            campaign
        });
        let (_store, tenant) = tenant_of(&all).await;
        let abandoned = kill_with(&mut all, &tenant, &campaign, &["reserved"], WAITING).await;
        assert!(abandoned >= WAITING as i64, "{abandoned}");
        let (id, called): (CampaignId, _) = (campaign.parse().expect("an id"), carrier.tally().calls());
        let begun = std::time::Instant::now();
        loop {
            let reason = tenant.campaign(id).await.expect("read").state_reason;
            if reason.starts_with(&format!("nobody else is called today: {abandoned} of {abandoned} people were abandoned")) {
                assert!(reason.ends_with("and whether calls were up at a restart"), "{reason}");
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{reason}\n{}", all.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(carrier.tally().calls(), called, "and nobody is");
    }
}

/// Kills the server once a call is in one of these states, and starts it again: every call that was up has ended by what was known of it.
/// Gives how many people were abandoned so, beyond those whom the report calls abandoned.
pub async fn kill_in(all: &mut Installation, tenant: &Tenant, campaign: &str, states: &[&str]) -> i64 {
    kill_with(all, tenant, campaign, states, 1).await
}

/// The same once so many calls are.
async fn kill_with(all: &mut Installation, tenant: &Tenant, campaign: &str, states: &[&str], least: usize) -> i64 {
    let id: CampaignId = campaign.parse().expect("an id");
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let counts = tenant.live_call_counts(id).await.expect("read");
        if counts.iter().filter(|count| states.contains(&count.state.as_str())).map(|count| count.n).sum::<i64>() >= least as i64 {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "no call is {states:?}: {counts:?}\n{}", all.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    all.kill();
    let up = tenant.live_calls(id, 100).await.expect("read");
    assert!(!up.is_empty(), "{states:?}");
    tokio::task::block_in_place(|| all.serve());
    let mut abandoned = 0;
    for before in up {
        let begun = std::time::Instant::now();
        let after = loop {
            let call = tenant.call(before.attempt).await.expect("read");
            if call.ended_at.is_some() {
                break call;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "a call is still up after the restart: {call:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let met_nobody = before.answered_at.is_some() && before.bridged_at.is_none() && (before.message_at.is_none() || before.information_at.is_some() || before.state == "reserved");
        assert_eq!((after.ended_by.as_str(), after.abandoned), ("crash", met_nobody), "{before:?}");
        abandoned += i64::from(met_nobody && before.information_at.is_none());
    }
    abandoned
}

fn everybody_is_accounted_for(all: &Installation, carrier: &VoiceCarrier, campaign: &str) {
    all.wait_for("the end", Duration::from_secs(180), |all| all.report("northwind", campaign)["state"] == "finished");
    let (report, tally) = (all.report("northwind", campaign), carrier.tally());
    let (attempts, unknown) = (count(&report, &[]), count(&report, &["unknown"]));
    println!("{}: {attempts} attempts, {unknown} unknown; the carrier had {} calls", all.database_name(), tally.calls());
    assert_eq!(tally.called_again(), 0, "nobody is called twice: {report:#}");
    assert_eq!(attempts, PEOPLE as i64, "everybody is accounted for: {report:#}");
    assert!(PEOPLE as i64 - tally.calls() as i64 <= unknown, "who was not called is shown as unknown: {report:#}");
    assert!(unknown > 0, "phones rang as the server was killed: {report:#}");
    assert_eq!(report["exact"], true, "the counts equal a recount");
    assert!(!all.log().contains("7700900") && !all.log().contains("2079460"), "no number in a log line");
}

/// Another campaign to the same people, which promises no agent, would wait with them (UK-8).
fn whoever_was_abandoned_is_left_alone(all: &mut Installation, abandoned: i64) {
    let script = shown(&all.path("script.toml"));
    let made = all.json(&[&["campaign", "create", "--tenant", "northwind", "--basis", "contract"][..], &draft_terms("Readings again", &script, "agentless", "1")].concat());
    let run = all.json(&["campaign", "dry-run", made["id"].as_str().expect("an id"), "--tenant", "northwind"]);
    let later: i64 = run["deferred_until"].as_array().expect("groups").iter().filter(|group| waits_three_days(&run, group)).map(|group| group["people"].as_i64().unwrap_or(0)).sum();
    assert_eq!(later, abandoned, "{run:#}");
}

fn waits_three_days(run: &Value, group: &Value) -> bool {
    const NEARLY_THREE_DAYS_MS: i64 = 70 * 3_600_000;
    group["until_ms"].as_i64().zip(run["at_ms"].as_i64()).is_some_and(|(until, at)| until - at >= NEARLY_THREE_DAYS_MS)
}
