//! The web's doors with TLS, through the real binary, by clients that are not ours: curl, openssl, Chromium; and behind nginx.

mod support;
#[path = "support/authority.rs"]
mod authority;
#[path = "support/browser.rs"]
mod browser;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use authority::{Authority, HOST, curl, install, status};
use browser::Chrome;
use support::{Installation, free_port, shown};

const TENANT: [&str; 2] = ["--tenant", "northwind"];

/// An installation with somebody who signs in, and a certificate from an authority of its own.
fn stage(settings: &[(&'static str, String)]) -> (Installation, Authority, String) {
    let mut all = Installation::new(None);
    let authority = Authority::new(all.folder.path());
    authority.issue(&all.path("tls"), &[HOST], 90);
    all.settings = settings.to_vec();
    all.ok(&["migrate"]);
    all.ok(&["create-tenant", "northwind", "--name", "Northwind", "--numbers", "demo"]);
    let user = all.json(&["create-user", "ada", TENANT[0], TENANT[1]]);
    (all, authority, user["password"].as_str().expect("a password").to_owned())
}

fn own_files(all: &mut Installation) {
    all.settings.push(("CLARION__WEB__TLS_CERTIFICATE_FILE", shown(&all.path("tls/chain.pem"))));
    all.settings.push(("CLARION__WEB__TLS_KEY_FILE", shown(&all.path("tls/key.pem"))));
}

/// Signs in with curl, whose jar keeps cookies as a browser does; the jar's text.
fn sign_in(all: &Installation, base: &str, with: &[&str], password: &str) -> String {
    let jar = shown(&all.path("jar"));
    let form = ["-c", &jar, "--data-urlencode", "username=ada", "--data-urlencode", &format!("password={password}"), "-H", "Sec-Fetch-Site: same-origin", "-o", "/dev/null", "-w", "%{http_code}"];
    assert_eq!(curl(&[with, &form, &[&format!("{base}/sign-in")]].concat()), "303");
    std::fs::read_to_string(&jar).expect("a jar")
}

fn s_client(address: SocketAddr, authority: &Authority, with: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(["s_client", "-connect", &address.to_string(), "-servername", HOST, "-CAfile", &authority.file(), "-verify_return_error"]).args(with).stdin(Stdio::null()).output().expect("openssl runs");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

#[test]
fn own_files_serve_https_to_clients_of_every_kind() {
    let redirect = free_port();
    let (mut all, authority, password) = stage(&[("CLARION__WEB__REDIRECT_LISTEN", redirect.to_string())]);
    own_files(&mut all);
    authority.issue(&all.path("tls"), &[HOST, "links.example.net"], 90);
    let base = format!("https://{HOST}:{}", all.web.port());
    all.settings.push(("CLARION__WEB__PUBLIC_URL", base.clone()));
    all.serve();
    let trusting = authority.trusting(all.web);
    let trusting: Vec<&str> = trusting.iter().map(String::as_str).collect();

    // HTTP/2 and HTTP/1.1 by ALPN; nobody else's authority is enough.
    for (version, said) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let told = curl(&[&trusting[..], &[version, "-o", "/dev/null", "-w", "%{http_version} %{http_code} %{ssl_verify_result}", &format!("{base}/sign-in")]].concat());
        assert_eq!(told, format!("{said} 200 0"));
    }
    assert_eq!(status(&[&trusting[2..], &[&format!("{base}/sign-in")]].concat()), "000", "who does not know the authority does not come in");

    // TLS 1.2 and 1.3, and nothing older even where the client would take any cipher.
    for version in ["-tls1_2", "-tls1_3"] {
        let (connected, words) = s_client(all.web, &authority, &[version]);
        assert!(connected && words.contains("Verify return code: 0 (ok)"), "{version}: {words}");
    }
    for version in ["-tls1", "-tls1_1"] {
        let (connected, words) = s_client(all.web, &authority, &[version, "-cipher", "ALL:@SECLEVEL=0"]);
        assert!(!connected && words.contains(" alert "), "{version}: {words}");
    }

    // Browsers are told to stay, cookies are bound to this host and to https.
    let head = curl(&[&trusting[..], &["-I", &format!("{base}/sign-in")]].concat());
    assert!(head.contains("strict-transport-security: max-age=31536000; includeSubDomains"), "{head}");
    let missing = curl(&[&trusting[..], &["-I", &format!("{base}/api/v1/nothing")]].concat());
    assert!(missing.contains("strict-transport-security:"), "{missing}");
    let links = curl(&[&trusting[..], &["-I", "--resolve", &format!("links.example.net:{}:127.0.0.1", all.web.port()), &format!("https://links.example.net:{}/sign-in", all.web.port())]].concat());
    assert!(links.contains("strict-transport-security: max-age=31536000\r"), "a tenant's name speaks for itself alone: {links}");
    let jar = sign_in(&all, &base, &trusting, &password);
    let cookie = jar.lines().find(|line| line.contains("__Host-clarion")).expect("the cookie");
    let columns: Vec<&str> = cookie.split('\t').collect();
    assert_eq!((columns[0], columns[2], columns[3]), (format!("#HttpOnly_{HOST}").as_str(), "/", "TRUE"), "HttpOnly, for every path of this host, secure");
    let page = curl(&[&trusting[..], &["-b", &shown(&all.path("jar")), &format!("{base}/account")]].concat());
    assert!(page.contains("ada"), "{page}");

    // Plain http: pages are led on, programs are not, and the port of TLS speaks nothing else.
    let plain = format!("http://{redirect}");
    let head = curl(&["-i", &format!("{plain}/campaigns?page=2")]);
    assert!(head.starts_with("HTTP/1.1 308") && head.contains(&format!("location: {base}/campaigns?page=2")) && !head.contains("strict-transport"), "{head}");
    let other = curl(&["-i", "-H", "Host: links.example.net", &format!("{plain}/abc")]);
    assert!(other.contains(&format!("location: https://links.example.net:{}/abc", all.web.port())), "another name of the certificate stays itself: {other}");
    let stranger = curl(&["-i", "-H", "Host: evil.example", &format!("{plain}/abc")]);
    assert!(stranger.contains(&format!("location: {base}/abc")), "a name that is not ours leads nowhere else: {stranger}");
    assert_eq!(status(&[&format!("{plain}/api/v1/campaigns")]), "403");
    assert_eq!(status(&["-d", "username=ada", &format!("{plain}/sign-in")]), "403");
    assert_eq!(status(&[&format!("{plain}/.well-known/acme-challenge/none")]), "404");
    assert_eq!(status(&[&format!("http://{}/sign-in", all.web)]), "000");
    assert_eq!(all.stop(), Some(0), "{}", all.log());
}

/// Connections that say nothing, as many as one address may have in a handshake and more.
#[test]
fn the_silent_of_one_address_do_not_keep_the_others_out() {
    let (mut all, authority, _) = stage(&[]);
    own_files(&mut all);
    let base = format!("https://{HOST}:{}", all.web.port());
    all.settings.push(("CLARION__WEB__PUBLIC_URL", base.clone()));
    all.serve();
    let trusting = authority.trusting(all.web);
    let trusting: Vec<&str> = trusting.iter().map(String::as_str).collect();
    let from = |address: &str| status(&[&trusting[..], &["--interface", address, &format!("{base}/sign-in")]].concat());
    let silent: Vec<_> = (0..80).map(|_| connect_from([127, 0, 0, 3], all.web)).collect();
    let began = std::time::Instant::now();
    assert_eq!(from("127.0.0.1"), "200");
    assert_eq!(from("127.0.0.3"), "000", "its own share is taken");
    assert!(began.elapsed() < Duration::from_secs(8), "nobody waited for the silent");
    all.wait_for("their end", Duration::from_secs(20), |_| from("127.0.0.3") == "200");
    assert_eq!(all.log().matches("was let go").count(), 1, "told once a minute: {}", all.log());
    drop(silent);
    assert_eq!(all.stop(), Some(0), "{}", all.log());
}

fn connect_from(from: [u8; 4], to: SocketAddr) -> std::net::TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((from, 0)).into()).expect("bound");
    socket.connect(&to.into()).expect("connected");
    socket.into()
}

#[test]
fn a_new_certificate_is_served_without_a_restart_and_a_broken_one_is_not() {
    let (mut all, authority, password) = stage(&[]);
    own_files(&mut all);
    let base = format!("https://{HOST}:{}", all.web.port());
    all.settings.push(("CLARION__WEB__PUBLIC_URL", base.clone()));
    all.serve();
    let metrics = |all: &Installation| all.get(all.metrics, "/metrics");
    let served = |all: &Installation| s_client(all.web, &authority, &[]).1.split("-----BEGIN CERTIFICATE-----").nth(1).unwrap_or_default().split("-----END").next().unwrap_or_default().trim().to_owned();
    let first = served(&all);
    assert!(!first.is_empty() && metrics(&all).contains("clarion_web_certificate_days_left 89\n") && metrics(&all).contains("clarion_web_certificate_faulty 0\n"), "{}", metrics(&all));
    assert!(all.get(all.metrics, "/healthz").contains("ok\ncertificate: 89 days left"), "{}", all.get(all.metrics, "/healthz"));
    let doctor = |all: &Installation| all.run(&["doctor", "--json"]);
    let said = |all: &Installation| String::from_utf8_lossy(&doctor(all).stdout).into_owned();
    assert!(said(&all).contains("the certificate is good for 89 days"), "{}", said(&all));

    // A live page stays connected all along, over HTTP/2.
    let trusting = authority.trusting(all.web);
    let trusting: Vec<&str> = trusting.iter().map(String::as_str).collect();
    sign_in(&all, &base, &trusting, &password);
    all.ok(&["list", "create", "Customers", TENANT[0], TENANT[1]]);
    let id = all.json(&["campaign", "create", "--list", "Customers", "--sender", "+447700900990", TENANT[0], TENANT[1], "--name", "Live", "--purpose", "reminder", "--basis", "contract", "--body", "Northwind: hello. Reply STOP to end."])["id"].as_str().expect("an id").to_owned();
    let jar = shown(&all.path("jar"));
    let mut live = Command::new("curl").args([&trusting[..], &["-sN", "--http2", "-b", &jar, &format!("{base}/campaigns/{id}/live")]].concat()).stdout(Stdio::piped()).spawn().expect("curl runs");
    let mut events = BufReader::new(live.stdout.take().expect("its output")).lines();
    assert!(events.next().expect("a line").expect("text").starts_with("data:"), "the first event comes at once");

    authority.issue(&all.path("tls"), &[HOST], 40);
    all.wait_for("the new certificate", Duration::from_secs(30), |all| metrics(all).contains("clarion_web_certificate_days_left 39\n"));
    let second = served(&all);
    assert!(!second.is_empty() && second != first);
    assert!(live.try_wait().expect("asked").is_none(), "nobody was disconnected");

    // Half a file: the old one is served on, and everybody who asks is told.
    let whole = std::fs::read(all.path("tls/chain.pem")).expect("reads");
    std::fs::write(all.path("tls/chain.pem"), &whole[..whole.len() / 3]).expect("writes");
    all.wait_for("the fault", Duration::from_secs(30), |all| metrics(all).contains("clarion_web_certificate_faulty 1\n"));
    assert_eq!(served(&all), second);
    assert!(all.log().contains("the old one is served on") && all.log().matches("the old one is served on").count() == 1, "{}", all.log());
    assert!(all.get(all.metrics, "/healthz").contains("39 days left; ") && all.get(all.metrics, "/healthz").contains("no readable certificate"));
    assert!(!doctor(&all).status.success() && said(&all).contains("A running server goes on with the one that it has"), "{}", said(&all));
    assert_eq!(all.run(&["check"]).status.code(), Some(1));

    // Another's key, then all is well again.
    std::fs::write(all.path("tls/chain.pem"), &whole).expect("writes");
    all.wait_for("the mending", Duration::from_secs(30), |all| metrics(all).contains("clarion_web_certificate_faulty 0\n"));
    assert!(live.try_wait().expect("asked").is_none(), "nobody was disconnected");
    live.kill().expect("killed");
    live.wait().expect("gone");
    assert_eq!(all.stop(), Some(0), "{}", all.log());

    // At the start there is nothing to go on with.
    std::fs::write(all.path("tls/chain.pem"), "").expect("writes");
    let (code, words) = all.fails(&["serve"]);
    assert!(code == 3 && words.contains("no readable certificate"), "{code} {words}");
}

#[test]
fn nothing_is_spoken_in_the_clear_to_other_machines_unless_it_is_said() {
    let all = Installation::new(None);
    let refused = |settings: &[(&'static str, &str)]| {
        let mut all = Installation::new(None);
        all.settings = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        all.fails(&["serve"])
    };
    let open = ("CLARION__WEB__LISTEN", "0.0.0.0:0");
    let (code, words) = refused(&[open]);
    assert_eq!(code, 3, "{words}");
    assert!(["web.tls_certificate_file", "acme.domains", "web.behind_proxy"].iter().all(|way| words.contains(way)), "{words}");
    let (code, words) = refused(&[("CLARION__METRICS__LISTEN", "0.0.0.0:0")]);
    assert!(code == 3 && words.contains("metrics.allow_networks"), "{words}");
    let (code, words) = refused(&[open, ("CLARION__ACME__DOMAINS", "[contact.example.net]"), ("CLARION__ACME__CONTACT", "it@example.net")]);
    assert!(code == 3 && words.contains("acme.terms_agreed"), "{words}");
    assert!(!all.path("clarion-data").exists(), "a refused start leaves nothing behind");
}

#[test]
fn a_proxy_is_believed_when_it_is_named_and_nobody_else() {
    let (mut all, _, password) = stage(&[("CLARION__WEB__BEHIND_PROXY", "[127.0.0.2]".into()), ("CLARION__WEB__PUBLIC_URL", "https://contact.example".into())]);
    all.serve();
    let base = format!("http://{}", all.web);
    // 127.0.0.2 is the proxy, 127.0.0.3 somebody else on this machine.
    let proxy = ["--interface", "127.0.0.2", "-H", "X-Forwarded-Proto: https"];
    let told = |from: &[&str], forwarded: &str| {
        let jar = sign_in(&all, &base, &[from, &["-H", forwarded]].concat(), &password);
        // curl's jar gives a secure cookie to https alone, as it should: the proxy's own side is said by hand.
        let token = jar.lines().find(|line| line.contains("__Host-clarion")).and_then(|line| line.split('\t').nth(6)).expect("a token").to_owned();
        curl(&[from, &["-H", forwarded, "-H", &format!("Cookie: __Host-clarion={token}"), &format!("{base}/account/activity.csv")]].concat())
    };
    let page = told(&proxy, "X-Forwarded-For: 198.51.100.7, 203.0.113.77");
    assert!(page.contains("203.0.113.77") && !page.contains("198.51.100.7"), "{page}");
    let page = told(&["--interface", "127.0.0.3"], "X-Forwarded-For: 203.0.113.99");
    assert!(page.contains("127.0.0.3") && !page.contains("203.0.113.99"), "{page}");
    let page = told(&proxy, "Forwarded: for=203.0.113.98");
    assert!(page.contains("127.0.0.2") && !page.contains("203.0.113.98"), "a header that this proxy does not write: {page}");

    let head = curl(&["-i", "--interface", "127.0.0.2", "-H", "X-Forwarded-Proto: http", &format!("{base}/campaigns")]);
    assert!(head.starts_with("HTTP/1.1 308") && head.contains("location: https://contact.example/campaigns"), "{head}");
    assert_eq!(status(&["--interface", "127.0.0.2", "-H", "X-Forwarded-Proto: http", &format!("{base}/api/v1/campaigns")]), "403");
    assert!(curl(&[&proxy[..], &["-i", &format!("{base}/sign-in")]].concat()).contains("strict-transport-security"));
    assert!(!curl(&["-i", &format!("{base}/sign-in")]).contains("strict-transport-security"), "in the clear nothing is promised");
    assert_eq!(all.stop(), Some(0), "{}", all.log());
}

/// nginx with the lines of docs/operating/tls.md, asking from 127.0.0.2; and, by `chained`, one behind another, with plain http between them.
struct Nginx(Child);

const INNER: &str = "$http_x_forwarded_proto";

impl Nginx {
    fn new(all: &Installation, https: SocketAddr, http: SocketAddr, chained: SocketAddr) -> Self {
        let manual = include_str!("../../../docs/operating/tls.md");
        let lines = manual.split("For nginx:").nth(1).and_then(|rest| rest.split("```").nth(1)).expect("the manual's lines for nginx");
        assert!(manual.contains(&format!("`proxy_set_header X-Forwarded-Proto {INNER};`")));
        let (inner, inner_lines) = (free_port(), lines.replace("$scheme", INNER));
        let folder = all.folder.path().display();
        let config = format!(
            "daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr warn;
            events {{ }}
            http {{
                access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxied; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
                server {{
                    listen {https} ssl http2; listen {http}; server_name {HOST};
                    ssl_certificate {folder}/tls/chain.pem; ssl_certificate_key {folder}/tls/key.pem;
                    location / {{ proxy_pass http://{web}; proxy_bind 127.0.0.2; {lines} }}
                }}
                server {{
                    listen {chained} ssl; server_name {HOST};
                    ssl_certificate {folder}/tls/chain.pem; ssl_certificate_key {folder}/tls/key.pem;
                    location / {{ proxy_pass http://{inner}; proxy_bind 127.0.0.2; {lines} }}
                }}
                server {{ listen {inner}; location / {{ proxy_pass http://{web}; proxy_bind 127.0.0.2; {inner_lines} }} }}
            }}",
            web = all.web
        );
        let file = all.path("nginx.conf");
        std::fs::write(&file, config).expect("writes");
        let program = if std::path::Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" };
        Self(Command::new(program).args(["-e", "stderr", "-p", &shown(all.folder.path()), "-c", &shown(&file)]).stderr(Stdio::null()).spawn().expect("nginx is installed"))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn behind_nginx_with_the_lines_of_the_manual_addresses_live_pages_and_files_come_through() {
    let (https, http, chained) = (free_port(), free_port(), free_port());
    let base = format!("https://{HOST}:{}", https.port());
    let (mut all, authority, password) = stage(&[("CLARION__WEB__BEHIND_PROXY", "[127.0.0.2]".into()), ("CLARION__WEB__PUBLIC_URL", base.clone())]);
    all.serve();
    let _nginx = Nginx::new(&all, https, http, chained);
    let trusting = authority.trusting(https);
    let trusting: Vec<&str> = trusting.iter().map(String::as_str).collect();
    all.wait_for("nginx", Duration::from_secs(20), |_| status(&[&trusting[..], &[&format!("{base}/sign-in")]].concat()) == "200");

    // Who asks is the one who came to nginx, whatever that one writes about itself.
    let from = [&trusting[..], &["--interface", "127.0.0.9", "-H", "X-Forwarded-For: 203.0.113.5", "-H", "Forwarded: for=203.0.113.6"]].concat();
    sign_in(&all, &base, &from, &password);
    let jar = shown(&all.path("jar"));
    let activity = curl(&[&from[..], &["-b", &jar, &format!("{base}/account/activity.csv")]].concat());
    assert!(activity.contains("127.0.0.9") && !activity.contains("203.0.113.") && !activity.contains("127.0.0.2"), "{activity}");

    // The same through two of them.
    let outer = format!("https://{HOST}:{}", chained.port());
    let by_two = [authority.trusting(chained), vec!["--interface".into(), "127.0.0.10".into()]].concat();
    let by_two: Vec<&str> = by_two.iter().map(String::as_str).collect();
    let told = curl(&[&by_two[..], &["-b", &jar, "-o", "/dev/null", "-w", "%{http_code}", &format!("{outer}/account")]].concat());
    assert_eq!(told, "200", "no redirect to itself");
    let activity = curl(&[&by_two[..], &["-b", &jar, &format!("{outer}/account/activity.csv")]].concat());
    assert!(activity.contains("127.0.0.10") && !activity.contains("127.0.0.2"), "{activity}");

    // A live page comes event by event.
    all.ok(&["list", "create", "Customers", TENANT[0], TENANT[1]]);
    let id = all.json(&["campaign", "create", "--list", "Customers", "--sender", "+447700900990", TENANT[0], TENANT[1], "--name", "Live", "--purpose", "reminder", "--basis", "contract", "--body", "Northwind: hello. Reply STOP to end."])["id"].as_str().expect("an id").to_owned();
    let mut live = Command::new("curl").args([&trusting[..], &["-sN", "-b", &jar, &format!("{base}/campaigns/{id}/live")]].concat()).stdout(Stdio::piped()).spawn().expect("curl runs");
    let first = BufReader::new(live.stdout.take().expect("its output")).lines().next().expect("a line").expect("text");
    live.kill().expect("killed");
    live.wait().expect("gone");
    assert!(first.starts_with("data:"), "{first}");

    // Larger than nginx takes by itself.
    let file = all.path("people.csv");
    let lines: String = (0..60_000).map(|n| format!("07700900{:03},Somebody,ref-{n}\n", n % 900)).collect();
    std::fs::write(&file, format!("phone,name,ref\n{lines}")).expect("writes");
    let key = all.json(&["api-key", "create", "crm", "--role", "owner", TENANT[0], TENANT[1]])["secret"].as_str().expect("a secret").to_owned();
    let sent = ["-H", &format!("Authorization: Bearer {key}"), "-H", "Content-Type: text/csv", "--data-binary", &format!("@{}", shown(&file))];
    assert_eq!(status(&[&trusting[..], &sent, &[&format!("{base}/api/v1/imports?file_name=people.csv")]].concat()), "201");

    // In the clear nginx is led on to https, and a program is refused.
    let plain = [&["--resolve".to_owned(), format!("{HOST}:{}:{}", http.port(), http.ip())][..]].concat();
    let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
    let head = curl(&[&plain[..], &["-i", &format!("http://{HOST}:{}/campaigns", http.port())]].concat());
    assert!(head.starts_with("HTTP/1.1 308") && head.contains(&format!("{base}/campaigns")), "{head}");
    assert_eq!(status(&[&plain[..], &[&format!("http://{HOST}:{}/api/v1/campaigns", http.port())]].concat()), "403");
    assert_eq!(all.stop(), Some(0), "{}", all.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_trusts_the_authority_signs_in_over_http_2() {
    let (mut all, authority, password) = tokio::task::block_in_place(|| stage(&[]));
    own_files(&mut all);
    // Chromium asks the names of `localhost` to nobody.
    authority.issue(&all.path("tls"), &["portal.localhost"], 90);
    let home = all.path("home");
    install(&home, &authority);
    tokio::task::block_in_place(|| all.serve());
    let chrome = Chrome::at_home(&format!("https://portal.localhost:{}", all.web.port()), Some(&home)).await;
    chrome.goto("/sign-in").await;
    chrome.fill("#username", "ada").await;
    chrome.fill("#password", &password).await;
    chrome.follow("button[type=submit]").await;
    assert_eq!(chrome.path().await, "/");
    assert_eq!(chrome.js::<String>("performance.getEntriesByType('navigation')[0].nextHopProtocol").await, "h2");
    assert!(chrome.js::<bool>("window.isSecureContext && document.cookie === ''").await, "a secure place, and no script sees the cookie");
    chrome.close().await;
    assert_eq!(tokio::task::block_in_place(|| all.stop()), Some(0), "{}", all.log());
}
