//! Connectors against clients' systems that answer well, badly, slowly and not at all, on both databases.

mod exports;
#[path = "../../../store/tests/support/people.rs"]
mod people;
#[path = "../../../store/tests/support/mod.rs"]
mod support;
mod system;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use clarion_domain::compliance::purpose::LegalBasis;
use clarion_domain::connectors::instruction::InstructionKind;
use clarion_domain::connectors::pull_fault::{ConnectorState, PullFault, RunKind, RunState};
use clarion_domain::id::ConnectorId;
use clarion_domain::intake::import::{ImportSource, ImportState};
use clarion_domain::time::{DAY_MS, Instant};
use clarion_engine::connectors::{ConnectorConfig, PullLimits, work};
use clarion_engine::intake::FileLimits;
use clarion_store::Tenant;
use clarion_store::connectors::{ConnectorRecord, NewConnector, NewInstruction, RunRecord};
use clarion_store::intake::ImportRecord;
use clarion_store::intake::NewDeclaredField;
use serde_json::{Value, json};
use support::{Bench, NOON, for_each_store};
use system::{Files, System, json as answer_json, status, text};

static AT: AtomicI64 = AtomicI64::new(NOON.0);

fn clock() -> Instant {
    Instant(AT.fetch_add(1, Ordering::SeqCst))
}

fn no_chance() -> u64 {
    0
}

const LIMITS: PullLimits = PullLimits { bytes_max: 3 << 20, rows_max: 5_000, pages_max: 20, page_within: Duration::from_secs(2), run_within: Duration::from_secs(20) };
const CONFIG: ConnectorConfig = ConnectorConfig { clock, chance: no_chance, limits: LIMITS };

fn allow_loopback(bench: &Bench) {
    bench.store.allow_webhook_networks(clarion_domain::webhooks::target::AllowedNetworks(vec!["127.0.0.0/8".parse().expect("a network")]));
}

async fn instruct(tenant: &Tenant, fields: &[&str]) -> clarion_domain::id::InstructionId {
    let new = NewInstruction {
        kind: InstructionKind::Pull,
        reference: format!("letter {}", clock().ms()),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        purpose: "Appointment reminders".into(),
        legal_basis: LegalBasis::Contract,
        agreed_by: "Grace Hopper".into(),
        valid_from: NOON.plus_ms(-DAY_MS),
        valid_until: NOON.plus_ms(30 * DAY_MS),
    };
    tenant.record_instruction(&new, clock()).await.expect("an instruction")
}

/// A connector that is on, under an agreement on number, reference and first name.
async fn connect(tenant: &Tenant, url: String, more: Value) -> ConnectorId {
    let instruction = instruct(tenant, &["phone", "reference", "first_name"]).await;
    let mut settings = json!({
        "url": url, "format": "json", "rows_at": "/data", "times": "every 60 minutes",
        "fields": [{"from": "mobile", "to": "phone"}, {"from": "id", "to": "reference"}, {"from": "/name/first", "to": "first_name"}, {"from": "/name/last", "to": "last_name"}],
    });
    let mut more = more;
    let secret = more.as_object_mut().expect("an object").remove("secret").and_then(|secret| secret.as_str().map(Into::into));
    settings.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let new = NewConnector { name: "CRM".into(), instruction, list: None, settings: serde_json::from_value(settings).expect("settings"), secret };
    let id = tenant.create_connector(&new, clock()).await.expect("a connector");
    tenant.resume_connector(id, clock()).await.expect("on");
    id
}

fn person(n: u32) -> Value {
    json!({"mobile": format!("07700 900{n:03}"), "id": n, "name": {"first": "Zoë, \"Z\"", "last": "Lovelace-Secret"}, "shoe": "Shoesize-Secret", "updated_at": format!("2026-11-23T10:{:02}:00Z", n % 60)})
}

fn people(numbers: std::ops::Range<u32>) -> Vec<Value> {
    numbers.map(person).collect()
}

async fn last_run(tenant: &Tenant, id: ConnectorId) -> RunRecord {
    tenant.connector_runs(id, None, 1).await.expect("runs").rows.remove(0)
}

async fn standing(tenant: &Tenant, id: ConnectorId) -> ConnectorRecord {
    tenant.connector(id).await.expect("it")
}

async fn pull(bench: &Bench, tenant: &Tenant, id: ConnectorId) -> RunRecord {
    assert!(work(&bench.store, CONFIG).await.expect("works") >= 1);
    last_run(tenant, id).await
}

async fn pull_again(bench: &Bench, tenant: &Tenant, id: ConnectorId) -> RunRecord {
    tenant.ask_run(id, RunKind::Pull, clock()).await.expect("asked");
    pull(bench, tenant, id).await
}

async fn loaded(bench: &Bench, tenant: &Tenant, run: &RunRecord) -> ImportRecord {
    assert_eq!((run.state, run.fault), (RunState::Stored, None), "{run:?}");
    while clarion_engine::intake::work(&bench.store, FileLimits::default(), clock).await.expect("works") > 0 {}
    let import = tenant.import(run.import.expect("an import")).await.expect("it");
    assert_eq!((import.state, import.source), (ImportState::Loaded, ImportSource::Connector), "{import:?}");
    import
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_become_one_import_and_what_is_not_agreed_is_never_written() {
    for_each_store("connectors_pages", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let system = System::start(|ask| {
            let page: u32 = ask.parameter("page").map_or(1, |page| page.parse().expect("a number"));
            let answer = answer_json(&json!({"meta": {"total": 1_000, "deep": [[{"x": []}]]}, "data": people(page * 300..page * 300 + 300)}));
            if page < 3 { answer.with("link", format!("</people?page=9>; rel=\"last\", </people?page={}>; rel=\"next\"", page + 1)) } else { answer }
        })
        .await;
        let id = connect(&tenant, system.url("/people"), json!({"paging": "link_header"})).await;
        let run = pull(&bench, &tenant, id).await;
        assert_eq!((run.pages, run.rows, run.dropped.as_slice()), (3, 900, ["last_name".to_owned()].as_slice()));
        let import = loaded(&bench, &tenant, &run).await;
        // Numbers run past 900999 after 700 people: those lines are refused as from any file.
        assert_eq!((import.rows_loaded, import.rows_rejected), (700, 200), "{import:?}");
        let contact = tenant.contacts(None, None, 1).await.expect("contacts").rows.remove(0);
        assert_eq!((contact.profile.first_name.as_str(), contact.profile.last_name.as_str()), ("Zoë, \"Z\"", ""));
        for file in std::fs::read_dir(bench.folder.path()).expect("a folder") {
            let bytes = std::fs::read(file.expect("a file").path()).expect("reads");
            assert!(!String::from_utf8_lossy(&bytes).contains("-Secret"), "a dropped value lies on the disk");
        }
        assert_eq!(standing(&tenant, id).await.state, ConnectorState::On);
        // The same again is nothing new.
        assert_eq!(pull_again(&bench, &tenant, id).await.state, RunState::Unchanged);
        assert_eq!(tenant.imports(None, 9).await.expect("imports").rows.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_paging_ends_where_the_rows_end() {
    for_each_store("connectors_paging", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let system = System::start(|ask| {
            let from: u32 = ask.parameter("from").or(ask.parameter("page").map(|page| ((page.parse::<u32>().expect("a number") - 1) * 2).to_string())).map_or(0, |from| from.parse().expect("a number"));
            let next = (from < 4).then_some(from + 2);
            answer_json(&json!({"data": people(from..(from + 2).min(6)), "next": next, "link": next.map(|next| format!("/people?from={next}"))}))
        })
        .await;
        for (more, pages) in [
            (json!({"paging": "cursor", "next_at": "/next", "page_parameter": "from"}), 3),
            (json!({"paging": "next_address", "next_at": "/link"}), 3),
            (json!({"paging": "page_number", "page_parameter": "page"}), 4),
            (json!({}), 1),
        ] {
            let id = connect(&tenant, system.url("/people?x=1"), more.clone()).await;
            let run = pull(&bench, &tenant, id).await;
            assert_eq!((run.state, run.pages, run.rows), (RunState::Stored, pages, if pages == 1 { 2 } else { 6 }), "{more}: {run:?}");
            tenant.start_connector_over(id, clock()).await.expect("over");
            tenant.pause_connector(id, clock()).await.expect("paused");
            // Each way gives the same bytes: without this the next would be nothing new.
            tenant.cancel_import(run.import.expect("an import"), clock()).await.expect("cancelled");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_has_its_word_and_leaves_nothing() {
    for_each_store("connectors_faults", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let trap = Arc::new(System::start(|_| answer_json(&json!({"data": people(0..1)}))).await);
        let other = trap.url("/people");
        let system = System::start(move |ask| match ask.path.split('?').next().expect("a path") {
            "/html" => text("text/html; charset=utf-8", "<html>Sign in</html>"),
            "/html-as-json" => text("application/json", "<html>Sign in</html>"),
            "/cut" => text("application/json", r#"{"data": [{"mobile": "07700 900001"}, {"mob"#),
            "/after" => text("application/json", r#"{"data": []} trailing"#),
            "/500" => status(500),
            "/404" => status(404),
            "/wait" => status(429).with("retry-after", "7200"),
            "/metadata" => status(302).with("location", "http://169.254.169.254/latest/meta-data"),
            "/elsewhere" => status(307).with("location", other.clone()),
            "/no-rows" => answer_json(&json!({"items": []})),
            "/rows-are-a-map" => answer_json(&json!({"data": {"a": {"mobile": "1"}}})),
            "/not-rows" => answer_json(&json!({"data": ["07700 900001"]})),
            "/huge" => answer_json(&json!({"data": vec![json!({"mobile": "x".repeat(1_000)}); 4_000]})),
            "/long-row" => answer_json(&json!({"data": [{"mobile": "x".repeat(2 << 20)}]})),
            "/many" => answer_json(&json!({"data": vec![json!({"mobile": "1"}); 6_000]})),
            "/slow" => answer_json(&json!({"data": []})).after(Duration::from_secs(5)),
            "/loop" => answer_json(&json!({"data": people(0..1), "next": "/loop"})),
            "/same-pages" => answer_json(&json!({"data": people(0..1)})),
            "/far" => answer_json(&json!({"data": people(0..1), "next": "https://evil.example.com/people"})),
            "/endless" => {
                let n = ask.parameter("c").map_or(1, |n| n.parse::<u32>().expect("a number"));
                answer_json(&json!({"data": people(n..n + 1), "next": n + 1}))
            }
            "/mark" => answer_json(&json!({"data": [{"mobile": "07700 900001", "updated_at": "last Tuesday"}]})),
            "/nested" => text("application/json", "[".repeat(100_000)),
            _ => status(404),
        })
        .await;
        let next = json!({"paging": "next_address", "next_at": "/next"});
        let cursor = json!({"paging": "cursor", "next_at": "/next", "page_parameter": "c"});
        for (path, more, fault) in [
            ("/html", json!({}), PullFault::IsHtml),
            ("/html-as-json", json!({}), PullFault::NotJson),
            ("/cut", json!({}), PullFault::NotJson),
            ("/after", json!({}), PullFault::NotJson),
            ("/nested", json!({}), PullFault::NotJson),
            ("/500", json!({}), PullFault::Refused),
            ("/404", json!({}), PullFault::Refused),
            ("/wait", json!({}), PullFault::AskedToWait),
            ("/metadata", json!({}), PullFault::RedirectRefused),
            ("/elsewhere", json!({}), PullFault::RedirectRefused),
            ("/no-rows", json!({}), PullFault::NoRowsThere),
            ("/rows-are-a-map", json!({}), PullFault::NoRowsThere),
            ("/not-rows", json!({}), PullFault::NotARow),
            ("/huge", json!({}), PullFault::TooManyBytes),
            ("/long-row", json!({}), PullFault::RowTooLong),
            ("/many", json!({}), PullFault::TooManyRows),
            ("/slow", json!({}), PullFault::NoAnswerInTime),
            ("/loop", next.clone(), PullFault::PageLoop),
            ("/same-pages", json!({"paging": "page_number", "page_parameter": "page"}), PullFault::PageLoop),
            ("/far", next, PullFault::NextElsewhere),
            ("/endless", cursor, PullFault::TooManyPages),
            ("/mark", json!({"incremental": "since", "since_parameter": "since", "since_field": "updated_at"}), PullFault::WatermarkUnreadable),
            ("/500", json!({"format": "csv", "rows_at": "", "fields": [{"from": "mobile", "to": "phone"}]}), PullFault::Refused),
            ("/cut", json!({"format": "csv", "rows_at": "", "fields": [{"from": "mobile", "to": "phone"}]}), PullFault::NoColumn),
        ] {
            let id = connect(&tenant, system.url(path), more).await;
            let before = clock();
            let run = pull(&bench, &tenant, id).await;
            assert_eq!((run.state, run.fault), (RunState::Failed, Some(fault)), "{path}");
            let now = standing(&tenant, id).await;
            assert_eq!((now.state, now.failures), (ConnectorState::On, 1), "{path}");
            let pause = now.next_at.expect("tried again").ms() - before.ms();
            assert!((if fault == PullFault::AskedToWait { 7_200_000..7_201_000 } else { 5_000..6_000 }).contains(&pause), "{path}: {pause} ms");
            tenant.pause_connector(id, clock()).await.expect("paused");
        }
        assert!(tenant.imports(None, 99).await.expect("imports").rows.is_empty(), "nothing is left of any");
        assert!(trap.asked().is_empty(), "no redirect was followed");

        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
        let id = connect(&tenant, format!("http://127.0.0.1:{port}/"), json!({})).await;
        assert_eq!(pull(&bench, &tenant, id).await.fault, Some(PullFault::NoConnection));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_beside_the_rows_may_be_long() {
    for_each_store("connectors_beside", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let long = "x".repeat(1_300_000);
        let system = System::start(move |_| text("application/json", format!(r#"{{"included": {{"note": "{long}"}}, "data": [{}], "trailer": ["{long}"]}}"#, person(1)))).await;
        let id = connect(&tenant, system.url("/people"), json!({})).await;
        let run = pull(&bench, &tenant, id).await;
        assert_eq!((run.state, run.rows, run.fault), (RunState::Stored, 1, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_credential_stops_it_at_once_and_a_good_one_is_sent_as_asked() {
    for_each_store("connectors_credentials", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let system = System::start(|ask| match (ask.path.as_str(), ask.header("authorization"), ask.header("x-api-key")) {
            ("/token", "Basic Y2xhcmlvbjpodXNo", _) if ask.body.contains("grant_type=client_credentials") && ask.body.contains("scope=people") => answer_json(&json!({"access_token": "tok-1", "token_type": "bearer"})),
            ("/token", ..) => status(401),
            ("/oauth", "Bearer tok-1", _) | ("/bearer", "Bearer hush", _) | ("/header", "", "hush") => answer_json(&json!({"data": people(0..2)})),
            _ => status(403),
        })
        .await;
        let oauth = |secret: &str| json!({"authentication": "oauth2", "token_url": system.url("/token"), "client_id": "clarion", "scope": "people", "secret": secret});
        for (path, more, fault) in [
            ("/bearer", json!({"authentication": "bearer", "secret": "hush"}), None),
            ("/header", json!({"authentication": "header", "header_name": "X-Api-Key", "secret": "hush"}), None),
            ("/oauth", oauth("hush"), None),
            ("/bearer", json!({"authentication": "bearer", "secret": "old"}), Some(PullFault::CredentialRefused)),
            ("/bearer", json!({}), Some(PullFault::CredentialRefused)),
            ("/oauth", oauth("old"), Some(PullFault::TokenRefused)),
        ] {
            let id = connect(&tenant, system.url(path), more).await;
            let run = pull(&bench, &tenant, id).await;
            assert_eq!(run.fault, fault, "{path}: {run:?}");
            let now = standing(&tenant, id).await;
            assert_eq!((now.state, now.next_at.is_some()), if fault.is_some() { (ConnectorState::Stopped, false) } else { (ConnectorState::On, true) }, "{path}");
            let asked = system.asked().len();
            assert_eq!(work(&bench.store, CONFIG).await.expect("works"), 0, "it is not asked again");
            assert_eq!(system.asked().len(), asked);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_runs_out_between_pages_is_fetched_anew() {
    for_each_store("connectors_token", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let tokens = std::sync::atomic::AtomicUsize::new(0);
        let system = System::start(move |ask| match (ask.path.split('?').next(), ask.parameter("page").as_deref(), ask.header("authorization")) {
            (Some("/token"), ..) => answer_json(&json!({"access_token": format!("tok-{}", tokens.fetch_add(1, Ordering::SeqCst))})),
            (_, Some("1"), "Bearer tok-0") => answer_json(&json!({"data": people(0..2)})),
            (_, Some("2"), "Bearer tok-1") => answer_json(&json!({"data": people(2..4)})),
            (_, Some("3"), "Bearer tok-1") => answer_json(&json!({"data": []})),
            _ => status(401),
        })
        .await;
        let more = json!({"paging": "page_number", "page_parameter": "page", "authentication": "oauth2", "token_url": system.url("/token"), "client_id": "clarion", "secret": "hush"});
        let id = connect(&tenant, system.url("/people"), more).await;
        let run = pull(&bench, &tenant, id).await;
        assert_eq!((run.state, run.rows, standing(&tenant, id).await.state), (RunState::Stored, 4, ConnectorState::On), "{run:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watermark_asks_for_what_is_new_alone() {
    for_each_store("connectors_since", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let system = System::start(|ask| match ask.parameter("since").as_deref() {
            None => answer_json(&json!({"data": people(1..6)})),
            Some("2026-11-23T10:05:00Z") => answer_json(&json!({"data": people(6..8)})),
            Some("2026-11-23T10:07:00Z") => answer_json(&json!({"data": []})),
            Some(_) => status(400),
        })
        .await;
        let id = connect(&tenant, system.url("/people"), json!({"incremental": "since", "since_parameter": "since", "since_field": "updated_at"})).await;
        let mut seen = Vec::new();
        for _ in 0..3 {
            let run = if seen.is_empty() { pull(&bench, &tenant, id).await } else { pull_again(&bench, &tenant, id).await };
            seen.push((run.state, run.rows, standing(&tenant, id).await.watermark));
        }
        let (first, second) = ("2026-11-23T10:05:00Z".to_owned(), "2026-11-23T10:07:00Z".to_owned());
        assert_eq!(seen, [(RunState::Stored, 5, first), (RunState::Stored, 2, second.clone()), (RunState::Unchanged, 0, second)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_in_the_middle_keeps_nothing() {
    for_each_store("connectors_midway", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let system = System::start(|ask| {
            let page: u32 = ask.parameter("page").map_or(1, |page| page.parse().expect("a number"));
            answer_json(&json!({"data": people(page..page + 1)})).after(Duration::from_millis(300))
        })
        .await;
        let id = connect(&tenant, system.url("/people"), json!({"paging": "page_number", "page_parameter": "page"})).await;
        let store = bench.store.clone();
        let working = tokio::spawn(async move { work(&store, CONFIG).await });
        while system.asked().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tenant.revoke_instruction(standing(&tenant, id).await.instruction, "the client's letter", clock()).await.expect("revoked");
        working.await.expect("no panic").expect("works");
        let (run, asked) = (last_run(&tenant, id).await, system.asked().len());
        assert_eq!((run.state, run.import), (RunState::Stopped, None));
        assert!(asked <= 3, "it stops within a page: {asked}");
        assert!(tenant.imports(None, 9).await.expect("imports").rows.is_empty());
        assert_eq!(standing(&tenant, id).await.state, ConnectorState::Stopped);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_shows_names_and_shapes_and_loads_nothing() {
    for_each_store("connectors_preview", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        let system = System::start(|_| answer_json(&json!({"data": people(1..2_000), "next": 5}))).await;
        let id = connect(&tenant, system.url("/people"), json!({"paging": "cursor", "next_at": "/next", "page_parameter": "from"})).await;
        tenant.pause_connector(id, clock()).await.expect("paused");
        let run = tenant.ask_run(id, RunKind::Preview, clock()).await.expect("asked");
        assert_eq!(pull(&bench, &tenant, id).await.state, RunState::Shown);
        let preview = tenant.connector_run(id, run).await.expect("it").1.expect("a preview");
        let told: Vec<_> = preview.fields.iter().map(|field| (field.name.as_str(), field.becomes.as_str(), field.not_agreed, field.shapes.first().map_or("", String::as_str))).collect();
        assert_eq!(told, [
            ("mobile", "phone", false, "00000 000000"),
            ("id", "reference", false, "0"),
            ("/name/first", "first_name", false, "Xxx, \"X\""),
            ("/name/last", "", true, ""),
            ("shoe", "", false, ""),
            ("updated_at", "", false, ""),
        ]);
        assert!(!format!("{preview:?}").contains("07700"));
        assert_eq!((system.asked().len(), tenant.imports(None, 9).await.expect("imports").rows.len()), (1, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_server_that_is_not_ours_are_pulled_once_until_they_change() {
    for_each_store("connectors_python", |bench| async move {
        allow_loopback(&bench);
        let tenant = bench.tenant("northwind").await;
        tenant.declare_field(&NewDeclaredField { name: "balance_due", purpose: "To say how much is owed", retention_days: 30 }, clock()).await.expect("declared");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("people.csv"), "\u{feff}Name;Mobile;Owed;Note\r\nAda;07700 900001;\"1;50\";Note-Secret\r\nGrace;07700 900002;;x\r\nNobody;12;3;x\r\n").expect("written");
        std::fs::write(folder.path().join("people.json"), json!([{"Mobile": "+447700900003", "Owed": 12.5}, {"Mobile": null, "Owed": 1}]).to_string()).expect("written");
        let files = Files::serve(folder.path()).await;
        let url = |name: &str| format!("http://127.0.0.1:{}/{name}", files.port);
        let instruction = instruct(&tenant, &["phone", "balance_due"]).await;
        let make = |name: &str, format: &str| {
            let settings = json!({"url": url(name), "format": format, "incremental": "etag", "times": "at 06:00", "fields": [{"from": "Mobile", "to": "phone"}, {"from": "Owed", "to": "balance_due"}]});
            NewConnector { name: name.into(), instruction, list: None, settings: serde_json::from_value(settings).expect("settings"), secret: None }
        };
        for (name, format, counts) in [("people.csv", "csv", (2, 1)), ("people.json", "json", (1, 1))] {
            let id = tenant.create_connector(&make(name, format), clock()).await.expect("made");
            tenant.resume_connector(id, clock()).await.expect("on");
            let run = pull(&bench, &tenant, id).await;
            let import = loaded(&bench, &tenant, &run).await;
            assert_eq!((import.rows_loaded, import.rows_rejected), counts, "{name}: {import:?}");
            assert_eq!(standing(&tenant, id).await.next_at.map(Instant::rfc3339).as_deref(), Some("2026-11-24T06:00:00.000Z"));
            let again = pull_again(&bench, &tenant, id).await;
            assert_eq!((again.state, again.pages), (RunState::Unchanged, 0), "not modified");
            // Its time has whole seconds.
            let later = std::time::SystemTime::now() + Duration::from_secs(5);
            std::fs::write(folder.path().join(name), if format == "csv" { "Mobile,Owed\n07700900009,1\n" } else { r#"[{"Mobile": "07700900008"}]"# }).expect("written");
            std::fs::File::options().write(true).open(folder.path().join(name)).expect("opens").set_modified(later).expect("set");
            assert_eq!(loaded(&bench, &tenant, &pull_again(&bench, &tenant, id).await).await.rows_loaded, 1);
        }
        let id = tenant.create_connector(&make("nothing.csv", "csv"), clock()).await.expect("made");
        tenant.resume_connector(id, clock()).await.expect("on");
        let run = pull(&bench, &tenant, id).await;
        assert_eq!((run.fault, run.last_status), (Some(PullFault::Refused), 404));
    })
    .await;
}
