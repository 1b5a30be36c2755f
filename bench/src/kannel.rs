//! Kannel doing the same work: bearerbox with its spool, smsbox fed over HTTP, receipts asked for.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::process::{Run, cpu_time};
use crate::sink::Sink;

/// Requests to smsbox at the same time.
const FEEDERS: usize = 16;

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn config(folder: &Path, smsc_port: u16, ports: [u16; 3]) -> String {
    let [admin, box_port, http] = ports;
    let spool = folder.join("spool");
    format!(
        "group = core\nadmin-port = {admin}\nadmin-password = bench\nsmsbox-port = {box_port}\nbox-allow-ip = 127.0.0.1\nlog-level = 4\n\
         store-type = spool\nstore-location = {}\ndlr-storage = internal\n\n\
         group = smsc\nsmsc = smpp\nsmsc-id = sink\nhost = 127.0.0.1\nport = {smsc_port}\ntransceiver-mode = true\nsmsc-username = pretend\n\
         smsc-password = pretend\nsystem-type = \"\"\nmax-pending-submits = 100\n\n\
         group = smsbox\nbearerbox-host = 127.0.0.1\nsendsms-port = {http}\nlog-level = 4\n\n\
         group = sendsms-user\nusername = bench\npassword = bench\nmax-messages = 1\n",
        spool.display()
    )
}

const BEARERBOX: &str = "/usr/sbin/bearerbox";
const SMSBOX: &str = "/usr/sbin/smsbox";

/// Asked before anything is measured.
pub fn check() -> anyhow::Result<()> {
    for (program, package) in [(BEARERBOX, "kannel"), (SMSBOX, "kannel")] {
        anyhow::ensure!(Path::new(program).exists(), "there is nothing to compare with: {program} is missing. Install Debian's package {package}, or leave Kannel out with --alone");
    }
    Ok(())
}

fn start(program: &str, config: &Path) -> anyhow::Result<Child> {
    Command::new(program)
        .arg(config)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{program} is not installed: on Debian, apt-get install kannel (or use --alone)"))
}

/// A run right after others shows up to five times the CPU. The likely cause: Kannel opens a connection for each receipt that it tells, the kernel
/// keeps a closed one in mind for a minute, and opening one costs more the more of them there are. So each begins on a machine that has forgotten.
async fn wait_until_connections_are_forgotten() -> anyhow::Result<()> {
    for waited in 0..120 {
        let sockets = std::fs::read_to_string("/proc/net/sockstat")?;
        let words: Vec<&str> = sockets.lines().find(|line| line.starts_with("TCP:")).unwrap_or_default().split_whitespace().collect();
        let kept = words.iter().position(|word| *word == "tw").and_then(|place| words.get(place + 1)?.parse::<u32>().ok()).unwrap_or(0);
        if kept < 100 {
            return Ok(());
        }
        if waited == 0 {
            println!("waiting until the kernel has forgotten {kept} closed connections …");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    anyhow::bail!("other programs of this machine keep opening connections: measure when it is quiet")
}

pub async fn send(messages: usize) -> anyhow::Result<Run> {
    wait_until_connections_are_forgotten().await?;
    let mut sink = Sink::start().await?;
    let owner = Owner::listen().await?;
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("spool"))?;
    let ports = [free_port()?, free_port()?, free_port()?];
    let path = folder.path().join("kannel.conf");
    std::fs::write(&path, config(folder.path(), sink.port, ports))?;
    let bearerbox = start(BEARERBOX, &path)?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let smsbox = start(SMSBOX, &path)?;
    let pids = [bearerbox.id().context("bearerbox ended")?, smsbox.id().context("smsbox ended")?];
    // Another client of this process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build()?;
    wait_until_fed(&client, ports[2], owner.port).await?;

    let used = || pids.iter().map(|pid| cpu_time(*pid)).sum::<Duration>();
    let (begun, cpu) = (std::time::Instant::now(), used());
    let mut feeders = Vec::new();
    for feeder in 0..FEEDERS {
        let client = client.clone();
        let (port, owner_port) = (ports[2], owner.port);
        feeders.push(tokio::spawn(async move {
            for number in (feeder..messages).step_by(FEEDERS) {
                let response = client.get(url(port, owner_port, number)).send().await?;
                anyhow::ensure!(response.status().is_success(), "smsbox answered {}", response.status());
            }
            anyhow::Ok(())
        }));
    }
    for feeder in feeders {
        feeder.await??;
    }
    // One more was sent to see that it runs.
    sink.wait_for(messages + 1).await?;
    owner.wait_for(messages + 1).await?;
    Ok(Run { messages, took: begun.elapsed(), cpu: used().saturating_sub(cpu), served: Duration::ZERO })
}

/// Whoever is told of the receipts, as Kannel hands them on: by an HTTP request each. Its work is not counted.
struct Owner {
    port: u16,
    told: Arc<AtomicUsize>,
}

impl Owner {
    async fn listen() -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let (port, told) = (listener.local_addr()?.port(), Arc::new(AtomicUsize::new(0)));
        let counted = told.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, counted.clone()));
            }
        });
        Ok(Self { port, told })
    }

    async fn wait_for(&self, receipts: usize) -> anyhow::Result<()> {
        for _ in 0..600 {
            if self.told.load(Ordering::SeqCst) >= receipts {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("Kannel told of {} receipts of {receipts} within a minute", self.told.load(Ordering::SeqCst))
    }
}

/// Answers each request on a connection; they have no body.
async fn answer(stream: tokio::net::TcpStream, told: Arc<AtomicUsize>) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.is_empty() {
            told.fetch_add(1, Ordering::SeqCst);
            if writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.is_err() {
                return;
            }
        }
    }
}

/// `dlr-mask` 3: the final receipt alone, delivered or not.
fn url(port: u16, owner: u16, number: usize) -> String {
    let last = number % 1_000;
    format!(
        "http://127.0.0.1:{port}/cgi-bin/sendsms?username=bench&password=bench&from=447700900999&to=447700900{last:03}&dlr-mask=3\
         &dlr-url=http%3A%2F%2F127.0.0.1%3A{owner}%2F%3Fstate%3D%25d&text=Dear+Ada+{last},+please+call+us+about+your+account."
    )
}

async fn wait_until_fed(client: &reqwest::Client, port: u16, owner: u16) -> anyhow::Result<()> {
    for _ in 0..100 {
        let answer = client.get(url(port, owner, 0)).send().await;
        if answer.is_ok_and(|response| response.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    anyhow::bail!("smsbox did not take a message within 20 s")
}
