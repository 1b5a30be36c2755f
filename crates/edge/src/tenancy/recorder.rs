//! Writes the activity log. What only looks waits in memory for a moment, so that a page costs no commit of its own; an act is written before
//! it is done, and one commit serves all that wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clarion_domain::id::{SessionId, TenantId};
use clarion_domain::personal::Personal;
use clarion_domain::tenancy::activity::{ActivityKind, UserAgent, site_of};
use clarion_domain::tenancy::tenant::Actor;
use clarion_domain::time::Instant;
use clarion_store::db::DbError;
use clarion_store::tenancy::NewActivity;
use clarion_store::{Store, StoreError};

use super::came_from::CameFrom;
use crate::page::fault::Fault;

/// What waits at most so long, or until an act is written, is lost when the process is killed before.
const WAITS: Duration = Duration::from_secs(2);
const TRIED_AGAIN: Duration = Duration::from_secs(30);
const WAITING_MAX: usize = 256;
/// Above it, what only looked is counted and left out: the database has not taken anything for a while.
const HELD_MAX: usize = 20_000;
const KNOWN_MAX: usize = 20_000;

/// Who did it, when.
#[derive(Debug, Clone, Copy)]
pub struct Doer {
    pub tenant: TenantId,
    pub actor: Actor,
    pub session: SessionId,
    pub now: Instant,
}

#[derive(Default)]
struct Waiting {
    rows: Vec<NewActivity>,
    ended: Vec<(i64, u16)>,
}

struct Shared {
    store: Store,
    waiting: Mutex<Waiting>,
    writing: tokio::sync::Mutex<()>,
    /// By which address and browser each session or key was last seen.
    known: Mutex<HashMap<(Actor, SessionId), [u8; 32]>>,
}

/// Of the whole server: whoever ends it has it write what waits.
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorder")
    }
}

impl Recorder {
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self(Arc::new(Shared { store, waiting: Mutex::default(), writing: tokio::sync::Mutex::default(), known: Mutex::default() }))
    }

    fn row(&self, doer: Doer, kind: ActivityKind, method: &str, path: &str) -> NewActivity {
        let Doer { tenant, actor, session, now } = doer;
        let none = String::new;
        NewActivity { id: self.0.store.next_id(now), tenant, actor, session, at: now, kind, method: method.to_owned(), path: path.to_owned(), site: none(), status: 0, address: None, browser: none(), system: none() }
    }

    /// Notes where somebody came in from, when it is another site, browser or address than before.
    pub fn came_in(&self, doer: Doer, from: &CameFrom) {
        let (address, said, site) = (from.address, from.agent.as_str(), from.site.clone());
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{address:?}\n{said}").as_bytes());
        let seen = *hasher.finalize().as_bytes();
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        let before = known.insert((doer.actor, doer.session), seen);
        if before == Some(seen) && site.is_none() {
            return;
        }
        drop(known);
        let UserAgent { browser, system } = UserAgent::read(said);
        let entry = self.row(doer, ActivityKind::Entry, "", "");
        self.note(NewActivity { site: site.unwrap_or_default(), address: address.map(|address| Personal::new(address.to_canonical().to_string())), browser, system, ..entry });
    }

    /// A page that was looked at, or a request of a program, with its answer.
    pub fn looked(&self, doer: Doer, kind: ActivityKind, method: &str, path: &str, status: StatusCode) {
        self.note(NewActivity { status: status.as_u16(), ..self.row(doer, kind, method, path) });
    }

    /// Somebody left for another site.
    pub fn left(&self, doer: Doer, site: String) {
        self.note(NewActivity { site, ..self.row(doer, ActivityKind::Exit, "", "") });
    }

    /// Writes an act before it is done; how it ended is told with `ended`.
    pub async fn begins(&self, doer: Doer, kind: ActivityKind, method: &str, path: &str) -> Result<i64, StoreError> {
        let row = self.row(doer, kind, method, path);
        let id = row.id;
        self.waiting().rows.push(row);
        self.write().await?;
        Ok(id)
    }

    pub fn ended(&self, id: i64, status: StatusCode) {
        let first = {
            let mut waiting = self.waiting();
            waiting.ended.push((id, status.as_u16()));
            waiting.rows.len() + waiting.ended.len() == 1
        };
        if first {
            self.write_later(WAITS);
        }
    }

    /// Everything that waits is in the database afterwards. It is written to its end also when whoever waits for it hangs up: what others did is
    /// among it.
    pub async fn write(&self) -> Result<(), StoreError> {
        let recorder = self.clone();
        let written = tokio::spawn(async move { recorder.write_what_waits().await });
        written.await.unwrap_or_else(|error| Err(DbError::Failed(format!("the activity log's writer ended: {error}")).into()))
    }

    async fn write_what_waits(&self) -> Result<(), StoreError> {
        let _alone = self.0.writing.lock().await;
        let Waiting { rows, ended } = std::mem::take(&mut *self.waiting());
        if rows.is_empty() && ended.is_empty() {
            return Ok(());
        }
        let written = self.0.store.write_activity(&rows, &ended).await;
        if written.is_err() {
            let mut waiting = self.waiting();
            waiting.rows.splice(0..0, rows);
            waiting.ended.splice(0..0, ended);
        }
        written
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, row: NewActivity) {
        let held = {
            let mut waiting = self.waiting();
            if waiting.rows.len() >= HELD_MAX {
                return;
            }
            waiting.rows.push(row);
            waiting.rows.len() + waiting.ended.len()
        };
        match held {
            1 => self.write_later(WAITS),
            HELD_MAX => tracing::error!("the activity log has not been written for long: pages that are looked at now are left out of it"),
            _ if held % WAITING_MAX == 0 => self.write_later(Duration::ZERO),
            _ => {}
        }
    }

    fn write_later(&self, wait: Duration) {
        let recorder = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            if let Err(error) = recorder.write().await {
                tracing::warn!(%error, "the activity log could not be written; it is tried again in half a minute");
                recorder.write_later(TRIED_AGAIN);
            }
        });
    }
}

/// Where a beacon of the portal's script tells of a link to another site.
pub const EXIT_PATH: &str = "/activity/exit";

/// What is sent by POST so that it stands in no address, and changes nothing: written behind, as a page is. Whoever looks for somebody does not wait for
/// whatever is being written.
const SEARCHES: [&str; 2] = ["/search", "/contacts/search"];

/// Has a signed-in user's request answered, and what they looked at or did written. Parts of pages and live streams are none of it unless
/// they were refused.
pub async fn recorded<F: Future<Output = Response>>(recorder: &Recorder, doer: Doer, request: Request, answer: impl FnOnce(Request) -> F) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    if method == Method::GET || method == Method::HEAD {
        let part = request.headers().contains_key("hx-request");
        let response = answer(request).await;
        let stream = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        if (!part && !stream) || response.status().is_client_error() {
            recorder.looked(doer, ActivityKind::Page, method.as_str(), &path, response.status());
        }
        return response;
    }
    if path == EXIT_PATH {
        return answer(request).await;
    }
    if SEARCHES.contains(&path.as_str()) {
        let response = answer(request).await;
        recorder.looked(doer, ActivityKind::Act, method.as_str(), &path, response.status());
        return response;
    }
    let kind = if path == "/sign-out" { ActivityKind::Exit } else { ActivityKind::Act };
    match recorder.begins(doer, kind, method.as_str(), &path).await {
        Ok(id) => {
            let response = answer(request).await;
            recorder.ended(id, response.status());
            response
        }
        Err(error) => Fault::from(error).into_response(),
    }
}

/// The site that a request came from, when it is not this one. Browsers say so in `Sec-Fetch-Site`; older ones are told by the host.
pub fn other_site(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let site = site_of(text("referer")?)?;
    let own = match text("sec-fetch-site") {
        Some(said) => said != "cross-site" && said != "same-site",
        None => text("host").is_some_and(|host| site.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host))),
    };
    (!own).then_some(site)
}
