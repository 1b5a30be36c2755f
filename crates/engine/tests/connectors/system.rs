//! A client's system of ours, which answers as each test says; and one that is not ours, Python's own server of files.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// What was asked.
#[derive(Debug, Clone)]
pub struct Ask {
    /// With its query.
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Ask {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn parameter(&self, name: &str) -> Option<String> {
        let url: reqwest::Url = format!("http://x{}", self.path).parse().expect("an address");
        url.query_pairs().find(|(held, _)| held == name).map(|(_, value)| value.into_owned())
    }
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    pub after: Duration,
}

pub fn json(value: &serde_json::Value) -> Answer {
    text("application/json", value.to_string())
}

pub fn text(kind: &str, body: impl Into<String>) -> Answer {
    Answer { status: 200, headers: vec![("content-type", kind.to_owned())], body: body.into(), after: Duration::ZERO }
}

pub fn status(status: u16) -> Answer {
    Answer { status, headers: Vec::new(), body: String::new(), after: Duration::ZERO }
}

impl Answer {
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }
}

type Says = Arc<dyn Fn(&Ask) -> Answer + Send + Sync>;

#[derive(Clone)]
struct Desk {
    says: Says,
    asked: Arc<Mutex<Vec<Ask>>>,
}

pub struct System {
    pub port: u16,
    asked: Arc<Mutex<Vec<Ask>>>,
    task: tokio::task::JoinHandle<()>,
}

async fn answer(State(desk): State<Desk>, request: Request) -> Response {
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let headers = request.headers().clone();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.expect("a body");
    let ask = Ask { path, headers, body: String::from_utf8_lossy(&body).into_owned() };
    let answer = (desk.says)(&ask);
    desk.asked.lock().expect("not poisoned").push(ask);
    tokio::time::sleep(answer.after).await;
    let mut response = Response::builder().status(StatusCode::from_u16(answer.status).expect("a status"));
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).expect("an answer")
}

impl System {
    pub async fn start(says: impl Fn(&Ask) -> Answer + Send + Sync + 'static) -> Self {
        let desk = Desk { says: Arc::new(says), asked: Arc::default() };
        let asked = desk.asked.clone();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let task = tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer).with_state(desk)).await.expect("serves") });
        Self { port, asked, task }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn asked(&self) -> Vec<Ask> {
        self.asked.lock().expect("not poisoned").clone()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// `python3 -m http.server` on a folder: it knows nothing of us.
pub struct Files {
    pub port: u16,
    _child: Child,
}

impl Files {
    pub async fn serve(folder: &Path) -> Self {
        let mut child = Command::new("python3")
            .args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("python3 starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let line = tokio::time::timeout(Duration::from_secs(60), lines.next_line()).await.expect("it says its port").expect("a line").expect("a line");
        let port = line.split("port ").nth(1).and_then(|rest| rest.split(' ').next()).and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("no port in {line}"));
        Self { port, _child: child }
    }
}
