//! Counts, a page at a time.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::id::CampaignId;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::HOUR_MS;
use clarion_store::reports::{MeasureDelta, MeasureKey, add_measures};
use serde_json::Value;

use crate::support::{NOW, World, world};

const SPAN: &str = "from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z";

/// Two campaigns, two hours, two causes each.
async fn counted(world: &World) {
    let mut deltas = HashMap::new();
    for (place, campaign) in [4, 5].into_iter().enumerate() {
        for hour in 0..2 {
            for cause in ["", "receipt:undeliverable:00B"] {
                let key = MeasureKey { tenant: world.tenant.id(), campaign: CampaignId(campaign), hour: NOW.plus_ms(hour * HOUR_MS), channel: Channel::Sms, disposition: Disposition::Undeliverable, cause: cause.into() };
                deltas.insert(key, MeasureDelta { n: 1 + place as i64, segments: 2, cost: 3 });
            }
        }
    }
    let mut tx = world.tenant.store().db().begin().await.expect("begins");
    add_measures(&mut tx, &deltas).await.expect("counted");
    tx.commit().await.expect("commits");
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_come_by_pages_the_first_hour_first() {
    let world = world().await;
    counted(&world).await;
    let whole = world.get(&format!("/reports/measures?{SPAN}")).await.expect(200);
    let whole_items = whole["items"].as_array().expect("items");
    assert_eq!((whole_items.len(), &whole["next"]), (8, &Value::Null));
    assert!(whole_items.is_sorted_by_key(|item| item["hour"].as_str().expect("an hour").to_owned()));
    let (mut paged, mut after) = (Vec::new(), String::new());
    for items in [3, 3, 2] {
        let page = world.get(&format!("/reports/measures?{SPAN}&limit=3{after}")).await.expect(200);
        assert_eq!(page["items"].as_array().map(Vec::len), Some(items));
        paged.extend(page["items"].as_array().expect("items").clone());
        after = page["next"].as_str().map(|next| format!("&after={next}")).unwrap_or_default();
    }
    assert!(after.is_empty(), "the last page says so");
    assert_eq!(&paged, whole_items);
    let file = world.get(&format!("/reports/measures.csv?{SPAN}")).await.text;
    assert_eq!(file.lines().count(), 9, "a header and a line for each: {file}");
    assert_eq!(world.get(&format!("/reports/measures?{SPAN}&campaign={}", CampaignId(5))).await.expect(200)["items"].as_array().map(Vec::len), Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_no_page_gave_is_refused() {
    let world = world().await;
    counted(&world).await;
    let ask = async |more: &str| world.get(&format!("/reports/measures?{SPAN}&{more}")).await;
    for text in ["", "5", "0 4 sms delivered", "noon 4 sms delivered ", "0 4 fax delivered ", "0 4 sms lost ", "0 4 sms delivered a\0b"] {
        assert_eq!(ask(&format!("after={}", URL_SAFE_NO_PAD.encode(text))).await.problem(400), ["after"], "{text:?}");
    }
    assert_eq!(ask("after=%21").await.problem(400), ["after"]);
    for limit in ["0", "201", "many"] {
        assert_eq!(ask(&format!("limit={limit}")).await.problem(400), ["limit"], "{limit}");
    }
    assert_eq!(world.get(&format!("/reports/measures.csv?{SPAN}&limit=3")).await.problem(400), ["limit"], "a file is whole");
    let before_all = URL_SAFE_NO_PAD.encode("0 4 sms delivered ");
    assert_eq!(ask(&format!("after={before_all}")).await.expect(200)["items"].as_array().map(Vec::len), Some(8), "a cursor from before the span leads to its first hour");
}
