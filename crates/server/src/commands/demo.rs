//! `clarion demo`: everything in one process, on people who do not exist.

use std::process::ExitCode;
use std::time::{Duration, Instant as Since};

use anyhow::{Context, bail};
use clap::Args;
use clarion_domain::id::CampaignId;
use clarion_store::Tenant;

use crate::commands::campaign::{Report, print_steps, report};
use crate::demo::{Calls, Cast, Comparison, Stage, TextAndCall, call_lines, compare, followed_up, is_over, play, ring, text_and_call};
use crate::supervise::Signals;
use crate::{clock, exit, password};

const PEOPLE: usize = 120;
const ONCE_WAIT: Duration = Duration::from_secs(180);

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Run to the end, print the report, compare it with the pretend carrier's own counts, and exit.
    #[arg(long)]
    once: bool,
    /// The portal's port; 0 for any free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

pub async fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::take_up().context("signals cannot be waited for")?;
    let stage = Stage::set(if args.once { 0 } else { args.port }).await?;
    let real = clock::now();
    let outcome = tokio::select! {
        outcome = perform(&stage, args, real) => outcome,
        () = signals.received() => Ok(ExitCode::SUCCESS),
    };
    stage.strike().await?;
    outcome
}

async fn perform(stage: &Stage, args: &DemoArgs, real: clarion_domain::time::Instant) -> anyhow::Result<ExitCode> {
    let password = password::make()?;
    let cast = play(stage, &password, PEOPLE).await?;
    let calls = ring(stage, &cast[cast.len() - 1]).await?;
    let both = text_and_call(&calls).await?;
    introduce(stage, &cast, &password, real);
    if !calls.spoken {
        println!("espeak-ng is not installed: people hear a chime instead of words.");
    }
    if args.once {
        return finish(stage, &cast, &calls, &both).await;
    }
    println!("\nCtrl-C ends the demo and removes its folder.");
    std::future::pending().await
}

fn introduce(stage: &Stage, cast: &[Cast], password: &str, real: clarion_domain::time::Instant) {
    println!("Clarion's demo: {PEOPLE} people who do not exist for each of two tenants, a pretend carrier on {}, nothing leaves this machine.", stage.carrier.address());
    println!("Its database lies in {}.", stage.folder().display());
    if (clock::now().ms() - real.ms()).abs() > 60_000 {
        println!("People may not be contacted at this hour: the demo's clock was put forward to {}.", clock::now().timestamp().strftime("%A %-d %B, %H:%M UTC"));
    }
    println!("\nPortal: http://{}/", stage.node.web);
    for member in cast {
        println!("  sign in as {:<10} password {password}   ({})", member.username, member.name);
    }
}

/// Waits for the end of every campaign and of everything that the carrier has to say.
async fn finish(stage: &Stage, cast: &[Cast], calls: &Calls, both: &TextAndCall) -> anyhow::Result<ExitCode> {
    println!("\nRunning to the end: about a minute …");
    let mut campaigns: Vec<_> = cast.iter().map(|member| (&member.tenant, member.campaign)).collect();
    campaigns.push((&calls.tenant, calls.campaign));
    until_over(stage, &campaigns).await?;
    both.let_an_hour_pass(stage, ONCE_WAIT).await?;
    until_over(stage, &[(&both.tenant, both.campaign)]).await?;
    // The carrier was acknowledged only after the commit, so that the rows are there; the answers to replies follow.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut reports: Vec<Report> = Vec::new();
    for member in cast {
        reports.push(report(&member.tenant, member.campaign).await?);
        println!("\n{}", member.name);
        reports[reports.len() - 1].print(false);
        println!("replies in the inbox: {}", member.tenant.open_replies().await?);
    }
    let [texted, followed] = [report(&both.tenant, both.steps[0]).await?, report(&both.tenant, both.steps[1]).await?];
    println!();
    texted.print(false);
    print_steps(&both.tenant, both.campaign).await?;
    let exact = followed.exact && texted.exact && reports.iter().all(|report| report.exact);
    reports.push(texted);
    let comparison = compare(&reports, &stage.carrier.tally());
    println!("\nThe report against the pretend carrier's own counts\n{}", comparison.to_text());
    let called = report(&calls.tenant, calls.campaign).await?;
    println!();
    called.print(false);
    let mut lines = call_lines(&[&called, &followed], &stage.voice.tally());
    lines.push(("called an hour after a text", followed.counts.values().map(|sums| sums.0).sum(), followed_up()));
    let of_calls = Comparison::of(lines);
    println!("\nThe calls against the pretend telephone carrier's own counts\n{}", of_calls.to_text());
    match (comparison.agrees() && of_calls.agrees(), exact && called.exact) {
        (true, true) => {
            println!("They agree.");
            Ok(ExitCode::SUCCESS)
        }
        (agrees, _) => {
            eprintln!("clarion: {}", if agrees { "the counts differ from a recount of the attempts" } else { "the report and the carrier's counts differ" });
            Ok(exit::wrong())
        }
    }
}

async fn until_over(stage: &Stage, campaigns: &[(&Tenant, CampaignId)]) -> anyhow::Result<()> {
    let began = Since::now();
    while !(is_over(campaigns).await? && stage.carrier.outstanding() == 0) {
        if began.elapsed() > ONCE_WAIT {
            bail!("the campaigns did not end in {} s", ONCE_WAIT.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
