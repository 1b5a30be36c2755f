//! What a process has used, and what a run came to.

use std::time::Duration;

/// Clock ticks a second in `/proc/PID/stat`: 100 on every Linux that we know.
const TICKS_A_SECOND: u64 = 100;

/// User and system time of a process so far.
pub fn cpu_time(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold spaces; fields are counted behind it.
    let fields: Vec<&str> = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks(11) + ticks(12)) * 1_000 / TICKS_A_SECOND)
}

/// Messages from the first claim to the last receipt.
pub struct Run {
    pub messages: usize,
    pub took: Duration,
    /// Of the sender's own processes.
    pub cpu: Duration,
    /// Of a database server beside them.
    pub served: Duration,
}

impl Run {
    pub fn rate(&self) -> f64 {
        self.messages as f64 / self.took.as_secs_f64()
    }

    pub fn cpu_micros(&self) -> f64 {
        (self.cpu + self.served).as_micros() as f64 / self.messages as f64
    }

    pub fn print(&self, name: &str) {
        let of_server = if self.served.is_zero() { String::new() } else { format!(", {:.1} of them the database server's", self.served.as_micros() as f64 / self.messages as f64) };
        println!("{name:22} {:>9} messages {:>8.1} s {:>10.0} a second {:>9.1} µs of CPU a message{of_server}", self.messages, self.took.as_secs_f64(), self.rate(), self.cpu_micros());
    }
}
