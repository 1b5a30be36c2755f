//! The HTTP client of everything that this server asks of others: it follows no redirect and goes through no proxy, so that it ends
//! where it was told to go or nowhere.

mod resolve;

use std::error::Error;
use std::time::Duration;

use clarion_domain::time::{Instant, SECOND_MS};
use clarion_domain::webhooks::target::TargetFault;
use clarion_store::Store;
use reqwest::Url;

pub(crate) use resolve::Guarded;
use resolve::{NoSuchName, NotPublic};

const CONNECT: Duration = Duration::from_secs(5);

/// A client whose whole exchange takes `timeout` at most.
pub(crate) fn client(timeout: Duration) -> reqwest::ClientBuilder {
    // The first client of the process installs it; for the others it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(timeout).connect_timeout(CONNECT).redirect(reqwest::redirect::Policy::none()).no_proxy()
}

/// Asks only addresses that the operator's networks and the public internet hold, however they are written and whatever a name stands
/// for at that moment.
pub(crate) struct Outward {
    store: Store,
    https: reqwest::Client,
    http: reqwest::Client,
}

impl Outward {
    pub(crate) fn new(store: &Store, timeout: Duration) -> Result<Self, reqwest::Error> {
        let guarded = |secure| client(timeout).dns_resolver(Guarded { store: store.clone(), secure }).build();
        Ok(Self { store: store.clone(), https: guarded(true)?, http: guarded(false)? })
    }

    /// The address as it is asked, and the client that may ask it.
    pub(crate) fn to(&self, address: &str) -> Result<(Url, &reqwest::Client), TargetFault> {
        let url = self.store.webhook_networks().check(address)?;
        let client = if url.scheme() == "https" { &self.https } else { &self.http };
        Ok((url, client))
    }
}

/// `Retry-After`: seconds, or a date of HTTP.
pub(crate) fn retry_after_ms(text: &str, at: Instant) -> Option<i64> {
    if let Ok(seconds) = text.trim().parse::<u32>() {
        return Some(i64::from(seconds) * SECOND_MS);
    }
    let date = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some((Instant::from(date.timestamp()).ms() - at.ms()).max(0))
}

/// Why there was no answer. Only a word: an error's own text may hold the address.
pub(crate) fn word_of(error: &reqwest::Error) -> &'static str {
    let mut source = error.source();
    while let Some(inner) = source {
        if inner.is::<NotPublic>() {
            return "address_refused";
        }
        if inner.is::<NoSuchName>() {
            return "no_such_name";
        }
        source = inner.source();
    }
    if error.is_timeout() {
        "no_answer_in_time"
    } else if error.is_connect() {
        "no_connection"
    } else {
        "no_answer"
    }
}
