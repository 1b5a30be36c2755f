//! The command line: one variant a command.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands;
use crate::exit;

/// Self-hosted outbound contact platform.
#[derive(Debug, Parser)]
#[command(name = "clarion", version, after_help = exit::TABLE, max_term_width = 110)]
pub struct Cli {
    /// The configuration file; `clarion.toml` in this folder when it is there.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

/// For commands that list something.
#[derive(Debug, Clone, Copy, Args)]
pub struct ListingArgs {
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Everything in one process, on people who do not exist: to look at.
    Demo(commands::demo::DemoArgs),
    /// The server: portal, API, workers and carriers, until SIGTERM.
    Serve,
    /// Read the configuration, reach the database, and say what is wrong.
    Check(commands::check::CheckArgs),
    /// Look deeper: keys, sign-ins, senders, routes, trunks.
    Doctor(commands::doctor::DoctorArgs),
    /// Bring the database's schema up to date.
    Migrate(commands::migrate::MigrateArgs),
    /// Copy the embedded database while it is in use.
    Backup(commands::backup::BackupArgs),
    /// Put a backup in the place of the embedded database.
    Restore(commands::backup::RestoreArgs),
    /// Copy everything into another, empty database: from the embedded one to PostgreSQL, or back.
    CopyDatabase(commands::copy_database::CopyDatabaseArgs),
    /// Make a tenant: a client organisation.
    CreateTenant(commands::create_tenant::CreateTenantArgs),
    /// Make somebody who signs in to the portal.
    CreateUser(commands::create_user::CreateUserArgs),
    /// Who signs in: list, change, deactivate, sessions, second factor, invitations.
    User(commands::user::UserArgs),
    /// A tenant's identity provider.
    SingleSignOn(commands::single_sign_on::SingleSignOnArgs),
    /// What waits for a second person.
    Approval(commands::approval::ApprovalArgs),
    /// Which acts wait for a second person.
    FourEyes(commands::four_eyes::FourEyesArgs),
    /// Make, list and revoke the keys by which programs use the API.
    ApiKey(commands::api_key::ApiKeyArgs),
    /// The rules that decide who may be contacted.
    Rules(ListingArgs),
    /// The numbers that no call may show, for every tenant.
    DoNotOriginate(commands::do_not_originate::DoNotOriginateArgs),
    /// The tenants.
    Tenants(ListingArgs),
    /// Load a contact file.
    Import(commands::import::ImportArgs),
    /// Accounts by which programs bring contact files over SFTP.
    SftpAccount(commands::sftp_account::SftpAccountArgs),
    /// What a tenant may hold of people beyond the standard fields.
    Field(commands::field::FieldArgs),
    /// Static sets of contacts.
    List(commands::list::ListArgs),
    /// Saved conditions that narrow an audience.
    Filter(commands::filter::FilterArgs),
    /// The numbers that are never contacted.
    Suppression(commands::suppression::SuppressionArgs),
    /// List, write, start and stop campaigns, and read their reports.
    Campaign(commands::campaign::CampaignArgs),
    /// What calls say and ask.
    Script(commands::script::ScriptArgs),
    /// Recordings that calls play.
    Prompt(commands::prompt::PromptArgs),
    /// The lines to which calls put people through.
    Target(commands::target::TargetArgs),
    /// The names and numbers that a tenant may send from.
    Sender(commands::sender::SenderArgs),
    /// The configured connections to carriers.
    Trunk(commands::trunk::TrunkArgs),
    /// Which trunk a message takes.
    Route(commands::route::RouteArgs),
    /// What clients told us to do with their data.
    Instruction(commands::instruction::InstructionArgs),
    /// What is pulled from clients' systems.
    Connector(commands::connector::ConnectorArgs),
    /// Results that go back to clients.
    Export(commands::export::ExportArgs),
    /// Where clients' systems are told what happens.
    Webhook(commands::webhook::WebhookArgs),
    /// What is held on one person, and its end.
    Subject(commands::subject::SubjectArgs),
    /// Delete what has been kept long enough, now.
    Sweep(commands::sweep::SweepArgs),
    /// How long a tenant keeps what.
    Retention(commands::retention::RetentionArgs),
    /// Make a new root key and destroy the old one: old copies of erased people's keys open no more.
    RotateKeys(commands::rotate_keys::RotateKeysArgs),
    /// Every place where personal data is kept, as Markdown.
    Inventory(commands::inventory::InventoryArgs),
    /// What was done to which record, and by whom.
    Audit(commands::audit::AuditArgs),
    /// Print a configuration file with every key and its default.
    ExampleConfig,
}
