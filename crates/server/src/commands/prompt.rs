//! `clarion prompt list|add|save|remove`: recordings that calls play.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use clarion_store::StoreError;

use crate::config::Config;
use crate::output::{Listing, print_json};
use crate::{clock, open, prompt};

#[derive(Debug, Args)]
pub struct PromptArgs {
    /// Short name or identifier of the tenant.
    #[arg(long, global = true, default_value = "", hide_default_value = true)]
    tenant: String,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The tenant's prompts.
    List,
    /// Keep a WAV, MP3, OGG Vorbis or FLAC file under a name; one of that name is replaced.
    Add { name: String, file: PathBuf },
    /// Write a prompt to a WAV file, as calls play it.
    Save { name: String, file: PathBuf },
    /// Delete a prompt: scripts that name it can no longer start.
    Remove { name: String },
}

pub async fn run(config: &Config, args: &PromptArgs) -> anyhow::Result<()> {
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    match &args.verb {
        Verb::List => {
            let mut listing = Listing::new(&["id", "name", "duration_ms", "kept_at"]);
            for prompt in tenant.prompts().await? {
                listing.row([prompt.id.to_string().into(), prompt.name.into(), prompt.duration_ms.into(), prompt.created_at.rfc3339().into()]);
            }
            listing.print(args.json);
        }
        Verb::Add { name, file } => {
            let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
            let samples = clarion_edge::read_prompt_file(prompt::read, bytes).map_err(|error| StoreError::Invalid(format!("{}: {error}", file.display())))?;
            let id = tenant.put_prompt(name, &samples, clock::now()).await?;
            if args.json {
                print_json(&serde_json::json!({ "id": id, "duration_ms": samples.len() / 8 }));
            } else {
                println!("kept prompt {name} ({id}), {:.1} s", samples.len() as f64 / 8_000.0);
            }
        }
        Verb::Save { name, file } => {
            let samples = tenant.prompt_audio(name).await?;
            std::fs::write(file, clarion_edge::wav(&samples)).with_context(|| file.display().to_string())?;
        }
        Verb::Remove { name } => {
            let found = tenant.prompts().await?.into_iter().find(|prompt| prompt.name == *name).ok_or(StoreError::NotFound("prompt"))?;
            tenant.delete_prompt(found.id, clock::now()).await?;
            if !args.json {
                println!("removed prompt {name}");
            }
        }
    }
    Ok(())
}
