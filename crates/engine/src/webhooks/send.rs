//! One try: the address is checked once more, the body signed, and what the endpoint answers becomes a word.

use std::time::Duration;

use clarion_domain::time::{Instant, SECOND_MS};
use clarion_domain::webhooks::backoff::TryOutcome;
use clarion_store::Store;
use clarion_store::webhooks::{DueDelivery, SendingWebhook, TryRecord};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

use crate::outward::{Outward, retry_after_ms, word_of};

/// The whole exchange: an endpoint takes an event in, and works on it afterwards.
const ANSWERS_WITHIN: Duration = Duration::from_secs(15);
/// Of an answer's body so much is read, and forgotten, for the connection to be used again.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

pub(super) struct Post {
    outward: Outward,
}

/// What came back: the status, a word for what was wrong, and the outcome.
type Said = (u16, &'static str, TryOutcome);

const fn refused(status: u16, word: &'static str) -> Said {
    (status, word, TryOutcome::Refused { retry_after_ms: None })
}

impl Post {
    pub(super) fn new(store: &Store) -> Result<Self, reqwest::Error> {
        Ok(Self { outward: Outward::new(store, ANSWERS_WITHIN)? })
    }

    /// Sends one event once. `at` is signed with it.
    pub(super) async fn send(&self, webhook: &SendingWebhook, delivery: DueDelivery, at: Instant) -> TryRecord {
        let started = tokio::time::Instant::now();
        let event = delivery.event;
        let (status, error, outcome) = self.exchange(webhook, delivery, at).await.unwrap_or_else(|said| said);
        let duration_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
        TryRecord { event, tried_at: at, duration_ms, status, error, outcome }
    }

    async fn exchange(&self, webhook: &SendingWebhook, delivery: DueDelivery, at: Instant) -> Result<Said, Said> {
        let (url, client) = self.outward.to(&webhook.url).map_err(|_| refused(0, "address_refused"))?;
        let id = delivery.event.to_string();
        let seconds = at.ms().div_euclid(SECOND_MS);
        let sign = |secret: &clarion_domain::personal::Personal| Webhook::new(secret.reveal()).and_then(|webhook| webhook.sign(&id, seconds, delivery.body.as_bytes()));
        let signatures: Vec<String> = webhook.secrets.iter().map(sign).collect::<Result<_, _>>().map_err(|_| refused(0, "not_signed"))?;
        let request = client
            .post(url)
            .header(USER_AGENT, "Clarion-Webhooks/1")
            .header(CONTENT_TYPE, "application/json")
            .header(HEADER_WEBHOOK_ID, &id)
            .header(HEADER_WEBHOOK_TIMESTAMP, seconds.to_string())
            .header(HEADER_WEBHOOK_SIGNATURE, signatures.join(" "))
            .body(delivery.body);
        let mut answer = request.send().await.map_err(|error| refused(0, word_of(&error)))?;
        let said = read(answer.status(), answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()), at);
        let mut bytes = 0;
        while let Ok(Some(chunk)) = answer.chunk().await {
            bytes += chunk.len();
            if bytes > ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(said)
    }
}

fn read(status: StatusCode, retry_after: Option<&str>, at: Instant) -> Said {
    let code = status.as_u16();
    match code {
        200..=299 => (code, "", TryOutcome::Taken),
        410 => (code, "gone", TryOutcome::Gone),
        300..=399 => refused(code, "redirect_refused"),
        429 | 503 => (code, "asked_to_wait", TryOutcome::Refused { retry_after_ms: retry_after.and_then(|text| retry_after_ms(text, at)) }),
        _ => refused(code, "refused"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_becomes_a_word_and_an_outcome() {
        let at = Instant(1_795_435_200_000);
        let wait = |ms| TryOutcome::Refused { retry_after_ms: ms };
        let cases = [
            (200, None, ("", TryOutcome::Taken)),
            (204, None, ("", TryOutcome::Taken)),
            (302, None, ("redirect_refused", wait(None))),
            (400, Some("9"), ("refused", wait(None))),
            (410, None, ("gone", TryOutcome::Gone)),
            (429, Some("120"), ("asked_to_wait", wait(Some(120_000)))),
            (503, Some("Mon, 23 Nov 2026 12:01:00 GMT"), ("asked_to_wait", wait(Some(60_000)))),
            (503, Some("Mon, 23 Nov 2020 12:01:00 GMT"), ("asked_to_wait", wait(Some(0)))),
            (503, Some("soon"), ("asked_to_wait", wait(None))),
        ];
        for (status, header, (word, outcome)) in cases {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(read(status, header, at), (status.as_u16(), word, outcome), "{status} {header:?}");
        }
    }
}
