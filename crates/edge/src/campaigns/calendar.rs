//! The campaigns of a month or a week. On a narrow screen the days are a list, without those on which nothing happens.

use axum::response::Response;
use clarion_domain::campaigns::calendar::{CalendarDay, Entry, Holiday};
use clarion_domain::campaigns::campaign::{CampaignState, Channel};
use clarion_domain::tenancy::role::Right;
use clarion_store::campaigns::{Calendar, CampaignRecord};
use jiff::civil::{Date, Weekday};
use jiff::ToSpan;
use maud::{Markup, html};

use super::words::state_name;
use crate::page::chip::Tone;
use crate::page::fault::Fault;
use crate::page::fields::Asked;
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::CAMPAIGNS;
use crate::page::table::empty;
use crate::page::when;
use crate::tenancy::guard::Session;

const ROOT: &str = "/campaigns/calendar";
const WEEK: usize = 7;

#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    Month,
    Week,
}

impl View {
    fn word(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Week => "week",
        }
    }

    /// The first day shown, and how many.
    fn span(self, day: Date) -> (Date, usize) {
        let monday = |date: Date| date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days());
        match self {
            Self::Week => (monday(day), WEEK),
            Self::Month => {
                let first = monday(day.first_of_month());
                let shown = first.until(day.last_of_month()).map_or(0, |span| span.get_days()) + 1;
                (first, (shown as usize).div_ceil(WEEK) * WEEK)
            }
        }
    }

    fn step(self, day: Date, forward: bool) -> Date {
        let span = match self {
            Self::Month => 1.month(),
            Self::Week => 1.week(),
        };
        if forward { day.saturating_add(span) } else { day.saturating_sub(span) }
    }

    fn title(self, day: Date, first: Date) -> String {
        match self {
            Self::Month => day.strftime("%B %Y").to_string(),
            Self::Week => format!("{} to {}", first.strftime("%-d %b"), first.saturating_add(6.days()).strftime("%-d %b %Y")),
        }
    }
}

fn link(view: View, day: Date) -> String {
    format!("{ROOT}?view={}&day={day}", view.word())
}

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    let today = session.now.timestamp().to_zoned_datetime(session.zone.clone()).date();
    // Years in which there are neither campaigns nor dates that can be written are today's.
    let day = asked.0.word::<Date>("day").filter(|day| (2000..=2100).contains(&day.year())).unwrap_or(today);
    let view = if asked.0.get("view") == "week" { View::Week } else { View::Month };
    let (first, count) = view.span(day);
    let calendar = session.tenant.calendar(first, count, session.now).await?;
    let nothing = calendar.days.iter().all(|day| day.entries.is_empty());
    let body = html! {
        nav.tabs aria-label="How much" { @for (kind, name) in [(View::Month, "Month"), (View::Week, "Week")] { a href=(link(kind, day)) aria-current=[(kind == view).then_some("page")] { (name) } } }
        section.card.flush {
            header {
                h2 aria-live="polite" { (view.title(day, first)) }
                nav.actions aria-label="Days" {
                    a.button.quiet.slim rel="prev" href=(link(view, view.step(day, false))) { "← " span.unseen { (view.title(view.step(day, false), view.span(view.step(day, false)).0)) } span aria-hidden="true" { "Earlier" } }
                    a.button.quiet.slim href=(link(view, today)) { "Today" }
                    a.button.quiet.slim rel="next" href=(link(view, view.step(day, true))) { span aria-hidden="true" { "Later" } span.unseen { (view.title(view.step(day, true), view.span(view.step(day, true)).0)) } " →" }
                }
            }
            (grid(&session, &calendar, view, day, today))
            @if nothing { (empty(Icon::Calendar, "Nothing on these days", "A campaign stands here from its start to its end, on the days on which it may contact people.", session.may(Right::RunCampaigns).then_some(("/campaigns/new", "New campaign")))) }
            @if calendar.more { p.small.soft.more { "There are more campaigns in these days than are shown. Look at a week." } }
        }
        p.small.soft { "Starts and ends are in " (session.record.zone) ". A campaign's hours are on the clock of each contact; the law's own hours narrow them. Bank holidays are those of the rules for " (session.record.default_region) "." }
    };
    Ok(Page::new(CAMPAIGNS, "Calendar").under("/campaigns", "Campaigns").show(&session, &body))
}

fn grid(session: &Session, calendar: &Calendar, view: View, shown: Date, today: Date) -> Markup {
    html! {
        div.calendar {
            div.weekdays aria-hidden="true" { @for name in ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] { span { (name) } } }
            ol.days { @for day in &calendar.days {
                @let apart = view == View::Month && day.date.month() != shown.month();
                li class=(classes(day, apart)) aria-current=[(day.date == today).then_some("date")] {
                    div.date {
                        time datetime=(day.date) { span.wide aria-hidden="true" { (day.date.day()) } span.narrow { (day.date.strftime("%A %-d %B")) } }
                        @if day.date == today { span.small { "today" } }
                        @match day.holiday { Holiday::Yes => span.small.closed { "bank holiday" }, Holiday::NotKnown => span.small.closed { "holidays not known" }, Holiday::No => {} }
                    }
                    @if !day.entries.is_empty() { ul { @for entry in &day.entries { (line(session, entry, &calendar.campaigns[entry.campaign])) } } }
                }
            } }
        }
    }
}

fn classes(day: &CalendarDay, apart: bool) -> String {
    let weekend = matches!(day.date.weekday(), Weekday::Saturday | Weekday::Sunday);
    let words = [(apart, "apart"), (weekend, "weekend"), (day.holiday == Holiday::Yes, "holiday"), (day.entries.is_empty(), "none")];
    words.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect::<Vec<_>>().join(" ")
}

fn tone(state: CampaignState) -> Tone {
    match state {
        CampaignState::Draft => Tone::Calm,
        CampaignState::Scheduled | CampaignState::Starting => Tone::Info,
        CampaignState::Running | CampaignState::Finished => Tone::Good,
        CampaignState::Paused => Tone::Warn,
        CampaignState::Cancelled => Tone::Bad,
    }
}

fn line(session: &Session, entry: &Entry, campaign: &CampaignRecord) -> Markup {
    let clock = |at| { let text = when::text(at, &session.zone); text.rsplit(' ').next().unwrap_or_default().to_owned() };
    html! {
        li class=(tone(campaign.state).class()) {
            a href={ "/campaigns/" (campaign.id) } { (campaign.name) }
            div.small {
                @if let Some(at) = entry.starts_at { strong { @if campaign.started_at.is_some() { "started " } @else { "starts " } (clock(at)) } " · " }
                @match entry.open { Some((from, until)) => { (from) "–" (until) }, None => "contacts nobody" }
                @if let Some(at) = entry.ends_at { " · " (if campaign.finished_at.is_some() { "ended" } else { "ends" }) " " (clock(at)) }
            }
            div.small.soft { (state_name(campaign.state)) @if campaign.channel == Channel::Voice { ", calls" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_shown_in_whole_weeks() {
        let span = |view: View, day: &str| {
            let (first, count) = view.span(day.parse().expect("a day"));
            (first.to_string(), count)
        };
        assert_eq!(span(View::Month, "2026-11-23"), ("2026-10-26".into(), 42));
        assert_eq!(span(View::Month, "2027-02-10"), ("2027-02-01".into(), 28));
        assert_eq!(span(View::Week, "2026-11-29"), ("2026-11-23".into(), 7));
        assert_eq!(View::Month.step("2026-01-31".parse().expect("a day"), true).to_string(), "2026-02-28");
    }
}
