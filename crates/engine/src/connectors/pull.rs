//! One run: page after page until there is none, within bounds, and only while it may.

use std::collections::HashSet;
use std::time::Duration;

use clarion_domain::connectors::pull::{Authentication, Incremental, Paging};
use clarion_domain::connectors::pull_fault::{PullFault, RunKind};
use clarion_domain::connectors::shape::shape;
use clarion_domain::connectors::watermark::Watermark;
use clarion_domain::time::Instant;
use clarion_store::connectors::{Preview, PreviewField, PullJob, RunOutcome, RunTold};
use clarion_store::intake::Upload;
use clarion_store::{Lease, StoreError, Tenant};
use reqwest::Url;
use reqwest::header::{ETAG, HeaderMap, HeaderName, LAST_MODIFIED};
use tokio::time::Instant as Moment;

use super::fetch::{Asker, Failure, next_link, with_parameter};
use super::page::{Page, PageEnd, Reading, Values};
use crate::intake::Clock;
use crate::outward::Outward;

/// How often a run that waits for rows asks whether it still may.
const ASK_AGAIN: Duration = Duration::from_secs(5);
const PREVIEW_ROWS: usize = 5;
const SHAPES_SHOWN: usize = 3;
const MARK_BYTES_MAX: usize = 500;

/// What a pull may take.
#[derive(Debug, Clone, Copy)]
pub struct PullLimits {
    pub bytes_max: usize,
    pub rows_max: i64,
    pub pages_max: i64,
    /// One question with its answer.
    pub page_within: Duration,
    pub run_within: Duration,
}

impl Default for PullLimits {
    fn default() -> Self {
        Self { bytes_max: 1 << 28, rows_max: 1_000_000, pages_max: 5_000, page_within: Duration::from_secs(120), run_within: Duration::from_secs(1_800) }
    }
}

/// What ends a run early: its own fault, or the store's.
pub(super) enum Ended {
    Failed(Failure),
    Store(StoreError),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<PullFault> for Ended {
    fn from(fault: PullFault) -> Self {
        Self::Failed(fault.into())
    }
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A run in hand.
pub(super) struct Run<'a> {
    pub tenant: &'a Tenant,
    pub job: &'a PullJob,
    pub lease: &'a Lease,
    pub outward: &'a Outward,
    pub limits: PullLimits,
    pub clock: Clock,
    pub begun: Moment,
    pub told: RunTold,
}

/// A field of a file that a reader of CSV gives back as it was.
fn quoted(value: &str, line: &mut String) {
    if value.contains(['"', ',', ';', '\t', '|', '\n', '\r']) || value.trim() != value {
        line.push('"');
        line.push_str(&value.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(value);
    }
}

fn line<'v>(values: impl Iterator<Item = &'v str>, text: &mut String) {
    for (place, value) in values.enumerate() {
        if place > 0 {
            text.push(',');
        }
        quoted(value, text);
    }
    text.push('\n');
}

fn mark(headers: &HeaderMap, name: HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| text.len() <= MARK_BYTES_MAX).unwrap_or_default().to_owned()
}

impl Run<'_> {
    /// How it ended. An error of the store leaves the run to whoever takes it up next.
    pub async fn outcome(&mut self) -> Result<RunOutcome, StoreError> {
        let ended = if self.job.kind == RunKind::Preview { self.preview().await } else { self.pull().await };
        match ended {
            Ok(outcome) => Ok(outcome),
            Err(Ended::Store(error)) => Err(error),
            Err(Ended::Failed(failure)) => {
                self.told.status = failure.status;
                Ok(RunOutcome::Failed { fault: failure.fault, retry_after_ms: failure.retry_after_ms })
            }
        }
    }

    fn now(&self) -> Instant {
        (self.clock)()
    }

    async fn go_on(&self) -> Result<(), Ended> {
        if self.begun.elapsed() > self.limits.run_within {
            return Err(PullFault::TookTooLong.into());
        }
        if self.tenant.run_may_go_on(self.job, self.lease, self.now()).await? { Ok(()) } else { Err(PullFault::Stopped.into()) }
    }

    /// Waits for the wire, keeps the lease meanwhile, and gives up when the run may not go on.
    async fn kept<T>(&self, waiting: impl Future<Output = T>) -> Result<T, Ended> {
        let mut waiting = std::pin::pin!(waiting);
        loop {
            match tokio::time::timeout(ASK_AGAIN, &mut waiting).await {
                Ok(done) => return Ok(done),
                Err(_) => self.go_on().await?,
            }
        }
    }

    fn first_address(&self) -> Result<Url, Failure> {
        let settings = &self.job.settings;
        let mut url: Url = settings.url.parse().map_err(|_| Failure::from(PullFault::AddressRefused))?;
        if settings.incremental == Incremental::Since && !self.job.watermark.is_empty() {
            url = with_parameter(&url, &settings.since_parameter, &self.job.watermark);
        }
        if settings.paging == Paging::PageNumber {
            url = with_parameter(&url, &settings.page_parameter, "1");
        }
        Ok(url)
    }

    async fn pull(&mut self) -> Result<RunOutcome, Ended> {
        let mut asker = self.kept(Asker::new(self.outward, self.job, self.now())).await??;
        let reading = Reading::new(&self.job.settings, &self.job.taken, None);
        let (mut address, mut seen, mut last_hash, mut upload) = (self.first_address()?, HashSet::new(), None, None);
        loop {
            if !seen.insert(address.to_string()) {
                return Err(PullFault::PageLoop.into());
            }
            if self.told.pages >= self.limits.pages_max {
                return Err(PullFault::TooManyPages.into());
            }
            self.go_on().await?;
            let mut answer = self.kept(asker.get(&address, self.told.pages == 0)).await?;
            if answer.as_ref().is_err_and(|failure| failure.status == 401) && self.told.pages > 0 && self.job.settings.authentication == Authentication::OAuth2 {
                // The token has run out since the first page.
                asker = self.kept(Asker::new(self.outward, self.job, self.now())).await??;
                answer = self.kept(asker.get(&address, false)).await?;
            }
            let Some(answer) = answer? else { break };
            self.told.status = answer.status().as_u16();
            self.told.pages += 1;
            if self.job.settings.incremental == Incremental::Etag {
                (self.told.etag, self.told.modified) = (mark(answer.headers(), ETAG), mark(answer.headers(), LAST_MODIFIED));
            }
            let link = next_link(&answer);
            let left = self.limits.bytes_max.saturating_sub(usize::try_from(self.told.bytes).unwrap_or(usize::MAX));
            let end = self.take_rows(Page::open(answer, reading.clone(), left), &mut upload).await?;
            if end.rows > 0 && last_hash.replace(end.hash) == Some(end.hash) {
                return Err(PullFault::PageLoop.into());
            }
            match self.next_address(&address, link, &end)? {
                Some(next) => address = next,
                None => break,
            }
        }
        if self.told.pages == 0 {
            // Nothing changed: what marks the last answer stays.
            (self.told.etag, self.told.modified) = (self.job.etag.clone(), self.job.modified.clone());
        }
        Ok(upload.map_or(RunOutcome::Unchanged, |upload| RunOutcome::Rows(Box::new(upload))))
    }

    async fn take_rows(&mut self, mut page: Page, upload: &mut Option<Upload>) -> Result<PageEnd, Ended> {
        let mut asked = Moment::now();
        loop {
            if asked.elapsed() > ASK_AGAIN {
                self.go_on().await?;
                asked = Moment::now();
            }
            match tokio::time::timeout(ASK_AGAIN, page.rows.recv()).await {
                Ok(None) => break,
                Ok(Some(batch)) => self.keep(&batch, upload).await?,
                Err(_) => {}
            }
        }
        let end = page.end().await?;
        self.told.bytes += end.bytes as i64;
        if let Some(mark) = end.watermark.clone() {
            self.told.watermark = Some(Watermark::latest(self.told.watermark.take(), mark));
        }
        Ok(end)
    }

    async fn keep(&mut self, batch: &[Values], upload: &mut Option<Upload>) -> Result<(), Ended> {
        self.told.rows += batch.len() as i64;
        if self.told.rows > self.limits.rows_max {
            return Err(PullFault::TooManyRows.into());
        }
        let mut text = String::new();
        if upload.is_none() {
            let stamp: String = self.now().rfc3339().chars().take(16).map(|letter| if letter == ':' { '-' } else { letter }).collect();
            let begun = self.tenant.begin_pulled_import(self.job, &format!("{} {stamp}", self.job.name), self.lease, self.now()).await;
            *upload = Some(match begun {
                // A field that is no longer declared, or a list that is gone.
                Err(StoreError::Invalid(_) | StoreError::NotFound(_)) => return Err(PullFault::MappingRefused.into()),
                Err(StoreError::Conflict(_)) => return Err(PullFault::Stopped.into()),
                other => other?,
            });
            line(self.job.taken.iter().map(|field| field.to.as_str()), &mut text);
        }
        batch.iter().for_each(|values| line(values.iter().map(String::as_str), &mut text));
        match upload.as_mut() {
            Some(upload) => match upload.write(text.as_bytes()).await {
                Err(StoreError::Invalid(_)) => Err(PullFault::TooManyBytes.into()),
                // The connector was deleted, and the upload with it.
                Err(StoreError::Conflict(_)) => Err(PullFault::Stopped.into()),
                other => Ok(other?),
            },
            None => Ok(()),
        }
    }

    /// Where the next page is: on the same host, or nowhere.
    fn next_address(&self, address: &Url, link: Option<String>, end: &PageEnd) -> Result<Option<Url>, Failure> {
        let settings = &self.job.settings;
        let told = match settings.paging {
            Paging::None => None,
            Paging::LinkHeader => link,
            Paging::NextAddress => end.next.clone(),
            Paging::Cursor => return Ok(end.next.as_ref().map(|cursor| with_parameter(address, &settings.page_parameter, cursor))),
            Paging::PageNumber if end.rows == 0 => None,
            Paging::PageNumber => return Ok(Some(with_parameter(address, &settings.page_parameter, &(self.told.pages + 1).to_string()))),
        };
        let Some(told) = told else { return Ok(None) };
        let next = address.join(&told).map_err(|_| Failure::from(PullFault::NextElsewhere))?;
        if next.origin() == address.origin() { Ok(Some(next)) } else { Err(PullFault::NextElsewhere.into()) }
    }

    /// The first rows of the first page: names, and the shapes of what would be taken.
    async fn preview(&mut self) -> Result<RunOutcome, Ended> {
        let asker = self.kept(Asker::new(self.outward, self.job, self.now())).await??;
        self.go_on().await?;
        let Some(answer) = self.kept(asker.get(&self.first_address()?, false)).await?? else { return Ok(RunOutcome::Shown(Preview::default())) };
        self.told.status = answer.status().as_u16();
        self.told.pages = 1;
        let link = next_link(&answer);
        let mut page = Page::open(answer, Reading::new(&self.job.settings, &self.job.taken, Some(PREVIEW_ROWS)), self.limits.bytes_max);
        let mut rows: Vec<Values> = Vec::new();
        while let Some(batch) = self.kept(page.rows.recv()).await? {
            rows.extend(batch);
        }
        let end = page.end().await?;
        (self.told.rows, self.told.bytes) = (end.rows as i64, end.bytes as i64);
        let has_next_page = link.is_some() || end.next.is_some();
        Ok(RunOutcome::Shown(Preview { fields: self.fields_of(&rows, &end), rows_seen: end.rows as i64, has_next_page }))
    }

    fn fields_of(&self, rows: &[Values], end: &PageEnd) -> Vec<PreviewField> {
        let mut fields: Vec<PreviewField> = Vec::new();
        for mapped in &self.job.settings.fields {
            let place = self.job.taken.iter().position(|taken| taken == mapped);
            let shapes = place.map(|place| rows.iter().take(SHAPES_SHOWN).map(|values| shape(&values[place])).collect()).unwrap_or_default();
            fields.push(PreviewField { name: mapped.from.clone(), becomes: if place.is_some() { mapped.to.clone() } else { String::new() }, not_agreed: place.is_none(), shapes });
        }
        let is_mapped = |name: &str| self.job.settings.fields.iter().any(|field| field.from == name || field.from.strip_prefix('/').is_some_and(|pointer| pointer.split('/').next() == Some(name)));
        let others = end.names.iter().filter(|name| !is_mapped(name));
        fields.extend(others.map(|name| PreviewField { name: name.clone(), becomes: String::new(), not_agreed: false, shapes: Vec::new() }));
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_as_it_was() {
        let mut text = String::new();
        let values = ["+447700900001", "O'Hara; \"Zoë\"", " a,b\n", "=1+1"];
        line(values.into_iter(), &mut text);
        let mut reader = csv_core::Reader::new();
        let (mut out, mut ends) = ([0; 200], [0; 10]);
        let (.., count) = reader.read_record(text.as_bytes(), &mut out, &mut ends);
        let mut from = 0;
        let back: Vec<&str> = ends[..count].iter().map(|end| std::str::from_utf8(&out[std::mem::replace(&mut from, *end)..*end]).expect("text")).collect();
        assert_eq!(back, values);
    }
}
