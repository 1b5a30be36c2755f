//! Attempts counted per campaign, hour, channel, disposition and cause.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use clarion_domain::audit::event::Act;
use clarion_domain::id;
use clarion_domain::intake::csv_text;
use clarion_domain::time::{DAY_MS, Instant};
use clarion_store::reports::MeasureRow;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::answer::csv;
use crate::api::body::Query;
use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{CampaignId, Channel, Disposition, File, Time};
use crate::page::xlsx::{Cell, ROWS_MAX, Sheet};

const CSV_HEADER: &str = "campaign,hour,channel,disposition,cause,attempts,segments,cost\r\n";
const CSV_LINES: i64 = 2_000;
/// The longest span of one report.
const SPAN_DAYS_MAX: i64 = 366;

/// One count.
#[derive(Serialize, ToSchema)]
pub struct Measure {
    campaign: CampaignId,
    /// The UTC hour in which the carrier answered the submission.
    hour: Time,
    channel: Channel,
    disposition: Disposition,
    cause: String,
    /// How many attempts.
    n: i64,
    segments: i64,
    /// In ten-thousandths of the currency's unit.
    cost: i64,
}

impl From<MeasureRow> for Measure {
    fn from(row: MeasureRow) -> Self {
        Self {
            campaign: row.campaign.into(),
            hour: row.hour.into(),
            channel: row.channel.into(),
            disposition: row.disposition.into(),
            cause: row.cause,
            n: row.n,
            segments: row.segments,
            cost: row.cost,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MeasureQuery {
    /// Only this campaign, with all its steps.
    campaign: Option<CampaignId>,
    /// Hours from this moment on.
    from: Time,
    /// Hours before this moment; at most 366 days after `from`.
    to: Time,
}

/// The campaign, and from when to when.
type Span = (Option<id::CampaignId>, (Instant, Instant));

fn span(query: &MeasureQuery) -> Result<Span, Problem> {
    let (from, to): (Instant, Instant) = (query.from.0, query.to.0);
    if to <= from || to.ms() - from.ms() > SPAN_DAYS_MAX * DAY_MS {
        let message = format!("a moment after `from`, at most {SPAN_DAYS_MAX} days later");
        return Err(Problem::malformed(format!("to: {message}")).with("to", message));
    }
    Ok((query.campaign.map(|campaign| campaign.0), (from, to)))
}

/// Attempts per campaign, hour, channel, disposition and cause
#[utoipa::path(get, path = "/reports/measures", tag = "reports", params(MeasureQuery), responses((status = 200, body = Listing<Measure>)))]
pub async fn list(caller: Caller, Query(query): Query<MeasureQuery>) -> Result<Json<Listing<Measure>>, Problem> {
    let (campaign, (from, to)) = span(&query)?;
    Ok(Listing::whole(caller.tenant.measures_through(campaign, from, to).await?, Measure::from))
}

/// The same counts as CSV
///
/// Columns: campaign, hour, channel, disposition, cause, attempts, segments, cost.
#[utoipa::path(get, path = "/reports/measures.csv", tag = "reports", params(MeasureQuery), responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn download(caller: Caller, Query(query): Query<MeasureQuery>) -> Result<Response, Problem> {
    let (campaign, span) = span(&query)?;
    caller.tenant.audit_alone(caller.now, Act::Exported, "report", 0, "").await?;
    let tenant = caller.tenant;
    Ok(csv("measures.csv", move |after: Option<MeasureRow>| {
        let tenant = tenant.clone();
        async move {
            let rows = tenant.measures_page(campaign, span, after.as_ref(), CSV_LINES).await?;
            let mut text = if after.is_none() { CSV_HEADER.to_owned() } else { String::new() };
            for row in &rows {
                let cause = csv_text::field(&row.cause);
                text.push_str(&format!("{},{},{},{},{cause},{},{},{}\r\n", row.campaign, row.hour.rfc3339(), row.channel, row.disposition, row.n, row.segments, row.cost));
            }
            let next = if rows.len() as i64 == CSV_LINES { rows.into_iter().next_back() } else { None };
            Ok((text, next))
        }
    }))
}

/// The same counts as an Excel workbook
///
/// One sheet with the columns of the CSV. Of more than 100,000 rows the CSV alone is given.
#[utoipa::path(get, path = "/reports/measures.xlsx", tag = "reports", params(MeasureQuery), responses((status = 200, body = File, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))]
pub async fn workbook(caller: Caller, Query(query): Query<MeasureQuery>) -> Result<Response, Problem> {
    let (campaign, span) = span(&query)?;
    let rows = caller.tenant.measures_page(campaign, span, None, ROWS_MAX as i64 + 1).await?;
    if rows.len() > ROWS_MAX {
        return Err(Problem::malformed(format!("this span has more than {ROWS_MAX} rows, which is too much for a workbook: choose a shorter one, or measures.csv")).with("to", "choose a shorter span"));
    }
    caller.tenant.audit_alone(caller.now, Act::Exported, "report", 0, "workbook").await?;
    let mut sheet = Sheet::new(&["campaign", "hour", "channel", "disposition", "cause", "attempts", "segments", "cost"]);
    for row in &rows {
        let (id, hour) = (row.campaign.to_string(), row.hour.rfc3339());
        sheet.row(&[
            Cell::Text(&id), Cell::Text(&hour), Cell::Text(row.channel.as_str()), Cell::Text(row.disposition.as_str()), Cell::Text(&row.cause), Cell::Number(row.n), Cell::Number(row.segments), Cell::Number(row.cost),
        ]);
    }
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, "attachment; filename=\"measures.xlsx\"")], sheet.finish()).into_response())
}
