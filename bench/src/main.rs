//! Benchmarks beside the peers: each prints a ratio taken in one run on one machine. See bench/README.md.

mod clarion;
mod import;
mod import_bare;
mod import_memory;
mod kannel;
mod people;
mod process;
mod sink;

use clap::{Parser, Subcommand};

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
    },
    /// A file of people through intake, against the bare cost of parsing it and inserting its rows.
    Import {
        #[arg(long, default_value_t = 1_000_000)]
        rows: usize,
    },
    /// The sink by itself: started by `send` as a process of its own, so that its work is not counted.
    Sink,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().what {
        What::Sink => sink::serve().await,
        What::Import { rows } => import::run(rows).await,
        What::Send { messages, kannel_messages, alone } => {
            let ours = clarion::send(messages).await?;
            ours.print("Clarion");
            if !alone {
                let theirs = kannel::send(kannel_messages).await?;
                theirs.print("Kannel");
                println!("\nClarion sends {:.0} times as many a second, at 1/{:.0} of the CPU a message.", ours.rate() / theirs.rate(), theirs.cpu_micros() / ours.cpu_micros());
            }
            Ok(())
        }
    }
}
