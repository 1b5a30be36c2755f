//! `clarion sftp-account …`: programs that bring files by SFTP, and the keys by which they are let in.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use clarion_domain::time::Instant;
use clarion_sftp::HostKey;
use clarion_store::Tenant;
use clarion_store::intake::{SftpAccount, SftpAccountDraft, new_sftp_password};

use crate::config::Config;
use crate::output::Listing;
use crate::{clock, open};

#[derive(Debug, Args)]
pub struct SftpAccountArgs {
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
    /// Make an account; give it a key or a password next.
    Create {
        username: String,
        #[command(flatten)]
        may: May,
    },
    /// The accounts, with what each may.
    List,
    /// Change what an account may; what is not named stays.
    Change {
        username: String,
        /// Whether it may sign in.
        #[arg(long, value_name = "YES", action = clap::ArgAction::Set)]
        enabled: Option<bool>,
        #[command(flatten)]
        may: May,
    },
    /// Let in the key of a `.pub` file.
    AddKey { username: String, file: PathBuf },
    /// Let a key in no longer, by its fingerprint (SHA256:…).
    RemoveKey { username: String, fingerprint: String },
    /// Make a password and print it, this once.
    Password {
        username: String,
        /// Take it away: only keys are let in.
        #[arg(long)]
        remove: bool,
    },
    /// End an account; what it brought stays.
    Delete { username: String },
    /// The public key (age) to which the tenant's files can be encrypted; made at the first call.
    FileKey,
    /// The fingerprint of the server's own key, for clients to compare.
    HostKey,
}

#[derive(Debug, Args)]
struct May {
    /// The list on which the contacts are put; made when there is none of this name.
    #[arg(long)]
    list: Option<String>,
    /// Load a file whose columns somebody confirmed before: true (the default) or false.
    #[arg(long, value_name = "YES", action = clap::ArgAction::Set)]
    reuse_mapping: Option<bool>,
    /// Take a file only once it was renamed: true or false (the default).
    #[arg(long, value_name = "YES", action = clap::ArgAction::Set)]
    rename_only: Option<bool>,
    /// Networks that it may come from, separated by spaces; empty for any.
    #[arg(long)]
    networks: Option<String>,
    /// Bytes that may wait to be loaded, in MiB.
    #[arg(long)]
    waiting_mib_max: Option<i64>,
    #[arg(long)]
    day_files_max: Option<i64>,
}

impl May {
    async fn over(&self, tenant: &Tenant, mut draft: SftpAccountDraft) -> anyhow::Result<SftpAccountDraft> {
        if let Some(name) = &self.list {
            draft.list = Some(tenant.list_named(name, clock::now()).await?);
        }
        draft.reuse_mapping = self.reuse_mapping.unwrap_or(draft.reuse_mapping);
        draft.rename_only = self.rename_only.unwrap_or(draft.rename_only);
        draft.waiting_bytes_max = self.waiting_mib_max.map_or(draft.waiting_bytes_max, |mebibytes| mebibytes.saturating_mul(1 << 20));
        draft.day_files_max = self.day_files_max.unwrap_or(draft.day_files_max);
        if let Some(networks) = &self.networks {
            draft.networks.clone_from(networks);
        }
        Ok(draft)
    }
}

async fn named(tenant: &Tenant, username: &str) -> anyhow::Result<SftpAccount> {
    let found = tenant.sftp_accounts().await?.into_iter().find(|account| account.draft.username.eq_ignore_ascii_case(username));
    found.with_context(|| format!("there is no SFTP account {username}: clarion sftp-account list"))
}

pub async fn run(config: &Config, args: &SftpAccountArgs) -> anyhow::Result<()> {
    if matches!(args.verb, Verb::HostKey) {
        let path = config.sftp_host_key();
        let key = HostKey::open(&path)?.with_context(|| format!("there is no host key at {} yet: clarion serve makes it", path.display()))?;
        println!("{}", key.fingerprint());
        return Ok(());
    }
    anyhow::ensure!(!args.tenant.is_empty(), "say which tenant: --tenant SHORT_NAME");
    let store = open::store(config).await?;
    let tenant = open::tenant(&store, &args.tenant).await?;
    match &args.verb {
        Verb::Create { username, may } => {
            let id = tenant.create_sftp_account(&may.over(&tenant, SftpAccountDraft::new(username)).await?, clock::now()).await?;
            println!("made SFTP account {username} ({id}); nobody can sign in with it before it has a key or a password");
        }
        Verb::List => list(&tenant, args.json).await?,
        Verb::Change { username, enabled, may } => {
            let account = named(&tenant, username).await?;
            let mut draft = may.over(&tenant, account.draft).await?;
            draft.enabled = enabled.unwrap_or(draft.enabled);
            tenant.change_sftp_account(account.id, &draft, clock::now()).await?;
            println!("changed {username}");
        }
        Verb::AddKey { username, file } => {
            let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
            let print = tenant.add_sftp_key(named(&tenant, username).await?.id, &text, clock::now()).await?;
            println!("{username} is let in by {print}");
        }
        Verb::RemoveKey { username, fingerprint } => {
            tenant.remove_sftp_key(named(&tenant, username).await?.id, fingerprint, clock::now()).await?;
            println!("removed {fingerprint}");
        }
        Verb::Password { username, remove } => password(&tenant, username, *remove).await?,
        Verb::Delete { username } => {
            tenant.delete_sftp_account(named(&tenant, username).await?.id, clock::now()).await?;
            println!("deleted {username}; what it brought stays among the imports");
        }
        Verb::FileKey => println!("{}", tenant.make_file_key(clock::now()).await?),
        Verb::HostKey => {}
    }
    Ok(())
}

async fn password(tenant: &Tenant, username: &str, remove: bool) -> anyhow::Result<()> {
    let account = named(tenant, username).await?;
    if remove {
        tenant.set_sftp_password(account.id, None, clock::now()).await?;
        println!("{username} has no password: only keys are let in");
        return Ok(());
    }
    let made = new_sftp_password()?;
    tenant.set_sftp_password(account.id, Some(&clarion_edge::hash_password(&made).await?), clock::now()).await?;
    println!("password of {username}, shown this once: {made}");
    Ok(())
}

async fn list(tenant: &Tenant, json: bool) -> anyhow::Result<()> {
    let mut listing = Listing::new(&["id", "username", "enabled", "keys", "password", "list", "reuse_mapping", "rename_only", "networks", "waiting_bytes_max", "day_files_max", "used_at"]);
    for account in tenant.sftp_accounts().await? {
        let (draft, used) = (account.draft, account.used_at.map(Instant::rfc3339));
        listing.row([
            account.id.to_string().into(), draft.username.into(), draft.enabled.into(), account.keys.len().into(), account.has_password.into(), account.list_name.into(), draft.reuse_mapping.into(),
            draft.rename_only.into(), draft.networks.into(), draft.waiting_bytes_max.into(), draft.day_files_max.into(), used.into(),
        ]);
    }
    listing.print(json);
    Ok(())
}
