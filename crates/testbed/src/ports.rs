//! Ports of this machine for a test alone, until its process ends: locked against our other tests, and below those that the system gives to whoever
//! connects.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use clarion_sip::media::PortRange;

const SINGLE: Range<u16> = 12_000..19_000;
const PAIRS: Range<u16> = 19_000..20_000;
/// Blocks for audio. A server's own audio may be in them too: whoever opens a leg goes on to the next port that is free.
const AUDIO: Range<u16> = 20_000..32_000;
/// Enough for 49 legs at once.
const BLOCK: u16 = 100;

/// A port that nobody listens on, by TCP or by UDP.
///
/// # Panics
/// When every port is taken.
#[must_use]
pub fn free_port() -> SocketAddr {
    ([127, 0, 0, 1], hold("port", SINGLE, 1, is_free)).into()
}

/// The first of two ports, one after the other, that nobody listens on: for a program that takes the next one too.
///
/// # Panics
/// When every pair is taken.
#[must_use]
pub fn free_pair() -> u16 {
    hold("pair", PAIRS, 2, |port| is_free(port) && is_free(port + 1))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok()
}

/// A range of ports for the audio of one side of a test.
///
/// # Panics
/// When every block is taken.
#[must_use]
pub fn audio_ports() -> PortRange {
    let first = hold("audio", AUDIO, BLOCK, |_| true);
    PortRange { first, last: first + BLOCK - 1 }
}

/// Whether somebody has the port by UDP. Read off and not tried: to bind it for a moment would take it from the program that is awaited.
#[must_use]
pub fn is_taken(port: u16) -> bool {
    let address = format!(":{port:04X}");
    ["/proc/net/udp", "/proc/net/udp6"].into_iter().filter_map(|table| std::fs::read_to_string(table).ok()).any(|table| {
        table.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).any(|local| local.ends_with(&address))
    })
}

fn hold(what: &str, range: Range<u16>, step: u16, is_free: impl Fn(u16) -> bool) -> u16 {
    static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let places = u32::from((range.end - range.start) / step);
    // Processes begin at places of their own, so that few meet.
    let start = std::process::id().wrapping_mul(7);
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    for place in (0..places).map(|n| start.wrapping_add(n) % places) {
        let port = range.start + u16::try_from(place).unwrap_or(0) * step;
        let gate = std::env::temp_dir().join(format!("clarion-test-{what}-{port}"));
        let Ok(gate) = File::options().create(true).truncate(false).write(true).open(gate) else { continue };
        if gate.try_lock().is_ok() && is_free(port) {
            held.push(gate);
            return port;
        }
    }
    panic!("every port of the tests is taken: {what}");
}
