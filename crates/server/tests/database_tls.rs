//! PostgreSQL over TLS: the real binary against a server of the test's own that takes nothing in the clear.

mod support;
#[path = "support/authority.rs"]
mod authority;

use std::path::{Path, PathBuf};
use std::process::Command;

use authority::Authority;
use support::{Installation, free_port, shown};

struct Cluster {
    bin: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.data();
        let _ = self.command("pg_ctl", &["-D", &data, "-m", "immediate", "-s", "stop"]).status();
    }
}

impl Cluster {
    /// Its certificate is for `localhost` and for no address.
    fn start(authority: &Authority) -> Self {
        let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed").map(|entry| entry.expect("an entry").path().join("bin")).collect();
        versions.sort();
        let cluster = Self { bin: versions.pop().expect("a version"), folder: tempfile::tempdir().expect("a folder"), port: free_port().port() };
        authority.issue(&cluster.folder.path().join("tls"), &["localhost"], 30);
        cluster.give_away();
        let (data, path) = (cluster.data(), |name: &str| shown(&cluster.folder.path().join(name)));
        cluster.run("initdb", &["-D", &data, "-U", "clarion", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        std::fs::write(cluster.folder.path().join("data/pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust\nhostssl all all ::1/128 trust\n").expect("writes");
        let settings = ["listen_addresses=localhost", "fsync=off", "ssl=on", &format!("ssl_cert_file={}", path("tls/chain.pem")), &format!("ssl_key_file={}", path("tls/key.pem"))].map(|setting| format!("-c {setting}")).join(" ");
        cluster.run("pg_ctl", &["-D", &data, "-l", &path("log"), "-w", "-s", "-o", &format!("-p {} -k {} {settings}", cluster.port, path("")), "start"]);
        cluster
    }

    fn data(&self) -> String {
        shown(&self.folder.path().join("data"))
    }

    fn is_root() -> bool {
        String::from_utf8_lossy(&Command::new("id").arg("-u").output().expect("id runs").stdout).trim() == "0"
    }

    /// PostgreSQL does not run as root.
    fn give_away(&self) {
        if Self::is_root() {
            assert!(Command::new("chown").args(["-R", "postgres", &shown(self.folder.path())]).status().expect("chown runs").success());
        }
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let program = shown(&self.bin.join(program));
        let mut command = if Self::is_root() { Command::new("runuser") } else { Command::new(&program) };
        if Self::is_root() {
            command.args(["-u", "postgres", "--", &program]);
        }
        command.args(args).current_dir("/");
        command
    }

    fn run(&self, program: &str, args: &[&str]) {
        // What it starts goes on writing: its output is not waited for.
        let status = self.command(program, args).stdout(std::process::Stdio::null()).status().expect("PostgreSQL's programs run");
        assert!(status.success(), "{program}: {}", std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
    }

    fn url(&self, host: &str, mode: &str) -> String {
        format!("postgres://clarion@{host}:{}/postgres{mode}", self.port)
    }
}

fn by(url: String, ca: Option<&Path>) -> Installation {
    let mut all = Installation::new(Some(url));
    all.settings.extend(ca.map(|file| ("CLARION__DATABASE__CA_FILE", shown(file))));
    all
}

#[test]
fn the_database_is_reached_by_tls_and_its_certificate_is_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let (own, other) = (folder.path().join("own"), folder.path().join("other"));
    for folder in [&own, &other] {
        std::fs::create_dir(folder).expect("a folder");
    }
    let authority = Authority::new(&own);
    let _another = Authority::new(&other);
    let cluster = Cluster::start(&authority);
    let (own, other) = (own.join("authority.pem"), other.join("authority.pem"));
    for (url, ca, says) in [
        (cluster.url("localhost", ""), Some(&own), "no encryption"),
        (cluster.url("localhost", "?sslmode=disable"), Some(&own), "no encryption"),
        (cluster.url("localhost", "?sslmode=verify-full"), None, "database.ca_file"),
        (cluster.url("localhost", "?sslmode=require"), Some(&other), "see whether database.ca_file holds the authority that signed it"),
        (cluster.url("127.0.0.1", "?sslmode=verify-full"), Some(&own), "not for 127.0.0.1 but for localhost"),
        (cluster.url("localhost", "?sslmode=prefer"), Some(&own), "is not offered"),
    ] {
        let (_, words) = by(url.clone(), ca.map(PathBuf::as_path)).fails(&["migrate"]);
        assert!(words.contains(says), "{url}: {words}");
    }
    let mut all = by(cluster.url("localhost", "?sslmode=verify-full"), Some(&own));
    all.ok(&["migrate"]);
    all.ok(&["create-tenant", "northwind", "--name", "Northwind", "--numbers", "demo"]);
    all.serve();
    let encrypted = cluster.command("psql", &["-h", "localhost", "-p", &cluster.port.to_string(), "-U", "clarion", "-d", "postgres", "-Atc", "SELECT DISTINCT ssl, version FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE backend_type = 'client backend'"]).env("PGSSLMODE", "require").output().expect("psql runs");
    assert_eq!(String::from_utf8_lossy(&encrypted.stdout).trim(), "t|TLSv1.3", "{}", String::from_utf8_lossy(&encrypted.stderr));
    assert_eq!(all.stop(), Some(0), "{}", all.log());
}
