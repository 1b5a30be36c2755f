//! People on the mobile numbers reserved for drama: a thousand for each tenant, loaded as a file.

use clarion_domain::id::ListId;
use clarion_domain::intake::import::ImportSource;
use clarion_domain::time::Instant;
use clarion_store::Tenant;
use clarion_store::intake::NewImport;

pub const PEOPLE_A_TENANT: usize = 1_000;

/// Uploads a list of a thousand people; the intake worker loads it.
pub async fn upload(tenant: &Tenant, now: Instant) -> anyhow::Result<ListId> {
    let list = tenant.create_list("Everybody", now).await?;
    let mut file = String::from("phone,first name,reference\n");
    for last in 0..PEOPLE_A_TENANT {
        file.push_str(&format!("07700 900{last:03},Ada {last},R-{last}\n"));
    }
    let new = NewImport { list: Some(list), auto_start: true, accept_repeat: true, ..NewImport::new(ImportSource::Command, "people.csv") };
    let mut upload = tenant.begin_import(&new, now).await?;
    upload.write(file.as_bytes()).await?;
    upload.finish(now).await?;
    Ok(list)
}
