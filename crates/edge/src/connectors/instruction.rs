//! The register of instructions: what clients agreed to, version by version.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::compliance::purpose::LegalBasis;
use clarion_domain::connectors::export::ResultField;
use clarion_domain::connectors::instruction::{InstructionKind, InstructionStanding};
use clarion_domain::id::InstructionId;
use clarion_domain::intake::mapping::StandardField;
use clarion_domain::tenancy::role::Right;
use clarion_domain::time::{DAY_MS, Instant};
use clarion_store::connectors::{InstructionRecord, NewInstruction};
use maud::{Markup, html};

use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, area, select};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::IMPORTS;
use crate::page::said::said;
use crate::page::table::empty;
use crate::page::when;
use crate::tenancy::guard::Session;
use crate::webhooks::list::problems_of;

pub const ROOT: &str = "/imports/instructions";

pub fn standing_chip(standing: InstructionStanding) -> Markup {
    match standing {
        InstructionStanding::Future => chip(Tone::Info, Icon::Clock, "Not yet"),
        InstructionStanding::InForce => chip(Tone::Good, Icon::Check, "In force"),
        InstructionStanding::Ended => chip(Tone::Calm, Icon::Clock, "Ended"),
        InstructionStanding::Revoked => chip(Tone::Bad, Icon::Stop, "Revoked"),
        InstructionStanding::Replaced => chip(Tone::Calm, Icon::Scroll, "Replaced"),
    }
}

fn kind_name(kind: InstructionKind) -> &'static str {
    match kind {
        InstructionKind::Pull => "Pull from the client",
        InstructionKind::Export => "Export to the client",
    }
}

fn basis_name(basis: LegalBasis) -> String {
    capitalised(&basis.as_str().replace('_', " ")).trim_end_matches('.').to_owned()
}

pub async fn list(session: Session, asked: Asked) -> Result<Response, Fault> {
    let records = session.tenant.instructions().await?;
    let may = session.may(Right::ManageTeam);
    let body = html! {
        section.card.flush {
            @if records.is_empty() {
                (empty(Icon::Scroll, "No instruction yet", "Nothing is pulled from a client's system, and no results go back to one, without a recorded instruction: what was agreed, by whom, for what and until when.", may.then_some(("/imports/instructions/new", "Record an instruction"))))
            } @else {
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "Instruction" } th scope="col" { "Fields agreed" } th scope="col" { "Agreed by" } th scope="col" { "Until" } th scope="col" { "State" } } }
                    tbody { @for record in &records { tr {
                        th scope="row" { a href={ (ROOT) "/" (record.id) } { (record.new.reference) } div.small.soft { (kind_name(record.new.kind)) ", version " (record.version) } }
                        td data-label="Fields agreed" { span.mono.small { (record.new.fields.join(", ")) } }
                        td data-label="Agreed by" { (record.new.agreed_by) }
                        td data-label="Until" { (when::time(record.new.valid_until, &session.zone)) }
                        td { (standing_chip(record.standing(session.now))) }
                    } } }
                } }
            }
        }
    };
    let mut page = Page::new(IMPORTS, "Instructions").under("/imports", "Imports").lead(html! { p { "What clients told us to do with their data. A version is never edited or deleted: a new one replaces it." } });
    if may {
        page = page.actions(html! { a.button.quiet href="/imports/connectors" { "Connectors" } a.button href="/imports/instructions/new" { "Record an instruction" } });
    }
    Ok(page.said(said(&asked)).show(&session, &body))
}

async fn find(session: &Session, id: &str) -> Result<InstructionRecord, Fault> {
    let id: InstructionId = id.parse().map_err(|_| Fault::NotFound("instruction"))?;
    Ok(session.tenant.instruction(id).await?)
}

pub async fn page(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    show_one(&session, &find(&session, &id).await?, &asked, &Fields::new(), &Problems::new()).await
}

async fn show_one(session: &Session, record: &InstructionRecord, asked: &Asked, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let team = session.team().await?;
    let (here, standing, zone) = (format!("{ROOT}/{}", record.id), record.standing(session.now), &session.zone);
    let open = session.may(Right::ManageTeam) && !matches!(standing, InstructionStanding::Revoked | InstructionStanding::Replaced);
    let body = html! {
        dl.facts {
            dt { "State" } dd { (standing_chip(standing)) @if let Some(at) = record.replaced_at { " since " (when::time(at, zone)) } }
            dt { "What" } dd { (kind_name(record.new.kind)) }
            dt { "Fields agreed" } dd.mono { (record.new.fields.join(", ")) }
            dt { "For" } dd { (record.new.purpose) }
            dt { "Ground in law" } dd { (basis_name(record.new.legal_basis)) }
            dt { "Agreed by" } dd { (record.new.agreed_by) }
            dt { "Holds" } dd { "from " (when::time(record.new.valid_from, zone)) " until " (when::time(record.new.valid_until, zone)) }
            dt { "Recorded" } dd { (when::time(record.recorded_at, zone)) " by " (team.name(&record.recorded_by)) }
            @if let Some(at) = record.revoked_at { dt { "Revoked" } dd { (when::time(at, zone)) " by " (team.name(&record.revoked_by)) ": " (record.revoked_why) } }
        }
        @if open {
            div.actions { a.button.quiet href={ (here) "/replace" } { "Replace by a new version" } }
            section.card { details.confirm open[!problems.is_empty()] { summary.button.danger { "Revoke…" } div {
                p { "What works under it stops at once. What is being pulled is not kept." }
                form.form method="post" action={ (here) "/revoke" } {
                    (Input::new("why", "Who revoked it, and why").show(Fill { fields, problems }))
                    div { button.button.danger type="submit" { "Yes, revoke it" } }
                }
            } } }
        }
    };
    Ok(Page::new(IMPORTS, record.new.reference.as_str()).under(ROOT, "Instructions").lead(html! { p { "Version " (record.version) } }).said(said(asked)).problems(problems).show(session, &body))
}

async fn inputs(session: &Session, fill: Fill<'_>, replaces: Option<&InstructionRecord>) -> Result<Markup, Fault> {
    let declared = session.tenant.declared_names().await?;
    let kinds: Vec<(String, String)> = InstructionKind::ALL.iter().map(|kind| (kind.to_string(), kind_name(*kind).to_owned())).collect();
    let bases: Vec<(String, String)> = LegalBasis::ALL.iter().map(|basis| (basis.to_string(), basis_name(*basis))).collect();
    let known: Vec<&str> = StandardField::ALL.iter().map(|field| field.as_str()).chain(declared.iter().map(String::as_str)).collect();
    let columns: Vec<&str> = ResultField::ALL.iter().map(|field| field.as_str()).collect();
    let hint = match replaces.map(|record| record.new.kind) {
        Some(InstructionKind::Pull) => format!("Of these: {}.", known.join(", ")),
        Some(InstructionKind::Export) => format!("Of these: {}.", columns.join(", ")),
        None => format!("Of a pull: {}. Of an export: {}.", known.join(", "), columns.join(", ")),
    };
    Ok(html! {
        @if replaces.is_none() {
            (select("kind", "What", "", &kinds, fill))
            (Input::new("reference", "The client's reference").hint("Such as the number of their letter or contract.").show(fill))
        }
        (area("fields", "Fields agreed", &hint, None, fill))
        (area("purpose", "What the data is for", "As it was agreed.", None, fill))
        (select("legal_basis", "Ground in law", "", &bases, fill))
        (Input::new("agreed_by", "Who agreed on the client's side").hint("A name, and what they are there.").show(fill))
        div.row {
            div.field { label for="valid_from" { "From" } @if let Some(text) = fill.problems.of("valid_from") { span.wrong { (text) } } input #valid_from type="datetime-local" name="valid_from" value=(fill.fields.raw("valid_from")); }
            div.field { label for="valid_until" { "Until" } @if let Some(text) = fill.problems.of("valid_until") { span.wrong #valid_until-wrong { span.unseen { "Error: " } (text) } } input #valid_until type="datetime-local" name="valid_until" value=(fill.fields.raw("valid_until")); }
        }
    })
}

fn of_form(session: &Session, fields: &Fields, kind: InstructionKind) -> Result<NewInstruction, Problems> {
    let mut problems = Problems::new();
    let at = |name: &str| when::from_local(fields.get(name), &session.zone);
    for (name, text) in [("valid_from", "Enter the first day and time"), ("valid_until", "Enter the last day and time")] {
        if at(name).is_none() {
            problems.add(name, text);
        }
    }
    let Some(legal_basis) = fields.word::<LegalBasis>("legal_basis") else { return Err(Problems::one("legal_basis", "Choose the ground in law")) };
    match (at("valid_from"), at("valid_until")) {
        (Some(valid_from), Some(valid_until)) => Ok(NewInstruction {
            kind,
            reference: fields.get("reference").to_owned(),
            fields: fields.get("fields").replace(',', " ").split_whitespace().map(str::to_owned).collect(),
            purpose: fields.get("purpose").to_owned(),
            legal_basis,
            agreed_by: fields.get("agreed_by").to_owned(),
            valid_from,
            valid_until,
        }),
        _ => Err(problems),
    }
}

pub async fn new(session: Session) -> Result<Response, Fault> {
    let local = |at: Instant| when::to_local(at, &session.zone);
    let fields = Fields::new().with("valid_from", local(when::day_start(session.now, &session.zone))).with("valid_until", local(when::day_start(session.now, &session.zone).plus_ms(365 * DAY_MS)));
    show_new(&session, &fields, &Problems::new()).await
}

async fn show_new(session: &Session, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let body = html! {
        form.card.form method="post" action="/imports/instructions/new" {
            (inputs(session, Fill { fields, problems }, None).await?)
            div { button.button type="submit" { "Record it" } }
        }
    };
    Ok(Page::new(IMPORTS, "New instruction").under(ROOT, "Instructions").problems(problems).show(session, &body))
}

pub async fn create(session: Session, fields: Fields) -> Result<Response, Fault> {
    let kind = fields.word("kind").unwrap_or(InstructionKind::Pull);
    let new = match of_form(&session, &fields, kind) {
        Ok(new) => new,
        Err(problems) => return show_new(&session, &fields, &problems).await,
    };
    match session.tenant.record_instruction(&new, session.now).await {
        Ok(id) => Ok(Redirect::to(&format!("{ROOT}/{id}?said=created")).into_response()),
        Err(error) => show_new(&session, &fields, &problems_of(error)?).await,
    }
}

pub async fn replacing(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let record = find(&session, &id).await?;
    let local = |at: Instant| when::to_local(at, &session.zone);
    let fields = Fields::new()
        .with("fields", record.new.fields.join(", "))
        .with("purpose", record.new.purpose.as_str())
        .with("legal_basis", record.new.legal_basis.as_str())
        .with("agreed_by", record.new.agreed_by.as_str())
        .with("valid_from", local(session.now))
        .with("valid_until", local(record.new.valid_until));
    show_replacing(&session, &record, &fields, &Problems::new()).await
}

async fn show_replacing(session: &Session, record: &InstructionRecord, fields: &Fields, problems: &Problems) -> Result<Response, Fault> {
    let body = html! {
        form.card.form method="post" action={ (ROOT) "/" (record.id) "/replace" } {
            (inputs(session, Fill { fields, problems }, Some(record)).await?)
            div.actions { button.button type="submit" { "Replace it" } a href={ (ROOT) "/" (record.id) } { "Back" } }
        }
    };
    let lead = html! { p { "A new version of " (record.new.reference) ". What works under version " (record.version) " works under it from then on." } };
    Ok(Page::new(IMPORTS, "New version").under(format!("{ROOT}/{}", record.id), record.new.reference.as_str()).lead(lead).problems(problems).show(session, &body))
}

pub async fn replace(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let record = find(&session, &id).await?;
    let new = match of_form(&session, &fields, record.new.kind) {
        Ok(new) => new,
        Err(problems) => return show_replacing(&session, &record, &fields, &problems).await,
    };
    match session.tenant.replace_instruction(record.id, &new, session.now).await {
        Ok(next) => Ok(Redirect::to(&format!("{ROOT}/{next}?said=created")).into_response()),
        Err(error) => show_replacing(&session, &record, &fields, &problems_of(error)?).await,
    }
}

pub async fn revoke(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let record = find(&session, &id).await?;
    match session.tenant.revoke_instruction(record.id, fields.get("why"), session.now).await {
        Ok(()) => Ok(Redirect::to(&format!("{ROOT}/{id}?said=instruction-revoked")).into_response()),
        Err(error) => show_one(&session, &record, &Asked(Fields::new()), &fields, &problems_of(error)?).await,
    }
}
