//! `clarion tenants`: the tenants of this installation.

use crate::cli::ListingArgs;
use crate::config::Config;
use crate::open;
use crate::output::Listing;

pub async fn run(config: &Config, args: ListingArgs) -> anyhow::Result<()> {
    let store = open::store(config).await?;
    let mut listing = Listing::new(&["id", "short_name", "name", "numbers", "region", "zone", "created_at"]);
    for tenant in store.tenants().await? {
        listing.row([
            tenant.id.to_string().into(),
            tenant.slug.into(),
            tenant.name.into(),
            tenant.number_mode.as_str().into(),
            tenant.default_region.into(),
            tenant.zone.into(),
            tenant.created_at.rfc3339().into(),
        ]);
    }
    listing.print(args.json);
    Ok(())
}
