//! `clarion campaign report`: the counts, and whether they equal a recount of the attempts.

use std::collections::BTreeMap;

use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::id::CampaignId;
use clarion_domain::outcomes::answered_by::AnsweredBy;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::Instant;
use clarion_store::Tenant;

use crate::output::{Listing, print_json};

/// What a campaign led to.
pub struct Report {
    pub name: String,
    pub state: CampaignState,
    pub audience: i64,
    /// Attempts, segments and cost by disposition and cause.
    pub counts: BTreeMap<(Disposition, String), (i64, i64, i64)>,
    /// People refused, by the rules that refused them.
    pub refusals: Vec<(String, i64)>,
    /// People who wait, by why.
    pub waiting: Vec<(String, i64)>,
    /// Of calls: who took them by the detector's word, where it listened.
    pub heard: BTreeMap<AnsweredBy, i64>,
    /// The counts equal a recount of the attempts.
    pub exact: bool,
}

pub async fn report(tenant: &Tenant, id: CampaignId) -> anyhow::Result<Report> {
    let campaign = tenant.campaign(id).await?;
    let mut measures = tenant.measures(Some(id), Instant(0), Instant(i64::MAX)).await?;
    let mut recount = tenant.recount(id).await?;
    let order = |row: &clarion_store::reports::MeasureRow| (row.hour, row.disposition, row.cause.clone());
    measures.sort_by_key(order);
    recount.sort_by_key(order);
    let exact = measures == recount;
    let mut counts = BTreeMap::new();
    for row in measures {
        let sums: &mut (i64, i64, i64) = counts.entry((row.disposition, row.cause)).or_default();
        *sums = (sums.0 + row.n, sums.1 + row.segments, sums.2 + row.cost);
    }
    let waiting = tenant.due_counts(id).await?.into_iter().map(|(why, n, _)| (why, n)).collect();
    let heard = if campaign.channel == Channel::Voice { tenant.heard_by_detector(id).await? } else { BTreeMap::new() };
    Ok(Report { name: campaign.name, state: campaign.state, audience: campaign.audience_size, counts, refusals: tenant.refusal_counts(id).await?, waiting, heard, exact })
}

impl Report {
    /// Attempts that ended with this disposition.
    pub fn of(&self, disposition: Disposition) -> i64 {
        self.counts.iter().filter(|((found, _), _)| *found == disposition).map(|(_, sums)| sums.0).sum()
    }

    pub fn print(&self, json: bool) {
        if json {
            return print_json(&self.to_json());
        }
        println!("{} · {} · {} people", self.name, self.state, self.audience);
        print!("{}", self.listing().to_text());
        if !self.heard.is_empty() {
            let words: Vec<_> = self.heard.iter().map(|(by, n)| format!("{by} {n}")).collect();
            println!("who answered, by the detector: {}", words.join(", "));
        }
        if !self.exact {
            println!("these counts differ from a recount of the attempts: tell your operator");
        }
    }

    fn listing(&self) -> Listing {
        let mut listing = Listing::new(&["outcome", "cause", "n", "segments"]);
        for ((disposition, cause), (n, segments, _)) in &self.counts {
            listing.row([disposition.as_str().into(), cause.as_str().into(), (*n).into(), (*segments).into()]);
        }
        for (rules, n) in &self.refusals {
            listing.row(["refused".into(), rules.as_str().into(), (*n).into(), 0.into()]);
        }
        for (why, n) in &self.waiting {
            listing.row(["waiting".into(), why.as_str().into(), (*n).into(), 0.into()]);
        }
        listing
    }

    fn to_json(&self) -> serde_json::Value {
        let count = |((disposition, cause), (n, segments, cost)): (&(Disposition, String), &(i64, i64, i64))| serde_json::json!({ "disposition": disposition, "cause": cause, "n": n, "segments": segments, "cost": cost });
        serde_json::json!({
            "name": self.name, "state": self.state, "audience": self.audience, "exact": self.exact,
            "counts": self.counts.iter().map(count).collect::<Vec<_>>(),
            "refused": self.refusals.iter().map(|(rules, n)| serde_json::json!({ "rules": rules, "n": n })).collect::<Vec<_>>(),
            "heard": self.heard.iter().map(|(by, n)| (by.to_string(), (*n).into())).collect::<serde_json::Map<_, _>>(),
            "waiting": self.waiting.iter().map(|(why, n)| serde_json::json!({ "why": why, "n": n })).collect::<Vec<_>>(),
        })
    }
}
