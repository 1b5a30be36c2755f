//! One file a command.

pub mod api_key;
pub mod approval;
pub mod audit;
pub mod backup;
pub mod campaign;
pub mod check;
pub mod copy_database;
pub mod create_tenant;
pub mod create_user;
pub mod demo;
pub mod do_not_originate;
pub mod doctor;
pub mod field;
pub mod filter;
pub mod four_eyes;
pub mod import;
pub mod inventory;
pub mod list;
pub mod migrate;
pub mod prompt;
pub mod retention;
pub mod rotate_keys;
pub mod route;
pub mod rules;
pub mod script;
pub mod sender;
pub mod serve;
pub mod sftp_account;
pub mod single_sign_on;
pub mod subject;
pub mod suppression;
pub mod sweep;
pub mod target;
pub mod tenants;
pub mod trunk;
pub mod user;
pub mod webhook;
pub mod instruction;
pub mod connector;
pub mod export;

use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::config::{self, Config, LogSettings};
use crate::log;

/// Runs the command; what it returns is the exit code.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::ExampleConfig => print!("{}", config::example()),
        Command::Inventory(args) => inventory::run(args),
        Command::Demo(args) => {
            log::start(&LogSettings { level: "warn".into(), ..LogSettings::default() })?;
            return demo::run(args).await;
        }
        _ => return with_config(cli).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn with_config(cli: Cli) -> anyhow::Result<ExitCode> {
    let config = Config::load(cli.config.as_deref())?;
    log::start(&log_settings(&cli.command, &config))?;
    // `check` tells what is wrong with them beside everything else.
    if !matches!(cli.command, Command::Check(_)) {
        crate::rules::install(&config)?;
    }
    match cli.command {
        Command::Serve => serve::run(&config).await,
        Command::Check(args) => return check::run(&config, &args).await,
        Command::Doctor(args) => return doctor::run(&config, &args).await,
        Command::Migrate(args) => migrate::run(&config, args).await,
        Command::Backup(args) => backup::backup(&config, &args).await,
        Command::Restore(args) => backup::restore(&config, &args).await,
        Command::CopyDatabase(args) => copy_database::run(&config, &args).await,
        Command::CreateTenant(args) => create_tenant::run(&config, &args).await,
        Command::CreateUser(args) => create_user::run(&config, &args).await,
        Command::ApiKey(args) => api_key::run(&config, &args).await,
        Command::User(args) => user::run(&config, &args).await,
        Command::SingleSignOn(args) => single_sign_on::run(&config, &args).await,
        Command::Approval(args) => approval::run(&config, &args).await,
        Command::FourEyes(args) => four_eyes::run(&config, &args).await,
        Command::Rules(args) => rules::run(&config, args),
        Command::DoNotOriginate(args) => do_not_originate::run(&config, &args).await,
        Command::Tenants(args) => tenants::run(&config, args).await,
        Command::SftpAccount(args) => sftp_account::run(&config, &args).await,
        Command::Import(args) => return import::run(&config, &args).await,
        Command::Field(args) => field::run(&config, &args).await,
        Command::List(args) => list::run(&config, &args).await,
        Command::Filter(args) => filter::run(&config, &args).await,
        Command::Suppression(args) => suppression::run(&config, &args).await,
        Command::Campaign(args) => campaign::run(&config, &args).await,
        Command::Script(args) => script::run(&config, &args).await,
        Command::Prompt(args) => prompt::run(&config, &args).await,
        Command::Target(args) => target::run(&config, &args).await,
        Command::Sender(args) => sender::run(&config, &args).await,
        Command::Trunk(args) => trunk::run(&config, &args).await,
        Command::Route(args) => route::run(&config, &args).await,
        Command::Instruction(args) => instruction::run(&config, &args).await,
        Command::Connector(args) => connector::run(&config, &args).await,
        Command::Export(args) => export::run(&config, &args).await,
        Command::Webhook(args) => webhook::run(&config, &args).await,
        Command::Subject(args) => subject::run(&config, &args).await,
        Command::Sweep(args) => sweep::run(&config, &args).await,
        Command::Retention(args) => retention::run(&config, &args).await,
        Command::RotateKeys(args) => rotate_keys::run(&config, &args).await,
        Command::Audit(args) => audit::run(&config, &args).await,
        Command::Demo(_) | Command::Inventory(_) | Command::ExampleConfig => Ok(()),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// A command prints what it has to say, so that only warnings of what lies below it are worth a line.
fn log_settings(command: &Command, config: &Config) -> LogSettings {
    let mut settings = config.log.clone();
    if !matches!(command, Command::Serve) && settings.level == "info" {
        settings.level = "warn".into();
    }
    settings
}
