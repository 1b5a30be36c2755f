//! Asks a name's DNS for its tenant's token, then for the token under the name itself. Whoever may name one could make this server ask its own network: names are looked up
//! as those of webhooks are, and what comes back is compared, never shown.

use std::net::IpAddr;
use std::time::Duration;

use clarion_domain::tenancy::tenant::Actor;
use clarion_store::links::{DueLinkCheck, TOKEN_PATH};
use clarion_store::{Signal, Store, StoreError};
use url::{Host, Url};

use super::names::{Names, NotHeld};
use crate::intake::Clock;
use crate::outward::{self, Guarded};

const POLL: Duration = Duration::from_secs(5);
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 16 * 1024;
const CHECKS_MAX: i64 = 20;

/// Works until the task is dropped.
pub async fn run(store: Store, clock: Clock) {
    let names = Names::of_the_system();
    loop {
        if let Err(error) = work(&store, &names, clock).await {
            tracing::warn!(%error, "names for short links could not be looked at; trying again");
        }
        store.signals().wait(Signal::Links, POLL).await;
    }
}

/// Looks at every name that waits for it; how many there were.
pub async fn work(store: &Store, names: &Names, clock: Clock) -> Result<usize, StoreError> {
    let due = store.due_link_checks(clock(), CHECKS_MAX).await?;
    for check in &due {
        let tenant = store.tenant(check.tenant, Actor::System).await?;
        let found = match owned(names, check).await {
            Ok(()) => look(store, check).await,
            Err(NotHeld::Missing(why)) => Err(why),
            Err(NotHeld::NotAsked(why)) => {
                tenant.postpone_link_check(check, why, clock()).await?;
                continue;
            }
        };
        tenant.record_link_check(check, found, clock()).await?;
    }
    Ok(due.len())
}

/// Why a name does not count.
enum Wrong {
    Unreachable,
    /// It leads on to another address.
    LeadsOn,
    Other(&'static str),
}

impl Wrong {
    fn words(self) -> &'static str {
        match self {
            Self::Unreachable => "the name could not be reached: let it point to this server, and wait until that is known everywhere",
            Self::LeadsOn => "the name leads on to another address than itself: let this server answer under it",
            Self::Other(words) => words,
        }
    }
}

/// Every name that points here answers with everybody's token: only its DNS says whose it is. An address has none, and is the operator's word.
async fn owned(names: &Names, check: &DueLinkCheck) -> Result<(), NotHeld> {
    match check.record() {
        Some(record) => names.hold(&record, &check.token).await,
        None => Ok(()),
    }
}

/// The scheme that answered with the token, or what is wrong.
async fn look(store: &Store, check: &DueLinkCheck) -> Result<&'static str, &'static str> {
    // Both kinds of address may be gone to here: nothing is told, and the token is no secret.
    let guarded = Guarded { store: store.clone(), secure: true };
    let client = outward::client(ANSWERS_WITHIN).dns_resolver(guarded).build().map_err(|_| "this server has no HTTP client")?;
    let Err(by_https) = ask(store, &client, "https", check).await else { return Ok("https") };
    let Err(by_http) = ask(store, &client, "http", check).await else { return Ok("http") };
    Err(match (by_https, by_http) {
        // The usual door at port 80: what counts is what is wrong behind it.
        (Wrong::Unreachable, Wrong::LeadsOn) => "the name has no certificate that this server knows, or does not answer by https; by http it only leads there: give it a certificate",
        (by_https, Wrong::LeadsOn) => by_https.words(),
        (_, by_http) => by_http.words(),
    })
}

async fn ask(store: &Store, client: &reqwest::Client, scheme: &str, check: &DueLinkCheck) -> Result<(), Wrong> {
    let url = Url::parse(&format!("{scheme}://{}{TOKEN_PATH}", check.host)).map_err(|_| Wrong::Other("the name is no web address"))?;
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        _ => None,
    };
    if literal.is_some_and(|address| !store.webhook_networks().names(address)) {
        return Err(Wrong::Other("the name is an address: only the operator can allow one"));
    }
    let mut response = client.get(url).send().await.map_err(|_| Wrong::Unreachable)?;
    if response.status().is_redirection() {
        return Err(Wrong::LeadsOn);
    }
    if !response.status().is_success() {
        return Err(Wrong::Other("the name leads to something else than this server: what answered there does not know it"));
    }
    let mut body = Vec::new();
    while let Ok(Some(part)) = response.chunk().await {
        body.extend_from_slice(&part);
        if body.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    let answer = String::from_utf8_lossy(&body);
    if answer.lines().any(|line| line.trim() == check.token) { Ok(()) } else { Err(Wrong::Other("the name leads to another server than this one")) }
}
