//! Transfer targets: the lines to which calls put people through.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::carriers::sip_settings::SipTransport;
use clarion_domain::carriers::transfer_target::{AudioEncryption, FREE_AGENTS_LAST_MS, SipLine};
use clarion_domain::id::TransferTargetId;
use clarion_domain::tenancy::role::Right;
use clarion_store::StoreError;
use clarion_store::carriers::{NewTransferTarget, TransferTargetRecord};
use clarion_store::compliance::Week;
use maud::{Markup, html};

use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::figure::count;
use super::sip_form::CODECS;
use crate::page::form::{Fill, Input, area, confirmed, select, tick};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::CARRIERS;
use crate::page::said::said;
use crate::page::table::empty;
use crate::page::when;
use crate::tenancy::guard::Session;

const ROOT: &str = "/carriers/targets";

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    let targets = session.tenant.transfer_targets().await?;
    let may = session.may(Right::ManageTrunks);
    let body = html! {
        section.card.flush {
            @if targets.is_empty() {
                (empty(Icon::Phone, "No transfer target yet", "A line of your call centre, to which a script puts people through.", may.then_some(("/carriers/targets/new", "Add a transfer target"))))
            } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "Target" } th scope="col" { "Group" } th scope="col" { "Address" } th scope="col" { "Hours" } th.num scope="col" { "Takes at once" } th.num scope="col" { "Priority" } th scope="col" { "State" } } }
                    tbody { @for record in &targets { @let target = &record.target; tr {
                        th scope="row" { @if may { a href={ (ROOT) "/" (record.id) } { (target.name) } } @else { (target.name) } }
                        td.mono data-label="Group" { (target.group) }
                        td.mono data-label="Address" { (target.address) }
                        td data-label="Hours" { (hours(&target.hours)) }
                        td.num data-label="Takes at once" { (count(target.capacity.into())) @if let Some((free, at)) = record.told { div.small.soft.wraps {
                            (free) " free at " (when::time(at, &session.zone))
                            @if session.now.ms() - at.ms() > FREE_AGENTS_LAST_MS { ", and nothing said since: it is given no more than " (free) " at once" }
                        } } }
                        td.num data-label="Priority" { (target.priority) }
                        td { @if target.enabled { (chip(Tone::Good, Icon::Check, "Enabled")) } @else { (chip(Tone::Calm, Icon::Pause, "Disabled")) } }
                    } } }
                } }
            }
        }
        p.small.soft { "Your call centre’s own program says how many agents are free: PUT /api/v1/transfer-targets/…/free-agents." }
    };
    let mut page = Page::new(CARRIERS, "Transfer targets").under("/carriers", "Carriers").lead(html! { p { "Scripts name a group; the lowest priority of it that is open and has somebody free takes the call." } }).said(said(&asked));
    if may {
        page = page.actions(html! { a.button href="/carriers/targets/new" { "Add a transfer target" } });
    }
    Ok(page.show(&session, &body))
}

fn hours(week: &Week) -> Markup {
    html! {
        @if week.is_blank() { "Always" }
        @for (day, spans) in week.days().into_iter().filter(|(_, spans)| !spans.trim().is_empty()) { div.small { (capitalised(&day[..3]).trim_end_matches('.')) " " (spans) } }
    }
}

fn default_fields() -> Fields {
    fields_of(&NewTransferTarget { group: "agents".into(), name: String::new(), address: String::new(), line: SipLine::default(), hours: Week::default(), capacity: 10, priority: 1, enabled: true })
}

fn line_inputs(fill: Fill) -> Markup {
    let transports: Vec<(String, String)> = SipTransport::ALL.iter().map(|transport| (transport.to_string(), transport.to_string().to_uppercase())).collect();
    let codecs: Vec<(String, String)> = CODECS.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect();
    let encryptions: Vec<(String, String)> = [(AudioEncryption::Offered, "Where its side can"), (AudioEncryption::Never, "Never"), (AudioEncryption::Required, "Always; a call whose far end cannot fails")].map(|(word, label)| (word.to_string(), label.to_owned())).into();
    html! {
        details.table { summary { "How a SIP address is reached" } div.stack {
            p.small.soft { "A number goes over a trunk, whose settings hold." }
            div.row { (select("transport", "Transport", "", &transports, fill)) (select("codecs", "Audio", "The preferred one first.", &codecs, fill)) }
            (select("encryption", "Encrypted audio (SRTP)", "Always needs the transport TLS.", &encryptions, fill))
            (Input::new("tls_pin_sha256", "Certificate pin (SHA-256)").hint("With TLS: trusted whoever signed it.").show(fill))
            (area("tls_ca_pem", "Certificate authority (PEM)", "With TLS, when the call centre's is not a public one.", None, fill))
        } }
    }
}

fn fields_of(target: &NewTransferTarget) -> Fields {
    let mut fields = Fields::new()
        .with("group", &target.group)
        .with("name", &target.name)
        .with("address", &target.address)
        .with("transport", target.line.transport.as_str())
        .with("codecs", target.line.codecs.iter().map(|codec| codec.as_str()).collect::<Vec<_>>().join(" "))
        .with("encryption", target.line.encryption.as_str())
        .with("tls_ca_pem", &target.line.tls_ca_pem)
        .with("tls_pin_sha256", &target.line.tls_pin_sha256)
        .with("capacity", target.capacity.to_string())
        .with("priority", target.priority.to_string())
        .with("enabled", if target.enabled { "yes" } else { "" });
    for (day, spans) in target.hours.days() {
        fields = fields.with(day, spans);
    }
    fields
}

pub async fn new(session: Session) -> Response {
    show(&session, None, &default_fields(), &Problems::new(), None)
}

async fn find(session: &Session, id: &str) -> Result<TransferTargetRecord, Fault> {
    let id: TransferTargetId = id.parse().map_err(|_| Fault::NotFound("transfer target"))?;
    Ok(session.tenant.transfer_target(id).await?)
}

pub async fn edit(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let record = find(&session, &id).await?;
    Ok(show(&session, Some(&record), &fields_of(&record.target), &Problems::new(), said(&asked)))
}

fn show(session: &Session, record: Option<&TransferTargetRecord>, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Response {
    let fill = Fill { fields, problems };
    let path = record.map_or_else(|| format!("{ROOT}/new"), |record| format!("{ROOT}/{}", record.id));
    let body = html! {
        form.card.form method="post" action=(path) {
            (Input::new("name", "Name").class("medium").show(fill))
            (Input::new("group", "Group").hint("What scripts call it; several lines may share one.").class("medium").show(fill))
            (Input::new("address", "Number or SIP address").hint("A number with its country code, such as +442079460123, or sip:agents@centre.example.").class("medium").show(fill))
            div.row {
                (Input::new("capacity", "Calls at the same time, at most").kind("number").class("short").show(fill))
                (Input::new("priority", "Priority").hint("The lowest is asked first.").kind("number").class("short").show(fill))
            }
            (line_inputs(fill))
            (tick("enabled", "Enabled", "A disabled line is not asked.", fill))
            fieldset.field #hours {
                legend { "Hours" }
                span.hint { "In " (session.record.zone) ", such as 09:00-12:00, 13:00-17:30; a day without any is closed. All empty: always open." }
                @if let Some(text) = problems.of("hours") { span.wrong { span.unseen { "Error: " } (text) } }
                div.pairs { @for (day, _) in Week::default().days() { (Input::new(day, capitalised(day).trim_end_matches('.')).show(fill)) } }
            }
            div.actions { button.button type="submit" { "Save" } a href=(ROOT) { "Back" } }
        }
        @if record.is_some() { (confirmed("Remove the transfer target…", "No call is put through to it any more. What it was is not kept.", &format!("{path}/remove"), "Yes, remove it")) }
    };
    Page::new(CARRIERS, record.map_or("Add a transfer target", |record| record.target.name.as_str())).under(ROOT, "Transfer targets").said(said).problems(problems).show(session, &body)
}

fn read(fields: &Fields) -> NewTransferTarget {
    let day = |name: &str| fields.get(name).to_owned();
    NewTransferTarget {
        group: fields.get("group").to_owned(),
        name: fields.get("name").to_owned(),
        address: fields.get("address").to_owned(),
        line: SipLine {
            transport: fields.word("transport").unwrap_or(SipTransport::Udp),
            codecs: match fields.get("codecs") {
                "" => SipLine::default().codecs,
                codecs => codecs.split(' ').filter_map(|codec| codec.parse().ok()).collect(),
            },
            encryption: fields.word("encryption").unwrap_or(AudioEncryption::Offered),
            tls_ca_pem: fields.raw("tls_ca_pem").to_owned(),
            tls_pin_sha256: fields.get("tls_pin_sha256").to_owned(),
        },
        hours: Week { monday: day("monday"), tuesday: day("tuesday"), wednesday: day("wednesday"), thursday: day("thursday"), friday: day("friday"), saturday: day("saturday"), sunday: day("sunday") },
        // What is no number is out of bounds, and the store says the bounds.
        capacity: fields.get("capacity").parse().unwrap_or(0),
        priority: fields.get("priority").parse().unwrap_or(-1),
        enabled: fields.has("enabled", "yes"),
    }
}

fn problems_of(error: StoreError) -> Result<Problems, Fault> {
    match error {
        StoreError::Faults(faults) => {
            let mut problems = Problems::new();
            faults.iter().for_each(|fault| problems.add(fault.field, capitalised(&fault.message)));
            Ok(problems)
        }
        StoreError::Invalid(text) | StoreError::Conflict(text) => Ok(Problems::one("name", capitalised(&text))),
        error => Err(error.into()),
    }
}

pub async fn create(session: Session, fields: Fields) -> Result<Response, Fault> {
    match session.tenant.add_transfer_target(&read(&fields), session.now).await {
        Ok(_) => Ok(Redirect::to("/carriers/targets?said=created").into_response()),
        Err(error) => Ok(show(&session, None, &fields, &problems_of(error)?, None)),
    }
}

pub async fn change(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let record = find(&session, &id).await?;
    match session.tenant.change_transfer_target(record.id, &read(&fields), session.now).await {
        Ok(()) => Ok(Redirect::to("/carriers/targets?said=saved").into_response()),
        Err(error) => Ok(show(&session, Some(&record), &fields, &problems_of(error)?, None)),
    }
}

pub async fn remove(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    session.tenant.delete_transfer_target(find(&session, &id).await?.id, session.now).await?;
    Ok(Redirect::to("/carriers/targets?said=removed").into_response())
}
