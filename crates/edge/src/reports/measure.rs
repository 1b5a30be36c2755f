//! The report of a period. It equals a recount of the attempts, which a test of the store keeps.

use std::collections::{BTreeMap, HashMap};

use axum::response::Response;
use clarion_domain::audit::event::Act;
use clarion_domain::id::CampaignId;
use clarion_domain::intake::csv_text;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::{DAY_MS, Instant};
use clarion_store::reports::{CampaignSum, EndingSum, MeasureRow, Span};
use clarion_store::{StoreError, Tenant};
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::outcomes::words::{cause_words, disposition_name, disposition_tone};
use crate::page::chart::{self, Column, Series, area, table};
use crate::page::chip::{Tone, chip};
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::{count, share};
use crate::page::form::{Fill, Input, select};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::REPORTS;
use crate::page::table::empty;
use crate::page::when;
use crate::page::xlsx::{Cell, ROWS_MAX, Sheet};
use crate::reports::files::{self, Counts};
use crate::reports::totals::{is_reached, totals};
use crate::tenancy::guard::Session;

const DAYS_MAX: i64 = 366;
/// The table by campaign is read by people: older ones stand in it together.
const CAMPAIGNS_SHOWN: usize = 200;

/// The period and the campaign asked for; the last 30 days when nothing or nonsense was.
struct Query {
    from: Instant,
    /// Excluded.
    to: Instant,
    campaign: Option<CampaignId>,
    fields: Fields,
}

impl Query {
    fn read(session: &Session, asked: &Asked, problems: &mut Problems) -> Self {
        let today = when::day_start(session.now, &session.zone);
        let day = |name: &str, otherwise: Instant, problems: &mut Problems| match when::from_local(&format!("{}T00:00", asked.0.get(name)), &session.zone) {
            Some(day) => day,
            None => {
                if asked.0.is_set(name) {
                    problems.add(name, "Enter a day, for instance 2026-11-23");
                }
                otherwise
            }
        };
        let mut from = day("from", days_after(today, -29, &session.zone), problems);
        let last = day("to", today, problems);
        if last < from || last.ms() - from.ms() > DAYS_MAX * DAY_MS {
            problems.add("to", "Choose a last day on or after the first, at most a year later");
            from = days_after(last, -29, &session.zone);
        }
        let to = days_after(last, 1, &session.zone);
        let iso = |at: Instant| when::to_local(at, &session.zone)[..10].to_owned();
        let campaign = asked.0.word("campaign");
        let fields = Fields::new().with("from", iso(from)).with("to", iso(last)).with("campaign", asked.0.get("campaign"));
        Self { from, to, campaign, fields }
    }

    fn days(&self, zone: &TimeZone) -> Vec<Span> {
        let starts = std::iter::successors(Some(self.from), |day| Some(days_after(*day, 1, zone))).take_while(|day| *day < self.to);
        starts.map(|day| (day, days_after(day, 1, zone))).collect()
    }

    fn counts(&self, session: &Session) -> Counts {
        Counts { tenant: session.tenant.clone(), campaign: self.campaign, span: (self.from, self.to) }
    }

    fn link(&self) -> String {
        format!("from={}&to={}&campaign={}", self.fields.get("from"), self.fields.get("to"), self.campaign.map_or(String::new(), |id| id.to_string()))
    }
}

/// The start of another day. One may have 23 or 25 hours: it is found on the clock, not by adding alone.
fn days_after(day: Instant, days: i64, zone: &TimeZone) -> Instant {
    when::day_start(day.plus_ms(days * DAY_MS + DAY_MS / 4), zone)
}

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    let mut problems = Problems::new();
    let query = Query::read(&session, &asked, &mut problems);
    let (tenant, span) = (&session.tenant, (query.from, query.to));
    let days = query.days(&session.zone);
    let endings = tenant.ending_sums(query.campaign, span).await?;
    let campaigns = tenant.campaign_sums(query.campaign, span, is_reached, CAMPAIGNS_SHOWN as i64 + 1).await?;
    let attempts = tenant.attempts_within(query.campaign, &days).await?;
    let names = tenant.campaign_names_of(campaigns.iter().map(|sum| sum.campaign)).await?;
    let mut choices = vec![(String::new(), "All campaigns".to_owned())];
    choices.extend(tenant.campaign_names().await?.into_iter().map(|(id, name)| (id.to_string(), name)));
    let fill = Fill { fields: &query.fields, problems: &problems };
    let body = html! {
        form.card method="get" action="/reports" { div.row {
            (Input::new("from", "First day").kind("date").show(fill))
            (Input::new("to", "Last day").kind("date").show(fill))
            (select("campaign", "Campaign", "", &choices, fill))
            button.button.quiet type="submit" { "Show" }
        } }
        @if endings.is_empty() { section.card { (empty(Icon::Chart, "Nothing was sent in this period", "Choose another period, or start a campaign.", None)) } }
        @else { (totals(&endings)) (by_day(&session, &days, &attempts)) div.columns { (by_campaign(&endings, &campaigns, &names)) (by_ending(&endings)) } }
    };
    Ok(Page::new(REPORTS, "Reports").problems(&problems).actions(html! { a.button.quiet href="/reports/compare" { "Compare campaigns" } a.button.quiet href={ "/reports.csv?" (query.link()) } { "Download (CSV)" } a.button.quiet href={ "/reports.xlsx?" (query.link()) } { "Download (Excel)" } }).show(&session, &body))
}

fn by_day(session: &Session, days: &[Span], attempts: &[i64]) -> Markup {
    let label = |day: Instant| day.timestamp().to_zoned_datetime(session.zone.clone()).strftime("%-d %b").to_string();
    let columns: Vec<Column> = days.iter().zip(attempts).map(|((day, _), n)| Column { label: label(*day), values: vec![*n] }).collect();
    let series = Series { name: "Attempts", tone: Tone::Info };
    html! { section.card { header { h2 { "Attempts by day" } } (area("Attempts by day", &series, &columns)) (table("Attempts by day", "Day", &[series], "", &chart::rows(&columns))) } }
}

/// The newest ones each, and what is left for all others, so that the table adds up to the page's figures.
fn by_campaign(endings: &[EndingSum], campaigns: &[CampaignSum], names: &HashMap<CampaignId, String>) -> Markup {
    let shown = &campaigns[..campaigns.len().min(CAMPAIGNS_SHOWN)];
    let all = |which: fn(Disposition) -> bool| endings.iter().filter(|row| which(row.disposition)).map(|row| row.n).sum::<i64>();
    let (older, older_reached) = shown.iter().fold((all(|_| true), all(is_reached)), |(n, reached), sum| (n - sum.n, reached - sum.reached));
    let name = |id: &CampaignId| names.get(id).map_or("A removed campaign", String::as_str);
    let cells = |n: i64, reached: i64| html! { td.num data-label="Attempts" { (count(n)) } td.num data-label="Reached" { (count(reached)) } td.num data-label="Share" { (share(reached, n)) } };
    html! { section.card.flush { header { h2 { "By campaign" } } div.scroll { table.stacks {
        thead { tr { th scope="col" { "Campaign" } th.num scope="col" { "Attempts" } th.num scope="col" { "Reached" } th.num scope="col" { "Share" } } }
        tbody {
            @for sum in shown { tr { th scope="row" { a href={ "/campaigns/" (sum.campaign) } { (name(&sum.campaign)) } } (cells(sum.n, sum.reached)) } }
            @if campaigns.len() > shown.len() { tr { th scope="row" { "Older campaigns" } (cells(older, older_reached)) } }
        }
    } } } }
}

fn by_ending(rows: &[EndingSum]) -> Markup {
    let mut per: BTreeMap<(Disposition, &str), i64> = BTreeMap::new();
    for row in rows {
        *per.entry((row.disposition, row.cause.as_str())).or_default() += row.n;
    }
    html! { section.card.flush { header { h2 { "By ending and cause" } } div.scroll { table.stacks {
        thead { tr { th scope="col" { "Ending" } th scope="col" { "Cause" } th.num scope="col" { "Attempts" } } }
        tbody { @for ((disposition, cause), n) in per.iter().filter(|(_, n)| **n != 0) { @let (tone, icon) = disposition_tone(*disposition); tr { td { (chip(tone, icon, disposition_name(*disposition))) } td data-label="Cause" { @if *disposition != Disposition::Delivered { (cause_words(cause)) } } td.num { (count(*n)) } } } }
    } } } }
}

const CSV_HEADER: &str = "campaign,name,hour,channel,disposition,cause,attempts,segments,cost\r\n";

/// Hour by hour in UTC, as the counts are kept; a page at a time.
pub async fn download(session: Session, asked: Asked) -> Result<Response, Fault> {
    let query = Query::read(&session, &asked, &mut Problems::new());
    session.tenant.audit_alone(session.now, Act::Exported, "report", 0, "").await?;
    Ok(query.counts(&session).csv("report.csv", CSV_HEADER, lines))
}

async fn lines(tenant: Tenant, rows: Vec<MeasureRow>) -> Result<String, StoreError> {
    let names = tenant.campaign_names_of(rows.iter().map(|row| row.campaign)).await?;
    let line = |row: &MeasureRow| {
        let name = names.get(&row.campaign).map_or("", String::as_str);
        let cost = format!("{}.{:04}", row.cost / 10_000, row.cost % 10_000);
        format!("{},{},{},{},{},{},{},{},{cost}\r\n", row.campaign, csv_text::field(name), row.hour.rfc3339(), row.channel, row.disposition, csv_text::field(&row.cause), row.n, row.segments)
    };
    Ok(rows.iter().map(line).collect())
}

/// The same rows as a workbook: of a period that has more than it takes the CSV alone is given.
pub async fn workbook(session: Session, asked: Asked) -> Result<Response, Fault> {
    let query = Query::read(&session, &asked, &mut Problems::new());
    let Some(rows) = query.counts(&session).of_workbook().await? else {
        return Err(Fault::Store(StoreError::Conflict(format!("this period has more than {ROWS_MAX} rows, which is too much for a workbook: choose a shorter period, or download the CSV"))));
    };
    let names = session.tenant.campaign_names_of(rows.iter().map(|row| row.campaign)).await?;
    session.tenant.audit_alone(session.now, Act::Exported, "report", 0, "workbook").await?;
    let mut sheet = Sheet::new(&["campaign", "name", "hour", "channel", "disposition", "cause", "attempts", "segments", "cost"]);
    for row in &rows {
        let name = names.get(&row.campaign).map_or("", String::as_str);
        let (id, hour) = (row.campaign.to_string(), row.hour.rfc3339());
        sheet.row(&[
            Cell::Text(&id), Cell::Text(name), Cell::Text(&hour), Cell::Text(row.channel.as_str()), Cell::Text(row.disposition.as_str()), Cell::Text(&row.cause), Cell::Number(row.n),
            Cell::Number(row.segments), Cell::Money(row.cost),
        ]);
    }
    Ok(files::workbook("report.xlsx", sheet))
}
