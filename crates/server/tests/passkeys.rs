//! Passkeys in headless Chromium with a virtual device, in front of the real binary: made, signed in with, and refused when copied or repeated.

mod support;
#[path = "support/browser.rs"]
mod browser;

use browser::Chrome;
use support::Installation;

const TENANT: [&str; 2] = ["--tenant", "northwind"];

async fn sign_out(chrome: &Chrome) {
    chrome.follow("header.rail > div.who form button, header.rail form[action='/sign-out'] button").await;
    chrome.shows("You are signed out").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_made_and_signs_in() {
    let (mut all, password) = tokio::task::block_in_place(|| {
        let mut all = Installation::new(None);
        all.ok(&["migrate"]);
        all.ok(&["create-tenant", "northwind", "--name", "Northwind Energy", "--numbers", "demo"]);
        let user = all.json(&["create-user", "ada", TENANT[0], TENANT[1]]);
        all.serve();
        (all, user["password"].as_str().expect("a password").to_owned())
    });
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
