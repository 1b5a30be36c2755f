//! An installation of its own for each test: a folder, a database, and the real binary as a child process.

#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use clarion_testbed::Carrier;
pub use clarion_testbed::ports::free_port;
use jiff::civil::Weekday;
use serde_json::Value;

pub struct Installation {
    pub folder: tempfile::TempDir,
    pub database_url: Option<String>,
    pub web: SocketAddr,
    pub metrics: SocketAddr,
    clock_ahead_seconds: i64,
    /// The node's number, and the keyring that it shares with the first.
    beside: Option<(u16, PathBuf)>,
    /// Further keys of the configuration, as the environment has them.
    pub settings: Vec<(&'static str, String)>,
    server: Option<Child>,
}

/// SQLite always; PostgreSQL too when `CLARION_TEST_POSTGRES` names a server, as `./test` always does.
pub async fn installations(purpose: &str) -> Vec<Installation> {
    let mut all = vec![Installation::new(None)];
    if let Ok(url) = std::env::var("CLARION_TEST_POSTGRES") {
        all.push(Installation::new(Some(clarion_store::db::scratch_url(&url, purpose).await.expect("a scratch database"))));
    }
    all
}

/// Ten in the morning of the `skip`th weekday after today, in London.
fn seconds_to_a_morning(skip: usize) -> i64 {
    let now = jiff::Timestamp::now();
    let zone = jiff::tz::TimeZone::get("Europe/London").expect("a zone");
    let morning = (1..30).filter_map(|day| {
        let date = (now + jiff::SignedDuration::from_hours(24 * day)).to_zoned_datetime(zone.clone()).date();
        let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        (!weekend).then(|| date.at(10, 0, 0, 0).to_zoned_datetime(zone.clone()).expect("a time").timestamp())
    });
    let morning = morning.into_iter().nth(skip).expect("a weekday");
    (morning.as_millisecond() - now.as_millisecond()) / 1000
}

impl Installation {
    pub fn new(database_url: Option<String>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, database_url, web: free_port(), metrics: free_port(), clock_ahead_seconds: seconds_to_a_morning(0), beside: None, settings: Vec::new(), server: None }
    }

    /// Another node on the same database and keyring, with the same clock.
    pub fn beside(&self, node: u16) -> Self {
        let mut other = Self::new(self.database_url.clone());
        other.clock_ahead_seconds = self.clock_ahead_seconds;
        other.beside = Some((node, self.path("clarion-keys/keyring")));
        other
    }

    /// Works by the machine's own clock, at whatever hour that is.
    pub fn keeps_time(&mut self) {
        self.clock_ahead_seconds = 0;
    }

    /// So much later, for whatever begins from now on.
    pub fn pass(&mut self, seconds: i64) {
        self.clock_ahead_seconds += seconds;
    }

    pub fn database_name(&self) -> &'static str {
        if self.database_url.is_some() { "PostgreSQL" } else { "SQLite" }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clarion"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("CLARION__WEB__LISTEN", self.web.to_string()).env("CLARION__METRICS__LISTEN", self.metrics.to_string());
        command.env("CLARION__DEMO__CLOCK_AHEAD_SECONDS", self.clock_ahead_seconds.to_string());
        if let Some(url) = &self.database_url {
            command.env("CLARION__DATABASE__URL", url);
        }
        if let Some((node, keyring)) = &self.beside {
            command.env("CLARION__SERVER__NODE", node.to_string()).env("CLARION__KEYS__KEYRING", keyring);
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the binary runs")
    }

    /// Standard output of a command that must succeed.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}\n{}{}", output.status, String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let mut args = args.to_vec();
        args.push("--json");
        let text = self.ok(&args);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}: {text}"))
    }

    /// What a command that must fail says, and its exit code.
    #[track_caller]
    pub fn fails(&self, args: &[&str]) -> (i32, String) {
        let output = self.run(args);
        assert!(!output.status.success(), "{args:?} must fail");
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// A tenant that may contact drama numbers only, with a sender and a route to the pretend carrier.
    pub fn found(&self, slug: &str, carrier: &Carrier, rate_per_second: u32) {
        self.ok(&["migrate"]);
        self.found_over(slug, &format!("port = {}\nsystem_id = \"pretend\"\n", carrier.address().port()), rate_per_second, &["--shared"]);
    }

    /// The same with an SMPP account of these settings, on a database that is there.
    pub fn found_over(&self, slug: &str, account: &str, rate_per_second: u32, whose: &[&str]) {
        self.ok(&["create-tenant", slug, "--name", "Northwind Energy", "--numbers", "demo"]);
        self.ok(&["sender", "add", "+447700900990", "--tenant", slug, "--evidence", "reserved for drama", "--takes-replies"]);
        let (settings, password) = (self.path("trunk.toml"), self.path("password"));
        std::fs::write(&settings, format!("kind = \"smpp\"\nhost = \"127.0.0.1\"\n{account}")).expect("writes");
        std::fs::write(&password, "pretend\n").expect("writes");
        let (rate, settings, password) = (rate_per_second.to_string(), shown(&settings), shown(&password));
        let trunk = [&["trunk", "add", slug, "--settings", &settings, "--password-file", &password, "--tenant", slug, "--rate", &rate], whose].concat();
        let added = self.json(&trunk);
        self.ok(&[&["route", "add", added["id"].as_str().expect("an id"), "--tenant", slug], whose].concat());
    }

    /// A draft on a list, and the clock at an hour at which the rules let its people be contacted.
    pub fn draft(&mut self, slug: &str, list: &str, name: &str, rate: u32) -> String {
        self.draft_saying(slug, list, name, rate, "Northwind Energy: hello {first_name|there}, your reading {reference} is due. Reply STOP to end these messages.")
    }

    pub fn draft_saying(&mut self, slug: &str, list: &str, name: &str, rate: u32, body: &str) -> String {
        let rate = rate.to_string();
        self.draft_of(slug, &["--name", name, "--list", list, "--purpose", "reminder", "--sender", "+447700900990", "--rate", &rate, "--body", body])
    }

    /// A draft of any kind: one attempt for each person, from eight to eight.
    pub fn draft_of(&mut self, slug: &str, terms: &[&str]) -> String {
        let made = self.json(&[&["campaign", "create", "--tenant", slug, "--basis", "contract", "--attempts", "1", "--from", "08:00", "--until", "20:00"], terms].concat());
        assert_eq!(made["faults"], serde_json::json!([]), "the draft can start");
        let id = made["id"].as_str().expect("an id").to_owned();
        for skip in 0..7 {
            self.clock_ahead_seconds = seconds_to_a_morning(skip);
            if self.json(&["campaign", "dry-run", &id, "--tenant", slug])["eligible"].as_u64() > Some(0) {
                return id;
            }
        }
        panic!("nobody may be contacted on seven weekdays: {}", self.ok(&["campaign", "dry-run", &id, "--tenant", slug]));
    }

    pub fn serve(&mut self) {
        self.launch();
        self.wait_until_it_answers();
    }

    /// Starts the server and waits for nothing: it sends before it answers anybody.
    pub fn launch(&mut self) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.path("serve.log")).expect("a log");
        self.server = Some(self.command(&["serve"]).stderr(log).spawn().expect("the server starts"));
    }

    pub fn wait_until_it_answers(&self) {
        self.wait_for("the server to answer", Duration::from_secs(30), |all| all.get(all.metrics, "/healthz").starts_with("HTTP/1.1 200"));
    }

    /// kill -9: no word to anybody.
    pub fn kill(&mut self) {
        let mut server = self.server.take().expect("a server");
        server.kill().expect("killed");
        server.wait().expect("gone");
    }

    /// SIGTERM, and the code with which it ended.
    pub fn stop(&mut self) -> Option<i32> {
        let mut server = self.server.take().expect("a server");
        let told = Command::new("kill").arg(server.id().to_string()).status().expect("kill runs");
        assert!(told.success());
        server.wait().expect("ends").code()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("serve.log")).unwrap_or_default()
    }

    /// The whole answer to a plain GET; empty when nobody answers.
    pub fn get(&self, address: SocketAddr, path: &str) -> String {
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            Ok(String::from_utf8_lossy(&answer).into_owned())
        };
        ask().unwrap_or_default()
    }

    /// A request to the API with a JSON or CSV body: status and body.
    pub fn ask(&self, key: &str, method: &str, path: &str, content_type: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.web).expect("the API listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        let head = format!("{method} /api/v1{path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n", self.web, body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }

    /// Files below the installation's folder that hold one of these byte strings.
    pub fn files_with(&self, wanted: &[Vec<u8>]) -> Vec<String> {
        let (mut folders, mut found) = (vec![self.folder.path().to_owned()], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if let Ok(bytes) = std::fs::read(&path)
                    && let Some(place) = wanted.iter().position(|wanted| bytes.windows(wanted.len()).any(|window| window == wanted))
                {
                    found.push(format!("{} holds secret {place}", path.display()));
                }
            }
        }
        found
    }

    #[track_caller]
    pub fn wait_for(&self, what: &str, at_most: Duration, done: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !done(self) {
            assert!(began.elapsed() < at_most, "waited {} s for {what} on {}\n{}", at_most.as_secs(), self.database_name(), self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn report(&self, slug: &str, campaign: &str) -> Value {
        self.json(&["campaign", "report", campaign, "--tenant", slug])
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

pub fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The sum of a report's attempts with these dispositions.
pub fn count(report: &Value, dispositions: &[&str]) -> i64 {
    let rows = report["counts"].as_array().expect("counts");
    rows.iter().filter(|row| dispositions.is_empty() || dispositions.contains(&row["disposition"].as_str().unwrap_or_default())).map(|row| row["n"].as_i64().unwrap_or(0)).sum()
}
