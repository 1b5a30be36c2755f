//! A far end of one's own: RTP by hand over a plain socket, sharing no code with what it tests.
#![allow(dead_code, reason = "each test file uses its part")]

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clarion_sip::media::{MediaConfig, MediaEngine};
use clarion_sip::negotiated::{Codec, Direction, NegotiatedMedia};

/// How long a test waits for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn engine(threads: usize) -> MediaEngine {
    MediaEngine::start(MediaConfig { ports: crate::ports::audio_ports(), threads, legs_max: 40, ..MediaConfig::default() }).unwrap()
}

pub fn agreed(remote: SocketAddr, codec: Codec) -> NegotiatedMedia {
    NegotiatedMedia { remote, codec, telephone_event: Some(101), direction: Direction::SendReceive, packet_ms: 20, srtp: None }
}

/// µ-law by its definition (G.711, table 2).
pub fn mu_law(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80u8 } else { 0 };
    let magnitude = (i32::from(sample).abs() + 132).min(32_767);
    let exponent = (24 - (magnitude as u32 | 0x80).leading_zeros()).min(7) as u8;
    let mantissa = ((magnitude >> (exponent + 3)) & 0x0f) as u8;
    !(sign | exponent << 4 | mantissa)
}

pub fn from_mu_law(byte: u8) -> i16 {
    let byte = !byte;
    let exponent = (byte >> 4) & 7;
    let magnitude = (((i32::from(byte & 0x0f) << 3) + 132) << exponent) - 132;
    (if byte & 0x80 != 0 { -magnitude } else { magnitude }) as i16
}

/// A-law by its definition (G.711, table 1).
pub fn from_a_law(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let exponent = (byte >> 4) & 7;
    let mantissa = i32::from(byte & 0x0f);
    let magnitude = if exponent == 0 { (mantissa << 4) + 8 } else { ((mantissa << 4) + 264) << (exponent - 1) };
    (if byte & 0x80 != 0 { magnitude } else { -magnitude }) as i16
}

pub fn tone(hz: f32, start: usize, amplitude: f32) -> [i16; 160] {
    std::array::from_fn(|n| (amplitude * (std::f32::consts::TAU * hz * (start + n) as f32 / 8_000.0).sin()) as i16)
}

pub fn packet(payload_type: u8, marker: bool, sequence: u16, timestamp: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type | if marker { 0x80 } else { 0 }];
    packet.extend(sequence.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

/// A packet as it came.
#[derive(Debug, Clone)]
pub struct Got {
    pub payload_type: u8,
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: Vec<u8>,
    pub at: Instant,
    pub from: SocketAddr,
}

/// Sends a µ-law tone every 20 ms, and keeps what comes.
pub struct Peer {
    pub socket: Arc<UdpSocket>,
    got: Arc<Mutex<Vec<Got>>>,
    ended: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Peer {
    pub fn new() -> Self {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let (got, ended) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let receiver = {
            let (socket, got, ended) = (socket.clone(), got.clone(), ended.clone());
            std::thread::spawn(move || {
                let mut bytes = [0; 2_000];
                while !ended.load(Relaxed) {
                    let Ok((length, from)) = socket.recv_from(&mut bytes) else { continue };
                    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
                    let one = Got { payload_type: bytes[1] & 0x7f, marker: bytes[1] & 0x80 != 0, sequence: word(2).to_be_bytes()[..2].try_into().map(u16::from_be_bytes).unwrap(), timestamp: word(4), ssrc: word(8), payload: bytes[12..length].to_vec(), at: Instant::now(), from };
                    got.lock().unwrap().push(one);
                }
            })
        };
        Self { socket, got, ended, threads: vec![receiver] }
    }

    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// Speaks a tone (0 Hz: silence) until it is dropped.
    pub fn speak(&mut self, to: SocketAddr, hz: f32, ssrc: u32) {
        let (socket, ended) = (self.socket.clone(), self.ended.clone());
        self.threads.push(std::thread::spawn(move || {
            let start = Instant::now();
            for n in 0..u32::MAX {
                if ended.load(Relaxed) {
                    return;
                }
                let payload = tone(hz, n as usize * 160, 8_000.0).map(mu_law);
                let _ = socket.send_to(&packet(0, n == 0, n as u16, n * 160, ssrc, &payload), to);
                std::thread::sleep((start + Duration::from_millis(u64::from(n + 1) * 20)).saturating_duration_since(Instant::now()));
            }
        }));
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    pub fn forget(&self) {
        self.got.lock().unwrap().clear();
    }

    /// The audio of all packets in the order of their timestamps.
    pub fn audio(&self) -> Vec<i16> {
        let mut packets: Vec<_> = self.got().into_iter().filter(|got| got.payload_type == 0 || got.payload_type == 8).collect();
        packets.sort_by_key(|got| got.timestamp.wrapping_sub(packets_first(&self.got())));
        packets.iter().flat_map(|got| got.payload.iter().map(|byte| if got.payload_type == 0 { from_mu_law(*byte) } else { from_a_law(*byte) })).collect()
    }
}

fn packets_first(got: &[Got]) -> u32 {
    got.first().map_or(0, |got| got.timestamp)
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.ended.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The share of the energy that a frequency has.
pub fn share(audio: &[i16], hz: f32) -> f32 {
    let (mut real, mut imaginary, mut energy) = (0.0f64, 0.0f64, 1.0f64);
    for (n, sample) in audio.iter().enumerate() {
        let (turn, value) = (std::f64::consts::TAU * f64::from(hz) * n as f64 / 8_000.0, f64::from(*sample));
        real += value * turn.cos();
        imaginary += value * turn.sin();
        energy += value * value;
    }
    (2.0 * (real * real + imaginary * imaginary) / audio.len() as f64 / energy) as f32
}

/// Waits until the newest half second of what a peer got is this tone.
pub fn hears(peer: &Peer, hz: f32) -> bool {
    eventually(|| {
        let audio = peer.audio();
        audio.len() >= 8_000 && share(&audio[audio.len() - 4_000..], hz) > 0.95
    })
}

pub fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}
