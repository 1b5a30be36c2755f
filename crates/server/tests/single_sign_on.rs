//! Single sign-on in headless Chromium, against an OpenID provider that is not ours (the npm package `oidc-provider`), in front of the real binary.

mod support;
#[path = "support/browser.rs"]
mod browser;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use browser::Chrome;
use support::{Installation, free_port, shown};

const TENANT: [&str; 2] = ["--tenant", "northwind"];

/// What it prints is held open: it dies of its first warning when nobody can read it.
struct Provider {
    child: Child,
    _output: BufReader<ChildStdout>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/provider")
}

/// `npm ci` when the packages are not there; whoever comes first installs, the others wait.
fn packages() {
    let gate = std::fs::File::options().read(true).open(folder().join("package.json")).expect("the list of packages");
    gate.lock().expect("a lock");
    if folder().join("node_modules/oidc-provider/package.json").exists() {
        return;
    }
    let installed = Command::new("npm").args(["ci", "--ignore-scripts"]).current_dir(folder()).output().expect("npm is installed");
    assert!(installed.status.success(), "npm ci failed: {}", String::from_utf8_lossy(&installed.stderr));
}

fn provider(port: u16, home: &str) -> Provider {
    packages();
    let arguments = [port.to_string(), format!("{home}/sign-in/sso/northwind/callback"), format!("{home}/sign-in")];
    let mut child = Command::new("node").arg("provider.js").args(arguments).current_dir(folder()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("Node.js is installed");
    let mut output = BufReader::new(child.stdout.take().expect("its output"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    assert_eq!(line.trim(), "ready");
    Provider { child, _output: output }
}

/// From our sign-in page to the provider's form, and in under this name there.
async fn by_provider(chrome: &Chrome, name: &str) {
    chrome.goto("/sign-in").await;
    chrome.follow("a[href='/sign-in/sso']").await;
    chrome.fill("#organisation", "northwind").await;
    chrome.follow("form[action='/sign-in/sso'] button").await;
    chrome.follow("a.button[href='/sign-in/sso/northwind']").await;
    chrome.shows("The provider").await;
    chrome.fill("#login", name).await;
    chrome.follow("button[type=submit]").await;
}

async fn by_password(chrome: &Chrome, username: &str, password: &str) {
    chrome.goto("/sign-in").await;
    chrome.fill("#username", username).await;
    chrome.fill("#password", password).await;
    chrome.follow("form[action='/sign-in'] button").await;
}

fn stage(home: &str, issuer: &str) -> (Installation, [String; 2]) {
    let mut all = Installation::new(None);
    // A token is made by another clock than ours.
    all.keeps_time();
    all.web = home.rsplit_once(':').and_then(|(_, port)| Some(([127, 0, 0, 1], port.parse::<u16>().ok()?).into())).expect("a port");
    all.ok(&["migrate"]);
    all.ok(&["create-tenant", "northwind", "--name", "Northwind Energy", "--numbers", "demo"]);
    let made = ["ada", "bob"].map(|name| all.json(&["create-user", name, "--role", "owner", TENANT[0], TENANT[1]])["password"].as_str().expect("a password").to_owned());
    let secret = all.path("secret");
    std::fs::write(&secret, "known to both & nobody else\n").expect("writes");
    let set = ["single-sign-on", "set", issuer, "--client-id", "clarion", "--role-claim", "groups", "--role", "callers=agent", TENANT[0], TENANT[1], "--secret-file"];
    let secret = shown(&secret);
    let set = [set.as_slice(), &[secret.as_str()]].concat();
    // Its address is not on the public internet: only the operator can say that it may be asked.
    let (_, said) = all.fails(&set);
    assert!(said.contains("use https"), "{said}");
    std::fs::write(all.path("clarion.toml"), "[webhooks]\nallow_networks = [\"127.0.0.0/8\", \"::1\"]\n").expect("writes");
    all.ok(&set);
    all.ok(&["user", "invite", "Grace Hopper", "--role", "viewer", "--email", "Grace@example.com", TENANT[0], TENANT[1]]);
    all.serve();
    (all, made)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_signs_in_by_its_own_provider() {
    let [port, web] = [(); 2].map(|()| free_port().port());
    let (home, issuer) = (format!("http://localhost:{web}"), format!("http://localhost:{port}"));
    let (mut all, [ada, bob], _provider) = tokio::task::block_in_place(|| {
        let provider = provider(port, &home);
        let (all, passwords) = stage(&home, &issuer);
        (all, passwords, provider)
    });

    // Invited by a verified address: met, with the role that the claim gives.
    let chrome = Chrome::open(&home).await;
    chrome.goto("/sign-in/sso").await;
    chrome.look("single-sign-on-find").await;
    by_provider(&chrome, "grace").await;
    chrome.shows("Inbox").await;
    assert_eq!(chrome.path().await, "/compliance", "the first page of an agent, by the provider's claim");
    let users = tokio::task::block_in_place(|| all.json(&["user", "list", TENANT[0], TENANT[1]]));
    let grace = users.as_array().expect("users").iter().find(|user| user["username"] == "grace@example.com").expect("Grace").clone();
    assert_eq!((grace["name"].as_str(), grace["role"].as_str()), (Some("Grace Hopper"), Some("agent")));
    chrome.follow("header.rail form[action='/sign-out'] button").await;
    chrome.shows("Sign out there too").await;
    let end: String = chrome.js("document.querySelector('main a.button').href").await;
    assert!(end.starts_with(&format!("{issuer}/session/end?client_id=clarion")), "{end}");
    // Known by subject from now on; the provider still knows the browser.
    chrome.goto("/sign-in/sso/northwind?next=/account").await;
    chrome.shows("Your account").await;

    // Deactivated: out at once, and not in again.
    tokio::task::block_in_place(|| all.ok(&["user", "deactivate", "grace@example.com", TENANT[0], TENANT[1]]));
    chrome.goto("/account").await;
    assert_eq!(chrome.path().await, "/sign-in");
    chrome.goto("/sign-in/sso/northwind").await;
    chrome.shows("nobody here is known as you").await;

    // Somebody else's answer, and nobody's.
    chrome.goto("/sign-in/sso/northwind/callback?code=x&state=y").await;
    chrome.shows("not begun in this browser").await;
    chrome.close().await;

    // An address that the provider has not verified is nobody's; a stranger is not let in.
    for name in ["mallory", "stranger"] {
        let chrome = Chrome::open(&home).await;
        by_provider(&chrome, name).await;
        chrome.shows("nobody here is known as you").await;
        if name == "stranger" {
            // The code was used, and the cookie is gone: the same answer does not fit twice.
            let again: String = chrome.js("location.pathname + location.search").await;
            chrome.goto(&again).await;
            chrome.shows("not begun in this browser").await;
        }
        chrome.close().await;
    }

    // The only way: a password opens nothing, but for the owner of the broken glass.
    let chrome = Chrome::open(&home).await;
    by_password(&chrome, "bob", &bob).await;
    chrome.shows("Overview").await;
    chrome.goto("/team/single-sign-on").await;
    chrome.shows("One is kept, sealed").await;
    chrome.look("single-sign-on").await;
    chrome.click("#only_way").await;
    chrome.follow("form[action='/team/single-sign-on'] button").await;
    chrome.shows("Name an active owner").await;
    let glass: String = chrome.js("[...document.querySelector('#break_glass').options].find(o => o.textContent === 'ada').value").await;
    chrome.set("#break_glass", &glass).await;
    chrome.follow("form[action='/team/single-sign-on'] button").await;
    // Whoever came in by a password is signed out, who has just said so among them.
    assert_eq!(chrome.path().await, "/sign-in");
    by_password(&chrome, "bob", &bob).await;
    chrome.shows("single sign-on alone").await;
    by_password(&chrome, "ada", &ada).await;
    chrome.shows("Overview").await;
    chrome.close().await;
    tokio::task::block_in_place(|| {
        assert_eq!(all.stop(), Some(0), "SIGTERM ends in order: {}", all.log());
        assert!(!all.log().contains("@example.com"), "a log line holds an address");
    });
}
