//! Campaigns side by side: who was asked, who was reached, how it ended, what it cost.

use std::collections::BTreeSet;

use axum::response::Response;
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::id::CampaignId;
use clarion_domain::outcomes::disposition::Disposition;
use clarion_domain::time::Instant;
use clarion_store::StoreError;
use clarion_store::campaigns::CampaignRecord;
use clarion_store::reports::EndingSum;
use maud::{Markup, html};

use crate::campaigns::words::{purpose_name, state_chip};
use crate::outcomes::words::disposition_name;
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::{count, share};
use crate::page::form::{Fill, select};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::REPORTS;
use crate::page::table::empty;
use crate::page::when;
use crate::reports::totals::is_reached;
use crate::tenancy::guard::Session;

/// More columns than these are read by nobody.
const COMPARED_MAX: usize = 4;
const COST_UNIT: i64 = 10_000;

/// One column.
struct Column {
    campaign: CampaignRecord,
    refused: i64,
    /// Through all its steps.
    endings: Vec<EndingSum>,
}

impl Column {
    fn attempts(&self) -> i64 {
        self.endings.iter().map(|row| row.n).sum()
    }

    fn of(&self, which: impl Fn(Disposition) -> bool) -> i64 {
        self.endings.iter().filter(|row| which(row.disposition)).map(|row| row.n).sum()
    }

    fn cost(&self) -> i64 {
        self.endings.iter().map(|row| row.cost).sum()
    }

    fn with_share(&self, n: i64) -> Markup {
        html! { (count(n)) " " span.soft.small { (share(n, self.attempts())) } }
    }
}

/// In the currency's unit, with as many decimals as the amounts of one message need.
fn money(cost: i64) -> String {
    format!("{}.{:04}", cost / COST_UNIT, cost % COST_UNIT)
}

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    let mut names = session.tenant.campaign_names().await?;
    let mut columns: Vec<Column> = Vec::new();
    for id in (0..COMPARED_MAX).filter_map(|place| asked.0.word::<CampaignId>(&format!("campaign{place}"))) {
        let campaign = match session.tenant.campaign(id).await {
            Ok(campaign) if campaign.first == id && columns.iter().all(|column| column.campaign.id != id) => campaign,
            Ok(_) | Err(StoreError::NotFound(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        if names.iter().all(|(known, _)| *known != id) {
            names.push((id, campaign.name.clone()));
        }
        let endings = session.tenant.ending_sums(Some(id), (Instant(0), Instant(i64::MAX))).await?;
        columns.push(Column { campaign, refused: session.tenant.refusals_through(id).await?, endings });
    }
    let chosen: Vec<CampaignId> = columns.iter().map(|column| column.campaign.id).collect();
    let body = html! {
        (chooser(&names, &chosen))
        @if columns.len() < 2 {
            section.card { (empty(Icon::Chart, "Choose two campaigns or more", "They stand side by side here, each with its figures from its start to now, through all its steps.", None)) }
        } @else { (table(&session, &columns)) }
    };
    Ok(Page::new(REPORTS, "Compare campaigns").under("/reports", "Reports").show(&session, &body))
}

fn way(campaign: &CampaignRecord) -> &'static str {
    let other = campaign.sequence.then.iter().any(|step| step.channel != campaign.channel);
    match campaign.channel {
        _ if other => "texts and calls",
        Channel::Sms => "texts",
        Channel::Voice => "calls",
    }
}

fn chooser(names: &[(CampaignId, String)], chosen: &[CampaignId]) -> Markup {
    let none = Problems::new();
    let mut choices = vec![(String::new(), "–".to_owned())];
    choices.extend(names.iter().map(|(id, name)| (id.to_string(), name.clone())));
    html! {
        form.card method="get" action="/reports/compare" { div.row {
            @for place in 0..COMPARED_MAX {
                @let (name, held) = (format!("campaign{place}"), chosen.get(place).map_or(String::new(), ToString::to_string));
                @let fields = Fields::new().with(&name, held);
                (select(&name, ["First", "Second", "Third", "Fourth"][place], "", &choices, Fill { fields: &fields, problems: &none }))
            }
            button.button.quiet type="submit" { "Compare" }
        } }
    }
}

fn table(session: &Session, columns: &[Column]) -> Markup {
    let any = |channel: Channel| columns.iter().any(|column| column.campaign.channel == channel || column.endings.iter().any(|row| row.channel == channel));
    let words: BTreeSet<Disposition> = columns.iter().flat_map(|column| &column.endings).map(|row| row.disposition).collect();
    let line = |name: &str, cell: &dyn Fn(&Column) -> Markup| html! { tr { th scope="row" { (name) } @for column in columns { td.num { (cell(column)) } } } };
    let per_reached = |column: &Column| match column.of(is_reached) {
        0 => html! { "–" },
        reached => html! { (money(column.cost() / reached)) },
    };
    html! {
        section.card.flush { div.scroll { table {
            thead { tr { th scope="col" { span.unseen { "Figure" } } @for column in columns { th.num.named scope="col" { a href={ "/campaigns/" (column.campaign.id) } { (column.campaign.name) } } } } }
            tbody {
                (line("State", &|column| state_chip(column.campaign.state)))
                (line("Way", &|column| html! { (way(&column.campaign)) }))
                (line("Purpose", &|column| html! { (column.campaign.purpose.map_or("not said", |stated| purpose_name(stated.purpose))) }))
                (line("Started", &|column| when::optional(column.campaign.started_at, &session.zone)))
                (line("Ended", &|column| when::optional(column.campaign.finished_at, &session.zone)))
                (line("People", &|column| html! { (count(column.campaign.audience_size)) }))
                (line("Refused by a rule", &|column| html! { (count(column.refused)) }))
                (line("Attempts", &|column| html! { (count(column.attempts())) }))
                (line("Reached", &|column| column.with_share(column.of(is_reached))))
                @if any(Channel::Voice) {
                    (line("Put through", &|column| column.with_share(column.of(|word| word == Disposition::PutThrough))))
                    (line("Abandoned", &|column| column.with_share(column.of(|word| word == Disposition::Abandoned))))
                }
                @if any(Channel::Sms) { (line("Segments", &|column| html! { (count(column.endings.iter().map(|row| row.segments).sum())) })) }
                (line("Cost", &|column| html! { (money(column.cost())) }))
                (line("Cost for each one reached", &per_reached))
            }
            tbody {
                tr { th.soft scope="colgroup" colspan=(columns.len() + 1) { "How attempts ended" } }
                @for word in &words { (line(disposition_name(*word), &|column| column.with_share(column.of(|found| found == *word)))) }
            }
        } } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_keeps_what_one_message_costs() {
        assert_eq!([money(0), money(395), money(1_234_567)], ["0.0000", "0.0395", "123.4567"]);
    }
}
