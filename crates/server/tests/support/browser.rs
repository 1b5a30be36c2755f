//! A headless Chromium on one page, and everything that it complained about.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chromiumoxide::cdp::IntoEventKind;
use chromiumoxide::cdp::browser_protocol::dom::SetFileInputFilesParams;
use chromiumoxide::cdp::browser_protocol::emulation::{MediaFeature, SetDeviceMetricsOverrideParams};
use chromiumoxide::cdp::browser_protocol::log::{EventEntryAdded, LogEntryLevel, LogEntrySource};
use chromiumoxide::cdp::browser_protocol::network::{BlockPattern, EventRequestWillBeSent, SetBlockedUrLsParams};
use chromiumoxide::cdp::browser_protocol::web_authn::{
    AddCredentialParams, AddVirtualAuthenticatorParams, AuthenticatorId, AuthenticatorProtocol, AuthenticatorTransport, ClearCredentialsParams, Credential, EnableParams, GetCredentialsParams,
    VirtualAuthenticatorOptions,
};
use chromiumoxide::cdp::js_protocol::runtime::{ConsoleApiCalledType, EventConsoleApiCalled, EventExceptionThrown};
use chromiumoxide::page::ScreenshotParams;
use chromiumoxide::{Browser, BrowserConfig, Page};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

/// What the browser says of a script that `without_scripts` keeps from it.
const BLOCKED: &str = "ERR_BLOCKED_BY_CLIENT";
const PATIENCE: Duration = Duration::from_secs(60);
const WIDE: (i64, i64) = (1440, 900);
const NARROW: (i64, i64) = (390, 844);
/// WCAG 2.2 at A and AA, and axe's own good practice.
const RULES: &str = "['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']";

pub struct Chrome {
    browser: Browser,
    page: Page,
    base: String,
    axe: String,
    trouble: Arc<Mutex<Vec<String>>>,
    looked: Mutex<Vec<String>>,
    _profile: tempfile::TempDir,
}

impl Chrome {
    pub async fn open(base: &str) -> Self {
        Self::at_home(base, None).await
    }

    /// With a home folder of its own, whose certificate database says which authorities are trusted.
    pub async fn at_home(base: &str, home: Option<&Path>) -> Self {
        let profile = tempfile::tempdir().expect("a folder");
        // As root, as in a container, Chromium's sandbox does not start; the pages are our own.
        let config = BrowserConfig::builder().no_sandbox().args(["disable-gpu", "disable-quic", "disable-component-update", "host-resolver-rules=MAP *.northwind.example 127.0.0.1"]).user_data_dir(profile.path()).viewport(None);
        let config = match home {
            Some(home) => config.env("HOME", home.display().to_string()),
            None => config,
        };
        let config = config.build();
        let (browser, mut handler) = Browser::launch(config.expect("Chromium is installed")).await.expect("Chromium starts");
        tokio::spawn(async move { while handler.next().await.is_some() {} });
        let page = browser.new_page("about:blank").await.expect("a page");
        let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../edge/web/node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(axe).expect("axe-core is installed with the portal's script");
        let chrome = Self { browser, page, base: base.to_owned(), axe, trouble: Arc::default(), looked: Mutex::default(), _profile: profile };
        chrome.listen().await;
        chrome.resize(WIDE).await;
        chrome
    }

    /// From now on no script of the portal is loaded; its policy allows none in the page itself.
    pub async fn without_scripts(&self) {
        let pattern = BlockPattern::builder().url_pattern("*://*:*/*.js").block(true).build().expect("a pattern");
        self.page.execute(SetBlockedUrLsParams::builder().url_pattern(pattern).build()).await.expect("blocked");
    }

    /// Asks for the page again until it shows this, as one does whose browser runs no script.
    pub async fn reload_until(&self, text: &str) {
        let quoted = serde_json::to_string(text).expect("a string");
        let begun = Instant::now();
        while !self.js::<bool>(&format!("document.body.innerText.includes({quoted})")).await {
            assert!(begun.elapsed() < PATIENCE, "waited for {text}:\n{}", self.js::<String>("document.body.innerText").await);
            tokio::time::sleep(Duration::from_millis(200)).await;
            let path: String = self.js("location.pathname + location.search").await;
            self.goto(&path).await;
        }
    }

    /// Console, exceptions, the browser's own log (a breach of the policy stands there) and requests to anybody else.
    async fn listen(&self) {
        self.page.enable_log().await.expect("a log");
        self.page.enable_runtime().await.expect("a runtime");
        self.note(|event: &EventEntryAdded| {
            let entry = &event.entry;
            // A refused form answers 422, an unknown address 404, too many of those 429: the browser logs each, and all are right.
            let expected = entry.source == LogEntrySource::Network && ["422", "404", "429", BLOCKED].iter().any(|reason| entry.text.contains(reason));
            let bad = matches!(entry.level, LogEntryLevel::Error | LogEntryLevel::Warning) && !expected;
            bad.then(|| format!("log: {} {}", entry.text, entry.url.clone().unwrap_or_default()))
        })
        .await;
        self.note(|event: &EventConsoleApiCalled| matches!(event.r#type, ConsoleApiCalledType::Error | ConsoleApiCalledType::Warning).then(|| format!("console: {:?}", event.args))).await;
        self.note(|event: &EventExceptionThrown| Some(format!("exception: {}", event.exception_details.text))).await;
        let base = self.base.clone();
        self.note(move |event: &EventRequestWillBeSent| {
            let url = &event.request.url;
            (!url.starts_with(&base) && !url.starts_with("about:") && !url.starts_with("data:")).then(|| format!("a request to {url}"))
        })
        .await;
    }

    async fn note<T: IntoEventKind + Unpin + Send + Sync>(&self, bad: impl Fn(&T) -> Option<String> + Send + 'static) {
        let mut events = self.page.event_listener::<T>().await.expect("events");
        let trouble = self.trouble.clone();
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                trouble.lock().expect("no panic while noting").extend(bad(&event));
            }
        });
    }

    #[track_caller]
    pub fn assert_quiet(&self, at: &str) {
        let trouble = std::mem::take(&mut *self.trouble.lock().expect("no panic while noting"));
        assert!(trouble.is_empty(), "{at}: {trouble:#?}");
    }

    async fn resize(&self, (width, height): (i64, i64)) {
        self.page.execute(SetDeviceMetricsOverrideParams::new(width, height, 1, width < 600)).await.expect("a size");
    }

    async fn paint(&self, scheme: &str) {
        let features = [("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")].map(|(name, value)| MediaFeature::new(name, value));
        self.page.emulate_media_features(features.to_vec()).await.expect("a scheme");
    }

    /// What an expression gives; `None` while the page is changing.
    pub async fn try_js<T: DeserializeOwned>(&self, expression: &str) -> Option<T> {
        self.page.evaluate(expression).await.ok()?.into_value().ok()
    }

    pub async fn js<T: DeserializeOwned>(&self, expression: &str) -> T {
        let begun = Instant::now();
        loop {
            if let Some(value) = self.try_js(expression).await {
                return value;
            }
            assert!(begun.elapsed() < PATIENCE, "no value of {expression}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until an expression is true.
    pub async fn until(&self, what: &str, expression: &str) {
        let begun = Instant::now();
        while self.try_js::<bool>(expression).await != Some(true) {
            if begun.elapsed() > PATIENCE {
                let (url, text): (String, String) = (self.js("location.pathname").await, self.js("document.body.innerText").await);
                panic!("waited for {what} at {url}:\n{text}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn shows(&self, text: &str) {
        let quoted = serde_json::to_string(text).expect("a string");
        self.until(text, &format!("document.readyState === 'complete' && document.body.innerText.includes({quoted})")).await;
    }

    pub async fn path(&self) -> String {
        self.js("location.pathname").await
    }

    pub async fn goto(&self, path: &str) {
        self.page.goto(format!("{}{path}", self.base)).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        self.until(path, "document.readyState === 'complete'").await;
    }

    /// Types with the keyboard, over what stood there.
    pub async fn fill(&self, selector: &str, text: &str) {
        self.until(selector, &format!("(() => {{ const e = document.querySelector({selector:?}); if (!e) return false; e.focus(); e.select?.(); return document.activeElement === e }})()")).await;
        let element = self.page.find_element(selector).await.unwrap_or_else(|error| panic!("{selector}: {error}"));
        element.type_str(text).await.expect("typed");
    }

    /// A field that the keyboard would fill by the browser's own locale: a time, a choice.
    pub async fn set(&self, selector: &str, value: &str) {
        self.until(selector, &format!("(() => {{ const e = document.querySelector({selector:?}); if (!e) return false; e.value = {value:?}; e.dispatchEvent(new Event('change', {{bubbles: true}})); return e.value === {value:?} }})()")).await;
    }

    pub async fn click(&self, selector: &str) {
        self.until(selector, &format!("document.querySelector({selector:?}) !== null")).await;
        let element = self.page.find_element(selector).await.unwrap_or_else(|error| panic!("{selector}: {error}"));
        element.click().await.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Clicks what leads to another document, and waits for it.
    pub async fn follow(&self, selector: &str) {
        self.js::<bool>("window.before = true").await;
        self.click(selector).await;
        self.until(&format!("the page after {selector}"), "window.before === undefined && document.readyState === 'complete'").await;
    }

    pub async fn press(&self, key: &str) {
        let body = self.page.find_element("html").await.expect("a document");
        body.press_key(key).await.expect("pressed");
    }

    /// A security key that is always at hand and knows its user.
    pub async fn plug_in(&self) -> AuthenticatorId {
        self.page.execute(EnableParams::default()).await.expect("WebAuthn");
        let mut options = VirtualAuthenticatorOptions::new(AuthenticatorProtocol::Ctap2, AuthenticatorTransport::Internal);
        (options.has_resident_key, options.has_user_verification, options.is_user_verified, options.automatic_presence_simulation) = (Some(true), Some(true), Some(true), Some(true));
        self.page.execute(AddVirtualAuthenticatorParams::new(options)).await.expect("a device").result.authenticator_id
    }

    /// What the device holds, its secrets included.
    pub async fn held_by(&self, device: &AuthenticatorId) -> Vec<Credential> {
        self.page.execute(GetCredentialsParams::new(device.clone())).await.expect("credentials").result.credentials
    }

    /// Gives the device other credentials: copies of before.
    pub async fn put_into(&self, device: &AuthenticatorId, credentials: Vec<Credential>) {
        self.page.execute(ClearCredentialsParams::new(device.clone())).await.expect("empty");
        for credential in credentials {
            self.page.execute(AddCredentialParams::new(device.clone(), credential)).await.expect("put in");
        }
    }

    pub async fn attach(&self, selector: &str, file: &Path) {
        let element = self.page.find_element(selector).await.unwrap_or_else(|error| panic!("{selector}: {error}"));
        let mut params = SetFileInputFilesParams::new(vec![file.to_str().expect("a path").to_owned()]);
        params.backend_node_id = Some(element.backend_node_id);
        self.page.execute(params).await.expect("attached");
    }

    /// The page as it stands, by both colour schemes and at both widths: axe finds nothing, nothing runs over the side,
    /// there is one h1, and nothing was logged. `CLARION_SCREENSHOTS=folder` keeps what it looked like.
    pub async fn look(&self, name: &str) {
        self.js::<bool>(&format!("{};!!window.axe", self.axe)).await;
        let path = self.path().await;
        self.looked.lock().expect("no panic while noting").push(path);
        for (width, size) in [("wide", WIDE), ("narrow", NARROW)] {
            for scheme in ["light", "dark"] {
                // Each time: a picture of the whole page leaves another size behind.
                self.resize(size).await;
                self.paint(scheme).await;
                let at = format!("{name}, {width}, {scheme}");
                let found: Vec<String> = self.js(&format!("axe.run(document, {{runOnly: {RULES}}}).then(r => r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.target.join(' ') + ' ' + n.failureSummary).join('; ')))")).await;
                assert!(found.is_empty(), "{at}: {found:#?}");
                let over: i64 = self.js("document.documentElement.scrollWidth - document.documentElement.clientWidth").await;
                assert!(over <= 0, "{at}: {over} px too wide");
                self.keep(&format!("{name}-{width}-{scheme}")).await;
            }
        }
        self.resize(WIDE).await;
        assert_eq!(self.js::<i64>("document.querySelectorAll('h1').length").await, 1, "{name} has one h1");
        let twice: Vec<String> = self.js("[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, place, all) => all.indexOf(id) !== place)").await;
        assert!(twice.is_empty(), "{name}: {twice:?} stand twice");
        self.assert_quiet(name);
    }

    /// The paths that were looked at.
    pub fn looked(&self) -> Vec<String> {
        self.looked.lock().expect("no panic while noting").clone()
    }

    async fn keep(&self, name: &str) {
        if let Some(folder) = std::env::var_os("CLARION_SCREENSHOTS") {
            let params = ScreenshotParams::builder().full_page(true).build();
            self.page.save_screenshot(params, Path::new(&folder).join(format!("{name}.png"))).await.expect("a picture");
        }
    }

    pub async fn close(mut self) {
        self.browser.close().await.expect("closes");
        self.browser.wait().await.expect("ends");
    }
}
