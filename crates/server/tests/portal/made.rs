//! Pages that only something made by its form has, and those that answer a form themselves.

use super::browser::Chrome;

/// Everything that is made here, and each page of it.
pub async fn pages_of_what_is_made(chrome: &Chrome, campaign: &str, draft: &str) {
    instructions(chrome).await;
    a_connector(chrome).await;
    an_sftp_account(chrome).await;
    an_export(chrome).await;
    steps(chrome, draft).await;
    stopping(chrome, campaign).await;
    a_script(chrome).await;
    found(chrome).await;
    erased(chrome).await;
}

async fn instructions(chrome: &Chrome) {
    chrome.goto("/imports/instructions").await;
    chrome.look("instructions-none").await;
    for (kind, reference, fields) in [("pull", "NE-2026-17", "phone, reference, first_name"), ("export", "NE-2026-18", "reference, outcome, tried_at")] {
        chrome.goto("/imports/instructions/new").await;
        chrome.set("#kind", kind).await;
        chrome.fill("#reference", reference).await;
        chrome.fill("#fields", fields).await;
        chrome.fill("#purpose", "To remind people of their readings").await;
        chrome.set("#legal_basis", "contract").await;
        chrome.look(&format!("instruction-new-{kind}")).await;
        chrome.fill("#agreed_by", "Jane Example, who answers for data protection").await;
        chrome.follow("main form.form button[type=submit]").await;
        chrome.shows(reference).await;
        chrome.shows("Created.").await;
    }
    chrome.look("instruction").await;
    chrome.follow("main a[href$='/replace']").await;
    chrome.look("instruction-replace").await;
    chrome.goto("/imports/instructions").await;
    chrome.look("instructions").await;
}

/// It asks an address to which nothing may go: its log says so.
async fn a_connector(chrome: &Chrome) {
    chrome.goto("/imports/connectors").await;
    chrome.look("connectors-none").await;
    chrome.goto("/imports/connectors/new").await;
    chrome.look("connector-new").await;
    chrome.fill("#name", "The billing system").await;
    chrome.fill("#url", "https://localhost:9/people").await;
    chrome.set("#fields", "phone = mobile\nreference = account").await;
    chrome.follow("main form.form button[type=submit]").await;
    chrome.shows("Created.").await;
    chrome.look("connector-new-made").await;
    chrome.follow("form[action$='/preview'] button").await;
    let connector = chrome.path().await;
    chrome.goto(connector.split("/runs/").next().expect("its connector")).await;
    chrome.reload_until("Failed").await;
    chrome.look("connector").await;
    chrome.follow("tbody th a[href*='/runs/']").await;
    chrome.look("connector-run").await;
    chrome.goto("/imports/connectors").await;
    chrome.look("connectors").await;
}

async fn an_sftp_account(chrome: &Chrome) {
    chrome.goto("/imports/sftp").await;
    chrome.fill("#username", "northwind-files").await;
    chrome.follow("form[action='/imports/sftp'] button").await;
    chrome.shows("Created.").await;
    chrome.look("sftp-account").await;
    chrome.follow("form[action$='/password'] button").await;
    chrome.look("sftp-password").await;
    chrome.goto("/imports/sftp").await;
    chrome.look("sftp-accounts").await;
}

async fn an_export(chrome: &Chrome) {
    chrome.goto("/imports/exports").await;
    chrome.look("exports-none").await;
    chrome.goto("/imports/exports/new").await;
    chrome.look("export-new").await;
    chrome.fill("#name", "Results for the client").await;
    chrome.set("#target", "https_put").await;
    chrome.fill("#url", "https://localhost:9/{file}").await;
    chrome.follow("main form.form button[type=submit]").await;
    chrome.shows("Keep this secret now").await;
    chrome.look("export-made").await;
    chrome.follow("main a.button").await;
    chrome.look("export").await;
    chrome.follow("form[action$='/files'] button").await;
    chrome.look("export-file").await;
    chrome.goto("/imports/exports").await;
    chrome.look("exports").await;
}

async fn steps(chrome: &Chrome, draft: &str) {
    for (name, channel) in [("call", "voice"), ("text", "sms")] {
        chrome.goto(&format!("{draft}/steps/new?channel={channel}")).await;
        chrome.look(&format!("step-new-{name}")).await;
    }
    chrome.set("#sender", "+447700900990").await;
    chrome.fill("#body", "Northwind Energy: your reading is still due. Reply STOP to end these messages.").await;
    chrome.follow("main form.form button[type=submit]").await;
    chrome.goto(&format!("{draft}/steps")).await;
    chrome.shows("Step 2").await;
    chrome.look("steps").await;
    chrome.click("details.confirm summary").await;
    chrome.look("steps-asked").await;
    chrome.goto(&format!("{draft}/steps/2")).await;
    chrome.look("step").await;
}

async fn stopping(chrome: &Chrome, campaign: &str) {
    chrome.goto(&format!("{campaign}/recipients/stop")).await;
    chrome.look("stop-people").await;
    chrome.fill("#reason", "Paid in full").await;
    chrome.follow("main form.form button[type=submit]").await;
    chrome.shows("Tick this when it is to be stopped for them").await;
    chrome.look("stop-people-refused").await;
}

async fn a_script(chrome: &Chrome) {
    chrome.goto("/campaigns/scripts/new?from=agent").await;
    chrome.fill("#name", "To an agent").await;
    chrome.follow("form[action='/campaigns/scripts/new'][method=post] button[type=submit]").await;
    chrome.goto("/campaigns/scripts").await;
    chrome.look("scripts-kept").await;
    chrome.follow("tbody th a").await;
    chrome.click("details.confirm summary").await;
    chrome.look("script").await;
    chrome.goto("/carriers/targets").await;
    chrome.look("targets-kept").await;
    chrome.follow("tbody th a").await;
    chrome.look("target").await;
}

/// Several people by the beginning of a reference, and nobody.
async fn found(chrome: &Chrome) {
    chrome.goto("/").await;
    for (typed, seen, name) in [("NW-030", "People", "search-several"), ("NW-nobody", "Nothing found", "search-nobody")] {
        chrome.fill("header.rail input[type=search]", typed).await;
        chrome.press("Enter").await;
        chrome.shows(seen).await;
        chrome.look(name).await;
    }
    chrome.goto("/contacts").await;
    chrome.fill("#typed", "NW-030").await;
    chrome.follow("form[action='/contacts/search'] button").await;
    chrome.shows("10 people fit").await;
    chrome.look("contacts-found").await;
}

async fn erased(chrome: &Chrome) {
    chrome.goto("/privacy").await;
    chrome.fill("#typed", "NW-0105").await;
    chrome.follow("form[action='/privacy'] button").await;
    chrome.shows("This would go").await;
    chrome.look("privacy-found").await;
    chrome.fill("#confirm", "erase").await;
    chrome.follow("form[action='/privacy/erase'] button").await;
    chrome.shows("This is gone").await;
    chrome.look("privacy-erased").await;
}
