//! `clarion subject export|erase`: what is held on one person, and its end.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use clarion_domain::compliance::rule_book::RuleBook;
use clarion_store::privacy::subject_html;

use crate::config::Config;
use crate::output::{Listing, print_json};
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct SubjectArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Html,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Everything held on one person, on standard output.
    Export {
        /// The whole number or the whole reference.
        subject: String,
        /// Short name or identifier of the tenant.
        #[arg(long)]
        tenant: String,
        #[arg(long, value_enum, default_value_t = Format::Json)]
        format: Format,
        /// Also write every recording of them into this folder, as WAV: it is made, and may not exist.
        #[arg(long)]
        recordings: Option<PathBuf>,
    },
    /// Erase one person from every table and file, and never contact them again.
    Erase {
        /// The whole number or the whole reference.
        subject: String,
        /// Short name or identifier of the tenant.
        #[arg(long)]
        tenant: String,
        /// Only say what would go.
        #[arg(long)]
        dry_run: bool,
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(config: &Config, args: &SubjectArgs) -> anyhow::Result<()> {
    let store = open::store(config).await?;
    match &args.verb {
        Verb::Export { subject, tenant, format, recordings } => {
            let tenant = open::tenant(&store, tenant).await?;
            let export = tenant.subject_export(subject, &RuleBook::embedded()?, clock::now()).await?;
            if let Some(folder) = recordings {
                std::fs::create_dir(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
                tenant.subject_recordings(subject, clock::now(), |name, wav| std::fs::write(folder.join(name), wav).with_context(|| format!("{name} cannot be written"))).await?;
            }
            match format {
                Format::Json => print_json(&serde_json::to_value(&export)?),
                Format::Html => print!("{}", subject_html(&export)),
            }
        }
        Verb::Erase { subject, tenant, dry_run, json } => {
            let erasure = open::tenant(&store, tenant).await?.subject_erase(subject, *dry_run, clock::now()).await?;
            if *json {
                print_json(&serde_json::to_value(&erasure)?);
                return Ok(());
            }
            let mut listing = Listing::new(&["what", "n"]);
            erasure.counts.iter().filter(|line| line.count > 0).for_each(|line| listing.row([line.what.into(), line.count.into()]));
            listing.print(false);
            println!("{}", if *dry_run { "a dry run: nothing was erased" } else { "erased, and kept from being contacted or loaded again" });
        }
    }
    Ok(())
}
