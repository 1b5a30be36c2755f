//! Results written to a sealed file, and sent where that is asked for.

use std::time::Duration;

use clarion_domain::connectors::export::{ExportFormat, ExportTarget, ResultField};
use clarion_domain::intake::csv_text;
use clarion_domain::time::{Instant, SECOND_MS};
use clarion_domain::webhooks::backoff::TryOutcome;
use clarion_store::connectors::{EXPORT_CHUNK_BYTES, ExportJob, FILE_MARK, ResultRow};
use clarion_store::campaigns::RecipientState;
use clarion_store::webhooks::TryRecord;
use clarion_store::{Lease, Store, StoreError, Tenant};
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use serde_json::{Map, Value};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

use crate::intake::Clock;
use crate::outward::{Outward, retry_after_ms, word_of};

const PAGE_ROWS: i64 = 1_000;
/// What is sent is signed whole, and so held in memory once: a larger file is fetched by SFTP.
const SENT_BYTES_MAX: i64 = 64 << 20;
const ANSWERS_WITHIN: Duration = Duration::from_secs(120);
/// A lease lasts thirty seconds; a revocation ends what is being sent within these.
const RENEW: Duration = Duration::from_secs(5);

/// Writes and sends.
pub(super) struct Exporter {
    pub outward: Outward,
    pub clock: Clock,
    pub chance: fn() -> u64,
}

impl Exporter {
    pub fn new(store: &Store, clock: Clock, chance: fn() -> u64) -> Result<Self, reqwest::Error> {
        Ok(Self { outward: Outward::new(store, ANSWERS_WITHIN)?, clock, chance })
    }

    /// One file: written when it was not yet, then sent.
    pub async fn work(&self, tenant: &Tenant, job: &ExportJob, lease: &Lease) -> Result<(), StoreError> {
        let mut job = job.clone();
        if job.bytes == 0 {
            job.bytes = self.write(tenant, &job, lease).await?;
        }
        if job.target != ExportTarget::Sftp {
            let mut sending = std::pin::pin!(self.send(tenant, &job));
            let tried = loop {
                match tokio::time::timeout(RENEW, &mut sending).await {
                    Ok(tried) => break tried?,
                    // What was not sent to its end is looked at again, by what holds now.
                    Err(_) if !tenant.export_may_go_on(&job, lease, (self.clock)()).await? => return Ok(()),
                    Err(_) => {}
                }
            };
            tenant.record_export_try(&job, &tried, lease, (self.clock)(), (self.chance)()).await?;
        }
        Ok(())
    }

    async fn write(&self, tenant: &Tenant, job: &ExportJob, lease: &Lease) -> Result<i64, StoreError> {
        let key = tenant.begin_export_file(job.file, lease, (self.clock)()).await?;
        let (mut buffer, mut chunks, mut rows, mut bytes, mut after) = (header(job).into_bytes(), 0, 0, 0, None);
        loop {
            let page = tenant.result_rows(job.campaign, &job.fields, after, PAGE_ROWS).await?;
            rows += page.rows.len() as i64;
            page.rows.iter().for_each(|row| line(job, row, &mut buffer));
            let last = page.next.is_none();
            while buffer.len() >= EXPORT_CHUNK_BYTES || (last && !buffer.is_empty()) {
                let rest = buffer.split_off(buffer.len().min(EXPORT_CHUNK_BYTES));
                let chunk = std::mem::replace(&mut buffer, rest);
                bytes += chunk.len() as i64;
                tenant.append_export_chunk(job.file, &key, chunks, &chunk, lease, (self.clock)()).await?;
                chunks += 1;
            }
            after = page.next;
            if last {
                break;
            }
        }
        tenant.export_written(job, rows, bytes, lease, (self.clock)()).await?;
        Ok(bytes)
    }

    async fn send(&self, tenant: &Tenant, job: &ExportJob) -> Result<TryRecord, StoreError> {
        let (at, started) = ((self.clock)(), tokio::time::Instant::now());
        let (status, error, outcome) = if job.bytes > SENT_BYTES_MAX {
            (0, "too_large", TryOutcome::Gone)
        } else {
            let mut body = Vec::with_capacity(usize::try_from(job.bytes).unwrap_or(0));
            for position in 0.. {
                let Some(chunk) = tenant.read_export_chunk(job.version(), position).await? else { break };
                body.extend_from_slice(&chunk);
            }
            if body.len() as i64 != job.bytes {
                return Err(StoreError::Conflict("this file was emptied meanwhile: it is looked at again".into()));
            }
            self.exchange(job, body, at).await.unwrap_or_else(|word| (0, word, TryOutcome::Refused { retry_after_ms: None }))
        };
        let duration_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
        // The event is the file itself: a try of an export has no other.
        Ok(TryRecord { event: clarion_domain::id::WebhookEventId(job.file.0), tried_at: at, duration_ms, status, error, outcome })
    }

    async fn exchange(&self, job: &ExportJob, body: Vec<u8>, at: Instant) -> Result<(u16, &'static str, TryOutcome), &'static str> {
        let (url, client) = self.outward.to(&job.url.replace(FILE_MARK, &job.name)).map_err(|_| "address_refused")?;
        let (id, seconds) = (job.file.to_string(), at.ms().div_euclid(SECOND_MS));
        let secret = job.secret.as_ref().ok_or("not_signed")?;
        let signature = Webhook::new(secret.reveal()).and_then(|webhook| webhook.sign(&id, seconds, &body)).map_err(|_| "not_signed")?;
        let request = if job.target == ExportTarget::Put { client.put(url) } else { client.post(url) };
        let kind = if job.format == ExportFormat::Csv { "text/csv; charset=utf-8" } else { "application/jsonl" };
        let request = request
            .header(USER_AGENT, "Clarion-Export/1")
            .header(CONTENT_TYPE, kind)
            .header(CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", job.name))
            .header(HEADER_WEBHOOK_ID, &id)
            .header(HEADER_WEBHOOK_TIMESTAMP, seconds.to_string())
            .header(HEADER_WEBHOOK_SIGNATURE, signature)
            .body(body);
        let answer = request.send().await.map_err(|error| word_of(&error))?;
        let after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| retry_after_ms(text, at));
        let refused = |word| (answer.status().as_u16(), word, TryOutcome::Refused { retry_after_ms: after });
        Ok(match answer.status().as_u16() {
            code @ 200..=299 => (code, "", TryOutcome::Taken),
            410 => (410, "gone", TryOutcome::Gone),
            300..=399 => refused("redirect_refused"),
            429 | 503 => refused("asked_to_wait"),
            _ => refused("refused"),
        })
    }
}

fn header(job: &ExportJob) -> String {
    let names: Vec<&str> = job.fields.iter().map(|field| field.as_str()).collect();
    if job.format == ExportFormat::Csv { format!("{}\r\n", names.join(",")) } else { String::new() }
}

/// What one column says of a recipient; empty when there is nothing.
fn value(job: &ExportJob, row: &ResultRow, field: ResultField) -> String {
    let (outcome, why) = match &row.recipient.state {
        RecipientState::Waiting => ("waiting", String::new()),
        RecipientState::Deferred { rules, .. } => ("deferred", rules.join(" ")),
        RecipientState::Due { why, .. } => ("due", why.clone()),
        RecipientState::Refused { rules, .. } => ("refused", rules.join(" ")),
        RecipientState::InFlight => ("in_flight", String::new()),
        RecipientState::Stopped => ("stopped", row.recipient.ended.as_ref().map_or_else(String::new, ToString::to_string)),
        RecipientState::Attempted { disposition, cause, .. } => (disposition.as_str(), cause.clone()),
    };
    let last = row.recipient.last;
    match field {
        ResultField::Campaign => job.campaign.to_string(),
        ResultField::Contact => row.recipient.contact_id.to_string(),
        ResultField::Outcome => outcome.to_owned(),
        ResultField::Why => why,
        ResultField::Tries => tries(row).to_string(),
        ResultField::TriedAt => last.map_or(String::new(), |last| last.at.rfc3339()),
        ResultField::Reference => row.reference.clone(),
        ResultField::UserId => row.user_id.clone(),
        ResultField::Number => row.recipient.number.reveal().to_owned(),
    }
}

fn tries(row: &ResultRow) -> i64 {
    row.recipient.last.map_or(0, |last| last.number)
}

fn line(job: &ExportJob, row: &ResultRow, buffer: &mut Vec<u8>) {
    let values = job.fields.iter().map(|field| (*field, value(job, row, *field)));
    match job.format {
        ExportFormat::Csv => {
            for (place, (field, value)) in values.enumerate() {
                if place > 0 {
                    buffer.push(b',');
                }
                // A number in E.164 is read by a program, and is no formula.
                let written = if field == ResultField::Number { value.as_str().into() } else { csv_text::field(&value) };
                buffer.extend_from_slice(written.as_bytes());
            }
            buffer.extend_from_slice(b"\r\n");
        }
        ExportFormat::Jsonl => {
            let object: Map<String, Value> = values.map(|(field, value)| (field.to_string(), if field == ResultField::Tries { tries(row).into() } else { value.into() })).collect();
            buffer.extend_from_slice(Value::Object(object).to_string().as_bytes());
            buffer.push(b'\n');
        }
    }
}
