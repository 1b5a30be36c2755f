//! What a report, a comparison and the first page show of counts that are known.

use std::collections::HashMap;

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::id::CampaignId;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::tenancy::role::Role;
use clarion_domain::time::{HOUR_MS, Instant};
use clarion_store::Tenant;
use clarion_store::campaigns::CampaignDraft;
use clarion_store::reports::{MeasureDelta, MeasureKey, add_measures};

use crate::support::{World, now};

/// 24 October 2026, 00:00 in London: the clocks go back on the day after.
const DAY: Instant = Instant(1_792_796_400_000);

/// A campaign, how many hours after `DAY`, how it ended, and how many.
type Counted = (CampaignId, i64, Disposition, &'static str, i64);

async fn counted(tenant: &Tenant, counts: impl IntoIterator<Item = Counted>) {
    let of = |(campaign, hours, disposition, cause, n): Counted| {
        let channel = if Disposition::of_messages().contains(&disposition) { Channel::Sms } else { Channel::Voice };
        let key = MeasureKey { tenant: tenant.id(), campaign, hour: DAY.plus_ms(hours * HOUR_MS), channel, disposition, cause: cause.into() };
        (key, MeasureDelta { n, segments: 2 * n, cost: 395 * n })
    };
    let deltas: HashMap<_, _> = counts.into_iter().map(of).collect();
    let mut tx = tenant.store().db().begin().await.expect("begins");
    add_measures(&mut tx, &deltas).await.expect("counted");
    tx.commit().await.expect("commits");
}

/// The rows of the tables between a heading and the end of its card, as they read.
fn rows(page: &str, heading: &str) -> Vec<String> {
    let (_, card) = page.split_once(heading).unwrap_or_else(|| panic!("{heading} is not on {page}"));
    let (card, _) = card.split_once("</section>").expect("its end");
    let words = |row: &str| row.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text.trim()).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ");
    card.split("<tr").skip(1).map(|row| words(&format!("<tr{row}"))).collect()
}

async fn two_campaigns(world: &World) -> (CampaignId, CampaignId) {
    let tenant = world.as_operator().await;
    let texts = tenant.create_campaign(&CampaignDraft::new("Readings"), now()).await.expect("a draft");
    let calls = tenant.create_campaign(&CampaignDraft { channel: Channel::Voice, ..CampaignDraft::new("Visits") }, now()).await.expect("a draft");
    use Disposition::*;
    let of_texts = [(-1, Delivered, "", 100), (23, Delivered, "", 3), (24, Delivered, "", 5), (48, Undeliverable, "receipt:undeliverable", 2), (49, Accepted, "", 7), (73, Delivered, "", 200)];
    let of_calls = [(36, AnsweredPerson, "", 4), (36, Busy, "sip:486", 6)];
    counted(&tenant, of_texts.map(|(hours, word, cause, n)| (texts, hours, word, cause, n))).await;
    counted(&tenant, of_calls.map(|(hours, word, cause, n)| (calls, hours, word, cause, n))).await;
    (texts, calls)
}

#[tokio::test]
async fn a_report_adds_up_days_campaigns_and_endings() {
    let world = World::new().await;
    let (texts, _) = two_campaigns(&world).await;
    let viewer = world.browser(Role::Viewer).await;
    let page = viewer.get("/reports?from=2026-10-24&to=2026-10-26").await.text;
    assert_eq!(rows(&page, "<h2>Attempts by day</h2>"), ["Day Attempts", "24 Oct 3", "25 Oct 17", "26 Oct 7"], "a day of 25 hours");
    assert_eq!(rows(&page, "<h2>By campaign</h2>"), ["Campaign Attempts Reached Share", "Visits 10 4 40.0 %", "Readings 17 8 47.1 %"]);
    let endings: Vec<String> = rows(&page, "<h2>By ending and cause</h2>").iter().skip(1).map(|row| row.split(' ').next_back().expect("a number").to_owned()).collect();
    assert_eq!(endings, ["7", "8", "2", "4", "6"], "in the order of the words");
    let one = viewer.get(&format!("/reports?from=2026-10-24&to=2026-10-26&campaign={texts}")).await.text;
    assert_eq!(rows(&one, "<h2>Attempts by day</h2>"), ["Day Attempts", "24 Oct 3", "25 Oct 7", "26 Oct 7"]);
    assert_eq!(rows(&one, "<h2>By campaign</h2>"), ["Campaign Attempts Reached Share", "Readings 17 8 47.1 %"]);
    let last_days = rows(&viewer.get("/reports").await.text, "<h2>Attempts by day</h2>");
    assert_eq!((last_days.len(), last_days[1].as_str(), last_days[30].as_str()), (31, "25 Oct 17", "23 Nov 0"), "thirty whole days, whatever the clocks did");
    let none = viewer.get("/reports?from=2026-09-01&to=2026-09-02").await.text;
    assert!(none.contains("Nothing was sent in this period"), "{none}");
}

#[tokio::test]
async fn more_campaigns_than_a_page_shows_stand_in_it_together() {
    let world = World::new().await;
    let of = |n: i64, word: Disposition| (1..=n).map(move |id| (CampaignId(id), 1, word, "", 1));
    counted(&world.as_operator().await, of(203, Disposition::Delivered).chain(of(2, Disposition::Expired))).await;
    let page = world.browser(Role::Viewer).await.get("/reports?from=2026-10-24&to=2026-10-24").await.text;
    let campaigns = rows(&page, "<h2>By campaign</h2>");
    assert_eq!((campaigns.len(), campaigns.last().map(String::as_str)), (202, Some("Older campaigns 5 3 60.0 %")));
}

#[tokio::test]
async fn campaigns_are_compared_from_their_start_to_now() {
    let world = World::new().await;
    let (texts, calls) = two_campaigns(&world).await;
    let page = world.browser(Role::Viewer).await.get(&format!("/reports/compare?campaign0={texts}&campaign1={calls}")).await.text;
    let lines = rows(&page, "</form>");
    for line in ["Attempts 317 10", "Reached 308 97.2 % 4 40.0 %", "Put through 0 0.0 % 0 0.0 %", "Abandoned 0 0.0 % 0 0.0 %", "Segments 634 20", "Cost 12.5215 0.3950", "Cost for each one reached 0.0406 0.0987"] {
        assert!(lines.iter().any(|found| found == line), "{line}: {lines:#?}");
    }
    assert_eq!(lines.len() - lines.iter().position(|line| line == "How attempts ended").expect("a part of its own"), 6, "five words");
}

#[tokio::test]
async fn the_first_page_counts_today_by_the_hour() {
    let world = World::new().await;
    let hours = |at: Instant| (at.ms() - DAY.ms()) / HOUR_MS;
    // Noon is now: the day began twelve hours ago.
    let today = hours(now()) - 12;
    let word = Disposition::Delivered;
    counted(&world.as_operator().await, [(CampaignId(1), today - 1, word, "", 50), (CampaignId(1), today, word, "", 3), (CampaignId(2), today + 9, word, "", 4), (CampaignId(3), today + 9, word, "", 5)]).await;
    let page = world.browser(Role::Viewer).await.get("/").await.text;
    let by_hour = rows(&page, "<h2>Attempts today, by hour</h2>");
    assert_eq!((by_hour.len(), by_hour[1].as_str(), by_hour[10].as_str()), (14, "00:00 3", "09:00 9"), "{by_hour:?}");
    assert!(page.contains("<dt>Messages</dt><dd>12</dd>"), "{page}");
}
