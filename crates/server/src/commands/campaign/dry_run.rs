//! `clarion campaign dry-run`: what a start now would lead to.

use clarion_domain::id::CampaignId;
use clarion_domain::time::Instant;
use clarion_store::campaigns::DryRunResult;
use clarion_store::{Store, Tenant};

use crate::clock;
use crate::output::{Listing, print_json};

pub async fn run(_store: &Store, tenant: &Tenant, id: CampaignId, json: bool) -> anyhow::Result<()> {
    let result = clarion_engine::campaigns::dry_run(tenant, id, clock::now()).await?;
    if json {
        print_json(&serde_json::to_value(&result)?);
    } else {
        print(&result);
    }
    Ok(())
}

fn print(result: &DryRunResult) {
    listing(result).print(false);
    if let Some(at) = result.finishes_at_ms {
        println!("ends about {} at the current rates", Instant(at).rfc3339());
    }
}

/// A rule's sentence stands beside its id, as in the portal.
fn listing(result: &DryRunResult) -> Listing {
    let mut listing = Listing::new(&["people", "n", "why"]);
    let mut line = |what: String, n: u64, why: &str| listing.row([what.into(), n.into(), why.into()]);
    line("in the audience".into(), result.audience, "");
    line("may be contacted now".into(), result.eligible, "");
    line("deferred".into(), result.deferred, "");
    for group in &result.deferred_by {
        line(format!("  {}", group.reason.rule), group.people, &group.reason.sentence);
    }
    for group in &result.deferred_until {
        line(format!("  until {}", Instant(group.until_ms).rfc3339()), group.people, "");
    }
    line("refused".into(), result.refused, "");
    for group in &result.refused_by {
        line(format!("  {}", group.reason.rule), group.people, &group.reason.sentence);
    }
    match &result.calls {
        Some(found) => {
            line("calls".into(), found.calls, "");
            line("calls an hour".into(), found.calls_an_hour, "");
            line("calls without a route".into(), result.unrouted, "");
        }
        None => {
            line("whose text cannot be filled".into(), result.unrenderable, "");
            line("messages".into(), result.messages, "");
            line("segments".into(), result.segments, "");
            line("messages without a route".into(), result.unrouted, "");
        }
    }
    listing
}

#[cfg(test)]
mod tests {
    use clarion_store::campaigns::RefusedGroup;
    use clarion_store::compliance::RuleReason;

    use super::*;

    #[test]
    fn a_rule_is_said_in_a_sentence_beside_its_id() {
        let reason = RuleReason { rule: "UK-7".into(), sentence: "The information message must say whom to call.".into() };
        let result = DryRunResult { audience: 40, refused: 40, refused_by: vec![RefusedGroup { reason, people: 40 }], ..DryRunResult::default() };
        let text = listing(&result).to_text();
        assert!(text.lines().any(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") == "UK-7 40 The information message must say whom to call."), "{text}");
    }
}
