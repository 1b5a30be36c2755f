//! The binary `clarion`: commands, configuration and supervision.

mod cli;
mod clock;
mod commands;
mod config;
mod demo;
mod exit;
mod log;
mod metrics;
mod node;
mod open;
mod output;
mod password;
mod progress;
mod provider;
mod prompt;
mod rules;
mod supervise;
mod voice;
mod web;
mod webhooks;

use clap::Parser;

/// Rows are made by one thread and let go by another, all day long: the system's allocator spends an eighth of the send loop on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&anyhow::Error::new(error).context("the runtime did not start")),
    };
    let ended = runtime.block_on(commands::run(cli));
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match ended {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    }
}
