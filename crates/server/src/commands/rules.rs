//! `clarion rules`: the rules that decide, as this installation has them.

use serde_json::Value;

use crate::cli::ListingArgs;
use crate::clock;
use crate::config::Config;
use crate::output::Listing;
use crate::rules;

pub fn run(config: &Config, args: ListingArgs) -> anyhow::Result<()> {
    let book = rules::read(config)?;
    let mut listing = Listing::new(&["pack", "regions", "in_force", "rule", "status", "source", "reviewer"]);
    for pack in book.packs() {
        for rule in pack.rules() {
            listing.row([
                pack.version().to_string().into(),
                pack.regions().join(" ").into(),
                Value::Bool(pack.is_in_force(clock::now())),
                rule.id.clone().into(),
                rule.status.as_str().into(),
                rule.source.clone().into(),
                rule.reviewer.clone().into(),
            ]);
        }
    }
    listing.print(args.json);
    Ok(())
}
