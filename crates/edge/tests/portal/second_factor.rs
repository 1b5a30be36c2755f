//! The second factor: set up, asked for, used up, lost and reset. The codes are made here by a second hand, from the key that the page shows.

use axum::http::StatusCode;
use clarion_domain::tenancy::role::Role;
use clarion_domain::time::{MINUTE_MS, SECOND_MS};
use ring::hmac;

use crate::support::{Answer, Browser, PASSWORD, World, now, wait};

/// What an application makes of the key in letters, `steps` half minutes from now.
fn code(key: &str, steps: i64) -> String {
    let (mut secret, mut held, mut bits) = (Vec::new(), 0u32, 0);
    for letter in key.bytes().filter(|byte| *byte != b' ') {
        held = held << 5 | u32::from(if letter.is_ascii_digit() { letter - b'2' + 26 } else { letter - b'A' });
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            secret.push((held >> bits) as u8);
        }
    }
    let counter = (now().ms() / 30_000 + steps).to_be_bytes();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret), &counter);
    let at = usize::from(tag.as_ref()[19] & 15);
    let number = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().expect("four bytes")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

fn shown(answer: &Answer) -> Vec<String> {
    answer.text.split("<code>").skip(1).filter_map(|rest| rest.split("</code>").next()).map(str::to_owned).collect()
}

/// Sets it up; gives the key and the recovery codes.
async fn set_up(browser: &Browser) -> (String, Vec<String>) {
    let page = browser.get("/account/second-factor").await;
    assert!(page.text.contains("<svg class=\"square\"") && page.text.contains("<path d=\"M4,4h1v1h-1z"), "a square: {}", page.text);
    let key = shown(&page).remove(0);
    assert_eq!(shown(&browser.get("/account/second-factor").await)[0], key, "a reload shows the same key");
    browser.post("/account/second-factor", &[("code", "000000")]).await.assert_problem("code", "not the code of now");
    let codes = shown(&browser.post("/account/second-factor", &[("code", &code(&key, 0))]).await);
    assert_eq!(codes.len(), 10);
    (key, codes)
}

#[tokio::test]
async fn a_code_is_asked_for_and_each_is_good_once() {
    let world = World::new().await;
    let (key, codes) = set_up(&world.browser(Role::Agent).await).await;
    let (half, answer) = world.signs_in("agent", PASSWORD).await;
    assert_eq!(answer.location(), "/sign-in/code?next=/");
    assert_eq!(half.get("/account").await.status, StatusCode::SEE_OTHER, "a password alone opens nothing");
    assert_eq!(half.get("/sign-in/code").await.status, StatusCode::OK);
    half.post("/sign-in/code", &[("code", &code(&key, 0))]).await.assert_problem("code", "used before");
    half.post("/sign-in/code", &[("code", "")]).await.assert_problem("code", "Enter the code");
    wait(30 * SECOND_MS);
    let mut browser = half.clone();
    let answer = browser.post("/sign-in/code", &[("code", &code(&key, 0)), ("next", "/inbox")]).await;
    assert_eq!(answer.location(), "/inbox");
    browser.take_cookies(&answer);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    assert_eq!(half.post("/sign-in/code", &[("code", &code(&key, 1))]).await.location(), "/sign-in?said=again", "the half is used up");

    for (expected, typed) in [(StatusCode::SEE_OTHER, codes[3].to_uppercase().replace('-', " ")), (StatusCode::UNPROCESSABLE_ENTITY, codes[3].clone()), (StatusCode::SEE_OTHER, codes[4].clone())] {
        let (half, _) = world.signs_in("agent", PASSWORD).await;
        assert_eq!(half.post("/sign-in/code", &[("code", &typed)]).await.status, expected, "a recovery code is good once");
    }
    assert!(browser.get("/account/second-factor").await.text.contains("8 of 10"));
    browser.post("/account/second-factor/codes", &[("password", "wrong")]).await.assert_problem("password", "not your current password");
    let renewed = shown(&browser.post("/account/second-factor/codes", &[("password", PASSWORD)]).await);
    assert!(renewed.len() == 10 && renewed.iter().all(|code| !codes.contains(code)));
    let (half, _) = world.signs_in("agent", PASSWORD).await;
    half.post("/sign-in/code", &[("code", &codes[5])]).await.assert_problem("code", "not right");
    wait(5 * MINUTE_MS);
    assert_eq!(half.post("/sign-in/code", &[("code", &renewed[0])]).await.location(), "/sign-in?said=again", "five minutes are over");

    assert_eq!(browser.post("/account/second-factor/off", &[("off-password", PASSWORD)]).await.location(), "/account?said=factor-off");
    assert_eq!(world.signs_in("agent", PASSWORD).await.1.location(), "/");
}

#[tokio::test]
async fn wrong_codes_lock_the_account_as_wrong_passwords_do() {
    let world = World::new().await;
    let (key, _) = set_up(&world.browser(Role::Agent).await).await;
    let (tenant, agent) = (world.as_operator().await, world.user(Role::Agent).await);
    let (half, _) = world.signs_in("agent", PASSWORD).await;
    for _ in 0..4 {
        tenant.record_wrong_password(agent, now()).await.expect("counted");
        tenant.record_wrong_code(agent, now()).await.expect("counted");
    }
    half.post("/sign-in/code", &[("code", "123456")]).await.assert_problem("code", "not right");
    half.post("/sign-in/code", &[("code", "123456")]).await.assert_problem("code", "not right");
    wait(30 * SECOND_MS);
    assert_eq!(half.post("/sign-in/code", &[("code", &code(&key, 0))]).await.location(), "/sign-in?said=again", "the tenth ended the half");
    world.signs_in("agent", PASSWORD).await.1.assert_problem("username", "locked");
    let events = tenant.audit_events("user", "sign_in_refused", None, 50).await.expect("events").rows;
    assert_eq!((events.len(), events[0].detail.as_str()), (10, "wrong code, locked"));
}

#[tokio::test]
async fn an_owner_asks_it_of_everybody_and_resets_it() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let agent = world.browser(Role::Agent).await;
    assert_eq!(owner.post("/team/second-factor/needed", &[]).await.location(), "/account/second-factor?said=own-first");
    set_up(&owner).await;
    assert_eq!(owner.post("/team/second-factor/needed", &[]).await.location(), "/team?said=factor-needed");
    for path in ["/inbox", "/", "/compliance"] {
        assert_eq!(agent.get(path).await.location(), "/account/second-factor", "{path}");
    }
    assert_eq!(agent.post("/compliance", &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(agent.get("/account").await.status, StatusCode::OK);
    set_up(&agent).await;
    assert_eq!(agent.get("/inbox").await.status, StatusCode::OK);

    let user = world.user(Role::Agent).await;
    assert!(owner.get(&format!("/team/{user}")).await.text.contains("Yes, reset it"));
    assert_eq!(owner.post(&format!("/team/{user}/reset-second-factor"), &[]).await.location(), format!("/team/{user}?said=factor-reset"));
    assert_eq!(agent.get("/account").await.status, StatusCode::SEE_OTHER, "signed out everywhere");
    let (again, answer) = world.signs_in("agent", PASSWORD).await;
    assert_eq!(answer.location(), "/");
    assert_eq!(again.get("/inbox").await.location(), "/account/second-factor", "and asked to set it up anew");
    let events = world.as_operator().await.audit_events("user", "changed", None, 50).await.expect("events").rows;
    assert_eq!(events[0].detail, "second factor reset");
}
