//! Attempts counted per campaign, hour, channel, disposition and cause.

use std::future::ready;

use axum::Json;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clarion_domain::audit::event::Act;
use clarion_domain::id;
use clarion_domain::intake::csv_text;
use clarion_domain::time::{DAY_MS, Instant};
use clarion_store::reports::{MeasureCursor as StoredCursor, MeasureRow};
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::api::body::Query;
use crate::api::caller::Caller;
use crate::api::page::{Limit, limit_of};
use crate::api::problem::Problem;
use crate::api::wire::{CampaignId, Channel, Disposition, File, Time};
use crate::page::xlsx::{Cell, ROWS_MAX, Sheet};
use crate::reports::files::{self, Counts};

const CSV_HEADER: &str = "campaign,hour,channel,disposition,cause,attempts,segments,cost\r\n";
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

/// Where a page of counts ended; to be handed back as it came.
pub struct MeasureCursor(StoredCursor);

impl Serialize for MeasureCursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let StoredCursor { hour, campaign, channel, disposition, cause } = &self.0;
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(format!("{} {} {channel} {disposition} {cause}", hour.ms(), campaign.0)))
    }
}

impl<'de> Deserialize<'de> for MeasureCursor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| serde::de::Error::custom("not a cursor: hand back the `next` of the page before, or leave it out for the first page"))
    }
}

impl MeasureCursor {
    fn read(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut parts = text.splitn(5, ' ');
        let cursor = StoredCursor {
            hour: Instant(parts.next()?.parse().ok()?),
            campaign: id::CampaignId(parts.next()?.parse().ok()?),
            channel: parts.next()?.parse().ok()?,
            disposition: parts.next()?.parse().ok()?,
            cause: parts.next()?.to_owned(),
        };
        // PostgreSQL has no text with a NUL in it.
        (!cursor.cause.contains('\0')).then_some(Self(cursor))
    }
}

impl PartialSchema for MeasureCursor {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9_-]+$")).description(Some("Where a page of counts ended.")).into()
    }
}

impl ToSchema for MeasureCursor {}

/// One page of counts.
#[derive(Serialize, ToSchema)]
pub struct MeasurePage {
    items: Vec<Measure>,
    /// Hand it back as `after` for the next page; null on the last.
    next: Option<MeasureCursor>,
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

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MeasurePageQuery {
    /// Only this campaign, with all its steps.
    campaign: Option<CampaignId>,
    /// Hours from this moment on.
    from: Time,
    /// Hours before this moment; at most 366 days after `from`.
    to: Time,
    /// The `next` of the page before; left out for the first page.
    after: Option<MeasureCursor>,
    /// How many at most; 50 when left out.
    limit: Option<Limit>,
}

fn counts(caller: &Caller, campaign: Option<CampaignId>, from: Time, to: Time) -> Result<Counts, Problem> {
    let (from, to) = (from.0, to.0);
    if to <= from || to.ms() - from.ms() > SPAN_DAYS_MAX * DAY_MS {
        let message = format!("a moment after `from`, at most {SPAN_DAYS_MAX} days later");
        return Err(Problem::malformed(format!("to: {message}")).with("to", message));
    }
    Ok(Counts { tenant: caller.tenant.clone(), campaign: campaign.map(|campaign| campaign.0), span: (from, to) })
}

/// Attempts per campaign, hour, channel, disposition and cause, the first hour first
///
/// All of a long span comes at once as CSV.
#[utoipa::path(get, path = "/reports/measures", tag = "reports", params(MeasurePageQuery), responses((status = 200, body = MeasurePage)))]
pub async fn list(caller: Caller, Query(query): Query<MeasurePageQuery>) -> Result<Json<MeasurePage>, Problem> {
    let Counts { tenant, campaign, span } = counts(&caller, query.campaign, query.from, query.to)?;
    let page = tenant.measures_page(campaign, span, query.after.as_ref().map(|after| &after.0), limit_of(query.limit)).await?;
    Ok(Json(MeasurePage { items: page.rows.into_iter().map(Measure::from).collect(), next: page.next.map(MeasureCursor) }))
}

/// The same counts as CSV
///
/// Columns: campaign, hour, channel, disposition, cause, attempts, segments, cost.
#[utoipa::path(get, path = "/reports/measures.csv", tag = "reports", params(MeasureQuery), responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn download(caller: Caller, Query(query): Query<MeasureQuery>) -> Result<Response, Problem> {
    let counts = counts(&caller, query.campaign, query.from, query.to)?;
    caller.tenant.audit_alone(caller.now, Act::Exported, "report", 0, "").await?;
    Ok(counts.csv("measures.csv", CSV_HEADER, |_, rows| ready(Ok(rows.iter().map(line).collect()))))
}

fn line(row: &MeasureRow) -> String {
    let cause = csv_text::field(&row.cause);
    format!("{},{},{},{},{cause},{},{},{}\r\n", row.campaign, row.hour.rfc3339(), row.channel, row.disposition, row.n, row.segments, row.cost)
}

/// The same counts as an Excel workbook
///
/// One sheet with the columns of the CSV. Of more than 100,000 rows the CSV alone is given.
#[utoipa::path(get, path = "/reports/measures.xlsx", tag = "reports", params(MeasureQuery), responses((status = 200, body = File, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))]
pub async fn workbook(caller: Caller, Query(query): Query<MeasureQuery>) -> Result<Response, Problem> {
    let Some(rows) = counts(&caller, query.campaign, query.from, query.to)?.of_workbook().await? else {
        return Err(Problem::malformed(format!("this span has more than {ROWS_MAX} rows, which is too much for a workbook: choose a shorter one, or measures.csv")).with("to", "choose a shorter span"));
    };
    caller.tenant.audit_alone(caller.now, Act::Exported, "report", 0, "workbook").await?;
    let mut sheet = Sheet::new(&["campaign", "hour", "channel", "disposition", "cause", "attempts", "segments", "cost"]);
    for row in &rows {
        let (id, hour) = (row.campaign.to_string(), row.hour.rfc3339());
        sheet.row(&[
            Cell::Text(&id), Cell::Text(&hour), Cell::Text(row.channel.as_str()), Cell::Text(row.disposition.as_str()), Cell::Text(&row.cause), Cell::Number(row.n), Cell::Number(row.segments), Cell::Number(row.cost),
        ]);
    }
    Ok(files::workbook("measures.xlsx", sheet))
}
