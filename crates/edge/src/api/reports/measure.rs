//! Attempts counted per campaign, hour, channel, disposition and cause.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
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
use crate::page::xlsx::{Cell, Sheet};

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
    /// Only this campaign.
    campaign: Option<CampaignId>,
    /// Hours from this moment on.
    from: Time,
    /// Hours before this moment; at most 366 days after `from`.
    to: Time,
}

async fn rows(caller: &Caller, query: &MeasureQuery) -> Result<Vec<MeasureRow>, Problem> {
    let (from, to): (Instant, Instant) = (query.from.0, query.to.0);
    if to <= from || to.ms() - from.ms() > SPAN_DAYS_MAX * DAY_MS {
        let message = format!("a moment after `from`, at most {SPAN_DAYS_MAX} days later");
        return Err(Problem::malformed(format!("to: {message}")).with("to", message));
    }
    let campaign: Option<id::CampaignId> = query.campaign.map(|campaign| campaign.0);
    Ok(caller.tenant.measures(campaign, from, to).await?)
}

/// Attempts per campaign, hour, channel, disposition and cause
#[utoipa::path(get, path = "/reports/measures", tag = "reports", params(MeasureQuery), responses((status = 200, body = Listing<Measure>)))]
pub async fn list(caller: Caller, Query(query): Query<MeasureQuery>) -> Result<Json<Listing<Measure>>, Problem> {
    Ok(Listing::whole(rows(&caller, &query).await?, Measure::from))
}

/// The same counts as CSV
///
/// Columns: campaign, hour, channel, disposition, cause, attempts, segments, cost.
#[utoipa::path(get, path = "/reports/measures.csv", tag = "reports", params(MeasureQuery), responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn download(caller: Caller, Query(query): Query<MeasureQuery>) -> Result<Response, Problem> {
    let mut text = String::from("campaign,hour,channel,disposition,cause,attempts,segments,cost\r\n");
    for row in rows(&caller, &query).await? {
        let cause = csv_text::field(&row.cause).into_owned();
        text.push_str(&format!("{},{},{},{},{cause},{},{},{}\r\n", row.campaign, row.hour.rfc3339(), row.channel, row.disposition, row.n, row.segments, row.cost));
    }
    Ok(csv("measures.csv", move |_: Option<()>| std::future::ready(Ok((text.clone(), None)))))
}

/// The same counts as an Excel workbook
///
/// One sheet with the columns of the CSV.
#[utoipa::path(get, path = "/reports/measures.xlsx", tag = "reports", params(MeasureQuery), responses((status = 200, body = File, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))]
pub async fn workbook(caller: Caller, Query(query): Query<MeasureQuery>) -> Result<Response, Problem> {
    let mut sheet = Sheet::new(&["campaign", "hour", "channel", "disposition", "cause", "attempts", "segments", "cost"]);
    for row in rows(&caller, &query).await? {
        let (id, hour) = (row.campaign.to_string(), row.hour.rfc3339());
        sheet.row(&[
            Cell::Text(&id), Cell::Text(&hour), Cell::Text(row.channel.as_str()), Cell::Text(row.disposition.as_str()), Cell::Text(&row.cause), Cell::Number(row.n), Cell::Number(row.segments), Cell::Number(row.cost),
        ]);
    }
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, "attachment; filename=\"measures.xlsx\"")], sheet.finish()).into_response())
}
