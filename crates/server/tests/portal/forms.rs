//! Things made by their forms: what a campaign calls with, users, keys, webhooks.

use std::time::Duration;

use super::browser::Chrome;

/// A campaign that calls, up to its script, which puts people through.
pub async fn a_call(chrome: &Chrome) -> String {
    chrome.goto("/carriers/targets/new").await;
    chrome.fill("#name", "Leeds").await;
    chrome.fill("#address", "+442079460123").await;
    chrome.follow("main form.form button").await;
    chrome.shows("Created.").await;
    chrome.goto("/campaigns/new").await;
    chrome.fill("#name", "Calls about readings").await;
    chrome.click("#channel-voice").await;
    chrome.follow("main button[type=submit]").await;
    let call = chrome.path().await;
    chrome.look("call-tasks").await;
    chrome.goto(&format!("{call}/say?from=agent")).await;
    chrome.shows("It still says YOUR COMPANY: put your own words there.").await;
    let words = "const script = document.querySelector('main form.form textarea'); script.value = script.value.replaceAll('YOUR COMPANY', 'Northwind Energy').replaceAll('YOUR NUMBER', '020 7946 0123').replaceAll('WHAT IT IS ABOUT', 'your reading'); return true;";
    chrome.js::<bool>(&format!("(() => {{ {words} }})()")).await;
    chrome.follow("main form.form button").await;
    chrome.shows("Saved.").await;
    call
}

/// An invitation is made, and its link looked at as the invited person sees it.
async fn invite(chrome: &Chrome) {
    chrome.goto("/team/invitations").await;
    chrome.fill("#display_name", "Grace Hopper").await;
    chrome.follow("main form.form button").await;
    chrome.shows("Pass this link on now").await;
    let link: String = chrome.js("document.querySelector('.secret').textContent.trim()").await;
    let (_, token) = link.split_once("/invitation?t=").expect("a link");
    chrome.look("invitation-made").await;
    chrome.goto(&format!("/invitation?t={token}")).await;
    chrome.shows("Welcome, Grace Hopper").await;
    chrome.look("invitation").await;
}

/// A webhook to where nothing may go: its log says so, and what is sent is shown.
async fn add_webhook(chrome: &Chrome) {
    chrome.goto("/team/webhooks").await;
    chrome.look("webhooks-none").await;
    chrome.goto("/team/webhooks/new").await;
    chrome.follow("main form.form button").await;
    chrome.shows("There is a problem").await;
    chrome.look("webhook-refused").await;
    chrome.fill("#url", "https://localhost:9/hooks/clarion").await;
    chrome.js::<bool>("(() => { document.querySelectorAll('main input[type=checkbox]').forEach(box => { box.checked = true }); return true; })()").await;
    chrome.follow("main form.form button").await;
    chrome.shows("Keep this secret now").await;
    chrome.look("webhook-made").await;
    chrome.follow("main a.button").await;
    chrome.shows("Send a test event").await;
    chrome.follow("form[action$='/test'] button").await;
    let event = chrome.path().await;
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !chrome.js::<bool>("document.body.textContent.includes('address refused')").await {
        assert!(std::time::Instant::now() < deadline, "the try is in the log");
        tokio::time::sleep(Duration::from_millis(200)).await;
        chrome.goto(&event).await;
    }
    chrome.look("webhook-event").await;
    chrome.goto(event.rsplit_once('/').expect("its webhook").0).await;
    chrome.shows("Fails since").await;
    chrome.look("webhook").await;
    chrome.goto("/team/webhooks").await;
    chrome.look("webhooks").await;
}

/// A declared field, a filter, a template, a key: each by its form.
pub async fn made_by_hand(chrome: &Chrome) {
    chrome.goto("/imports/fields").await;
    chrome.fill("#name", "balance_due").await;
    chrome.fill("#purpose", "to say in a reminder what is owed").await;
    chrome.follow("main form.form button").await;
    chrome.shows("Created.").await;
    chrome.goto("/contacts/filters").await;
    chrome.fill("#name", "Mobiles").await;
    chrome.set("#line_type", "mobile").await;
    chrome.follow("main form.form button").await;
    chrome.shows("Contacts on a mobile number.").await;
    chrome.goto("/campaigns/templates/new").await;
    chrome.fill("#name", "Reading due").await;
    chrome.fill("#body", "Hello {first_name|there}, your reading is due.").await;
    chrome.follow("main form.form button").await;
    chrome.shows("Reading due").await;
    invite(chrome).await;
    chrome.goto("/team/keys").await;
    chrome.fill("#name", "The billing system").await;
    chrome.follow("main form.form button").await;
    chrome.shows("Keep this secret now").await;
    assert!(chrome.js::<String>("document.querySelector('.secret').textContent").await.starts_with("clr_"));
    chrome.look("key-made").await;
    add_webhook(chrome).await;
    name_for_links(chrome).await;
}

/// Short links are on: an address of a text is ticked. Then another name, which points nowhere.
async fn name_for_links(chrome: &Chrome) {
    chrome.goto("/campaigns/templates/new").await;
    chrome.fill("#name", "With a link").await;
    chrome.fill("#body", "Hello, your reading is due at https://www.northwind.example/readings/account today.").await;
    chrome.follow("main form.form button").await;
    chrome.follow("tbody tr:last-child th a").await;
    chrome.click("#link-0").await;
    chrome.follow("main form.form button").await;
    chrome.shows("Saved.").await;
    assert!(chrome.js::<bool>("document.querySelector('#link-0').checked && document.querySelector('#body').value.includes('{short:https://www.northwind.example/readings/account}')").await);
    // The sample stands in the place of the address, in the server's count and in the page's own.
    chrome.until("the count of the short text", "document.querySelector('#segments').textContent.startsWith('78 characters')").await;
    chrome.look("template-links").await;
    chrome.goto("/settings/links").await;
    chrome.shows("https://go.northwind.example/samp1e000000").await;
    chrome.look("links-on").await;
    chrome.fill("#host", "go.northwind.invalid").await;
    chrome.follow("main form.form:has(#host) button").await;
    chrome.shows("Tick this when links that were sent may lead nowhere").await;
    chrome.look("links-replace").await;
    chrome.click("#replace").await;
    chrome.follow("main form.form:has(#host) button").await;
    chrome.reload_until("does not take its place yet").await;
    chrome.shows("https://go.northwind.example/samp1e000000").await;
    chrome.look("links-refused").await;
    chrome.fill("#host", "https://go.northwind.invalid/").await;
    chrome.follow("main form.form:has(#host) button").await;
    chrome.shows("There is a problem").await;
    chrome.look("links-problem").await;
}
