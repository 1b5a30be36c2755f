//! A portal on a temporary SQLite with one user of each role, and a browser that keeps its cookie.

use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use clarion_domain::id::{TenantId, UserId};
use clarion_domain::tenancy::role::Role;
use clarion_domain::tenancy::tenant::{Actor, NumberMode};
use clarion_domain::time::Instant;
use clarion_edge::{Cookies, EdgeConfig, hash_password, portal_router};
use clarion_store::db::Db;
use clarion_store::tenancy::{NewTenant, NewUser};
use clarion_store::{Store, Tenant};
use http_body_util::BodyExt;
use tower::ServiceExt;

pub const PASSWORD: &str = "three plain words";
/// 23 November 2026, 12:00 UTC.
pub const NOON: Instant = Instant(1_795_435_200_000);

/// The same, for what the API's tests share.
pub const NOW: Instant = NOON;

thread_local! {
    /// Each test runs on a thread of its own, so each has its own clock.
    static CLOCK: AtomicI64 = const { AtomicI64::new(NOON.0) };
}

pub fn now() -> Instant {
    CLOCK.with(|now| Instant(now.load(Ordering::Relaxed)))
}

pub fn wait(ms: i64) {
    CLOCK.with(|now| now.fetch_add(ms, Ordering::Relaxed));
}

/// What the server gives: the real reader of sound files.
pub fn read_prompt(file: Vec<u8>) -> Result<Vec<i16>, clarion_edge::PromptFileError> {
    use clarion_edge::PromptFileError as E;
    use clarion_sip::media::prompt::{PromptError, PromptLimits, load};
    match load(file, PromptLimits::default()) {
        Ok(prompt) => Ok(prompt.audio.to_vec()),
        Err(error @ PromptError::UnknownFormat) => Err(E::OtherFormat(error.to_string())),
        Err(error) => Err(E::Unreadable(error.to_string())),
    }
}

pub struct World {
    pub router: Router,
    pub store: Store,
    pub tenant: TenantId,
    _folder: tempfile::TempDir,
}

/// What the portal answered.
pub struct Answer {
    pub status: StatusCode,
    pub response: Response<()>,
    pub text: String,
}

impl Answer {
    pub fn location(&self) -> &str {
        self.header(header::LOCATION)
    }

    pub fn header(&self, name: header::HeaderName) -> &str {
        self.response.headers().get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// Asserts the shape of a refused form: 422, "Error:" in the title, a summary that links to `field`.
    #[track_caller]
    pub fn assert_problem(&self, field: &str, words: &str) {
        assert_eq!(self.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", self.text);
        assert!(self.text.contains("<title>Error: "), "the title says so");
        assert!(self.text.contains("There is a problem"));
        assert!(self.text.contains(&format!("href=\"#{field}\"")), "the summary links to {field}: {}", self.text);
        assert!(self.text.contains(words), "{words} stands in {}", self.text);
    }
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open_sqlite(&folder.path().join("clarion.db")).await.expect("opens");
        db.migrate().await.expect("migrates");
        let store = Store::new(db, &folder.path().join("keyring"), 1).expect("a store");
        let new = NewTenant { slug: "northwind", name: "Northwind Energy", number_mode: NumberMode::Demo, default_region: "GB", zone: "Europe/London", help_text: "Northwind Energy. Call 020 7946 0000." };
        let tenant = store.create_tenant(&new, now()).await.expect("a tenant");
        let world = Self { router: portal_router(store.clone(), EdgeConfig::new(now, Cookies::PlainLoopback, read_prompt)), store, tenant, _folder: folder };
        for role in Role::ALL {
            world.add_user(*role).await;
        }
        world
    }

    async fn add_user(&self, role: Role) -> UserId {
        // One hash for all: hashing is what takes time.
        static HASH: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
        let hash = HASH.get_or_init(async || hash_password(PASSWORD).await.expect("hashes")).await;
        let new = NewUser { username: role.as_str(), display_name: &format!("The {role}"), role, password_hash: hash };
        self.as_operator().await.create_user(&new, now()).await.expect("a user")
    }

    pub async fn as_operator(&self) -> Tenant {
        self.store.tenant(self.tenant, Actor::Operator).await.expect("the tenant")
    }

    pub async fn user(&self, role: Role) -> UserId {
        self.as_operator().await.users().await.expect("users").into_iter().find(|user| user.role == role).expect("one of each role").id
    }

    /// A browser in which a user of this role is signed in, without the form: argon2 takes its time.
    pub async fn browser(&self, role: Role) -> Browser {
        let user = self.user(role).await;
        let tenant = self.store.tenant(self.tenant, Actor::User(user)).await.expect("the tenant");
        let token = tenant.open_session(user, now()).await.expect("a session");
        Browser { router: self.router.clone(), cookie: format!("clarion={token}") }
    }

    /// A browser in which this user has just signed in by the form; the answer to it.
    pub async fn signs_in(&self, username: &str, password: &str) -> (Browser, Answer) {
        let mut browser = self.stranger();
        let answer = browser.post("/sign-in", &[("username", username), ("password", password)]).await;
        browser.take_cookies(&answer);
        (browser, answer)
    }

    pub fn stranger(&self) -> Browser {
        Browser { router: self.router.clone(), cookie: String::new() }
    }
}

#[derive(Clone)]
pub struct Browser {
    router: Router,
    pub cookie: String,
}

impl Browser {
    /// Keeps the cookies that an answer sets, as a browser does.
    pub fn take_cookies(&mut self, answer: &Answer) {
        let mut kept: Vec<(String, String)> = self.cookie.split("; ").filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        for set in answer.response.headers().get_all(header::SET_COOKIE) {
            let pair = set.to_str().expect("ASCII").split(';').next().expect("a pair");
            let (name, value) = pair.split_once('=').expect("a pair");
            kept.retain(|(found, _)| found != name);
            if !value.is_empty() {
                kept.push((name.to_owned(), value.to_owned()));
            }
        }
        self.cookie = kept.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::builder().uri(path).header(header::COOKIE, &self.cookie).body(Body::empty()).expect("a request")).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = headers.iter().fold(Request::builder().uri(path).header(header::COOKIE, &self.cookie), |request, (name, value)| request.header(*name, *value));
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from("same-origin", path, fields).await
    }

    pub async fn post_from(&self, site: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&");
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::COOKIE, &self.cookie)
            .header("sec-fetch-site", site)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).expect("a request")).await
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.expect("infallible").into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Answer { status: parts.status, text: String::from_utf8_lossy(&bytes).into_owned(), response: Response::from_parts(parts, ()) }
    }
}

fn encoded(value: &str) -> String {
    value.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
