//! A certificate that is fetched and renewed, from Pebble: the authority that Let's Encrypt's own people test clients with.

mod support;
#[path = "support/authority.rs"]
mod authority;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use authority::{Authority, HOST, curl, status};
use support::{Installation, free_port, shown};

/// Pebble asks at these ports what an authority asks at 80 and 443.
#[derive(Clone, Copy)]
struct Ports {
    directory: SocketAddr,
    management: SocketAddr,
    http: u16,
    tls: u16,
}

impl Ports {
    fn new(http: SocketAddr, tls: SocketAddr) -> Self {
        Self { directory: free_port(), management: free_port(), http: http.port(), tls: tls.port() }
    }

    fn directory_url(&self) -> String {
        format!("https://localhost:{}/dir", self.directory.port())
    }
}

/// Ends with the test.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Pebble with a server of names that leads each to this machine.
struct Pebble {
    authority: Authority,
    folder: tempfile::TempDir,
    ports: Ports,
    _peers: [Peer; 2],
}

impl Pebble {
    fn prepared(ports: Ports) -> (tempfile::TempDir, Authority) {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::new(folder.path());
        authority.issue(&folder.path().join("own"), &["localhost"], 30);
        let file = |name: &str| shown(&folder.path().join("own").join(name));
        let config = serde_json::json!({"pebble": {
            "listenAddress": ports.directory.to_string(), "managementListenAddress": ports.management.to_string(), "certificate": file("chain.pem"), "privateKey": file("key.pem"),
            "httpPort": ports.http, "tlsPort": ports.tls, "ocspResponderURL": "", "externalAccountBindingRequired": false, "certificateValidityPeriod": 45,
        }});
        std::fs::write(folder.path().join("pebble.json"), config.to_string()).expect("writes");
        (folder, authority)
    }

    /// For accounts of customers alone, as commercial authorities have it.
    fn of_customers((folder, authority): (tempfile::TempDir, Authority), key_id: &str, key: &str) -> (tempfile::TempDir, Authority) {
        let file = folder.path().join("pebble.json");
        let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).expect("reads")).expect("JSON");
        config["pebble"]["externalAccountBindingRequired"] = true.into();
        config["pebble"]["externalAccountMACKeys"] = serde_json::json!({ key_id: key });
        std::fs::write(file, config.to_string()).expect("writes");
        (folder, authority)
    }

    fn start(ports: Ports, (folder, authority): (tempfile::TempDir, Authority)) -> Self {
        let names = free_port();
        let quiet = |mut command: Command| Peer(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("pebble is installed"));
        let mut resolver = Command::new("pebble-challtestsrv");
        resolver.args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-dns01", &names.to_string(), "-management", &free_port().to_string()]);
        let mut pebble = Command::new("pebble");
        pebble.args(["-config", &shown(&folder.path().join("pebble.json")), "-dnsserver", &names.to_string()]).env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_AUTHZREUSE", "0");
        let started = Self { authority, folder, ports, _peers: [quiet(resolver), quiet(pebble)] };
        let began = Instant::now();
        while status(&["--cacert", &started.authority.file(), &ports.directory_url()]) != "200" {
            assert!(began.elapsed() < Duration::from_secs(20), "pebble does not answer");
            std::thread::sleep(Duration::from_millis(100));
        }
        started
    }

    /// The root that it made for itself at its start, as a client trusts it.
    fn root(&self) -> String {
        let text = curl(&["--cacert", &self.authority.file(), &format!("https://localhost:{}/roots/0", self.ports.management.port())]);
        let file = self.folder.path().join("root.pem");
        std::fs::write(&file, text).expect("writes");
        shown(&file)
    }
}

fn settings(all: &mut Installation, ports: Ports, folder: &Path, redirect: Option<SocketAddr>) {
    all.settings = vec![
        ("CLARION__ACME__DOMAINS", format!("[{HOST}, also.example.net]")),
        ("CLARION__ACME__CONTACT", "it@example.net".into()),
        ("CLARION__ACME__TERMS_AGREED", "true".into()),
        ("CLARION__ACME__DIRECTORY_URL", ports.directory_url()),
        ("CLARION__ACME__DIRECTORY_CA_FILE", shown(&folder.join("authority.pem"))),
    ];
    all.settings.extend(redirect.map(|address| ("CLARION__WEB__REDIRECT_LISTEN", address.to_string())));
}

/// Whether a client that trusts this root comes in by both names.
fn comes_in(all: &Installation, root: &str) -> bool {
    [HOST, "also.example.net"].iter().all(|host| {
        let resolve = format!("{host}:{}:127.0.0.1", all.web.port());
        curl(&["--cacert", root, "--resolve", &resolve, "-o", "/dev/null", "-w", "%{http_version} %{http_code}", &format!("https://{host}:{}/sign-in", all.web.port())]) == "2 200"
    })
}

/// The serial number of what is served.
fn serial(all: &Installation) -> String {
    let words = format!("openssl s_client -connect {} -servername {HOST} </dev/null 2>/dev/null | openssl x509 -noout -serial", all.web);
    String::from_utf8_lossy(&Command::new("sh").args(["-c", &words]).output().expect("openssl runs").stdout).into_owned()
}

fn fetched(all: &Installation) -> usize {
    all.log().matches("a certificate was fetched").count()
}

#[test]
fn by_http_it_is_fetched_renewed_and_kept_over_a_restart() {
    let mut all = Installation::new(None);
    let redirect = free_port();
    let ports = Ports::new(redirect, free_port());
    let prepared = Pebble::prepared(ports);
    settings(&mut all, ports, prepared.0.path(), Some(redirect));
    let pebble = Pebble::start(ports, prepared);
    all.ok(&["migrate"]);
    all.serve();
    let root = pebble.root();
    all.wait_for("a certificate", Duration::from_secs(30), |all| comes_in(all, &root));
    let first = serial(&all);
    assert!(!first.is_empty() && all.get(all.metrics, "/metrics").contains("clarion_web_certificate_faulty 0\n"));
    let said = String::from_utf8_lossy(&all.run(&["doctor"]).stdout).into_owned();
    assert!(said.contains("renewed by itself"), "{said}");
    assert!(all.files_with(&[b"PRIVATE KEY".to_vec(), b"key_pkcs8".to_vec()]).is_empty(), "account and key lie sealed");

    assert_eq!(all.stop(), Some(0), "{}", all.log());
    all.serve();
    all.wait_for("the kept certificate", Duration::from_secs(10), |all| comes_in(all, &root));
    let fetched_before = fetched(&all);

    // A certificate of 45 s is renewed after 30.
    all.wait_for("the renewal", Duration::from_secs(60), |all| fetched(all) > fetched_before);
    all.wait_for("the new one", Duration::from_secs(10), |all| serial(all) != first && comes_in(all, &root));

    // An authority that has lost its accounts gets a new one.
    let Pebble { authority, folder, ports, _peers: peers } = pebble;
    drop(peers);
    let pebble = Pebble::start(ports, (folder, authority));
    let root = pebble.root();
    all.wait_for("a certificate of the new root", Duration::from_secs(90), |all| comes_in(all, &root));
    assert_eq!(all.stop(), Some(0), "{}", all.log());
}

/// A key of Pebble's own examples.
const EAB_KEY: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

#[test]
fn an_account_is_bound_to_a_customer_of_the_authority() {
    let mut all = Installation::new(None);
    let ports = Ports::new(free_port(), all.web);
    let prepared = Pebble::of_customers(Pebble::prepared(ports), "kid-1", EAB_KEY);
    settings(&mut all, ports, prepared.0.path(), None);
    let pebble = Pebble::start(ports, prepared);
    all.ok(&["migrate"]);
    all.serve();
    all.wait_for("the refusal", Duration::from_secs(30), |all| all.get(all.metrics, "/healthz").contains("externalAccount"));
    assert_eq!(all.stop(), Some(0), "{}", all.log());

    let file = all.path("eab-key");
    all.settings.extend([("CLARION__ACME__EAB_KEY_ID", "kid-1".into()), ("CLARION__ACME__EAB_KEY_FILE", shown(&file))]);
    std::fs::write(&file, "not base64!\n").expect("writes");
    all.serve();
    all.wait_for("the other refusal", Duration::from_secs(30), |all| all.get(all.metrics, "/healthz").contains("does not hold a key in base64url"));
    assert!(!all.log().contains("not base64!"), "a secret is not repeated");
    assert_eq!(all.stop(), Some(0), "{}", all.log());

    std::fs::write(&file, format!("{EAB_KEY}\n")).expect("writes");
    all.serve();
    let root = pebble.root();
    all.wait_for("a certificate", Duration::from_secs(30), |all| comes_in(all, &root));
    assert_eq!(all.stop(), Some(0), "{}", all.log());
}

#[test]
fn by_tls_alone_too_and_an_authority_that_is_away_is_tried_again() {
    let mut all = Installation::new(None);
    let ports = Ports::new(free_port(), all.web);
    let prepared = Pebble::prepared(ports);
    settings(&mut all, ports, prepared.0.path(), None);
    all.ok(&["migrate"]);
    all.serve();
    all.wait_for("the first refusal", Duration::from_secs(30), |all| all.get(all.metrics, "/healthz").contains("certificate: none yet; "));
    assert!(all.get(all.metrics, "/metrics").contains("clarion_web_certificate_faulty 1\n"));
    assert!(serial(&all).is_empty(), "no handshake without a certificate");
    let output = all.run(&["doctor"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && said.contains("1 times no certificate was fetched"), "{said}");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(all.log().matches("no certificate was fetched").count(), 1, "it backs off: {}", all.log());

    let pebble = Pebble::start(ports, prepared);
    let root = pebble.root();
    assert_eq!(all.stop(), Some(0), "{}", all.log());
    all.serve();
    all.wait_for("a certificate", Duration::from_secs(30), |all| comes_in(all, &root));
    assert_eq!(fetched(&all), 1);
    assert_eq!(all.stop(), Some(0), "{}", all.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_fetch_one_and_either_answers_for_the_other() {
    let Ok(url) = std::env::var("CLARION_TEST_POSTGRES") else { return };
    let mut first = Installation::new(Some(clarion_store::db::scratch_url(&url, "acme_nodes").await.expect("a scratch database")));
    tokio::task::block_in_place(|| {
        let mut second = first.beside(1);
        let asked = free_port();
        let ports = Ports::new(asked, free_port());
        let prepared = Pebble::prepared(ports);
        // The authority finds the second node, whichever of the two has asked it.
        settings(&mut first, ports, prepared.0.path(), Some(free_port()));
        settings(&mut second, ports, prepared.0.path(), Some(asked));
        first.ok(&["migrate"]);
        second.serve();
        second.wait_for("the first refusal", Duration::from_secs(30), |all| all.log().contains("no certificate was fetched"));
        let pebble = Pebble::start(ports, prepared);
        let root = pebble.root();
        first.serve();
        for node in [&first, &second] {
            node.wait_for("a certificate", Duration::from_secs(40), |node| comes_in(node, &root));
        }
        assert_eq!(fetched(&first) + fetched(&second), 1, "{}\n{}", first.log(), second.log());
        assert_eq!(serial(&first), serial(&second));
    });
}
