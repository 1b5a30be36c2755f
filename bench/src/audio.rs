//! Concurrent streams on one media thread: how late each packet leaves, and what it costs beside a bare loop of `sendmmsg`.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, IoSlice, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use clarion_sip::detect::DetectConfig;
use clarion_sip::media::{LegConfig, MediaConfig, MediaEngine, MediaEvent, MediaLeg, Piece, PortRange, Repeat};
use clarion_sip::negotiated::{Codec, Direction, NegotiatedMedia};
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrIn, sendmmsg};
use tokio::sync::mpsc::Receiver;

/// Sockets of the far end, each for many legs.
const FAR_SOCKETS: usize = 40;
const BATCH: usize = 64;
const DETECTING: Duration = Duration::from_secs(6);
const PACKET: usize = 172;

type Packet = [u8; PACKET];

fn packet(sequence: u32, ssrc: u32) -> Packet {
    let mut packet = [0; PACKET];
    packet[0] = 0x80;
    packet[1] = 8;
    packet[2..4].copy_from_slice(&(sequence as u16).to_be_bytes());
    packet[4..8].copy_from_slice(&sequence.wrapping_mul(160).to_be_bytes());
    packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
    // Bursts like words: half a second of sound, half of none.
    let loud = (sequence / 25).is_multiple_of(2);
    let mut chance = sequence.wrapping_mul(2_654_435_761) | 1;
    for byte in &mut packet[12..] {
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = if loud { 0xa0 ^ ((chance >> 24) as u8 & 0x9f) } else { 0xd5 };
    }
    packet
}

/// One call for all of these packets.
fn send(socket: &UdpSocket, headers: &mut MultiHeaders<SockaddrIn>, packets: &[Packet], to: &[Option<SockaddrIn>]) -> bool {
    let slices: Vec<[IoSlice<'_>; 1]> = packets.iter().map(|packet| [IoSlice::new(packet)]).collect();
    let none: [ControlMessage<'_>; 0] = [];
    sendmmsg(socket.as_raw_fd(), headers, slices.iter(), to, none, MsgFlags::empty()).is_ok()
}

/// The far end, as a process of its own: to whoever sends it sends 20 ms of sound every 20 ms, until its input closes.
pub fn far() -> anyhow::Result<()> {
    let sockets: Vec<UdpSocket> = (0..FAR_SOCKETS).map(|_| UdpSocket::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let mut out = std::io::stdout();
    for socket in &sockets {
        socket.set_nonblocking(true)?;
        writeln!(out, "{}", socket.local_addr()?)?;
    }
    out.flush()?;
    std::thread::spawn(|| {
        // The parent's end closes this input.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let mut known: Vec<HashMap<SocketAddrV4, (u32, u32)>> = vec![HashMap::new(); FAR_SOCKETS];
    let mut headers = MultiHeaders::preallocate(BATCH, None);
    let start = Instant::now();
    for turn in 0u32.. {
        for (n, socket) in sockets.iter().enumerate() {
            let peers = &mut known[n];
            let mut bytes = [0; 2_000];
            while let Ok((_, SocketAddr::V4(from))) = socket.recv_from(&mut bytes) {
                peers.entry(from).or_insert((0, turn)).1 = turn;
            }
            peers.retain(|_, (_, heard)| turn - *heard < 50);
            let (mut packets, mut to) = (Vec::with_capacity(peers.len()), Vec::with_capacity(peers.len()));
            for (peer, (sequence, _)) in peers.iter_mut() {
                packets.push(packet(*sequence, u32::from(peer.port())));
                to.push(Some(SockaddrIn::from(*peer)));
                *sequence += 1;
            }
            for (packets, to) in packets.chunks(BATCH).zip(to.chunks(BATCH)) {
                // What the network does not take is lost, as on any line.
                let _ = send(socket, &mut headers, packets, to);
            }
            if n % 2 == 1 {
                let due = start + Duration::from_micros(u64::from(turn) * 20_000 + n as u64 * 500);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        }
    }
    Ok(())
}

struct FarEnd {
    process: Child,
    addresses: Vec<SocketAddr>,
}

impl FarEnd {
    fn start() -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?).arg("audio-far").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(process.stdout.take().context("the far end's output")?).lines();
        let addresses = lines.take(FAR_SOCKETS).map(|line| Ok(line?.parse()?)).collect::<anyhow::Result<_>>()?;
        Ok(Self { process, addresses })
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a thread has had of the processors, and how long it was ready and had none.
#[derive(Clone, Copy)]
struct Turns {
    cpu: Duration,
    waited: Duration,
}

impl Turns {
    fn since(self, before: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(before.cpu), waited: self.waited.saturating_sub(before.waited) }
    }
}

/// Of the thread of this name.
fn turns(name: &str) -> anyhow::Result<Turns> {
    for entry in std::fs::read_dir("/proc/self/task")? {
        let folder = entry?.path();
        if std::fs::read_to_string(folder.join("comm")).is_ok_and(|comm| comm.trim() == name) {
            // Nanoseconds on a processor come first, then those of waiting for one.
            let text = std::fs::read_to_string(folder.join("schedstat"))?;
            let nanos: Vec<u64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
            let [cpu, waited, ..] = nanos[..] else { anyhow::bail!("schedstat has {} figures", nanos.len()) };
            return Ok(Turns { cpu: Duration::from_nanos(cpu), waited: Duration::from_nanos(waited) });
        }
    }
    anyhow::bail!("no thread {name}")
}

struct Call {
    leg: MediaLeg,
    events: Receiver<MediaEvent>,
    ends: Instant,
    detecting_until: Option<Instant>,
}

fn dial(engine: &MediaEngine, remote: SocketAddr, prompt: &Piece, lasts: Duration, detects: bool) -> anyhow::Result<Call> {
    let (leg, events) = engine.open_leg(LegConfig::default())?;
    leg.connect(NegotiatedMedia { remote, codec: Codec::Pcma, telephone_event: Some(101), direction: Direction::SendReceive, packet_ms: 20, srtp: None });
    if detects {
        leg.detect(DetectConfig::default());
    }
    leg.play(vec![prompt.clone()], Repeat::Loop);
    let now = Instant::now();
    Ok(Call { leg, events, ends: now + lasts, detecting_until: detects.then(|| now + DETECTING) })
}

/// What a bare loop of `sendmmsg` with the same packets costs: CPU a packet on this machine, now.
fn bare(packets: usize) -> anyhow::Result<Duration> {
    let (from, to) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    let SocketAddr::V4(target) = to.local_addr()? else { anyhow::bail!("an IPv4 address") };
    let batch = vec![packet(1, 1); BATCH];
    let targets = vec![Some(SockaddrIn::from(target)); BATCH];
    let name = "bare";
    let spent = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        let mut headers = MultiHeaders::preallocate(BATCH, None);
        let before = turns(name)?;
        let mut sent = 0;
        while sent < packets {
            anyhow::ensure!(send(&from, &mut headers, &batch, &targets), "the bare loop cannot send");
            sent += BATCH;
        }
        Ok::<_, anyhow::Error>(turns(name)?.since(before).cpu / u32::try_from(sent)?)
    })?;
    spent.join().map_err(|_| anyhow::anyhow!("the bare loop panicked"))?
}

pub async fn run(streams: usize, seconds: u64, call_seconds: u64) -> anyhow::Result<()> {
    let far = FarEnd::start()?;
    let engine = MediaEngine::start(MediaConfig { bind: Ipv4Addr::LOCALHOST.into(), ports: PortRange { first: 20_000, last: 32_000 }, threads: 1, legs_max: streams + 200, ..MediaConfig::default() })?;
    let prompt: Piece = (0..8_000 * 20).map(|n| (6_000.0 * (n as f32 * 0.3).sin() * (n as f32 * 0.001).sin()) as i16).collect::<Vec<_>>().into();
    let lasts = Duration::from_secs(call_seconds);
    let mut calls: Vec<Call> = Vec::with_capacity(streams);
    println!("{streams} streams on one media thread, calls of {call_seconds} s, the detector on in the first {} s of each", DETECTING.as_secs());
    // The first calls stand for ones that have been up for a while, and end evenly over the length of one, as all would go on to.
    for n in 0..streams {
        let mut call = dial(&engine, far.addresses[n % FAR_SOCKETS], &prompt, lasts, false)?;
        call.ends = Instant::now() + lasts.mul_f64((n + 1) as f64 / streams as f64);
        calls.push(call);
        if n % 20 == 19 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let (mut before, mut turns_before, mut started) = (engine.stats(), turns("media-0")?, Instant::now());
    let (mut dialled, mut events) = (0usize, 0usize);
    let mut leads_in = true;
    while leads_in || started.elapsed() < Duration::from_secs(seconds) {
        let now = Instant::now();
        // By then as many detectors listen as ever will.
        if leads_in && started.elapsed() > DETECTING + Duration::from_secs(2) {
            leads_in = false;
            (before, turns_before, started) = (engine.stats(), turns("media-0")?, Instant::now());
            (dialled, events) = (0, 0);
        }
        for (n, call) in calls.iter_mut().enumerate() {
            while call.events.try_recv().is_ok() {
                events += 1;
            }
            if call.ends <= now {
                *call = dial(&engine, far.addresses[n % FAR_SOCKETS], &prompt, lasts, true)?;
                dialled += 1;
            } else if call.detecting_until.is_some_and(|until| until <= now) {
                call.detecting_until = None;
                call.leg.stop_detecting();
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (took, spent, stats) = (started.elapsed(), turns("media-0")?.since(turns_before), engine.stats().since(&before));
    drop((calls, engine, far));
    let bare = bare(500_000)?;
    let share = |time: Duration| time.as_secs_f64() / took.as_secs_f64() * 100.0;
    let each = spent.cpu.as_secs_f64() * 1e6 / stats.packets_sent as f64;
    println!("{dialled} calls begun and ended meanwhile, {events} events");
    println!("sent {:.0} packets a second (wanted {}), received {:.0}", stats.packets_sent as f64 / took.as_secs_f64(), streams * 50, stats.packets_received as f64 / took.as_secs_f64());
    println!("lateness of a packet: median {:?}, p99 {:?}, p99.9 {:?}; turns given up {}", stats.lateness(0.5), stats.lateness(0.99), stats.lateness(0.999), stats.turns_skipped);
    println!("CPU of the media thread: {:.0} % of a core, {each:.2} µs for each packet sent, one received and listened to with it; ready and without a core for {:.0} % of the time", share(spent.cpu), share(spent.waited));
    println!("a bare loop of sendmmsg: {:.2} µs a packet; ours costs {:.1} times that", bare.as_secs_f64() * 1e6, each / (bare.as_secs_f64() * 1e6));
    Ok(())
}
