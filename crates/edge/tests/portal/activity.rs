//! The activity log: a trail in its order from the site before to the site after, all of it for its owner, masked for who looks into it.

use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use clarion_domain::tenancy::activity::ActivityKind;
use clarion_domain::tenancy::role::Role;
use clarion_domain::tenancy::tenant::Actor;

use clarion_edge::{Cookies, EdgeConfig, Recorder, portal_router};

use crate::support::{Browser, PASSWORD, World, now, read_prompt};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0";
const PAGES: [&str; 20] = [
    "/", "/campaigns", "/campaigns/templates", "/campaigns/scripts", "/campaigns/prompts", "/imports", "/imports/new", "/contacts", "/contacts/filters", "/compliance", "/compliance/holds", "/carriers", "/inbox", "/reports", "/account",
    "/campaigns/new", "/imports/fields", "/compliance/why-not", "/audit", "/campaigns",
];

/// As a browser on a desk sends it, from an address of its own.
async fn ask(browser: &Browser, method: &str, path: &str, site: (&str, &str), body: &str) -> crate::support::Answer {
    let request = Request::builder().method(method).uri(path).header(header::COOKIE, &browser.cookie).header(header::USER_AGENT, FIREFOX);
    let request = request.header("sec-fetch-site", site.0).header(header::REFERER, site.1).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let mut request = request.body(Body::from(body.to_owned())).expect("a request");
    request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::from(([203, 0, 113, 77], 4000))));
    browser.send(request).await
}

/// As the portal's script asks for a part of a page.
async fn part(browser: &Browser, path: &str) -> StatusCode {
    let request = Request::builder().uri(path).header(header::COOKIE, &browser.cookie).header(header::USER_AGENT, FIREFOX).header("hx-request", "true").header("sec-fetch-site", "same-origin");
    let mut request = request.body(Body::empty()).expect("a request");
    request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::from(([203, 0, 113, 77], 4000))));
    browser.send(request).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_is_kept_in_its_order_from_the_first_site_to_the_last() {
    let world = World::new().await;
    let mut browser = world.stranger();
    let elsewhere = ("cross-site", "https://intranet.example/people/ada?mail=ada@intranet.example");
    let own = ("same-origin", "http://localhost/somewhere");
    let form = ask(&browser, "GET", "/sign-in?next=/", elsewhere, "").await.text;
    assert!(form.contains(r#"name="from" value="https://intranet.example""#) && !form.contains("ada@"), "{form}");
    let answer = ask(&browser, "POST", "/sign-in", own, &format!("username=manager&password={}&from=https://intranet.example&next=/", PASSWORD.replace(' ', "+"))).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    browser.take_cookies(&answer);
    for page in PAGES {
        assert_eq!(ask(&browser, "GET", &format!("{page}?q=typed"), own, "").await.status, StatusCode::OK, "{page}");
    }
    assert_eq!(ask(&browser, "POST", "/team/keys", own, "name=x").await.status, StatusCode::FORBIDDEN, "an act that is refused");
    {
        let _held = world.store.db().begin().await.expect("the one writer");
        let search = ask(&browser, "POST", "/contacts/search", own, "typed=07700+900999");
        let found = tokio::time::timeout(Duration::from_secs(20), search).await.expect("whoever searches waits for no writer");
        assert_eq!(found.status, StatusCode::UNPROCESSABLE_ENTITY, "nobody has that number");
    }
    assert_eq!((part(&browser, "/campaigns").await, part(&browser, "/team").await), (StatusCode::OK, StatusCode::FORBIDDEN), "of parts only those refused are kept");
    assert_eq!(ask(&browser, "POST", "/activity/exit", own, "site=https%3A%2F%2Fcarrier.example%2Fsecret%3Fa%3Db").await.status, StatusCode::NO_CONTENT);
    assert_eq!(ask(&browser, "POST", "/sign-out", own, "").await.status, StatusCode::SEE_OTHER);

    let of = Actor::User(world.user(Role::Manager).await);
    let mut rows = world.as_operator().await.activity(of, None, 100).await.expect("read").rows;
    rows.reverse();
    assert!(rows.iter().all(|row| row.session == rows[0].session && row.session.0 != 0), "one session");
    let entry = &rows[0];
    assert_eq!((entry.kind, entry.site.as_str(), entry.browser.as_str(), entry.system.as_str()), (ActivityKind::Entry, "https://intranet.example", "Firefox 130.0", "Linux"));
    assert_eq!(entry.address.as_ref().map(|address| address.reveal()), Some("203.0.113.77"));
    let seen: Vec<&str> = rows[1..21].iter().map(|row| row.path.as_str()).collect();
    assert_eq!(seen, PAGES, "in order, without what was typed");
    assert!(rows[1..21].iter().all(|row| row.kind == ActivityKind::Page && row.status == 200));
    let rest: Vec<_> = rows[21..].iter().map(|row| (row.kind, row.path.as_str(), row.site.as_str())).collect();
    assert_eq!(rest, [(ActivityKind::Act, "/team/keys", ""), (ActivityKind::Act, "/contacts/search", ""), (ActivityKind::Page, "/team", ""), (ActivityKind::Exit, "", "https://carrier.example"), (ActivityKind::Exit, "/sign-out", "")]);
    assert_eq!(rows[21].status, 403, "the act's result came with the next writing");
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_is_whole_and_anothers_masked_until_a_reason_stands_in_the_audit() {
    let world = World::new().await;
    let agent = world.browser(Role::Agent).await;
    let user = world.user(Role::Agent).await;
    let own = ("same-origin", "http://localhost/");
    ask(&agent, "GET", "/inbox", own, "").await;
    let page = ask(&agent, "GET", "/account/activity", own, "").await.text;
    assert!(page.contains("203.0.113.77") && page.contains("Firefox 130.0 on Linux") && page.contains("/inbox"), "{page}");
    let file = ask(&agent, "GET", "/account/activity.csv", own, "").await.text;
    assert!(file.starts_with("at,kind,") && file.contains(",entry,") && file.contains(",page,GET,/inbox,,200,"), "{file}");

    let path = format!("/privacy/activity/{user}");
    assert_eq!(agent.get(&path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.browser(Role::Manager).await.get(&path).await.status, StatusCode::FORBIDDEN);
    let officer = world.browser(Role::PrivacyOfficer).await;
    assert!(officer.get("/privacy/activity").await.text.contains(&path));
    let page = officer.get(&path).await.text;
    assert!(page.contains("203.0.113.…") && !page.contains("203.0.113.77"), "{page}");
    officer.post(&path, &[("reason", "")]).await.assert_problem("reason", "Choose why");
    let page = officer.post(&path, &[("reason", "security_incident")]).await.text;
    assert!(page.contains("203.0.113.77"), "{page}");
    let revealed = world.as_operator().await.audit_events("user", "revealed", None, 10).await.expect("events").rows;
    assert_eq!(revealed.iter().map(|event| (event.object_id, event.detail.as_str())).collect::<Vec<_>>(), [(user.0, "network addresses: security_incident")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_looked_at_last_is_written_when_the_server_ends() {
    let mut world = World::new().await;
    let recorder = Recorder::new(world.store.clone());
    let mut config = EdgeConfig::new(now, Cookies::PlainLoopback, read_prompt);
    config.recorder = Some(recorder.clone());
    world.router = portal_router(world.store.clone(), config);
    assert_eq!(world.browser(Role::Agent).await.get("/inbox").await.status, StatusCode::OK);
    recorder.write().await.expect("written");
    let rows = world.as_operator().await.activity(Actor::User(world.user(Role::Agent).await), None, 10).await.expect("read").rows;
    assert!(rows.iter().any(|row| row.path == "/inbox"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hangs_up_takes_nothing_of_others_along() {
    let world = World::new().await;
    let (agent, manager) = (world.browser(Role::Agent).await, world.browser(Role::Manager).await);
    assert_eq!(agent.get("/inbox").await.status, StatusCode::OK);
    // The database takes nothing for a moment, while an act waits to be written down with what others looked at.
    let held = world.store.db().begin().await.expect("begins");
    let act = tokio::spawn(async move { manager.post("/team/keys", &[("name", "x")]).await });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    act.abort();
    assert!(act.await.is_err_and(|error| error.is_cancelled()));
    drop(held);
    assert!(agent.get("/account/activity").await.text.contains("/inbox"));
    let rows = world.as_operator().await.activity(Actor::User(world.user(Role::Manager).await), None, 10).await.expect("read").rows;
    assert!(rows.iter().any(|row| row.kind == ActivityKind::Act && row.path == "/team/keys"), "and what was begun is written down");
}
