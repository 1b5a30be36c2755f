//! The audit: who did what to which record, newest first.

use axum::response::Response;
use clarion_domain::audit::event::{Act, OBJECT_KINDS};
use clarion_domain::id::{AttemptId, CampaignId, ContactId, ImportId, ListId, ReplyId, SftpAccountId, TrunkId, UserId};
use maud::{Markup, html};

use crate::page::chip::{Tone, chip};
use crate::page::fault::Fault;
use crate::page::fields::{Asked, Problems};
use crate::page::figure::count;
use crate::page::form::{Fill, select};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::AUDIT;
use crate::page::table::{empty, pager};
use crate::page::when;
use crate::tenancy::guard::Session;

const ROWS: i64 = 50;

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    let kind = OBJECT_KINDS.iter().find(|kind| asked.0.has("kind", kind)).copied().unwrap_or("");
    let act = asked.0.word::<Act>("act");
    let before = asked.0.number("before");
    let page = session.tenant.audit_events(kind, act.map_or("", Act::as_str), before, ROWS).await?;
    let team = session.team().await?;
    let none = Problems::new();
    let fill = Fill { fields: &asked.0, problems: &none };
    let any = || vec![(String::new(), "All".to_owned())];
    let mut kinds = any();
    kinds.extend(OBJECT_KINDS.iter().map(|kind| ((*kind).to_owned(), kind.replace('_', " "))));
    let mut acts = any();
    acts.extend(Act::ALL.iter().map(|act| (act.as_str().to_owned(), act.as_str().replace('_', " "))));
    let query = [("kind", kind), ("act", act.map_or("", Act::as_str))].iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let body = html! {
        section.card.flush {
            form.filter method="get" action="/audit" {
                (select("kind", "Record", "", &kinds, fill))
                (select("act", "Act", "", &acts, fill))
                button.button.quiet type="submit" { "Show" }
            }
            @if page.rows.is_empty() {
                (empty(Icon::Scroll, "Nothing matches", "Nothing of this kind has been done yet, or the filter is too narrow.", Some(("/audit", "Show everything"))))
            } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "Act" } th scope="col" { "Record" } th scope="col" { "Detail" } th scope="col" { "Entry" } } }
                    tbody { @for event in &page.rows { tr {
                        td.tight-cell { (when::exact(event.at, &session.zone)) }
                        td { (team.name(&event.actor)) }
                        td { (event.act.as_str().replace('_', " ")) }
                        td { (record(&event.object_kind, event.object_id)) }
                        td { (event.detail) }
                        td { span.mono.small.soft title=(event.hash) { (event.chain.as_str().replace('_', " ")) " " (event.number) } }
                    } } }
                } }
            }
            (pager("/audit", &query, before, page.next))
        }
    };
    let lead = html! { p { "Every change, every reveal of personal data and every sign-in, with who did it." } (verified(&session).await?) };
    Ok(Page::new(AUDIT, "Audit").lead(lead).show(&session, &body))
}

/// When every entry was last read and its hash made again, and what was found.
async fn verified(session: &Session) -> Result<Markup, Fault> {
    Ok(match session.tenant.last_audit_check().await? {
        None => html! { p.small.soft { "Not verified yet: that happens every night." } },
        Some(check) if check.fault.is_empty() => html! { p { (chip(Tone::Good, Icon::Check, "Whole")) " " span.small.soft { "Verified " (when::time(check.at, &session.zone)) ": " (count(check.entries)) " entries, each linked to the one before it." } } },
        Some(check) => html! { p { (chip(Tone::Bad, Icon::Cross, "Changed")) " First bad entry: " (check.fault.replace('_', " ")) ". " span.small.soft { "Verified " (when::time(check.at, &session.zone)) ". Tell whoever runs this installation." } } },
    })
}

/// The record by its kind, with a link where it has a page.
fn record(kind: &str, id: i64) -> Markup {
    let page = match kind {
        "approval" => format!("/approvals/{}", clarion_domain::id::ApprovalId(id)),
        "call" => format!("/calls/{}", AttemptId(id)),
        "campaign" => format!("/campaigns/{}", CampaignId(id)),
        "contact" => format!("/contacts/{}", ContactId(id)),
        "sftp_account" => format!("/imports/sftp/{}", SftpAccountId(id)),
        "import" => format!("/imports/{}", ImportId(id)),
        "list" => format!("/contacts?list={}", ListId(id)),
        "reply" => format!("/inbox/{}", ReplyId(id)),
        "trunk" => format!("/carriers/trunks/{}", TrunkId(id)),
        "user" => format!("/team/{}", UserId(id)),
        "instruction" => format!("/imports/instructions/{}", clarion_domain::id::InstructionId(id)),
        "export" => format!("/imports/exports/{}", clarion_domain::id::ExportId(id)),
        "connector" => format!("/imports/connectors/{}", clarion_domain::id::ConnectorId(id)),
        "link_domain" => "/settings/links".to_owned(),
        "tenant" => "/settings".to_owned(),
        "webhook" => format!("/team/webhooks/{}", clarion_domain::id::WebhookId(id)),
        _ => String::new(),
    };
    let name = kind.replace('_', " ");
    html! { @if page.is_empty() || id == 0 { (name) } @else { a href=(page) { (name) } } }
}
