//! What the monitor shows, read at once, and the stream that keeps it current: a full snapshot in each message.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::carriers::trunk::TrunkState;
use clarion_domain::id::CampaignId;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::tenancy::role::Right;
use clarion_domain::time::{HOUR_MS, Instant};
use clarion_store::campaigns::CampaignRecord;
use clarion_store::reports::MeasureRow;
use maud::{Markup, html};

use super::calls::CallsNow;
use super::pace::{MINUTES, Pace, SECONDS};
use super::words::calls_nobody;
use super::{find, monitor, recipient};
use crate::outcomes::words::{cause_words, disposition_name, disposition_tone};
use crate::page::chart::{Column, Series, area, bars, rows};
use crate::page::chip::{Tone, chip};
use crate::page::fault::Fault;
use crate::page::fields::Asked;
use crate::page::figure::{count, counted, figure, share};
use crate::page::icon::Icon;
use crate::page::when;
use crate::portal::Portal;
use crate::reports::totals::{Counted, call_figures, counted_as};
use crate::tenancy::guard::Session;

pub const SERIES: [Series; 4] = [
    Series { name: "Delivered", tone: Tone::Good },
    Series { name: "Sent, no receipt yet", tone: Tone::Info },
    Series { name: "Unknown", tone: Tone::Warn },
    Series { name: "Failed", tone: Tone::Bad },
];
/// Of calls, as the figures count them: see `counted_as`.
pub const CALL_SERIES: [Series; 5] = [
    Series { name: "A person", tone: Tone::Good },
    Series { name: "A machine", tone: Tone::Info },
    Series { name: "Nobody", tone: Tone::Warn },
    Series { name: "Abandoned", tone: Tone::Bad },
    Series { name: "Failed or unknown", tone: Tone::Calm },
];
pub const PACE: Series = Series { name: "Messages a second", tone: Tone::Info };
pub const CALL_PACE: Series = Series { name: "Calls a minute", tone: Tone::Info };
const EVERY: Duration = Duration::from_secs(1);

pub struct Snapshot {
    campaign: CampaignRecord,
    measures: Vec<MeasureRow>,
    refused: Vec<(String, i64)>,
    due: Vec<(String, i64, Instant)>,
    /// Trunks that should work and do not, each with its reason.
    failing: Vec<(String, String)>,
    pace: Pace,
    /// Of a campaign that calls.
    calls: Option<CallsNow>,
    now: Instant,
}

impl Snapshot {
    pub async fn read(portal: &Portal, session: &Session, id: CampaignId) -> Result<Self, Fault> {
        let campaign = session.tenant.campaign(id).await?;
        let calls = match campaign.channel {
            Channel::Voice => Some(CallsNow::read(session, &campaign).await?),
            Channel::Sms => None,
        };
        let mut snapshot = Self {
            campaign,
            calls,
            measures: session.tenant.measures(Some(id), Instant(0), Instant(i64::MAX)).await?,
            refused: session.tenant.refusal_counts(id).await?,
            due: portal.waiting.counts(&session.tenant, id).await?,
            failing: failing(session).await?,
            pace: Pace::default(),
            now: session.now,
        };
        snapshot.pace = portal.paces.look(id, snapshot.sent(), if snapshot.calls.is_some() { MINUTES } else { SECONDS }, session.now);
        Ok(snapshot)
    }

    fn by_disposition(&self) -> BTreeMap<Disposition, i64> {
        let mut counts = BTreeMap::new();
        for row in &self.measures {
            *counts.entry(row.disposition).or_insert(0) += row.n;
        }
        counts
    }

    fn ended(&self, which: impl Fn(Disposition) -> bool) -> i64 {
        self.by_disposition().iter().filter(|(disposition, _)| which(**disposition)).map(|(_, n)| n).sum()
    }

    /// What a carrier took.
    fn sent(&self) -> i64 {
        self.ended(|word| !matches!(word, Disposition::Rejected | Disposition::NoRoute | Disposition::Unknown))
    }

    pub fn state(&self, session: &Session) -> Markup {
        let decided = self.campaign.next_position;
        html! {
            (monitor::heading(&self.campaign))
            progress max=(self.campaign.audience_size.max(1)) value=(decided.min(self.campaign.audience_size)) aria-label="People asked about" {}
            p.small.soft { (count(decided)) " of " (count(self.campaign.audience_size)) " people asked about" @if let Some(left) = self.time_left() { " · about " (when::length(left)) " left at this pace" } }
            (self.held(session))
        }
    }

    /// Why it does not go faster, or not at all.
    fn held(&self, session: &Session) -> Markup {
        let works = matches!(self.campaign.state, CampaignState::Running | CampaignState::Starting);
        html! {
            @if works || !self.due.is_empty() {
                ul.held {
                    @for (name, reason) in self.failing.iter().filter(|_| works) { li { (chip(Tone::Bad, Icon::Warning, "Trunk down")) " " strong { (name) } ": " (reason) } }
                    @for (why, n, first) in &self.due { li {
                        (chip(Tone::Warn, Icon::Clock, "Put off")) " " strong { (counted(*n, "person", "people")) } ", the first until " (when::time(*first, &session.zone)) ": "
                        @match why.strip_prefix("deferred ") { Some(rules) => (rules_in_words(rules)), None => (cause_words(why)) }
                    } }
                }
            }
        }
    }

    /// At the pace of late, or that since the start before anybody watched; nothing while it is too early to say, or it stands still: what went before says
    /// nothing of what is to come then.
    fn time_left(&self) -> Option<i64> {
        let left = self.campaign.audience_size - self.campaign.next_position;
        if left <= 0 || self.campaign.state != CampaignState::Running || self.stands_still() {
            return None;
        }
        // A call may last for minutes: seconds in which none ends are no standstill.
        let pace = if self.calls.is_some() { self.pace.lately } else { self.pace.per_second };
        let per_second = pace.or_else(|| self.since_start())?;
        (per_second > 0.0).then(|| (left as f64 * 1000.0 / per_second) as i64)
    }

    /// Nothing goes out, or the pace says that nobody is called.
    fn stands_still(&self) -> bool {
        match &self.calls {
            Some(calls) => calls_nobody(&self.campaign.state_reason) || calls.up() == 0 && self.pace.per_second.unwrap_or(0.0) == 0.0,
            None => self.pace.per_second == Some(0.0),
        }
    }

    /// Messages a second from the start to the end, or to now.
    fn since_start(&self) -> Option<f64> {
        let worked = self.campaign.finished_at.unwrap_or(self.now).ms() - self.campaign.started_at?.ms();
        (worked > 2_000).then(|| self.sent() as f64 * 1000.0 / worked as f64)
    }

    pub fn calls(&self) -> Option<&CallsNow> {
        self.calls.as_ref()
    }

    pub fn series(&self) -> &'static [Series] {
        if self.calls.is_some() { &CALL_SERIES } else { &SERIES }
    }

    pub fn pace_series(&self) -> Series {
        if self.calls.is_some() { CALL_PACE } else { PACE }
    }

    /// What is counted, as a heading has it.
    pub fn noun(&self) -> &'static str {
        if self.calls.is_some() { "Calls" } else { "Messages" }
    }

    fn call_figures(&self) -> Markup {
        let refused: i64 = self.refused.iter().map(|(_, n)| n).sum();
        let due: i64 = self.due.iter().map(|(_, n, _)| n).sum();
        html! {
            (call_figures("Calls ended", |which| self.ended(which)))
            (figure("No more calls", &count(self.ended(|word| word == Disposition::OptedOut)), "asked by key", ""))
            (figure("Refused", &count(refused), "by a rule", ""))
            (figure("Put off", &count(due), "", ""))
        }
    }

    pub fn figures(&self) -> Markup {
        if self.calls.is_some() {
            return self.call_figures();
        }
        let sent = self.sent();
        let delivered = self.ended(|word| word == Disposition::Delivered);
        let failed = self.ended(|word| !matches!(word, Disposition::Accepted | Disposition::Delivered | Disposition::Unknown));
        let unknown = self.ended(|word| word == Disposition::Unknown);
        let refused: i64 = self.refused.iter().map(|(_, n)| n).sum();
        let due: i64 = self.due.iter().map(|(_, n, _)| n).sum();
        let over = self.campaign.state.is_over();
        let (rate, beside) = if over { (self.since_start(), "on average".to_owned()) } else { (self.pace.per_second.or_else(|| self.since_start()), format!("of {} allowed", count(self.campaign.rate_per_second))) };
        html! {
            (figure("Sent", &count(sent), "taken by the carrier", ""))
            (figure("A second", &rate.map_or("–".to_owned(), |rate| format!("{rate:.1}")), &beside, ""))
            (figure("Delivered", &count(delivered), &share(delivered, sent), "good"))
            (figure("Failed", &count(failed), "", if failed > 0 { "bad" } else { "" }))
            (figure("Unknown", &count(unknown), "never resent by itself", ""))
            (figure("Refused", &count(refused), "by a rule", ""))
            (figure("Put off", &count(due), "", ""))
        }
    }

    pub fn pace(&self, session: &Session) -> Markup {
        let columns = self.pace_columns(session);
        let begins = if self.calls.is_some() { "The line begins a minute or so after this page was opened." } else { "The line begins a few seconds after this page was opened." };
        html! { @if columns.len() < 2 { p.soft { (begins) } } @else { (area(&format!("{}, the last five minutes", self.pace_series().name), &self.pace_series(), &columns)) } }
    }

    pub fn pace_rows(&self, session: &Session) -> Markup {
        rows(&self.pace_columns(session))
    }

    fn pace_columns(&self, session: &Session) -> Vec<Column> {
        self.pace.steps.iter().map(|(at, n)| Column { label: at.timestamp().to_zoned_datetime(session.zone.clone()).strftime("%H:%M:%S").to_string(), values: vec![*n] }).collect()
    }

    pub fn hours(&self, session: &Session) -> Markup {
        let columns = self.columns(session);
        html! { @if columns.is_empty() { p.soft { @if self.calls.is_some() { "No call has ended yet." } @else { "Nothing sent yet." } } } @else { (bars(&format!("{} by hour and how they ended", self.noun()), self.series(), &columns)) } }
    }

    pub fn hours_rows(&self, session: &Session) -> Markup {
        rows(&self.columns(session))
    }

    fn columns(&self, session: &Session) -> Vec<Column> {
        let hours = || self.measures.iter().map(|row| row.hour.ms());
        let Some((first, last)) = hours().min().zip(hours().max()) else { return Vec::new() };
        (first..=last).step_by(HOUR_MS as usize).map(|hour| self.column(Instant(hour), session)).collect()
    }

    /// Over, and no receipt is awaited any more.
    pub fn is_settled(&self) -> bool {
        self.campaign.state.is_over() && self.ended(|word| word == Disposition::Accepted) == 0 && self.calls.as_ref().is_none_or(|calls| calls.up() == 0)
    }

    fn column(&self, hour: Instant, session: &Session) -> Column {
        let place = if self.calls.is_some() { place_of_call } else { place_of_message };
        let mut values = vec![0; self.series().len()];
        for row in self.measures.iter().filter(|row| row.hour == hour) {
            values[place(row.disposition)] += row.n;
        }
        Column { label: hour.timestamp().to_zoned_datetime(session.zone.clone()).strftime("%a %H:%M").to_string(), values }
    }

    pub fn endings(&self) -> Markup {
        let mut rows: BTreeMap<(Disposition, &str), i64> = BTreeMap::new();
        for row in &self.measures {
            *rows.entry((row.disposition, row.cause.as_str())).or_insert(0) += row.n;
        }
        let total: i64 = rows.values().sum();
        html! { div.scroll { table.stacks {
            thead { tr { th scope="col" { "Ending" } th scope="col" { "Cause" } th.num scope="col" { (self.noun()) } th.num scope="col" { "Share" } } }
            tbody {
                @if rows.is_empty() { tr { td colspan="4" { span.soft { "Nothing yet" } } } }
                @for ((disposition, cause), n) in rows.iter().filter(|(_, n)| **n != 0) { @let (tone, icon) = disposition_tone(*disposition); tr {
                    td { (chip(tone, icon, disposition_name(*disposition))) } td data-label="Cause" { @if *disposition != Disposition::Delivered { (cause_words(cause)) } } td.num data-label=(self.noun()) { (count(*n)) } td.num data-label="Share" { (share(*n, total)) }
                } }
            }
        } } }
    }

    pub fn refusals(&self) -> Markup {
        html! {
            @if self.refused.is_empty() { p.soft { "Nobody was refused by a rule." } }
            ul.tally { @for (rules, n) in &self.refused { li { strong { (count(*n)) } div { (rules_in_words(rules)) } } } }
        }
    }

    /// Every region, in the form that the page swaps: each must hold exactly what its target holds. Once the state is
    /// another than the page was made for, the page is asked for anew: its buttons are not what they should be.
    fn message(&self, session: &Session, shown: CampaignState) -> String {
        let part = |target: &str, inner: Markup| html! { hx-partial hx-target=(target) hx-swap="innerMorph" { (inner) } };
        let moved = html! { @if self.campaign.state != shown { div hx-get={ "/campaigns/" (self.campaign.id) } hx-trigger="load" hx-target="#main" hx-select="#main" hx-swap="outerHTML" {} } };
        let parts = [
            part("#live-state", self.state(session)),
            part("#live-figures", self.figures()),
            part("#live-pace", self.pace(session)),
            part("#live-pace-rows", self.pace_rows(session)),
            part("#live-hours", self.hours(session)),
            part("#live-hours-rows", self.hours_rows(session)),
            part("#live-endings", self.endings()),
            part("#live-refusals", self.refusals()),
            part("#live-moved", moved),
        ];
        let of_calls = self.calls.as_ref().map(|calls| [part("#live-calls", calls.show()), part("#live-abandoned", calls.rate())]);
        parts.into_iter().chain(of_calls.into_iter().flatten()).map(maud::PreEscaped::<String>::into_string).collect()
    }
}

/// Among `SERIES`.
fn place_of_message(word: Disposition) -> usize {
    match word {
        Disposition::Delivered => 0,
        Disposition::Accepted => 1,
        Disposition::Unknown => 2,
        _ => 3,
    }
}

/// Among `CALL_SERIES`.
fn place_of_call(word: Disposition) -> usize {
    match counted_as(word) {
        Counted::Person => 0,
        Counted::Machine => 1,
        Counted::Nobody => 2,
        Counted::Abandoned => 3,
        Counted::Failed | Counted::Unknown => 4,
    }
}

fn rules_in_words(rules: &str) -> Markup {
    recipient::sentences(&rules.split([',', ' ']).filter(|id| !id.is_empty()).collect::<Vec<_>>())
}

async fn failing(session: &Session) -> Result<Vec<(String, String)>, Fault> {
    let statuses = session.tenant.store().trunk_status().await?;
    let mut failing = Vec::new();
    for trunk in session.tenant.trunks().await?.into_iter().filter(|trunk| trunk.enabled) {
        if let Some(status) = statuses.iter().find(|status| status.trunk == trunk.id && matches!(status.state, TrunkState::Refused | TrunkState::Waiting | TrunkState::Degraded)) {
            failing.push((trunk.name, if status.reason.is_empty() { status.state.to_string() } else { status.reason.clone() }));
        }
    }
    Ok(failing)
}

/// Ends when the campaign is settled or has moved on, when the session is over, and when the reader goes.
pub async fn stream(State(portal): State<Portal>, session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let campaign = find(&session, &id).await?;
    // The page says which state it was made for: between it and this request the campaign may have moved on.
    let (id, shown) = (campaign.id, asked.0.word("shown").unwrap_or(campaign.state));
    let told = futures_util::stream::unfold((portal, session, String::new(), false), move |(portal, mut session, last, over)| async move {
        if over {
            return None;
        }
        loop {
            if !last.is_empty() {
                tokio::time::sleep(EVERY).await;
            }
            session.now = (portal.config.clock)();
            portal.store.session_user(&session.token, session.now).await.ok().flatten().filter(|user| user.role.may(Right::View))?;
            let snapshot = Snapshot::read(&portal, &session, id).await.ok()?;
            let over = snapshot.is_settled() || snapshot.campaign.state != shown;
            let message = snapshot.message(&session, shown);
            if message != last || over {
                let event = Event::default().data(message.clone());
                return Some((Ok::<_, Infallible>(event), (portal, session, message, over)));
            }
        }
    });
    Ok(Sse::new(told).keep_alive(KeepAlive::default()).into_response())
}
