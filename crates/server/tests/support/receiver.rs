//! A client's system behind HTTPS: a server that is none of ours, with a certificate of a test's own authority.

#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::authority::Authority;

pub struct Receiver {
    folder: PathBuf,
    port: u16,
    child: Child,
}

impl Receiver {
    pub fn start(folder: &Path, authority: &Authority) -> Self {
        std::fs::create_dir_all(folder.join("answers")).expect("a folder");
        authority.issue(folder, &["localhost"], 30);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/receiver.py");
        let mut child = Command::new("python3").arg(script).arg(folder).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("python3 runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("it says its port");
        Self { folder: folder.to_owned(), port: line.trim().parse().expect("a port"), child }
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}/{path}", self.port)
    }

    /// What it says at a path from now on: `status`, and `headers`, `body`, `after_seconds` where they are given.
    pub fn answers(&self, path: &str, said: &Value) {
        let (next, place) = (self.folder.join("next"), self.folder.join("answers").join(path));
        std::fs::write(&next, said.to_string()).expect("writes");
        std::fs::rename(next, place).expect("at once");
    }

    /// What came to a path: `method`, `headers` and `body`.
    pub fn came(&self, path: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.join("came.jsonl")).unwrap_or_default();
        let whole = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        whole.filter(|came| came["path"] == format!("/{path}")).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A certificate of this authority is good enough for the server, and for nobody's else; and it may ask this machine.
pub fn trusting(all: &mut super::support::Installation) -> Authority {
    let authority = Authority::new(all.folder.path());
    all.settings.push(("SSL_CERT_FILE", authority.file()));
    std::fs::write(all.path("clarion.toml"), "[webhooks]\nallow_networks = [\"127.0.0.0/8\", \"::1\"]\n").expect("writes");
    authority
}
