//! The portal in headless Chromium, in front of the real binary and a pretend carrier: from a file with bad rows to the
//! reason of a refusal; then every page by both colour schemes and at both widths.

mod support;
#[path = "support/browser.rs"]
mod browser;
#[path = "portal/doors.rs"]
mod doors;
#[path = "portal/forms.rs"]
mod forms;
#[path = "portal/made.rs"]
mod made;
#[path = "portal/outside.rs"]
mod outside;

use std::time::Duration;

use browser::Chrome;
use clarion_domain::attempts::recording::RecordingKind;
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::id::{AttemptId, RecordingId, TrunkId};
use clarion_domain::outcomes::call_label::{CallLabel, DETECTOR};
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;
use clarion_store::Store;
use clarion_store::attempts::{CallRow, NewRecording, RecordingChunk, write_calls, write_recording_chunks};
use clarion_store::campaigns::CampaignDraft;
use clarion_store::db::Db;
use clarion_testbed::{BAD_ROWS, Carrier, CarrierConfig, Limits, people, sample_csv};
use forms::{a_call, made_by_hand};
use support::{Installation, shown};

const TENANT: [&str; 2] = ["--tenant", "northwind"];
const PEOPLE: usize = 60;
/// One of the file's people, whom the walk suppresses before it starts the campaign.
const SUPPRESSED: &str = "07700 900310";
/// Slow enough to be watched, quick enough to end.
const RATE_PER_SECOND: &str = "4";
/// As many rows as the page of contacts shows.
const CONTACTS_ON_A_PAGE: i64 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn the_portal_walked_in_a_browser() {
    let limits = Limits { receipt_delay: (Duration::from_millis(50), Duration::from_millis(300)), ..CarrierConfig::default().limits };
    let carrier = Carrier::start(CarrierConfig { limits, ..CarrierConfig::default() }).await.expect("listens");
    let (mut all, password) = tokio::task::block_in_place(|| stage(&carrier));
    let chrome = Chrome::open(&format!("http://{}", all.web)).await;
    sign_in(&chrome, &password).await;
    let import = load(&chrome, &all).await;
    suppress(&chrome).await;
    let campaign = write(&chrome).await;
    watch(&chrome, &campaign).await;
    let contact = read_the_refusal(&chrome, &campaign).await;
    list_the_rest(&chrome, &campaign).await;
    keyboard(&chrome).await;
    every_page(&chrome, &campaign, &import, &contact).await;
    chrome.close().await;
    tokio::task::block_in_place(|| {
        assert_eq!(all.stop(), Some(0), "SIGTERM ends in order: {}", all.log());
        assert!(!all.log().contains("7700900") && !all.log().contains("7700 900"), "a log line holds a number");
    });
}

/// The same way by plain links and forms: sign in, load, write, start, watch, read why somebody was refused.
#[tokio::test(flavor = "multi_thread")]
async fn the_portal_walked_without_its_scripts() {
    let carrier = Carrier::start(CarrierConfig::default()).await.expect("listens");
    let (mut all, password) = tokio::task::block_in_place(|| stage(&carrier));
    let chrome = Chrome::open(&format!("http://{}", all.web)).await;
    chrome.without_scripts().await;
    chrome.goto("/sign-in").await;
    assert!(!chrome.js::<bool>("'htmx' in window").await, "no script has run");
    chrome.fill("#username", "ada").await;
    chrome.fill("#password", &password).await;
    chrome.follow("button[type=submit]").await;

    let file = all.path("spring.csv");
    std::fs::write(&file, sample_csv(&people("NW", 300, PEOPLE))).expect("writes");
    chrome.goto("/imports/new").await;
    chrome.fill("#list", "Spring").await;
    chrome.attach("#file", &file).await;
    chrome.follow("form[data-upload] button[type=submit]").await;
    chrome.reload_until("What is each column?").await;
    chrome.follow("form[action$='/mapping'] button[type=submit]").await;
    chrome.reload_until("Refused, by reason").await;
    chrome.shows("Phone missing").await;
    suppress(&chrome).await;

    let campaign = write_plainly(&chrome).await;
    chrome.follow("form[action$='/start'] button").await;
    assert_eq!(chrome.path().await, campaign);
    // Nothing moves by itself here: a page that was shown while the audience was frozen still says so.
    chrome.reload_until("Pause").await;
    chrome.follow("form[action$='/pause'] button").await;
    chrome.reload_until("Paused").await;
    chrome.follow("form[action$='/resume'] button").await;
    chrome.reload_until("Finished").await;
    read_the_refusal(&chrome, &campaign).await;
    assert!(!chrome.js::<bool>("'htmx' in window").await, "and still none");
    chrome.close().await;
    tokio::task::block_in_place(|| assert_eq!(all.stop(), Some(0), "SIGTERM ends in order: {}", all.log()));
}

/// A campaign whose people can all be sent to within seconds.
async fn write_plainly(chrome: &Chrome) -> String {
    chrome.goto("/campaigns/new").await;
    chrome.fill("#name", "Spring readings").await;
    chrome.follow("main button[type=submit]").await;
    let campaign = chrome.path().await;
    chrome.goto(&format!("{campaign}/purpose")).await;
    chrome.click("[name=purpose][value=reminder]").await;
    chrome.click("[name=legal_basis][value=contract]").await;
    chrome.follow("main form.form button[type=submit]").await;
    chrome.goto(&format!("{campaign}/audience")).await;
    let list: String = chrome.js("[...document.querySelectorAll('#list_id option')].find(o => o.textContent.startsWith('Spring')).value").await;
    chrome.set("#list_id", &list).await;
    chrome.follow("main form.form button[type=submit]").await;
    chrome.goto(&format!("{campaign}/message")).await;
    chrome.set("#sender", "+447700900990").await;
    chrome.fill("#body", "Northwind Energy: hello {first_name|there}, your reading is due. Reply STOP to end these messages.").await;
    chrome.follow("main form.form button[type=submit]").await;
    chrome.goto(&format!("{campaign}/schedule")).await;
    chrome.set("#from", "08:00").await;
    chrome.set("#until", "20:00").await;
    chrome.fill("#rate_per_second", "20").await;
    chrome.follow("main form.form button[type=submit]").await;
    chrome.goto(&format!("{campaign}/check")).await;
    chrome.follow("#dry-run button[type=submit]").await;
    chrome.reload_until("Eligible now").await;
    campaign
}

/// A tenant, a person who may sign in, and a clock at an hour at which people may be contacted.
fn stage(carrier: &Carrier) -> (Installation, String) {
    let mut all = Installation::new(None);
    all.found("northwind", carrier, 200);
    let file = shown(&all.path("first.csv"));
    std::fs::write(&file, sample_csv(&people("NW", 100, 20))).expect("writes");
    all.json(&["import", &file, "--list", "Customers", "--yes", TENANT[0], TENANT[1]]);
    all.draft("northwind", "Customers", "A draft beside", 100);
    tokio::runtime::Handle::current().block_on(recorded_call(&all));
    let user = all.json(&["create-user", "ada", TENANT[0], TENANT[1]]);
    all.serve();
    (all, user["password"].as_str().expect("a password").to_owned())
}

/// A call of before, with a talk that was recorded and first seconds that wait for their label: nothing is dialled in this walk.
async fn recorded_call(all: &Installation) {
    let db = Db::open_sqlite(&all.path("clarion-data/clarion.db")).await.expect("opens");
    let store = Store::open(db, &all.path("clarion-keys/keyring"), 120).await.expect("a store");
    let tenant = store.tenants().await.expect("tenants").remove(0).id;
    let tenant = store.tenant(tenant, Actor::Operator).await.expect("its handle");
    let now = Instant(jiff::Timestamp::now().as_millisecond());
    // A name for short links that was seen to point here: no server runs yet that could look again.
    tenant.set_link_host("go.northwind.example", None, now).await.expect("named");
    let check = store.due_link_checks(now, 10).await.expect("due").remove(0);
    tenant.record_link_check(&check, Ok("https"), now).await.expect("kept");
    tenant.enable_links(true, now).await.expect("on");
    let contact = tenant.find_subject("07700 900101").await.expect("found").contacts[0];
    let address = tenant.contact(contact).await.expect("a contact").addresses[0].id;
    let campaign = tenant.create_campaign(&CampaignDraft::of(Channel::Voice, "Calls of before"), now).await.expect("a campaign");
    let attempt = AttemptId(store.next_id(now));
    let mut call = CallRow {
        attempt, tenant: tenant.id(), campaign, position: 0, contact, node: store.node(), trunk: TrunkId(1), target: None, state: "ended".into(), state_at: now, step: "agents".into(), dialled_at: now,
        ringing_at: Some(now), answered_at: Some(now), speech_at: None, message_at: Some(now), information_at: None, bridged_at: Some(now), ended_at: Some(now), ended_by: "person".into(),
        verdict: "unsure".into(), features: format!(r#"{{"detector":"{DETECTOR}","judged":"machine"}}"#), abandoned: false, fell_back: false, silent: false, agent_silent: false,
    };
    let mut tx = store.db().begin().await.expect("begins");
    write_calls(&mut tx, std::slice::from_ref(&call)).await.expect("written");
    call.attempt = AttemptId(store.next_id(now));
    write_calls(&mut tx, std::slice::from_ref(&call)).await.expect("written");
    tx.commit().await.expect("stands");
    tenant.label_call(call.attempt, CallLabel::Machine, now).await.expect("labelled");
    for kind in [RecordingKind::Talk, RecordingKind::Opening] {
        let id = RecordingId(store.next_id(now));
        let new = NewRecording { id, tenant: tenant.id(), campaign, attempt, contact, address, kind, step: String::new(), is_paused: false, began_at: now };
        let key = tenant.begin_recording(&new).await.expect("begins").expect("a key");
        let plain = vec![0xd5; 8_000 * usize::from(kind.channels())];
        let chunk = RecordingChunk { recording: id, position: 0, sealed: key.seal(0, &plain).expect("seals"), bytes: plain.len() as i64 };
        let mut tx = store.db().begin().await.expect("begins");
        write_recording_chunks(&mut tx, &[chunk]).await.expect("written");
        tx.commit().await.expect("stands");
    }
    store.end_own_recordings(now).await.expect("ended");
}

async fn sign_in(chrome: &Chrome, password: &str) {
    chrome.goto("/campaigns").await;
    assert_eq!(chrome.path().await, "/sign-in", "a stranger is asked who they are");
    chrome.look("sign-in").await;
    chrome.fill("#username", "ada").await;
    chrome.fill("#password", "not the password").await;
    chrome.follow("button[type=submit]").await;
    chrome.shows("There is a problem").await;
    assert!(chrome.js::<bool>("document.activeElement.classList.contains('problem')").await, "the summary has the focus");
    assert!(chrome.js::<String>("document.title").await.starts_with("Error: "));
    chrome.look("sign-in-refused").await;
    chrome.fill("#password", password).await;
    chrome.follow("button[type=submit]").await;
    assert_eq!(chrome.path().await, "/campaigns", "and led where they wanted to go");
}

async fn load(chrome: &Chrome, all: &Installation) -> String {
    let file = all.path("spring.csv");
    std::fs::write(&file, sample_csv(&people("NW", 300, PEOPLE))).expect("writes");
    chrome.goto("/imports/new").await;
    chrome.fill("#list", "Spring").await;
    chrome.attach("#file", &file).await;
    chrome.click("form[data-upload] button[type=submit]").await;
    chrome.shows("What is each column?").await;
    let guessed: Vec<String> = chrome.js("[...document.querySelectorAll('select')].map(s => s.value)").await;
    assert_eq!(guessed, ["reference", "first_name", "last_name", "phone"], "the proposal");
    chrome.shows("07700 900300").await;
    chrome.look("import-mapping").await;
    let import = chrome.path().await;
    chrome.follow("form[action$='/mapping'] button[type=submit]").await;
    chrome.shows("Refused, by reason").await;
    chrome.shows("Phone missing").await;
    let figures: Vec<String> = chrome.js("[...document.querySelectorAll('.figures dd')].map(d => d.textContent.trim())").await;
    assert_eq!(figures, [(PEOPLE + BAD_ROWS).to_string(), PEOPLE.to_string(), "0".into(), BAD_ROWS.to_string()], "read, new, updated, refused");
    chrome.assert_quiet("the import");
    import
}

async fn suppress(chrome: &Chrome) {
    chrome.goto("/compliance").await;
    chrome.fill("#number", SUPPRESSED).await;
    chrome.fill("#source", "ticket 17").await;
    chrome.follow("form[action='/compliance'][method=post] button").await;
    chrome.shows("Suppressed: nothing more is sent.").await;
}

/// The task list, each step refused once where it can be and then right, up to a dry run.
async fn write(chrome: &Chrome) -> String {
    chrome.goto("/campaigns/new").await;
    chrome.fill("#name", "Spring readings").await;
    chrome.follow("main button[type=submit]").await;
    let campaign = chrome.path().await;
    chrome.look("campaign-tasks").await;
    let step = |name: &str| format!("main a[href='{campaign}/{name}']");

    chrome.follow(&step("purpose")).await;
    chrome.follow("main button[type=submit]").await;
    chrome.shows("There is a problem").await;
    chrome.look("campaign-purpose-refused").await;
    chrome.click("[name=purpose][value=reminder]").await;
    chrome.click("[name=legal_basis][value=contract]").await;
    assert!(!chrome.js::<bool>("!!document.querySelector('#assessment_reference').offsetParent").await, "a contract needs no assessment");
    chrome.follow("main form.form button[type=submit]").await;

    chrome.follow(&step("audience")).await;
    let list: String = chrome.js("[...document.querySelectorAll('#list_id option')].find(o => o.textContent.startsWith('Spring')).value").await;
    chrome.set("#list_id", &list).await;
    chrome.follow("main form.form button[type=submit]").await;

    chrome.follow(&step("message")).await;
    chrome.set("#sender", "+447700900990").await;
    chrome.fill("#body", "Northwind Energy: hello {first_name|there}, your reading is due. Reply STOP to end these messages.").await;
    chrome.until("the live count", "document.querySelector('#segments').textContent.includes('1 segment, GSM 7-bit')").await;
    chrome.follow("main form.form button[type=submit]").await;
    chrome.until("the text as real people get it", "/hello [A-Z][a-z]+, your reading is due/.test(document.querySelector('.bubble')?.textContent ?? '')").await;
    chrome.look("campaign-message").await;

    chrome.goto(&format!("{campaign}/schedule")).await;
    chrome.set("#from", "08:00").await;
    chrome.set("#until", "20:00").await;
    chrome.fill("#rate_per_second", RATE_PER_SECOND).await;
    chrome.follow("main form.form button[type=submit]").await;

    chrome.goto(&format!("{campaign}/check")).await;
    chrome.follow("#dry-run button[type=submit]").await;
    chrome.shows("Eligible now").await;
    chrome.shows("Refused by").await;
    chrome.look("campaign-check").await;
    campaign
}

/// Started, watched without a reload, paused, resumed, watched to the end.
async fn watch(chrome: &Chrome, campaign: &str) {
    chrome.follow("form[action$='/start'] button").await;
    assert_eq!(chrome.path().await, campaign);
    // htmx swaps regions; only a new document would lose this.
    chrome.js::<bool>("window.same = true").await;
    let sent = "Number(document.querySelector('#live-figures dd').firstChild.textContent)";
    chrome.until("the first messages", &format!("{sent} > 0 && window.same === true")).await;
    chrome.follow("form[action$='/pause'] button").await;
    chrome.until("the pause", "document.querySelector('#live-state').textContent.includes('Paused')").await;
    chrome.look("monitor-paused").await;
    let stopped: i64 = chrome.js(sent).await;
    assert!(stopped < PEOPLE as i64, "it was still under way");
    chrome.follow("form[action$='/resume'] button").await;
    chrome.js::<bool>("window.same = true").await;
    chrome.look("monitor-running").await;
    chrome.until("the end", "document.querySelector('#live-state').textContent.includes('Finished') && window.same === true").await;
    chrome.until("the last receipt", "document.querySelector('#live-figures').textContent.includes('Refused1by a rule')").await;
    assert!(chrome.js::<bool>("document.querySelector('#live-hours svg.chart') !== null").await, "a chart of the hours");
    chrome.assert_quiet("the monitor");
}

/// The one whom a rule refused, with the rule in words, in the review and in the person's timeline.
async fn read_the_refusal(chrome: &Chrome, campaign: &str) -> String {
    chrome.goto(&format!("{campaign}/recipients?ended=refused")).await;
    assert_eq!(chrome.js::<i64>("document.querySelectorAll('tbody tr').length").await, 1);
    chrome.shows("The number is on your organisation's own suppression list. SUP-LIST").await;
    chrome.look("review-refused").await;
    chrome.follow("tbody th a").await;
    chrome.shows("Not contacted by Spring readings").await;
    let reason: String = chrome.js("[...document.querySelectorAll('.timeline li')].find(l => l.textContent.includes('Not contacted')).querySelector('.small').textContent").await;
    assert!(reason.split_whitespace().count() > 5, "a sentence, not a code: {reason}");
    let contact = chrome.path().await;
    chrome.follow("form[action$='/reveal'] button").await;
    chrome.shows("+447700900310").await;
    chrome.look("contact-revealed").await;
    chrome.goto("/audit?act=revealed").await;
    assert_eq!(chrome.js::<i64>("document.querySelectorAll('tbody tr').length").await, 1, "the reveal is in the audit");
    contact
}

/// The people of a campaign by how it ended for them, as the audience of another. Everybody was reached here: those are chosen by hand.
async fn list_the_rest(chrome: &Chrome, campaign: &str) {
    chrome.goto(&format!("{campaign}/recipients")).await;
    chrome.follow("a[href$='/recipients/list']").await;
    assert_eq!(chrome.js::<i64>("document.querySelectorAll('input[name=ended]:checked').length").await, 0, "nobody who was reached is proposed");
    chrome.follow("form.form button[type=submit]").await;
    chrome.shows("Choose at least one ending").await;
    chrome.look("list-of-recipients").await;
    chrome.click("input[name=ended][value=delivered]").await;
    chrome.follow("form.form button[type=submit]").await;
    chrome.shows("The list is made").await;
    let listed: i64 = chrome.js("document.querySelectorAll('tbody tr').length").await;
    assert_eq!(listed, (PEOPLE as i64 - 1).min(CONTACTS_ON_A_PAGE), "all but the one whom a rule refused");
}

async fn keyboard(chrome: &Chrome) {
    chrome.goto("/reports").await;
    chrome.press("Tab").await;
    assert!(chrome.js::<bool>("document.activeElement.matches('.skip') && getComputedStyle(document.activeElement).outlineStyle === 'solid'").await, "the first stop is the skip link, and it is seen");
    chrome.press("/").await;
    chrome.until("the search", "document.activeElement.matches('header.rail input[type=search]')").await;
    chrome.fill("header.rail input[type=search]", "Spring read").await;
    chrome.press("Enter").await;
    // The page before names it, too.
    chrome.until("the one campaign of this name", "document.readyState === 'complete' && location.pathname.startsWith('/campaigns/cam_')").await;
    chrome.press("?").await;
    chrome.until("the shortcuts", "document.querySelector('#shortcuts').open").await;
    chrome.look("shortcuts").await;
}

async fn every_page(chrome: &Chrome, campaign: &str, import: &str, contact: &str) {
    chrome.goto("/inbox").await;
    let reply: String = chrome.js("document.querySelector('tbody th a')?.getAttribute('href') ?? ''").await;
    chrome.goto("/carriers").await;
    let trunk: String = chrome.js("document.querySelector('tbody th a').getAttribute('href')").await;
    chrome.goto("/compliance").await;
    let suppression: String = chrome.js("document.querySelector('a[href$=\"/remove\"]').getAttribute('href')").await;
    chrome.goto("/team").await;
    let user: String = chrome.js("document.querySelector('tbody th a').getAttribute('href')").await;
    chrome.goto("/campaigns?state=draft").await;
    let draft: String = chrome.js("document.querySelector('tbody th a').getAttribute('href')").await;
    made_by_hand(chrome).await;
    let recorded = listen(chrome).await;
    let call = a_call(chrome).await;
    let mut pages: Vec<(String, String)> = PAGES.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect();
    for (name, path) in [("monitor", campaign), ("import", import), ("contact", contact), ("trunk", &trunk), ("suppression-remove", &suppression), ("user", &user), ("draft", &draft), ("call", &recorded)] {
        pages.push((name.to_owned(), path.to_owned()));
    }
    for step in ["purpose", "audience", "message", "schedule", "check"] {
        pages.push((format!("draft-{step}"), format!("{draft}/{step}")));
    }
    for step in ["say", "fast", "recording", "caller", "schedule", "check"] {
        pages.push((format!("call-{step}"), format!("{call}/{step}")));
    }
    pages.push(("activity-user".into(), user.replace("/team/", "/privacy/activity/")));
    leave(chrome).await;
    chrome.goto("/contacts/filters").await;
    pages.push(("filters-counted".into(), chrome.js("document.querySelector('a[href*=\"?count=\"]').getAttribute('href')").await));
    pages.push(("import-undo".into(), format!("{import}/undo")));
    pages.push(("review".into(), format!("{campaign}/recipients")));
    pages.push(("review-list".into(), format!("{campaign}/recipients/list")));
    let id = |path: &str| path.trim_start_matches("/campaigns/").to_owned();
    pages.push(("compare".into(), format!("/reports/compare?campaign0={}&campaign1={}&campaign2={}", id(campaign), id(&draft), id(&call))));
    pages.push(("standing".into(), format!("{contact}/standing")));
    assert!(!reply.is_empty(), "somebody answered");
    pages.push(("reply".into(), reply));
    for (name, path) in &pages {
        chrome.goto(path).await;
        chrome.look(name).await;
    }
    made::pages_of_what_is_made(chrome, campaign, &draft).await;
    doors::assert_all_looked_at(&chrome.looked());
}

/// A link to another site is in the log of one's activity, without its page; so is what was done before.
async fn leave(chrome: &Chrome) {
    chrome.goto("/reports").await;
    let click = "(() => { const link = document.createElement('a'); link.href = 'https://carrier.example/secret?x=1'; link.addEventListener('click', e => e.preventDefault()); document.body.append(link); link.click(); return true })()";
    assert!(chrome.js::<bool>(click).await);
    chrome.goto("/account/activity").await;
    chrome.reload_until("https://carrier.example").await;
    let here = "document.querySelector('main').textContent";
    let text: String = chrome.js(here).await;
    assert!(!text.contains("secret") && text.contains("/reports"), "{text}");
    while chrome.js::<bool>("document.querySelector('main a[rel=next]') !== null").await {
        chrome.follow("main a[rel=next]").await;
    }
    let entry: String = chrome.js(here).await;
    assert!(entry.contains("Chrome ") && entry.contains("127.0.0.1"), "where it began: {entry}");
}

/// The first seconds of a call play in the browser under the page's policy, and the listening is in the audit. Gives the call's page.
async fn listen(chrome: &Chrome) -> String {
    chrome.goto("/campaigns/labels").await;
    let call: String = chrome.js("document.querySelector('main a[href^=\"/calls/\"]').getAttribute('href')").await;
    chrome.js::<bool>("(() => { const sound = document.querySelector('audio'); sound.preload = 'auto'; sound.load(); return true; })()").await;
    chrome.until("the sound is there", "Math.abs(document.querySelector('audio').duration - 1) < 0.1").await;
    chrome.goto(&call).await;
    chrome.shows("Talk with an agent recorded, 0:01").await;
    chrome.goto("/audit?act=listened").await;
    chrome.until("one listening in the audit", "document.querySelectorAll('tbody tr').length === 1").await;
    call
}

const PAGES: &[(&str, &str)] = &[
    ("overview", "/"),
    ("imports", "/imports"),
    ("import-new", "/imports/new"),
    ("fields", "/imports/fields"),
    ("field", "/imports/fields/balance_due"),
    ("contacts", "/contacts"),
    ("filters", "/contacts/filters"),
    ("campaigns", "/campaigns"),
    ("calendar", "/campaigns/calendar"),
    ("calendar-week", "/campaigns/calendar?view=week"),
    ("settings", "/settings"),
    ("limits", "/settings/limits"),
    ("links", "/settings/links"),
    ("sftp", "/imports/sftp"),
    ("webhooks", "/team/webhooks"),
    ("webhook-new", "/team/webhooks/new"),
    ("campaign-new", "/campaigns/new"),
    ("templates", "/campaigns/templates"),
    ("template-new", "/campaigns/templates/new"),
    ("scripts", "/campaigns/scripts"),
    ("script-new", "/campaigns/scripts/new?from=agent"),
    ("labels", "/campaigns/labels"),
    ("prompts", "/campaigns/prompts"),
    ("targets", "/carriers/targets"),
    ("target-new", "/carriers/targets/new"),
    ("trunk-new-sip", "/carriers/trunks/new?kind=sip"),
    ("suppressions", "/compliance"),
    ("suppression-file", "/compliance/file"),
    ("holds", "/compliance/holds"),
    ("why-not", "/compliance/why-not"),
    ("carriers", "/carriers"),
    ("trunk-new", "/carriers/trunks/new"),
    ("trunk-new-http", "/carriers/trunks/new?kind=http"),
    ("inbox", "/inbox"),
    ("reports", "/reports"),
    ("privacy", "/privacy"),
    ("retention", "/privacy/retention"),
    ("legal-holds", "/privacy/legal-holds"),
    ("inventory", "/privacy/inventory"),
    ("activity", "/account/activity"),
    ("activity-users", "/privacy/activity"),
    ("audit", "/audit"),
    ("team", "/team"),
    ("team-new", "/team/new"),
    ("four-eyes", "/team/four-eyes"),
    ("single-sign-on", "/team/single-sign-on"),
    ("approvals", "/approvals"),
    ("invitations", "/team/invitations"),
    ("keys", "/team/keys"),
    ("account", "/account"),
    ("second-factor", "/account/second-factor"),
    ("not-found", "/nowhere"),
];
