//! The most memory that this process held of its own: mapped pages of the database are the system's, and not counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const LOOK: Duration = Duration::from_millis(10);

/// Looks at the process's memory until it is told to end.
pub struct Peak {
    most: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    looking: JoinHandle<()>,
}

fn own_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
}

impl Peak {
    pub fn watch() -> Self {
        let (most, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let looking = std::thread::spawn({
            let (most, over) = (most.clone(), over.clone());
            move || {
                while !over.load(Ordering::Relaxed) {
                    most.fetch_max(own_bytes(), Ordering::Relaxed);
                    std::thread::sleep(LOOK);
                }
            }
        });
        Self { most, over, looking }
    }

    /// Bytes at the peak.
    pub fn end(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        if self.looking.join().is_err() {
            return 0;
        }
        self.most.load(Ordering::Relaxed)
    }
}
