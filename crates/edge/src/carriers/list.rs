//! All trunks, routes and senders on one page.

use axum::response::Response;
use clarion_domain::carriers::sender::SenderKind;
use clarion_domain::tenancy::role::Right;
use clarion_domain::time::{Instant, MINUTE_MS};
use clarion_store::campaigns::SenderRecord;
use clarion_store::carriers::{RouteRecord, TrunkRecord, TrunkStatus};
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::{route, sender, state_chip};
use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::count;
use crate::page::form::{Fill, confirmed};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::CARRIERS;
use crate::page::said::said;
use crate::page::table::empty;
use crate::page::when;
use crate::tenancy::guard::Session;

/// A node that has said nothing for so long is not believed any more.
const SILENT_MS: i64 = MINUTE_MS;

pub async fn page(session: Session, asked: Asked) -> Result<Response, Fault> {
    let fields = Fields::new().with("prefix", "+44").with("priority", "1");
    show(&session, &fields, &Problems::new(), said(&asked)).await
}

pub async fn show(session: &Session, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let (trunks, statuses) = (session.tenant.trunks().await?, session.tenant.store().trunk_status().await?);
    let (routes, senders) = (session.tenant.routes().await?, session.tenant.senders().await?);
    let may = session.may(Right::ManageTrunks);
    let fill = Fill { fields, problems };
    let body = html! {
        section.card.flush {
            header { h2 { "Trunks" } }
            @if trunks.is_empty() {
                (empty(Icon::Signal, "No trunk yet", "A trunk is an account with a carrier. Without one nothing can be sent.", may.then_some(("/carriers/trunks/new", "Add a trunk"))))
            } @else { (trunk_table(session, &trunks, &statuses)) }
        }
        (sender_table(&senders, may, &session.zone))
        (route_table(&routes, &trunks, may))
        @if may { div.columns { (sender::form(fill)) (route::form(&trunks, fill)) } }
    };
    let mut page = Page::new(CARRIERS, "Carriers").lead(html! { p { "Accounts with carriers, which messages take which of them, and who messages come from." } }).said(said).problems(problems);
    if may {
        page = page.actions(html! { a.button.quiet href="/carriers/targets" { "Transfer targets" } a.button href="/carriers/trunks/new" { "Add a trunk" } });
    }
    Ok(page.show(session, &body))
}

pub fn trunk_table(session: &Session, trunks: &[TrunkRecord], statuses: &[TrunkStatus]) -> Markup {
    html! {
        div.scroll { table.stacks {
            thead { tr { th scope="col" { "Trunk" } th scope="col" { "State" } th.num scope="col" { "Rate now" } th.num scope="col" { "Configured" } th.num scope="col" { "Waiting" } th.num scope="col" { "Accepted" } th.num scope="col" { "Throttled" } th scope="col" { "Since" } } }
            tbody { @for trunk in trunks {
                @let said: Vec<&TrunkStatus> = statuses.iter().filter(|status| status.trunk == trunk.id).collect();
                @let sum = |of: fn(&TrunkStatus) -> i64| said.iter().map(|status| of(status)).sum::<i64>();
                tr {
                    th scope="row" { a href={ "/carriers/trunks/" (trunk.id) } { (trunk.name) } div.small.soft { (trunk.settings.kind().as_str().to_uppercase()) @if trunk.tenant.is_none() { ", shared by the operator" } } }
                    td { (state(session.now, trunk, &said)) }
                    td.num data-label="Rate now" { (count(sum(|status| status.rate_now))) "/s" }
                    td.num data-label="Configured" { (count(trunk.rate_per_second)) "/s" }
                    td.num data-label="Waiting" { (count(sum(|status| status.outstanding))) }
                    td.num data-label="Accepted" { (count(sum(|status| status.accepted))) }
                    td.num data-label="Throttled" { (count(sum(|status| status.throttled))) }
                    td.tight-cell data-label="Since" { (when::optional(said.iter().map(|status| status.since).max(), &session.zone)) }
                }
            } }
        } }
    }
}

pub fn state(now: Instant, trunk: &TrunkRecord, said: &[&TrunkStatus]) -> Markup {
    html! {
        @if !trunk.enabled { (chip(Tone::Calm, Icon::Pause, "Disabled")) }
        @else if said.is_empty() { (chip(Tone::Calm, Icon::Question, "Not heard from yet")) }
        @for status in said.iter().filter(|_| trunk.enabled) {
            @if status.seen_at.plus_ms(SILENT_MS) < now { (chip(Tone::Warn, Icon::Question, "Silent")) div.small.soft { "The node said nothing for " (when::length(now.ms() - status.seen_at.ms())) "." } }
            @else { (state_chip(status.state)) @if !status.reason.is_empty() { div.small.soft { (capitalised(&status.reason)) } } }
        }
    }
}

fn route_table(routes: &[RouteRecord], trunks: &[TrunkRecord], may: bool) -> Markup {
    let name = |route: &RouteRecord| trunks.iter().find(|trunk| trunk.id == route.trunk).map_or("another's trunk", |trunk| trunk.name.as_str());
    html! {
        section.card.flush {
            header { h2 { "Routes" } p.small.soft { "The longest prefix wins; then the lowest priority whose trunk is up." } }
            @if routes.is_empty() { p.soft.more { "No route yet: messages find no trunk." } } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "Numbers" } th scope="col" { "From" } th scope="col" { "Trunk" } th.num scope="col" { "Priority" } th scope="col" { span.unseen { "Remove" } } } }
                    tbody { @for route in routes { tr {
                        th.mono scope="row" { @if route.prefix == "+" { "all" } @else { (route.prefix) "…" } } td data-label="From" { @if route.sender.is_empty() { "any sender" } @else { (route.sender) } } td data-label="Trunk" { (name(route)) } td.num data-label="Priority" { (route.priority) }
                        td { @if may && route.tenant.is_some() { (confirmed("Remove…", "Nothing is sent by it any more, from the next message on.", &format!("/carriers/routes/{}/remove", route.id), "Yes, remove it")) } }
                    } } }
                } }
            }
        }
    }
}

/// UK-12 and UK-14: what the tenant has confirmed of a number, and the form that confirms it.
fn shown_by_calls(sender: &SenderRecord, may: bool, zone: &TimeZone) -> Markup {
    html! {
        @if sender.is_do_not_originate { div { strong { "Not for calls" } ": on a list of numbers from which nobody calls (Do Not Originate)" } }
        @match sender.answered_at {
            Some(at) => { div { "Answered day and night, confirmed " (when::time(at, zone)) } }
            None => { div.soft { "Not yet confirmed that it is answered" } }
        }
        @if let Some(at) = sender.inbound_at { div.small.soft { "Takes calls: " (sender.inbound_evidence) ", " (when::time(at, zone)) } }
        @if may {
            details { summary { "Confirm" } form.stack method="post" action="/carriers/senders/confirm" {
                input type="hidden" name="value" value=(sender.value);
                label { input type="checkbox" name="answered" value="yes" checked[sender.answered_at.is_some()]; " Somebody, or an announcement, answers it day and night" }
                label { "How it is known to take calls (for a mobile number)" input name="inbound_evidence" value=(sender.inbound_evidence) maxlength="500"; }
                button.button.quiet.slim type="submit" { "Save" }
            } }
        }
    }
}

fn sender_table(senders: &[SenderRecord], may: bool, zone: &TimeZone) -> Markup {
    html! {
        section.card.flush {
            header { h2 { "Senders" } }
            @if senders.is_empty() { p.soft.more { "No sender yet: a message must say whom it is from." } } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "Sender" } th scope="col" { "Replies" } th scope="col" { "Evidence" } th scope="col" { "Shown by calls" } th scope="col" { span.unseen { "Remove" } } } }
                    tbody { @for sender in senders { tr {
                        th scope="row" { (sender.value) } td data-label="Replies" { (if sender.takes_replies { "Taken" } else { "None" }) } td data-label="Evidence" { (sender.evidence) }
                        td data-label="Shown by calls" { @if sender.kind == SenderKind::Number { (shown_by_calls(sender, may, zone)) } @else { "Never" } }
                        td { @if may { details.confirm { summary.button.danger { "Remove…" } div { p { "No campaign can begin with it any more." } form method="post" action="/carriers/senders/remove" { input type="hidden" name="value" value=(sender.value); button.button.danger type="submit" { "Yes, remove it" } } } } } }
                    } } }
                } }
            }
        }
    }
}
