//! The portal over millions of contacts, by itself and while a file of a million is loaded, through the real binary.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use clarion_testbed::{Carrier, CarrierConfig};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};
use serde_json::Value;

use crate::import::{ROWS_MAX, write_block};

/// How long each page is asked for by itself.
const ALONE: Duration = Duration::from_secs(20);
/// Of the demo tenant, whose campaign runs all the time.
const WATCHED_PEOPLE: usize = 1_000;
const BIG: &str = "bench";
const SMALL: &str = "watched";

/// The binary in a folder of its own.
struct Installation {
    binary: PathBuf,
    folder: tempfile::TempDir,
    web: SocketAddr,
    metrics: SocketAddr,
    server: Option<Child>,
}

fn port() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

impl Installation {
    fn new(binary: PathBuf) -> anyhow::Result<Self> {
        anyhow::ensure!(binary.exists(), "there is no {}: build it with `cargo build --release`, or name it with --binary", binary.display());
        Ok(Self { binary, folder: tempfile::tempdir()?, web: port()?, metrics: port()?, server: None })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null()).stderr(Stdio::inherit());
        command.env("CLARION__WEB__LISTEN", self.web.to_string()).env("CLARION__METRICS__LISTEN", self.metrics.to_string());
        command
    }

    fn run(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = self.command(args).output()?;
        anyhow::ensure!(output.status.success(), "`clarion {}` failed", args.join(" "));
        Ok(String::from_utf8(output.stdout)?)
    }

    fn json(&self, args: &[&str]) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.run(&[args, &["--json"]].concat())?)?)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn serve(&mut self) -> anyhow::Result<()> {
        let log = std::fs::File::create(self.path("serve.log"))?;
        self.server = Some(self.command(&["serve"]).stderr(log).spawn()?);
        Ok(())
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

/// Somebody signed in, or a program with its key.
struct Visitor {
    client: Client,
    base: String,
    cookie: String,
}

impl Visitor {
    async fn sign_in(web: SocketAddr, username: &str, password: &str) -> anyhow::Result<Self> {
        let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().timeout(Duration::from_secs(60)).build()?;
        let base = format!("http://{web}");
        let form = [("username", username), ("password", password)];
        let answer = client.post(format!("{base}/sign-in")).header("Sec-Fetch-Site", "same-origin").form(&form).send().await?;
        let cookie = answer.headers().get(SET_COOKIE).and_then(|cookie| cookie.to_str().ok()).and_then(|cookie| cookie.split(';').next()).context("signed in")?.to_owned();
        Ok(Self { client, base, cookie })
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base)).header(COOKIE, &self.cookie)
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base)).header(COOKIE, &self.cookie).header("Sec-Fetch-Site", "same-origin").form(form)
    }
}

/// One page as its user asks for it, and how long each answer took until its last byte.
struct Page<'a> {
    name: &'static str,
    ask: Box<dyn Fn(usize) -> RequestBuilder + 'a>,
    took: Vec<Duration>,
}

impl Page<'_> {
    async fn look(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let answer: Response = (self.ask)(self.took.len()).send().await?;
        let status = answer.status();
        // A search that finds one person leads to them; nothing else leads anywhere.
        let found = answer.headers().get(LOCATION).is_some_and(|to| to.as_bytes().starts_with(b"/contacts/"));
        let length = answer.bytes().await?.len();
        anyhow::ensure!((status == StatusCode::OK && length > 0) || found, "{}: {status}", self.name);
        self.took.push(begun.elapsed());
        Ok(())
    }

    fn print(&mut self, when: &str) {
        self.took.sort();
        let at = |share: f64| self.took.get(((self.took.len() as f64 * share) as usize).min(self.took.len().saturating_sub(1))).copied().unwrap_or_default().as_secs_f64() * 1000.0;
        println!("{when:28} {:34} {:>6} times  median {:>7.1} ms  p95 {:>7.1} ms  longest {:>8.1} ms", self.name, self.took.len(), at(0.5), at(0.95), at(1.0));
        self.took.clear();
    }
}

async fn round(pages: &mut [Page<'_>]) -> anyhow::Result<()> {
    for page in pages {
        page.look().await?;
    }
    Ok(())
}

/// The contacts, a file of a million at a time, with the worker of the binary itself; gives the list.
fn fill(all: &Installation, contacts: usize) -> anyhow::Result<()> {
    let begun = Instant::now();
    for block in 0..contacts.div_ceil(ROWS_MAX) {
        let rows = ROWS_MAX.min(contacts - block * ROWS_MAX);
        let file = all.path("block.csv");
        write_block(&file, block, rows)?;
        all.run(&["import", &shown(&file), "--list", "Everybody", "--yes", "--tenant", BIG])?;
        println!("{:>10} contacts after {:.0} s", block * ROWS_MAX + rows, begun.elapsed().as_secs_f64());
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// A small tenant whose campaign runs all the time, over a pretend carrier; gives the campaign. By night, and where the rules know a day of rest, its
/// people wait: the monitor is the same.
fn watched(all: &Installation, carrier: &Carrier) -> anyhow::Result<String> {
    let tenant = ["--tenant", SMALL];
    let with = |args: &[&str]| -> anyhow::Result<Value> { all.json(&[args, &tenant].concat()) };
    all.run(&["create-tenant", SMALL, "--name", "Watched", "--numbers", "demo", "--help-text", "Call 020 7946 0000."])?;
    all.run(&["sender", "add", "+447700900990", "--evidence", "reserved for drama", "--takes-replies", tenant[0], tenant[1]])?;
    let (settings, password) = (all.path("trunk.toml"), all.path("password"));
    std::fs::write(&settings, format!("kind = \"smpp\"\nhost = \"127.0.0.1\"\nport = {}\nsystem_id = \"pretend\"\n", carrier.address().port()))?;
    std::fs::write(&password, "pretend\n")?;
    let trunk = with(&["trunk", "add", "pretend", "--settings", &shown(&settings), "--password-file", &shown(&password), "--rate", "50"])?;
    all.run(&["route", "add", trunk["id"].as_str().context("an id")?, tenant[0], tenant[1]])?;
    let people: String = (0..WATCHED_PEOPLE).map(|n| format!("07700 900{n:03},Ada {n},R-{n}\n")).collect();
    let file = all.path("watched.csv");
    std::fs::write(&file, format!("phone,first name,reference\n{people}"))?;
    all.run(&["import", &shown(&file), "--list", "Watched", "--yes", tenant[0], tenant[1]])?;
    let body = "Watched: hello {first_name|there}, your reading is due. Reply STOP to end these messages.";
    let draft = ["campaign", "create", "--basis", "contract", "--attempts", "1", "--from", "08:00", "--until", "20:00", "--name", "Readings", "--list", "Watched", "--purpose", "reminder", "--sender", "+447700900990", "--rate", "2", "--body", body];
    let campaign = with(&draft)?["id"].as_str().context("an id")?.to_owned();
    all.run(&["campaign", "start", &campaign, tenant[0], tenant[1]])?;
    Ok(campaign)
}

fn user(all: &Installation, name: &str, tenant: &str) -> anyhow::Result<String> {
    Ok(all.json(&["create-user", name, "--role", "owner", "--tenant", tenant])?["password"].as_str().context("a password")?.to_owned())
}

fn pages<'a>(big: &'a Visitor, small: &'a Visitor, list: &'a str, campaign: &'a str, contacts: usize) -> Vec<Page<'a>> {
    let page = |name, ask: Box<dyn Fn(usize) -> RequestBuilder + 'a>| Page { name, ask, took: Vec::new() };
    let somewhere = move |n: usize| (n * 7_919 + 11) % contacts;
    vec![
        page("sign-in (no data: the floor)", Box::new(|_| big.client.get(format!("{}/sign-in", big.base)))),
        page("contacts, first page", Box::new(|_| big.get("/contacts"))),
        page("contacts, a page in the middle", Box::new(move |n| big.get(&format!("/contacts?after={}", somewhere(n))))),
        page("a list, a page in the middle", Box::new(move |n| big.get(&format!("/contacts?list={list}&after={}", somewhere(n))))),
        page("search by number", Box::new(move |n| big.post("/search", &[("typed", &number(somewhere(n)))]))),
        page("search by reference", Box::new(move |n| big.post("/search", &[("typed", &format!("REF-{}", somewhere(n)))]))),
        page("search by the last digits", Box::new(move |n| big.post("/search", &[("typed", &number(somewhere(n))[7..])]))),
        page("imports", Box::new(|_| big.get("/imports"))),
        page("campaigns", Box::new(|_| small.get("/campaigns"))),
        page("monitor of a running campaign", Box::new(move |_| small.get(&format!("/campaigns/{campaign}")))),
    ]
}

/// The number of a row, as `write_block` makes it.
fn number(row: usize) -> String {
    format!("074{:02}{:06}", row / ROWS_MAX, row % ROWS_MAX)
}

async fn import_of_a_million(all: &Installation, visitor: &Visitor, block: usize, pages: &mut [Page<'_>]) -> anyhow::Result<()> {
    let key = all.json(&["api-key", "create", "loader", "--role", "owner", "--tenant", BIG])?["secret"].as_str().context("a secret")?.to_owned();
    let file = all.path("more.csv");
    write_block(&file, block, ROWS_MAX)?;
    let body = std::fs::read(&file)?;
    let (begun, url) = (Instant::now(), format!("{}/api/v1/imports", visitor.base));
    let sent = visitor.client.post(format!("{url}?file_name=more.csv&mapping=auto")).bearer_auth(&key).header("Content-Type", "text/csv").body(body).send().await?;
    anyhow::ensure!(sent.status() == StatusCode::CREATED, "the upload: {}", sent.status());
    let id = serde_json::from_slice::<Value>(&sent.bytes().await?)?["import"]["id"].as_str().context("an id")?.to_owned();
    loop {
        round(pages).await?;
        let import: Value = serde_json::from_slice(&visitor.client.get(format!("{url}/{id}")).bearer_auth(&key).send().await?.bytes().await?)?;
        match import["import"]["state"].as_str() {
            Some("loaded") => break,
            Some("failed" | "cancelled" | "awaiting_mapping") => anyhow::bail!("the import came to nothing: {}", import["import"]["state"]),
            _ => {}
        }
    }
    println!("{ROWS_MAX} rows were loaded in {:.1} s meanwhile", begun.elapsed().as_secs_f64());
    Ok(())
}

pub async fn run(contacts: usize, binary: PathBuf) -> anyhow::Result<()> {
    // The first client of the process installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut all = Installation::new(binary)?;
    all.run(&["migrate"])?;
    all.run(&["create-tenant", BIG, "--name", "Bench", "--numbers", "production"])?;
    let carrier = Carrier::start(CarrierConfig { replies: false, ..CarrierConfig::default() }).await?;
    fill(&all, contacts)?;
    let campaign = watched(&all, &carrier)?;
    let passwords = [user(&all, "ada", BIG)?, user(&all, "grace", SMALL)?];
    let list = all.json(&["list", "list", "--tenant", BIG])?[0]["id"].as_str().context("a list")?.to_owned();
    all.serve()?;
    let begun = Instant::now();
    while reqwest::Client::new().get(format!("http://{}/healthz", all.metrics)).send().await.is_err() {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(60), "the server does not answer");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let big = Visitor::sign_in(all.web, "ada", &passwords[0]).await?;
    let small = Visitor::sign_in(all.web, "grace", &passwords[1]).await?;
    let mut pages = pages(&big, &small, &list, &campaign, contacts);
    // What the first look has to read from the disk is not what is asked here.
    round(&mut pages).await?;
    pages.iter_mut().for_each(|page| page.took.clear());
    let begun = Instant::now();
    while begun.elapsed() < ALONE {
        round(&mut pages).await?;
    }
    pages.iter_mut().for_each(|page| page.print("nothing else to do"));
    import_of_a_million(&all, &big, contacts.div_ceil(ROWS_MAX), &mut pages).await?;
    pages.iter_mut().for_each(|page| page.print("a million being loaded"));
    Ok(())
}
