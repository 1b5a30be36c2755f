//! `clarion campaign copy`: a draft like a campaign that there is, and at once what it lacks.

use clarion_domain::id::CampaignId;
use clarion_store::Tenant;
use clarion_store::campaigns::CampaignDraft;

use super::create::tell;
use crate::clock;

pub async fn run(tenant: &Tenant, id: CampaignId, json: bool) -> anyhow::Result<()> {
    let now = clock::now();
    let copy = tenant.copy_campaign(id, now).await?;
    let draft = CampaignDraft::from(&tenant.campaign(copy).await?);
    tell(tenant, copy, &draft, now, json).await
}
