//! A progress bar on long work, only when the output is a terminal.

use std::io::{IsTerminal, Write};

const WIDTH: usize = 30;

/// One line on standard error that is written over; nothing at all when that is no terminal.
pub struct Progress {
    what: &'static str,
    shown: bool,
}

impl Progress {
    pub fn new(what: &'static str) -> Self {
        Self { what, shown: std::io::stderr().is_terminal() }
    }

    pub fn at(&self, done: u64, of: u64) {
        if self.shown {
            // A terminal that is gone is no reason to stop the work.
            let _ = write!(std::io::stderr(), "\r{}", bar(self.what, done, of));
        }
    }

    /// Clears the line.
    pub fn end(&self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r{:1$}\r", "", self.what.len() + WIDTH + 40);
        }
    }
}

fn bar(what: &str, done: u64, of: u64) -> String {
    let part = if of == 0 { 0.0 } else { (done as f64 / of as f64).min(1.0) };
    let full = (part * WIDTH as f64) as usize;
    format!("{what} [{}{}] {:3.0} %  {done}", "█".repeat(full), " ".repeat(WIDTH - full), part * 100.0)
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn fills_as_the_work_goes_on() {
        assert!(bar("loading", 0, 0).contains("  0 %"));
        assert!(bar("loading", 50, 100).contains(" 50 %  50"));
        assert_eq!(bar("loading", 200, 100).matches('█').count(), 30);
    }
}
