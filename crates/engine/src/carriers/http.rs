//! A trunk over HTTP, for providers without SMPP: a form or JSON template, receipts by webhook.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use clarion_domain::campaigns::segments;
use clarion_domain::carriers::opted_out::OptedOutCodes;
use clarion_domain::carriers::settings::{HttpBody, HttpSettings};
use clarion_domain::carriers::trunk::TrunkState;
use clarion_domain::id::TrunkId;
use clarion_domain::outcomes::cause::{Cause, RetryAdvice};
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::personal::Personal;
use clarion_smpp::client::SharedLimiter;
use clarion_smpp::limiter::Limiter;
use tokio::sync::{Semaphore, mpsc};

use super::driver::CannotCarry;
use super::wire::{HttpMessage, Prepared, WireEvent, WireOutcome, WirePart};

pub(super) struct HttpDriver {
    shared: Arc<Shared>,
}

struct Shared {
    trunk: TrunkId,
    settings: HttpSettings,
    opted_out: OptedOutCodes,
    secret: Personal,
    client: reqwest::Client,
    limiter: SharedLimiter,
    slots: Semaphore,
    waiting: AtomicUsize,
    /// Connections refused in a row: the trunk counts as down from the third on, for a while.
    failures: AtomicI64,
    down_until_micros: AtomicU64,
    events: mpsc::Sender<Vec<WireEvent>>,
}

const FAILURES_MAX: i64 = 3;
const DOWN_MICROS: u64 = 5_000_000;
const ANSWER_BYTES_MAX: usize = 64 * 1024;

impl HttpDriver {
    pub(super) fn start(trunk: TrunkId, settings: &HttpSettings, secret: Personal, rate_per_second: i64, events: &mpsc::Sender<Vec<WireEvent>>) -> Result<Self, CannotCarry> {
        let client = crate::outward::client(Duration::from_secs(u64::from(settings.response_timeout_seconds)))
            .build()
            .map_err(|error| CannotCarry(format!("no HTTP client: {error}")))?;
        let shared = Shared {
            trunk,
            settings: settings.clone(),
            opted_out: OptedOutCodes::of(&settings.opted_out_codes),
            secret,
            client,
            limiter: SharedLimiter::new(Limiter::new(rate_per_second as f64)),
            slots: Semaphore::new(settings.concurrency as usize),
            waiting: AtomicUsize::new(0),
            failures: AtomicI64::new(0),
            down_until_micros: AtomicU64::new(0),
            events: events.clone(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(super) fn state(&self) -> (TrunkState, String) {
        let now = self.shared.limiter.with(|_, now| now);
        if self.shared.down_until_micros.load(Ordering::Relaxed) > now {
            (TrunkState::Waiting, "the provider does not answer".into())
        } else {
            (TrunkState::Up, String::new())
        }
    }

    pub(super) fn window(&self) -> usize {
        self.shared.settings.concurrency as usize * 2
    }

    /// Messages that wait for a slot or the rate.
    pub(super) fn queued(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    pub(super) fn rate_per_second(&self) -> f64 {
        self.shared.limiter.with(|limiter, _| limiter.rate_per_second())
    }

    pub(super) fn set_ceiling(&self, per_second: f64) {
        self.shared.limiter.with(|limiter, _| limiter.set_ceiling(per_second));
    }

    pub(super) fn throttled(&self) -> u64 {
        self.shared.limiter.with(|limiter, _| limiter.throttled_segments())
    }

    pub(super) fn prepare(&self, to: &str, from: &str, text: &str, reference: u64) -> Prepared {
        let count = segments::count(text).segments.max(1);
        let message = HttpMessage { to: to.to_owned(), from: from.to_owned(), text: text.to_owned(), reference: format!("{reference:x}"), segments: count as u32 };
        Prepared { segments: u16::try_from(count).unwrap_or(u16::MAX), parts: vec![WirePart::Http(message)] }
    }

    pub(super) fn submit(&self, parts: Vec<(u64, WirePart)>) {
        for (token, part) in parts {
            let WirePart::Http(message) = part else { continue };
            let shared = self.shared.clone();
            shared.waiting.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let outcome = shared.send(message).await;
                let event = WireEvent::Result { trunk: shared.trunk, token, outcome };
                // The loop is gone: the claim's row is what remains, and ends as `unknown`.
                let _ = shared.events.send(vec![event]).await;
            });
        }
    }
}

impl Shared {
    async fn send(&self, message: HttpMessage) -> WireOutcome {
        let slot = self.slots.acquire().await;
        while let Err(at) = self.limiter.with(|limiter, now| limiter.acquire(now, message.segments).map_err(|at| at.saturating_sub(now))) {
            tokio::time::sleep(Duration::from_micros(at)).await;
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        let Ok(_slot) = slot else { return WireOutcome::NotSent(WirePart::Http(message)) };
        let sent_at = self.limiter.with(|_, now| now);
        let answered = self.request(&message).send().await;
        let response = match answered {
            Ok(response) => response,
            Err(error) if error.is_connect() => {
                self.limiter.with(|limiter, now| limiter.on_unanswered(now, sent_at));
                self.note_failure();
                return WireOutcome::NotSent(WirePart::Http(message));
            }
            Err(_) => {
                self.limiter.with(|limiter, now| limiter.on_unanswered(now, sent_at));
                return WireOutcome::Lost;
            }
        };
        self.failures.store(0, Ordering::Relaxed);
        let cause = Cause::Http(response.status().as_u16());
        let verdict = cause.verdict();
        if verdict.retry == RetryAdvice::SlowDown {
            self.limiter.with(|limiter, now| limiter.on_throttled(now, sent_at, message.segments));
            return WireOutcome::Throttled(WirePart::Http(message));
        }
        self.limiter.with(|limiter, now| limiter.on_accepted(now, sent_at, message.segments));
        let is_read = verdict.disposition == Disposition::Accepted || !self.settings.error.is_empty();
        let answer = if is_read { read(response).await } else { serde_json::Value::Null };
        if let Some(refusal) = word_at(&answer, &self.settings.error).and_then(|error| self.opted_out.refusal(&error)) {
            return WireOutcome::Rejected(refusal);
        }
        match verdict.disposition {
            // Without an id no receipt can find it.
            Disposition::Accepted => WireOutcome::Accepted { message_id: word_at(&answer, &self.settings.message_id).unwrap_or_default() },
            Disposition::Unknown => WireOutcome::Lost,
            _ => WireOutcome::Rejected(cause),
        }
    }

    fn request(&self, message: &HttpMessage) -> reqwest::RequestBuilder {
        let fill = |template: &str| fill(template, message);
        let mut request = self.client.post(&self.settings.url);
        for (name, value) in &self.settings.headers {
            request = request.header(name, value.replace("{secret}", self.secret.reveal()));
        }
        let fields: std::collections::BTreeMap<&str, String> = self.settings.fields.iter().map(|(name, value)| (name.as_str(), fill(value))).collect();
        match self.settings.body {
            HttpBody::Form => request.form(&fields),
            HttpBody::Json => request.json(&fields),
        }
    }

    fn note_failure(&self) {
        if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES_MAX {
            let until = self.limiter.with(|_, now| now + DOWN_MICROS);
            self.down_until_micros.store(until, Ordering::Relaxed);
            self.failures.store(0, Ordering::Relaxed);
        }
    }
}

/// What the provider says; nothing when it is no JSON, or too long.
async fn read(mut response: reqwest::Response) -> serde_json::Value {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            return serde_json::Value::Null;
        }
    }
    serde_json::from_slice(&body).unwrap_or_default()
}

/// A word or a number in an answer; an empty pointer points to nothing.
fn word_at(answer: &serde_json::Value, pointer: &str) -> Option<String> {
    match answer.pointer(pointer).filter(|_| !pointer.is_empty())? {
        serde_json::Value::String(word) => Some(word.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// One pass, so that a text that holds `{to}` stays as it is.
fn fill(template: &str, message: &HttpMessage) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        filled.push_str(&rest[..start]);
        rest = &rest[start..];
        let field = [("{to}", &message.to), ("{from}", &message.from), ("{text}", &message.text), ("{reference}", &message.reference)];
        match field.into_iter().find(|(name, _)| rest.starts_with(name)) {
            Some((name, value)) => {
                filled.push_str(value);
                rest = &rest[name.len()..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_once() {
        let message = HttpMessage { to: "+447700900001".into(), from: "North".into(), text: "pay {to} {x".into(), reference: "7".into(), segments: 1 };
        assert_eq!(fill("{text}|{to}|{unknown}", &message), "pay {to} {x|+447700900001|{unknown}");
    }
}
