//! Campaigns day by day.

use axum::Json;
use clarion_domain::campaigns::calendar::{CalendarDay as StoredDay, DAYS_MAX, Entry, Holiday};
use clarion_store::campaigns::{Calendar as Stored, CampaignRecord};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::Query;
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::wire::{CampaignId, CampaignState, Channel, Time, TimeOfDay};

/// Some days.
#[derive(Serialize, ToSchema)]
pub struct Calendar {
    /// Your organisation's: in which the days are meant.
    zone: String,
    days: Vec<CalendarDay>,
    /// There are more campaigns in these days than are told: ask for fewer days.
    more: bool,
}

/// One day.
#[derive(Serialize, ToSchema)]
pub struct CalendarDay {
    #[schema(format = Date)]
    date: String,
    /// `no`, `yes`, or `not_known`: so far ahead the rules take every day for a bank holiday.
    bank_holiday: &'static str,
    campaigns: Vec<CalendarCampaign>,
}

/// What a campaign does on a day.
#[derive(Serialize, ToSchema)]
pub struct CalendarCampaign {
    campaign: CampaignId,
    name: String,
    state: CampaignState,
    channel: Channel,
    /// When it starts or started, if on this day.
    starts_at: Option<Time>,
    /// Its own hours on this day, on the clock of each contact; null when it contacts nobody.
    from: Option<TimeOfDay>,
    until: Option<TimeOfDay>,
    /// When it ends or ended, if on this day.
    ends_at: Option<Time>,
}

fn shown(day: StoredDay, campaigns: &[CampaignRecord]) -> CalendarDay {
    let entry = |entry: Entry| {
        let campaign = &campaigns[entry.campaign];
        CalendarCampaign {
            campaign: campaign.id.into(),
            name: campaign.name.clone(),
            state: campaign.state.into(),
            channel: campaign.channel.into(),
            starts_at: entry.starts_at.map(Time),
            from: entry.open.map(|(from, _)| TimeOfDay(from)),
            until: entry.open.map(|(_, until)| TimeOfDay(until)),
            ends_at: entry.ends_at.map(Time),
        }
    };
    let bank_holiday = match day.holiday {
        Holiday::No => "no",
        Holiday::Yes => "yes",
        Holiday::NotKnown => "not_known",
    };
    CalendarDay { date: day.date.to_string(), bank_holiday, campaigns: day.entries.into_iter().map(entry).collect() }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CalendarQuery {
    /// The first day, as 2026-11-23.
    #[param(pattern = "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$")]
    first: String,
    /// How many days; 7 when left out.
    #[param(minimum = 1, maximum = 42)]
    days: Option<u32>,
}

/// Campaigns day by day
///
/// From a campaign's start to its end, on the days on which it may contact people; drafts with a start are among them.
#[utoipa::path(get, path = "/calendar", tag = "campaigns", params(CalendarQuery), responses((status = 200, body = Calendar)))]
pub async fn get(caller: Caller, Query(query): Query<CalendarQuery>) -> Result<Json<Calendar>, Problem> {
    let wrong = |field: &str, message: &str| Problem::malformed(format!("{field}: {message}")).with(field, message);
    let first = query.first.parse::<Date>().ok().filter(|date| (2000..2100).contains(&date.year()) && query.first.len() == 10);
    let first = first.ok_or_else(|| wrong("first", "a day, written as 2026-11-23"))?;
    let count = query.days.unwrap_or(7) as usize;
    if !(1..=DAYS_MAX).contains(&count) {
        return Err(wrong("days", "from 1 to 42"));
    }
    let zone = caller.tenant.record().await?.zone;
    let Stored { days, campaigns, more } = caller.tenant.calendar(first, count, caller.now).await?;
    Ok(Json(Calendar { zone, days: days.into_iter().map(|day| shown(day, &campaigns)).collect(), more }))
}
