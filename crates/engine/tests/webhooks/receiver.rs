//! A receiver of ours: it checks every signature by itself, and answers as it is told. Its runtime is its own, so that it can go down
//! with every connection, as a machine does.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

#[derive(Debug, Clone, Default)]
pub enum Answer {
    #[default]
    Taken,
    Status(u16),
    Wait(u16, &'static str),
    To(String),
    /// Says nothing until it is let go.
    Hang,
}

#[derive(Debug, Clone)]
pub struct Received {
    pub id: String,
    pub body: String,
    /// Which of the secrets signed it, in the order of the header.
    pub signatures: Vec<String>,
    pub timestamp: i64,
}

impl Received {
    pub fn data(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// HMAC-SHA256 over id, time and body, as the specification has it.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
        let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), format!("{}.{}.{}", self.id, self.timestamp, self.body).as_bytes());
        self.signatures.contains(&format!("v1,{}", STANDARD.encode(signed)))
    }
}

#[derive(Default)]
struct Desk {
    answer: Mutex<Answer>,
    received: Mutex<Vec<Received>>,
    came: Notify,
}

pub struct Receiver {
    desk: Arc<Desk>,
    pub port: u16,
    runtime: Option<Runtime>,
}

async fn take(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: String) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let signatures = text("webhook-signature").split(' ').map(str::to_owned).collect();
    let received = Received { id: text("webhook-id"), body, signatures, timestamp: text("webhook-timestamp").parse().expect("a time") };
    desk.received.lock().expect("not poisoned").push(received);
    desk.came.notify_one();
    let answer = desk.answer.lock().expect("not poisoned").clone();
    match answer {
        Answer::Taken => StatusCode::NO_CONTENT.into_response(),
        Answer::Status(status) => StatusCode::from_u16(status).expect("a status").into_response(),
        Answer::Wait(status, after) => (StatusCode::from_u16(status).expect("a status"), [(header::RETRY_AFTER, after)]).into_response(),
        Answer::To(place) => (StatusCode::FOUND, [(header::LOCATION, place)]).into_response(),
        Answer::Hang => std::future::pending().await,
    }
}

impl Receiver {
    pub fn start() -> Self {
        let mut receiver = Self { desk: Arc::default(), port: 0, runtime: None };
        receiver.up();
        receiver
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks", self.port)
    }

    pub fn answer(&self, answer: Answer) {
        *self.desk.answer.lock().expect("not poisoned") = answer;
    }

    pub fn received(&self) -> Vec<Received> {
        self.desk.received.lock().expect("not poisoned").clone()
    }

    pub fn ids(&self) -> Vec<String> {
        self.received().into_iter().map(|one| one.id).collect()
    }

    /// Waits until something more came.
    pub async fn came(&self) {
        tokio::time::timeout(Duration::from_secs(20), self.desk.came.notified()).await.expect("something comes");
    }

    /// At the port that it had before.
    pub fn up(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let (port, router) = (self.port, axum::Router::new().route("/hooks", axum::routing::post(take)).with_state(self.desk.clone()));
        let (tell, told) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
            tell.send(listener.local_addr().expect("its address").port()).expect("heard");
            axum::serve(listener, router).await
        });
        self.port = told.recv().expect("it listens");
        self.runtime = Some(runtime);
    }

    pub fn down(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        // Its tasks go a moment later.
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A port at which a connection would be noticed, and none may come.
pub struct Trap(TcpListener);

impl Trap {
    pub fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("does not wait");
        Self(listener)
    }

    pub fn port(&self) -> u16 {
        self.0.local_addr().expect("its address").port()
    }

    pub fn is_untouched(&self) -> bool {
        self.0.accept().is_err()
    }
}
