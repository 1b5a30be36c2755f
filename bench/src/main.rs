//! Benchmarks beside the peers: each prints a ratio taken in one run on one machine. See bench/README.md.

mod audio;
mod bridge;
mod calls;
mod clarion;
mod import;
mod import_bare;
mod import_memory;
mod kannel;
mod pacing;
mod people;
mod portal;
mod process;
mod sink;

use clap::{Parser, Subcommand};

/// As in the binary `clarion`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "What Clarion is measured by")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The send loop, durable, against a sink SMSC, and Kannel doing the same work.
    Send {
        /// Messages that Clarion sends; a multiple of 1,000.
        #[arg(long, default_value_t = 100_000)]
        messages: usize,
        /// Messages that Kannel sends: it is much slower.
        #[arg(long, default_value_t = 5_000)]
        kannel_messages: usize,
        /// Leave Kannel out.
        #[arg(long)]
        alone: bool,
        /// Also on this PostgreSQL server, on which databases may be made: postgres://user:password@host/database.
        #[arg(long)]
        postgres: Option<String>,
        /// Every tenant has a webhook that asks for each outcome; what is written for it counts, sending it does not.
        #[arg(long)]
        told: bool,
    },
    /// A file of people through intake, against the bare cost of parsing it and inserting its rows.
    Import {
        #[arg(long, default_value_t = 1_000_000)]
        rows: usize,
    },
    /// The portal's pages over many contacts, by itself and while a file of a million is loaded.
    Portal {
        /// 10,000,000 take some 15 GB and half an hour.
        #[arg(long, default_value_t = 1_000_000)]
        contacts: usize,
        /// The server: `target/release/clarion` when left out.
        #[arg(long, default_value = "target/release/clarion")]
        binary: std::path::PathBuf,
    },
    /// Calls with playout on one media thread, beside a bare loop of the same packets.
    Audio {
        #[arg(long, default_value_t = 2_000)]
        streams: usize,
        /// How long is measured.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
        /// Length of a call; 6 has the detector on in all of them all the time.
        #[arg(long, default_value_t = 60)]
        call_seconds: u64,
    },
    /// The far end of `audio`, started by it.
    AudioFar,
    /// From a person's answer to their hearing an agent, through the whole dialler.
    Bridge {
        /// People who are put through, all of whom talk at the same time in the end.
        #[arg(long, default_value_t = 250)]
        calls: u32,
        /// Calls begun a second at most.
        #[arg(long, default_value_t = 20)]
        rate: u32,
    },
    /// Predictive pacing against simulated people and agents: occupancy and abandoned rate, beside one call for each free agent.
    Pacing {
        #[arg(long, default_value_t = 3)]
        days: u32,
        /// None of these was looked at while the model was tuned: that was 7 to 10.
        #[arg(long, value_delimiter = ',', default_values_t = [101, 102, 103, 104, 105])]
        seeds: Vec<u64>,
        #[arg(long, value_delimiter = ',', default_values_t = [5, 10, 25, 50, 100, 250])]
        agents: Vec<usize>,
        /// For how long a call is let ring: what a campaign has unless it says otherwise.
        #[arg(long, default_value_t = 20)]
        ring_seconds: i64,
        /// What no model foresees, in the middle of each day.
        #[arg(long, value_enum)]
        upset: Option<pacing::Upset>,
    },
    /// Calls set up and hung up, beside SIPp's own caller.
    Calls {
        #[arg(long, default_value_t = 10_000)]
        calls: usize,
        /// Calls begun a second.
        #[arg(long, default_value_t = 1_000)]
        rate: usize,
        /// Calls that are up when memory is measured.
        #[arg(long, default_value_t = 2_000)]
        live: usize,
    },
    /// Clarion's caller by itself: started by `calls` as a process of its own, so that its work alone is counted.
    Caller {
        port: u16,
        rate: usize,
        calls: usize,
        #[arg(long)]
        hold: bool,
    },
    /// The sink by itself: started by `send` as a process of its own, so that its work is not counted.
    Sink,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // A warning says why a figure is not what it should be.
    tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::WARN).with_writer(std::io::stderr).init();
    match Arguments::parse().what {
        What::Audio { streams, seconds, call_seconds } => audio::run(streams, seconds, call_seconds).await,
        What::Bridge { calls, rate } => bridge::run(calls, rate).await,
        What::AudioFar => audio::far(),
        What::Pacing { days, seeds, agents, ring_seconds, upset } => {
            pacing::run(&agents, days, &seeds, ring_seconds * 1_000, upset);
            Ok(())
        }
        What::Calls { calls, rate, live } => calls::compare(calls, rate, live),
        What::Caller { port, rate, calls, hold } => calls::caller(port, rate, calls, hold).await,
        What::Sink => sink::serve().await,
        What::Portal { contacts, binary } => portal::run(contacts, std::path::absolute(binary)?).await,
        What::Import { rows } => import::run(rows).await,
        What::Send { messages, kannel_messages, alone, postgres, told } => {
            if !alone {
                kannel::check()?;
            }
            let ours = clarion::send(messages, None, told).await?;
            ours.print("Clarion on SQLite");
            if let Some(url) = postgres {
                clarion::send(messages, Some(&url), told).await?.print("Clarion on PostgreSQL");
            }
            if !alone {
                let theirs = kannel::send(kannel_messages).await?;
                theirs.print("Kannel");
                println!("\nClarion (on SQLite) sends {:.0} times as many a second, at 1/{:.0} of the CPU a message.", ours.rate() / theirs.rate(), theirs.cpu_micros() / ours.cpu_micros());
            }
            Ok(())
        }
    }
}
