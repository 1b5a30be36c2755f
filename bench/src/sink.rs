//! A sink SMSC in a process of its own.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use clarion_testbed::{Carrier, CarrierConfig};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Serves until its standard input ends: first a line with the port, then how many messages it has, ten times a second.
pub async fn serve() -> anyhow::Result<()> {
    let carrier = Carrier::start(CarrierConfig::sink()).await?;
    println!("{}", carrier.address().port());
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        println!("{} {}", carrier.tally().messages(), carrier.outstanding());
        if std::io::stdout().flush().is_err() {
            return Ok(());
        }
    }
}

pub struct Sink {
    pub port: u16,
    lines: Lines<BufReader<ChildStdout>>,
    // Ends with this value.
    _process: Child,
}

impl Sink {
    pub async fn start() -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?).arg("sink").stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(process.stdout.take().context("the sink's output")?).lines();
        let port = lines.next_line().await?.context("the sink's port")?.parse()?;
        Ok(Self { port, lines, _process: process })
    }

    /// Waits until it has taken so many messages and every receipt was acknowledged.
    pub async fn wait_for(&mut self, messages: usize) -> anyhow::Result<()> {
        loop {
            let line = self.lines.next_line().await?.context("the sink ended")?;
            let (taken, open) = line.split_once(' ').context("the sink's counts")?;
            if taken.parse::<usize>()? >= messages && open == "0" {
                return Ok(());
            }
        }
    }
}
