//! People and their rights in headless Chromium, in front of the real binary: passkeys on a virtual device, made, signed in with, and refused when
//! copied or repeated; and an act that waits for a second person.

mod support;
#[path = "support/browser.rs"]
mod browser;

use browser::Chrome;
use clarion_testbed::{people, sample_csv};
use support::{Installation, shown};

const TENANT: [&str; 2] = ["--tenant", "northwind"];

async fn sign_out(chrome: &Chrome) {
    chrome.follow("header.rail > div.who form button, header.rail form[action='/sign-out'] button").await;
    chrome.shows("You are signed out").await;
}

/// A server with two owners, Ada and Grace, and their passwords.
fn stage() -> (Installation, [String; 2]) {
    let mut all = Installation::new(None);
    all.ok(&["migrate"]);
    all.ok(&["create-tenant", "northwind", "--name", "Northwind Energy", "--numbers", "demo"]);
    let passwords = ["ada", "grace"].map(|name| all.json(&["create-user", name, TENANT[0], TENANT[1]])["password"].as_str().expect("a password").to_owned());
    all.serve();
    (all, passwords)
}

async fn signed_in(all: &Installation, name: &str, password: &str) -> Chrome {
    let chrome = Chrome::open(&format!("http://{}", all.web)).await;
    chrome.goto("/sign-in").await;
    chrome.fill("#username", name).await;
    chrome.fill("#password", password).await;
    chrome.follow("form[action='/sign-in'] button").await;
    chrome
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_erased_when_a_second_person_has_agreed() {
    let (mut all, [of_ada, of_grace]) = tokio::task::block_in_place(stage);
    tokio::task::block_in_place(|| {
        let file = shown(&all.path("people.csv"));
        std::fs::write(&file, sample_csv(&people("NW", 100, 20))).expect("writes");
        all.json(&["import", &file, "--list", "Customers", "--yes", TENANT[0], TENANT[1]]);
    });
    let (ada, grace) = (signed_in(&all, "ada", &of_ada).await, signed_in(&all, "grace", &of_grace).await);
    ada.goto("/team/four-eyes").await;
    ada.click("#erase_list").await;
    ada.fill("#erase_list_above", "ten").await;
    ada.follow("form[action='/team/four-eyes'] button").await;
    ada.shows("There is a problem").await;
    ada.look("four-eyes-refused").await;
    ada.fill("#erase_list_above", "10").await;
    ada.follow("form[action='/team/four-eyes'] button").await;
    ada.shows("Saved.").await;
    ada.look("four-eyes").await;
    ada.goto("/approvals").await;
    ada.look("approvals-none").await;
    ada.goto("/contacts").await;
    ada.follow("a[href^='/contacts?list=']").await;
    ada.click("details.confirm summary").await;
    ada.follow("form[action$='/delete'] button").await;
    ada.shows("it waits for a second person").await;
    let request = ada.path().await;
    ada.look("approval-own").await;

    grace.goto("/").await;
    grace.shows("1 request waits for you to approve or refuse").await;
    grace.follow("a[href='/approvals']").await;
    grace.look("approvals").await;
    grace.follow(&format!("a[href='{request}']")).await;
    grace.look("approval").await;
    grace.click("details.confirm summary").await;
    grace.follow("form[action$='/approve'] button").await;
    grace.shows("Approved, and done.").await;
    grace.look("approval-done").await;
    ada.goto("/contacts").await;
    assert!(!ada.js::<bool>("!!document.querySelector('a[href^=\"/contacts?list=\"]')").await, "the list is gone");
    let log = tokio::task::block_in_place(|| all.json(&["audit", "list", "--kind", "list", TENANT[0], TENANT[1]]));
    assert!(log.to_string().contains("approved by user:"), "{log}");
    let checked = tokio::task::block_in_place(|| all.ok(&["audit", "verify", TENANT[0], TENANT[1]]));
    assert!(!checked.is_empty());
    ada.close().await;
    grace.close().await;
    tokio::task::block_in_place(|| assert_eq!(all.stop(), Some(0), "SIGTERM ends in order: {}", all.log()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_made_and_signs_in() {
    let (mut all, [password, _]) = tokio::task::block_in_place(stage);
    // A passkey is bound to a name, which an address in numbers is not.
    let chrome = Chrome::open(&format!("http://localhost:{}", all.web.port())).await;
    let device = chrome.plug_in().await;
    chrome.goto("/account/second-factor").await;
    chrome.fill("#username", "ada").await;
    chrome.fill("#password", &password).await;
    chrome.follow("form[action='/sign-in'] button").await;
    chrome.goto("/account/second-factor").await;
    chrome.look("passkeys-none").await;
    chrome.fill("#name", "Work laptop").await;
    chrome.fill("#passkey-password", &password).await;
    chrome.follow("form[data-passkey=make] button").await;
    chrome.shows("Keep these recovery codes now").await;
    chrome.goto("/account/second-factor").await;
    chrome.shows("Work laptop").await;
    chrome.look("passkeys").await;
    let young = chrome.held_by(&device).await;
    assert_eq!((young.len(), young[0].rp_id.as_deref(), young[0].is_resident_credential), (1, Some("localhost"), true));

    // The same device again is told so.
    chrome.fill("#name", "Twice").await;
    chrome.fill("#passkey-password", &password).await;
    chrome.click("form[data-passkey=make] button").await;
    chrome.shows("has a passkey for your account already").await;

    sign_out(&chrome).await;
    chrome.goto("/sign-in?next=/campaigns").await;
    chrome.look("sign-in-passkey").await;
    chrome.follow("form[data-passkey=sign] button").await;
    assert_eq!(chrome.path().await, "/campaigns", "in, without a password");
    chrome.goto("/account/second-factor").await;
    assert!(!chrome.js::<bool>("document.querySelector('#passkeys').innerText.includes('Never')").await, "its last use stands there");

    // A password alone leads to the second half, where the passkey stands in for the code.
    sign_out(&chrome).await;
    chrome.fill("#username", "ada").await;
    chrome.fill("#password", &password).await;
    chrome.follow("form[action='/sign-in'] button").await;
    assert_eq!(chrome.path().await, "/sign-in/code");
    chrome.look("sign-in-code-passkey").await;
    chrome.follow("form[data-passkey=sign] button").await;
    chrome.shows("Overview").await;

    // What the device has signed once signs in once: the form is sent a second time as it was.
    sign_out(&chrome).await;
    chrome.js::<bool>("(() => { const form = document.querySelector('form[data-passkey=sign]'); form.submit = () => { window.kept = form.answer.value; return true }; return true })()").await;
    chrome.click("form[data-passkey=sign] button").await;
    chrome.until("an answer", "!!window.kept").await;
    let twice = "(async () => { const send = () => fetch('/sign-in/passkey', { method: 'POST', redirect: 'manual', body: new URLSearchParams({ answer: window.kept, next: '/' }) }); \
                 const first = await send(); const second = await send(); return [first.type, second.status.toString()] })()";
    let answers: Vec<String> = chrome.js(twice).await;
    assert_eq!(answers, ["opaqueredirect", "422"], "in the first time, refused the second");

    // A copy of the device, as it was when the passkey was young, is found out by its counter.
    chrome.goto("/campaigns").await;
    sign_out(&chrome).await;
    chrome.put_into(&device, young).await;
    chrome.follow("form[data-passkey=sign] button").await;
    chrome.shows("That passkey is not known here").await;
    chrome.assert_quiet("passkeys");
    let log = tokio::task::block_in_place(|| all.json(&["audit", "list", "--act", "sign_in_refused", TENANT[0], TENANT[1]]));
    assert!(log.to_string().contains("counter went back"), "{log}");
    chrome.close().await;
    tokio::task::block_in_place(|| assert_eq!(all.stop(), Some(0), "SIGTERM ends in order: {}", all.log()));
}
