//! Calls set up and hung up: Clarion's caller and SIPp's own, doing INVITE-ACK-BYE against the same kind of SIPp server.

use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clarion_sip::call::CallEvent;
use clarion_sip::cause::HangUp;
use clarion_sip::dial::DialRequest;
use clarion_sip::endpoint::{Call, Endpoint, EndpointConfig, Trunk};
use clarion_sip::negotiated::{Codec, LocalMedia, SrtpPolicy};
use clarion_sip::trunk::TrunkConfig;

use crate::process::cpu_time;

/// Calls are launched in turns, as the dialler does (whose turns are longer); SIPp does so too.
const TURN: Duration = Duration::from_millis(10);
/// How long a run may take over what its rate says.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Calls {
    pub calls: usize,
    pub took: Duration,
    pub cpu: Duration,
}

impl Calls {
    pub fn cpu_micros(&self) -> f64 {
        self.cpu.as_micros() as f64 / self.calls as f64
    }

    pub fn print(&self, name: &str) {
        println!("{name:8} {:>8} calls {:>7.1} s {:>8.0} a second {:>8.0} µs of CPU a call {:>8.0} a second on one core", self.calls, self.took.as_secs_f64(), self.calls as f64 / self.took.as_secs_f64(), self.cpu_micros(), 1e6 / self.cpu_micros());
    }
}

/// Both callers in turn, each against a server of its own, and what a live call of ours takes of memory.
pub fn compare(calls: usize, rate: usize, live: usize) -> anyhow::Result<()> {
    let (far, port) = server()?;
    let theirs = run(Command::new("sipp").args(["-sn", "uac", &format!("127.0.0.1:{port}"), "-i", "127.0.0.1", "-p", &free_port()?.to_string(), "-nostdin", "-d", "0", "-l", "20000", "-r", &rate.to_string(), "-m", &calls.to_string()]), calls)?;
    drop(far);
    theirs.print("SIPp");
    let (far, port) = server()?;
    let ours = run(Command::new(std::env::current_exe()?).args(["caller", &port.to_string(), &rate.to_string(), &calls.to_string()]), calls)?;
    drop(far);
    ours.print("Clarion");
    println!("\nA call costs Clarion {:.2} times what it costs SIPp.", ours.cpu_micros() / theirs.cpu_micros());
    let (far, port) = server()?;
    let held = Command::new(std::env::current_exe()?).args(["caller", &port.to_string(), &rate.to_string(), &live.to_string(), "--hold"]).output()?;
    drop(far);
    ensure!(held.status.success(), "the holding caller: {}", String::from_utf8_lossy(&held.stderr));
    println!("A live call takes {} of memory ({live} were up).", String::from_utf8_lossy(&held.stdout).trim());
    Ok(())
}

fn free_port() -> anyhow::Result<u16> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A process that ends with this value.
struct Server(std::process::Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It has nothing to save.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn server() -> anyhow::Result<(Server, u16)> {
    let port = free_port()?;
    let process = Command::new("sipp").args(["-sn", "uas", "-i", "127.0.0.1", "-p", &port.to_string(), "-nostdin"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("sipp (Debian's sip-tester)")?;
    let server = Server(process);
    let until = Instant::now() + PATIENCE;
    while !clarion_testbed::ports::is_taken(port) {
        ensure!(Instant::now() < until, "SIPp does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok((server, port))
}

/// Runs to the end. A process that has ended and was not waited for still tells what it has used.
fn run(command: &mut Command, calls: usize) -> anyhow::Result<Calls> {
    let began = Instant::now();
    let mut process = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let pid = process.id();
    while !has_ended(pid) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let (took, cpu) = (began.elapsed(), cpu_time(pid));
    let status = process.wait()?;
    ensure!(status.success(), "the caller ended with {status}: some calls failed");
    Ok(Calls { calls, took, cpu })
}

fn has_ended(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('Z'))
}

/// Clarion's caller, a process of its own. With `hold` it prints the memory that a live call takes.
pub async fn caller(port: u16, rate: usize, calls: usize, hold: bool) -> anyhow::Result<()> {
    let endpoint = Endpoint::bind(EndpointConfig::new(([127, 0, 0, 1], 0).into()))?;
    let mut config = TrunkConfig::new("127.0.0.1", Some(port));
    config.options_interval = None;
    let trunk = endpoint.trunk(config)?;
    let before = resident_bytes()?;
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..calls {
        let due = began + Duration::from_secs_f64(number as f64 / rate as f64);
        if due > Instant::now() {
            tokio::time::sleep_until((due + TURN).into()).await;
        }
        tasks.spawn(one(dial(&trunk)?, hold));
    }
    let mut held = Vec::new();
    while let Some(call) = tasks.join_next().await {
        held.extend(call??);
    }
    if hold {
        println!("{:.1} kB", (resident_bytes()? - before) as f64 / 1_000.0 / calls as f64);
    }
    drop(held);
    endpoint.close().await;
    Ok(())
}

fn dial(trunk: &Trunk) -> anyhow::Result<Call> {
    let address: SocketAddr = ([127, 0, 0, 1], 40_000).into();
    let local = LocalMedia { address, codecs: vec![Codec::Pcma, Codec::Pcmu], telephone_event: true, srtp: SrtpPolicy::Never };
    Ok(trunk.dial(DialRequest { to: "01632960001".into(), caller_id: "02079460000".into(), ..DialRequest::default() }, local)?)
}

async fn one(mut call: Call, hold: bool) -> anyhow::Result<Option<Call>> {
    loop {
        match call.event().await.context("the call has no end")? {
            CallEvent::Answered { .. } if hold => return Ok(Some(call)),
            CallEvent::Answered { .. } => call.hang_up(HangUp::default()),
            CallEvent::Ended(end) => {
                ensure!(end.answered_at.is_some(), "a call failed: {}", end.reason);
                return Ok(None);
            }
            _ => {}
        }
    }
}

fn resident_bytes() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    Ok(line.split_whitespace().next().context("a number")?.parse::<u64>()? * 1_024)
}
