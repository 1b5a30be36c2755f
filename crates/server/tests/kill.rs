//! kill -9 in mid-campaign, ten times: nothing lost, nothing sent twice, and what was caught is shown as unknown.
//! And two nodes on one database, of which one is killed: the other takes over what it held.

#[path = "support/authority.rs"]
mod authority;
#[path = "kill/calls.rs"]
mod calls;
#[path = "kill/outward.rs"]
mod outward;
#[path = "support/receiver.rs"]
mod receiver;
#[path = "kill/steps.rs"]
mod steps;
mod support;

use std::time::Duration;

use clarion_testbed::{Carrier, CarrierConfig, Limits, Mix, people, sample_csv};
use support::{Installation, count, installations, shown};

const PEOPLE: usize = 900;
const RATE: u32 = 50;
const KILLS: usize = 10;

/// Answers take a while, so that a kill finds messages between the wire and their answer.
async fn slow_to_answer() -> Carrier {
    let limits = Limits { rate_per_second: None, answer_delay: Duration::from_millis(150), receipt_delay: (Duration::from_millis(50), Duration::from_millis(400)) };
    Carrier::start(CarrierConfig { mix: Mix::AllDelivered, replies: false, limits, ..CarrierConfig::default() }).await.expect("listens")
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_kills_lose_nothing_and_double_nothing() {
    for mut all in installations("kill").await {
        let carrier = slow_to_answer().await;
        tokio::task::block_in_place(|| kill_and_count(&mut all, &carrier));
    }
}

/// A campaign to `people` that only has to be started.
fn ready(all: &mut Installation, carrier: &Carrier, people_count: usize, rate: u32) -> String {
    all.found("northwind", carrier, 1000);
    let file = all.path("people.csv");
    std::fs::write(&file, sample_csv(&people("NW", 0, people_count))).expect("writes");
    all.ok(&["import", &shown(&file), "--tenant", "northwind", "--list", "Customers", "--yes"]);
    all.draft("northwind", "Customers", "Readings", rate)
}

fn kill_and_count(all: &mut Installation, carrier: &Carrier) {
    let campaign = ready(all, carrier, PEOPLE, RATE);
    all.serve();
    all.ok(&["campaign", "start", &campaign, "--tenant", "northwind"]);

    for round in 0..KILLS {
        // Each at another moment: after so many more messages, and a little later each time.
        let goal = carrier.tally().messages() + 8 + 2 * round as u64;
        all.wait_for("more messages", Duration::from_secs(60), |_| carrier.tally().messages() >= goal);
        std::thread::sleep(Duration::from_millis(11 * round as u64));
        all.kill();
        // Killed again by what it sends, however long its start takes: some are left for each.
        all.launch();
    }
    all.wait_until_it_answers();
    nothing_lost_and_nothing_twice(all, carrier, &campaign, PEOPLE);
    assert_eq!(all.stop(), Some(0), "SIGTERM ends in order: {}", all.log());
    assert!(!all.log().contains("7700900"), "no number in a log line");
}

fn nothing_lost_and_nothing_twice(all: &Installation, carrier: &Carrier, campaign: &str, people_count: usize) {
    all.wait_for("the end", Duration::from_secs(180), |all| all.report("northwind", campaign)["state"] == "finished" && carrier.outstanding() == 0);
    all.wait_for("the receipts", Duration::from_secs(60), |all| count(&all.report("northwind", campaign), &["accepted"]) == 0);

    let (report, tally) = (all.report("northwind", campaign), carrier.tally());
    let (attempts, unknown, delivered) = (count(&report, &[]), count(&report, &["unknown"]), count(&report, &["delivered"]));
    let received = tally.by_destination();
    let missing = (people_count - received.len()) as i64;
    println!("{}: {attempts} attempts, {delivered} delivered, {unknown} unknown; the carrier got {} from {} people", all.database_name(), tally.messages(), received.len());
    assert_eq!(tally.doubled(), 0, "nothing is sent twice: {report:#}");
    assert!(received.values().all(|n| *n == 1), "one message a person");
    assert_eq!(attempts, people_count as i64, "everybody is accounted for: {report:#}");
    assert!(missing <= unknown, "{missing} got nothing and only {unknown} are shown as unknown: {report:#}");
    assert_eq!(delivered + unknown, people_count as i64, "{report:#}");
    assert_eq!(report["exact"], true, "the counts equal a recount");
    assert!(unknown > 0, "kills with answers 150 ms late must catch something, or this test proves nothing");
}

/// Who sends for the tenant is the node that came first. It is killed; the other, which was there all along, takes over when
/// the lease has lapsed; then it is killed in its turn, and the first one, risen again, takes over from it.
fn one_of_two_nodes_is_killed(first: &mut Installation, carrier: &Carrier) {
    const PEOPLE: usize = 700;
    let campaign = ready(first, carrier, PEOPLE, 20);
    let mut second = first.beside(1);
    first.serve();
    first.ok(&["campaign", "start", &campaign, "--tenant", "northwind"]);
    let sent = |more: u64| carrier.tally().messages() + more;
    let goal = sent(30);
    first.wait_for("the first node's messages", Duration::from_secs(60), |_| carrier.tally().messages() >= goal);
    second.serve();
    second.wait_for("both nodes' binds", Duration::from_secs(30), |_| carrier.connections() == 2);
    let goal = sent(30);
    second.wait_for("more of them", Duration::from_secs(60), |_| carrier.tally().messages() >= goal);

    first.kill();
    let goal = sent(30);
    second.wait_for("the second node to take over", Duration::from_secs(90), |_| carrier.tally().messages() >= goal);
    first.serve();
    first.wait_for("both nodes' binds again", Duration::from_secs(30), |_| carrier.connections() == 2);
    let goal = sent(30);
    first.wait_for("more of the second's", Duration::from_secs(60), |_| carrier.tally().messages() >= goal);
    second.kill();
    let goal = sent(30);
    first.wait_for("the first node to take over", Duration::from_secs(90), |_| carrier.tally().messages() >= goal);

    first.wait_for("what the dead node held", Duration::from_secs(90), |first| count(&first.report("northwind", &campaign), &["unknown"]) > 0);
    nothing_lost_and_nothing_twice(first, carrier, &campaign, PEOPLE);
    assert_eq!(first.stop(), Some(0), "SIGTERM ends in order: {}", first.log());
    assert!(!first.log().contains("7700900") && !second.log().contains("7700900"), "no number in a log line");
}

/// On PostgreSQL alone: an embedded database has one node.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_one_is_killed_and_the_other_takes_over() {
    for mut all in installations("kill_nodes").await.into_iter().filter(|all| all.database_url.is_some()) {
        let carrier = slow_to_answer().await;
        tokio::task::block_in_place(|| one_of_two_nodes_is_killed(&mut all, &carrier));
    }
}
