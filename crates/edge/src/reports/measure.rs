//! The report of a period. It equals a recount of the attempts, which a test of the store keeps.

use std::collections::{BTreeMap, HashMap};

use axum::http::header;
use axum::response::{IntoResponse, Response};
use clarion_domain::audit::event::Act;
use clarion_domain::id::CampaignId;
use clarion_domain::intake::csv_text;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::{DAY_MS, Instant};
use clarion_store::StoreError;
use clarion_store::reports::MeasureRow;
use maud::{Markup, html};

use crate::api::answer::csv;
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
use crate::reports::totals::{is_reached, totals};
use crate::tenancy::guard::Session;

const DAYS_MAX: i64 = 366;

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
        let mut from = day("from", today.plus_ms(-29 * DAY_MS), problems);
        let last = day("to", today, problems);
        if last < from || last.ms() - from.ms() > DAYS_MAX * DAY_MS {
            problems.add("to", "Choose a last day on or after the first, at most a year later");
            from = last.plus_ms(-29 * DAY_MS);
        }
        // A day may have 23 or 25 hours: the next day's start is found on the clock, not by adding.
        let to = when::day_start(last.plus_ms(DAY_MS + DAY_MS / 4), &session.zone);
        let iso = |at: Instant| when::to_local(at, &session.zone)[..10].to_owned();
        let campaign = asked.0.word("campaign");
        let fields = Fields::new().with("from", iso(from)).with("to", iso(last)).with("campaign", asked.0.get("campaign"));
        Self { from, to, campaign, fields }
    }

    fn link(&self) -> String {
        format!("from={}&to={}&campaign={}", self.fields.get("from"), self.fields.get("to"), self.campaign.map_or(String::new(), |id| id.to_string()))
    }
}

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    let mut problems = Problems::new();
    let query = Query::read(&session, &asked, &mut problems);
    let rows = session.tenant.measures_through(query.campaign, query.from, query.to).await?;
    let names = session.tenant.campaign_names_of(rows.iter().map(|row| row.campaign)).await?;
    let mut choices = vec![(String::new(), "All campaigns".to_owned())];
    choices.extend(session.tenant.campaign_names().await?.into_iter().map(|(id, name)| (id.to_string(), name)));
    let fill = Fill { fields: &query.fields, problems: &problems };
    let body = html! {
        form.card method="get" action="/reports" { div.row {
            (Input::new("from", "First day").kind("date").show(fill))
            (Input::new("to", "Last day").kind("date").show(fill))
            (select("campaign", "Campaign", "", &choices, fill))
            button.button.quiet type="submit" { "Show" }
        } }
        @if rows.is_empty() { section.card { (empty(Icon::Chart, "Nothing was sent in this period", "Choose another period, or start a campaign.", None)) } }
        @else { (totals(&rows)) (days(&session, &query, &rows)) div.columns { (by_campaign(&rows, &names)) (by_ending(&rows)) } }
    };
    Ok(Page::new(REPORTS, "Reports").problems(&problems).actions(html! { a.button.quiet href="/reports/compare" { "Compare campaigns" } a.button.quiet href={ "/reports.csv?" (query.link()) } { "Download (CSV)" } a.button.quiet href={ "/reports.xlsx?" (query.link()) } { "Download (Excel)" } }).show(&session, &body))
}

fn days(session: &Session, query: &Query, rows: &[MeasureRow]) -> Markup {
    let mut per_day: BTreeMap<i64, i64> = BTreeMap::new();
    let mut day = query.from;
    while day < query.to {
        per_day.insert(day.ms(), 0);
        day = when::day_start(day.plus_ms(DAY_MS + DAY_MS / 4), &session.zone);
    }
    for row in rows {
        *per_day.entry(when::day_start(row.hour, &session.zone).ms()).or_insert(0) += row.n;
    }
    let label = |ms: i64| Instant(ms).timestamp().to_zoned_datetime(session.zone.clone()).strftime("%-d %b").to_string();
    let columns: Vec<Column> = per_day.iter().map(|(day, n)| Column { label: label(*day), values: vec![*n] }).collect();
    let series = Series { name: "Attempts", tone: Tone::Info };
    html! { section.card { header { h2 { "Attempts by day" } } (area("Attempts by day", &series, &columns)) (table("Attempts by day", "Day", &[series], "", &chart::rows(&columns))) } }
}

fn by_campaign(rows: &[MeasureRow], names: &HashMap<CampaignId, String>) -> Markup {
    let mut per: BTreeMap<CampaignId, (i64, i64)> = BTreeMap::new();
    for row in rows {
        let entry = per.entry(row.campaign).or_default();
        entry.0 += row.n;
        entry.1 += if is_reached(row.disposition) { row.n } else { 0 };
    }
    let name = |id: &CampaignId| names.get(id).map_or("A removed campaign", String::as_str);
    html! { section.card.flush { header { h2 { "By campaign" } } div.scroll { table.stacks {
        thead { tr { th scope="col" { "Campaign" } th.num scope="col" { "Attempts" } th.num scope="col" { "Reached" } th.num scope="col" { "Share" } } }
        tbody { @for (id, (all, reached)) in per.iter().rev() { tr { th scope="row" { a href={ "/campaigns/" (id) } { (name(id)) } } td.num data-label="Attempts" { (count(*all)) } td.num data-label="Reached" { (count(*reached)) } td.num data-label="Share" { (share(*reached, *all)) } } } }
    } } } }
}

fn by_ending(rows: &[MeasureRow]) -> Markup {
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
const CSV_LINES: i64 = 2_000;

/// Hour by hour in UTC, as the counts are kept; a page at a time.
pub async fn download(session: Session, asked: Asked) -> Result<Response, Fault> {
    let query = Query::read(&session, &asked, &mut Problems::new());
    session.tenant.audit_alone(session.now, Act::Exported, "report", 0, "").await?;
    let (tenant, campaign, span) = (session.tenant.clone(), query.campaign, (query.from, query.to));
    Ok(csv("report.csv", move |after: Option<MeasureRow>| {
        let tenant = tenant.clone();
        async move {
            let rows = tenant.measures_page(campaign, span, after.as_ref(), CSV_LINES).await?;
            let names = tenant.campaign_names_of(rows.iter().map(|row| row.campaign)).await?;
            let mut text = if after.is_none() { CSV_HEADER.to_owned() } else { String::new() };
            for row in &rows {
                let name = names.get(&row.campaign).map_or("", String::as_str);
                let cost = format!("{}.{:04}", row.cost / 10_000, row.cost % 10_000);
                text.push_str(&format!("{},{},{},{},{},{},{},{},{cost}\r\n", row.campaign, csv_text::field(name), row.hour.rfc3339(), row.channel, row.disposition, csv_text::field(&row.cause), row.n, row.segments));
            }
            let next = if rows.len() as i64 == CSV_LINES { rows.into_iter().next_back() } else { None };
            Ok((text, next))
        }
    }))
}

/// The same rows as a workbook, which is made in memory: of a period that has more the CSV alone is given.
pub async fn workbook(session: Session, asked: Asked) -> Result<Response, Fault> {
    let query = Query::read(&session, &asked, &mut Problems::new());
    let rows = session.tenant.measures_page(query.campaign, (query.from, query.to), None, ROWS_MAX as i64 + 1).await?;
    if rows.len() > ROWS_MAX {
        return Err(Fault::Store(StoreError::Conflict(format!("this period has more than {ROWS_MAX} rows, which is too much for a workbook: choose a shorter period, or download the CSV"))));
    }
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
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, "attachment; filename=\"report.xlsx\"")], sheet.finish()).into_response())
}
