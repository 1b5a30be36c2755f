//! kill -9 in mid-campaign, ten times: nothing lost, nothing sent twice, and what was caught is shown as unknown.

mod support;

use std::time::Duration;

use clarion_testbed::{Carrier, CarrierConfig, Limits, Mix, people, sample_csv};
use support::{Installation, count, installations, shown};

const PEOPLE: usize = 900;
const RATE: u32 = 50;
const KILLS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn ten_kills_lose_nothing_and_double_nothing() {
    for mut all in installations("kill").await {
        // Answers take a while, so that a kill finds messages between the wire and their answer.
        let limits = Limits { rate_per_second: None, answer_delay: Duration::from_millis(150), receipt_delay: (Duration::from_millis(50), Duration::from_millis(400)) };
        let carrier = Carrier::start(CarrierConfig { mix: Mix::AllDelivered, replies: false, limits, ..CarrierConfig::default() }).await.expect("listens");
        tokio::task::block_in_place(|| kill_and_count(&mut all, &carrier));
    }
}

fn kill_and_count(all: &mut Installation, carrier: &Carrier) {
    all.found("northwind", carrier, 1000);
    let file = all.path("people.csv");
    std::fs::write(&file, sample_csv(&people("NW", 0, PEOPLE))).expect("writes");
    all.ok(&["import", &shown(&file), "--tenant", "northwind", "--list", "Customers", "--yes"]);
    let campaign = all.draft("northwind", "Customers", "Readings", RATE);
    all.serve();
    all.ok(&["campaign", "start", &campaign, "--tenant", "northwind"]);

    for round in 0..KILLS {
        // Each at another moment: after so many more messages, and a little later each time.
        let goal = carrier.tally().messages() + 8 + 2 * round as u64;
        all.wait_for("more messages", Duration::from_secs(60), |_| carrier.tally().messages() >= goal.min(PEOPLE as u64));
        std::thread::sleep(Duration::from_millis(11 * round as u64));
        all.kill();
        all.serve();
    }
    all.wait_for("the end", Duration::from_secs(120), |all| all.report("northwind", &campaign)["state"] == "finished" && carrier.outstanding() == 0);
    all.wait_for("the receipts", Duration::from_secs(30), |all| count(&all.report("northwind", &campaign), &["accepted"]) == 0);

    let (report, tally) = (all.report("northwind", &campaign), carrier.tally());
    let (attempts, unknown, delivered) = (count(&report, &[]), count(&report, &["unknown"]), count(&report, &["delivered"]));
    let received = tally.by_destination();
    let missing = (PEOPLE - received.len()) as i64;
    println!("{}: {attempts} attempts, {delivered} delivered, {unknown} unknown; the carrier got {} from {} people", all.database_name(), tally.messages(), received.len());
    assert_eq!(tally.doubled(), 0, "nothing is sent twice: {report:#}");
    assert!(received.values().all(|n| *n == 1), "one message a person");
    assert_eq!(attempts, PEOPLE as i64, "everybody is accounted for: {report:#}");
    assert!(missing <= unknown, "{missing} got nothing and only {unknown} are shown as unknown: {report:#}");
    assert_eq!(delivered + unknown, PEOPLE as i64, "{report:#}");
    assert_eq!(report["exact"], true, "the counts equal a recount");
    assert!(unknown > 0, "ten kills with answers 150 ms late must catch something, or this test proves nothing");
    assert_eq!(all.stop(), Some(0), "SIGTERM ends in order: {}", all.log());
    assert!(!all.log().contains("7700900"), "no number in a log line");
}
