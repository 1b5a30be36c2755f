//! `clarion campaign start|pause|resume|cancel`.

use clarion_domain::id::CampaignId;
use clarion_store::Tenant;
use clarion_store::tenancy::Carried;

use crate::clock;
use crate::commands::approval;
use crate::output::print_json;

#[derive(Debug, Clone, Copy)]
pub enum Move {
    Start,
    Pause,
    Resume,
    Cancel,
}

pub async fn run(tenant: &Tenant, id: CampaignId, by: Move, json: bool) -> anyhow::Result<()> {
    let now = clock::now();
    match by {
        Move::Start => {
            if let Carried::Waits(approval) = tenant.start_campaign(id, now).await? {
                if json {
                    print_json(&serde_json::json!({ "id": id, "waits": approval }));
                } else {
                    println!("{}", approval::waits(approval));
                }
                return Ok(());
            }
        }
        Move::Pause => tenant.pause_campaign(id, now).await?,
        Move::Resume => tenant.resume_campaign(id, now).await?,
        Move::Cancel => tenant.cancel_campaign(id, now).await?,
    }
    let record = tenant.campaign(id).await?;
    if json {
        print_json(&serde_json::json!({ "id": id, "state": record.state }));
    } else {
        println!("{}: {}", record.name, record.state);
    }
    Ok(())
}
