//! `clarion campaign steps`: who stands at which step, and why it ended for the others.

use clarion_domain::id::CampaignId;
use clarion_store::Tenant;

use crate::output::print_json;

pub async fn run(tenant: &Tenant, id: CampaignId, json: bool) -> anyhow::Result<()> {
    if json {
        let record = tenant.campaign(id).await?;
        let counts = tenant.step_counts(&record).await?;
        let ids = tenant.step_ids(id).await?;
        let steps = counts.standing.iter().enumerate().map(|(place, standing)| {
            let ended: Vec<_> = counts.ended.iter().filter(|(at, ..)| *at == place + 1).map(|(_, why, n)| serde_json::json!({"why": why.to_string(), "people": n})).collect();
            serde_json::json!({"step": place + 1, "campaign": ids.get(place), "standing": standing, "ended": ended})
        });
        print_json(&serde_json::json!({ "steps": steps.collect::<Vec<_>>() }));
        return Ok(());
    }
    print(tenant, id).await
}

/// For people.
pub async fn print(tenant: &Tenant, id: CampaignId) -> anyhow::Result<()> {
    let record = tenant.campaign(id).await?;
    let counts = tenant.step_counts(&record).await?;
    for (place, standing) in counts.standing.iter().enumerate() {
        let (channel, wait) = record.sequence.step(place + 1).map_or((record.channel, String::new()), |step| (step.channel, format!(", {}", step.wait)));
        println!("step {}: {channel}{wait}: {standing} stand there", place + 1);
    }
    for (why, people) in counts.reasons() {
        println!("  {people} ended: {}", why.words());
    }
    Ok(())
}
