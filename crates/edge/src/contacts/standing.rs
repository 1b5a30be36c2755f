//! How a person may be contacted: consent with its evidence, holds, their own wishes, a legal hold.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::compliance::consent::{ConsentKind, ObtainedIn};
use clarion_domain::compliance::hold::HoldReason;
use clarion_domain::compliance::purpose::Purpose;
use clarion_domain::id::{ConsentId, HoldId};
use clarion_domain::tenancy::role::Right;
use clarion_store::StoreError;
use clarion_store::compliance::{ConsentEntry, HoldEntry, NewConsent, NewHold, Preference, Week};
use clarion_store::contacts::Contact;
use maud::{Markup, html};

use super::contact::{find, title};
use crate::campaigns::words::{PURPOSES, purpose_name};
use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::fields::{Asked, Fields, Problems};
use crate::page::form::{Fill, Input, button, confirmed, select, tick};
use crate::page::icon::Icon;
use crate::page::layout::Page;
use crate::page::menu::CONTACTS;
use crate::page::said::said;
use crate::page::when;
use crate::tenancy::guard::Session;

pub fn word(text: &str) -> String {
    capitalised(&text.replace('_', " ")).trim_end_matches('.').to_owned()
}

pub async fn page(session: Session, Path(id): Path<String>, asked: Asked) -> Result<Response, Fault> {
    let contact = find(&session, &id).await?;
    show(&session, &contact, &Fields::new(), &Problems::new(), said(&asked)).await
}

async fn show(session: &Session, contact: &Contact, fields: &Fields, problems: &Problems, said: Option<&'static str>) -> Result<Response, Fault> {
    let (holds, consents) = (session.tenant.holds_of(contact.id).await?, session.tenant.consents_of(contact.id).await?);
    let wishes = session.tenant.preference(contact.id).await?.unwrap_or_default();
    let may = session.may(Right::Suppress) && contact.erased_at.is_none();
    let fill = Fill { fields, problems };
    let path = format!("/contacts/{}", contact.id);
    let body = html! {
        div.columns {
            div.stack { (hold_table(session, &path, &holds, may)) @if may { (hold_form(&path, session, fill)) } @if session.may(Right::AnswerSubjects) && contact.erased_at.is_none() { (legal_hold_form(&path, contact, fill)) } }
            div.stack { (consent_table(session, &path, &consents, may)) @if may { (consent_form(&path, fill)) } }
            (wishes_form(&path, &wishes, may, fill))
        }
    };
    let page = Page::new(CONTACTS, "Consent, holds and wishes").under(path.as_str(), title(contact)).lead(html! { p { "What is on record about how this person may be contacted. The rules read it before each message." } });
    Ok(page.said(said).problems(problems).show(session, &body))
}

fn hold_table(session: &Session, path: &str, holds: &[HoldEntry], may: bool) -> Markup {
    html! { section.card.flush {
        header { h2 { "Holds" } }
        @if holds.is_empty() { p.soft.more { "None: nothing stops contact until it ends." } } @else { ul.steps { @for hold in holds.iter().rev() { li {
            div { strong { (word(hold.reason.as_str())) } @if !hold.note_reference.is_empty() { ", " (hold.note_reference) }
                div.small.soft { "Since " (when::time(hold.created_at, &session.zone)) @if let Some(at) = hold.until { ", expected to end " (when::time(at, &session.zone)) } @if let Some(at) = hold.lifted_at { ", lifted " (when::time(at, &session.zone)) } } }
            @if hold.lifted_at.is_some() { (chip(Tone::Calm, Icon::Check, "Over")) }
            @else { (chip(Tone::Warn, Icon::Pause, "Stands")) @if may { (button(&format!("{path}/holds/{}/lift", HoldId(hold.id)), "quiet slim", "Lift")) } }
        } } } }
    } }
}

fn hold_form(path: &str, session: &Session, fill: Fill) -> Markup {
    let reasons: Vec<(String, String)> = HoldReason::ALL.iter().map(|reason| (reason.as_str().to_owned(), word(reason.as_str()))).collect();
    html! { form.card.form method="post" action={ (path) "/holds" } {
        header { h2 { "Put on hold" } }
        (select("hold_reason", "Why", "", &reasons, fill))
        (Input::new("note_reference", "Reference").hint("Of the notice or the case. No names or numbers.").show(fill))
        (Input::new("until", "Expected to end").kind("datetime-local").hint(&format!("In {}. Empty: until somebody lifts it.", session.record.zone)).show(fill))
        div { button.button.quiet type="submit" { "Put on hold" } }
    } }
}

fn consent_table(session: &Session, path: &str, consents: &[ConsentEntry], may: bool) -> Markup {
    html! { section.card.flush {
        header { h2 { "Consent" } }
        @if consents.is_empty() { p.soft.more { "None on record: purposes that need consent are refused." } } @else { ul.steps { @for consent in consents.iter().rev() { li {
            div { strong { (purpose_name(consent.purpose)) } " by " (if consent.channel == Channel::Sms { "text message" } else { "call" }) ", " (word(consent.kind.as_str()).to_lowercase())
                div.small.soft { "Given " (when::time(consent.given_at, &session.zone)) @if let Some(at) = consent.expires_at { ", ends " (when::time(at, &session.zone)) } " · " (consent.evidence) ", wording " (consent.wording_version) } }
            @match consent.withdrawn_at {
                Some(at) => { (chip(Tone::Calm, Icon::Cross, "Withdrawn")) span.small.soft { (when::time(at, &session.zone)) } }
                None if consent.expires_at.is_some_and(|end| end <= session.now) => (chip(Tone::Calm, Icon::Clock, "Ended")),
                None => { (chip(Tone::Good, Icon::Check, "Stands")) @if may { (confirmed("Withdraw…", "It counts no more from now on, and cannot be set again: a new consent is recorded anew.", &format!("{path}/consents/{}/withdraw", ConsentId(consent.id)), "Yes, withdraw it")) } }
            }
        } } } }
    } }
}

fn consent_form(path: &str, fill: Fill) -> Markup {
    let purposes: Vec<(String, String)> = PURPOSES.iter().map(|(purpose, name, _)| (purpose.as_str().to_owned(), (*name).to_owned())).collect();
    let of = |words: &[&str]| words.iter().map(|text| ((*text).to_owned(), word(text))).collect::<Vec<_>>();
    let kinds = of(&ConsentKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>());
    let obtained = of(&ObtainedIn::ALL.iter().map(|place| place.as_str()).collect::<Vec<_>>());
    html! { form.card.form method="post" action={ (path) "/consents" } {
        header { h2 { "Record a consent" } }
        div.row { (select("consent_purpose", "To what", "", &purposes, fill)) (select("channel", "By", "", &[("sms".into(), "Text message".into()), ("voice".into(), "Call".into())], fill)) }
        div.row { (select("kind", "How", "", &kinds, fill)) (select("obtained_in", "Number obtained in", "", &obtained, fill)) }
        div.row { (Input::new("given_at", "Given").kind("datetime-local").show(fill)) (Input::new("expires_at", "Ends").kind("datetime-local").hint("Empty: no end.").show(fill)) }
        (Input::new("evidence", "Where the proof lies").hint("A form's log line, a call's reference. Never what was said.").show(fill))
        (Input::new("wording_version", "Version of the wording").class("medium").show(fill))
        (tick("refusal_offered", "The person could refuse when the number was obtained", "Asked of a soft opt-in.", fill))
        div { button.button.quiet type="submit" { "Record" } }
    } }
}

fn wishes_form(path: &str, wishes: &Preference, may: bool, fill: Fill) -> Markup {
    let held = wishes.hours.days().iter().fold(Fields::new(), |fields, (day, spans)| fields.with(day, *spans)).with("no_sms", if wishes.no_sms { "yes" } else { "" }).with("no_voice", if wishes.no_voice { "yes" } else { "" });
    // A refused form shows what was typed; otherwise what is kept.
    let shown = if fill.problems.of("monday").is_some() { fill } else { Fill { fields: &held, problems: fill.problems } };
    html! { form.card.form method="post" action={ (path) "/wishes" } {
        header { h2 { "The person's own wishes" } }
        p.small.soft { "Hours on their own clock, for instance 08:00-12:00, 13:00-17:30. A day left empty is closed; all empty: any hour that the rules allow." }
        div.pairs { @for (day, _) in wishes.hours.days() { (Input::new(day, &word(day)).show(shown)) } }
        (tick("no_sms", "No text messages", "", shown))
        (tick("no_voice", "No calls", "", shown))
        @if may { div { button.button.quiet type="submit" { "Save the wishes" } } }
    } }
}

fn legal_hold_form(path: &str, contact: &Contact, fill: Fill) -> Markup {
    html! { section.card {
        header { h2 { "Legal hold" } @if contact.legal_hold.is_some() { (chip(Tone::Warn, Icon::Lock, "Stands")) } }
        p.small.soft { "Stops every deletion of what is held on this person, erasure and retention included, until it is lifted." }
        @match &contact.legal_hold {
            Some(matter) => { p { "Matter: " (matter) } (confirmed("Lift the legal hold…", "What retention and erasures held back for it may go from tonight on.", &format!("{path}/legal-hold/lift"), "Yes, lift it")) }
            None => form.form method="post" action={ (path) "/legal-hold" } { (Input::new("matter", "Matter").hint("As your lawyers name it.").show(fill)) div { button.button.quiet type="submit" { "Set a legal hold" } } }
        }
    } }
}

/// Back to the page, or the form with what was refused about it.
async fn done(session: &Session, contact: &Contact, fields: &Fields, field: &str, outcome: Result<(), StoreError>) -> Result<Response, Fault> {
    match outcome {
        Ok(()) => Ok(Redirect::to(&format!("/contacts/{}/standing?said=saved", contact.id)).into_response()),
        Err(StoreError::Invalid(text) | StoreError::Conflict(text)) => show(session, contact, fields, &Problems::one(field, capitalised(&text)), None).await,
        Err(error) => Err(error.into()),
    }
}

pub async fn hold(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let contact = find(&session, &id).await?;
    let until = when::from_local(fields.get("until"), &session.zone);
    if until.is_none() && fields.is_set("until") {
        return show(&session, &contact, &fields, &Problems::one("until", "Write a day and a time, for instance 2026-11-23T14:00"), None).await;
    }
    let Some(reason) = fields.word::<HoldReason>("hold_reason") else { return show(&session, &contact, &fields, &Problems::one("hold_reason", "Choose why"), None).await };
    let new = NewHold { reason, note_reference: fields.get("note_reference"), until };
    let outcome = session.tenant.add_hold(contact.id, &new, session.now).await.map(|_| ());
    let field = if matches!(&outcome, Err(StoreError::Invalid(text)) if text.contains("over already")) { "until" } else { "note_reference" };
    done(&session, &contact, &fields, field, outcome).await
}

pub async fn lift(session: Session, Path((id, hold)): Path<(String, String)>) -> Result<Response, Fault> {
    let (contact, hold) = (find(&session, &id).await?, hold.parse::<HoldId>().map_err(|_| Fault::NotFound("hold"))?);
    session.tenant.lift_hold(hold.0, session.now).await?;
    Ok(Redirect::to(&format!("/contacts/{}/standing?said=saved", contact.id)).into_response())
}

pub async fn consent(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let contact = find(&session, &id).await?;
    let mut problems = Problems::new();
    let given_at = when::from_local(fields.get("given_at"), &session.zone);
    let expires_at = when::from_local(fields.get("expires_at"), &session.zone);
    if given_at.is_none() {
        problems.add("given_at", "Say when it was given");
    }
    if expires_at.is_none() && fields.is_set("expires_at") {
        problems.add("expires_at", "Write a day and a time, or leave it empty");
    }
    problems.need(&fields, "evidence", "Say where the proof lies");
    problems.need(&fields, "wording_version", "Say which wording was agreed to");
    let words = (fields.word::<Purpose>("consent_purpose"), fields.word::<Channel>("channel"), fields.word::<ConsentKind>("kind"), fields.word::<ObtainedIn>("obtained_in"));
    let (Some(given_at), (Some(purpose), Some(channel), Some(kind), Some(obtained_in)), true) = (given_at, words, problems.is_empty()) else {
        if problems.is_empty() {
            problems.add("consent_purpose", "Choose one of the purposes, channels and kinds");
        }
        return show(&session, &contact, &fields, &problems, None).await;
    };
    let new = NewConsent { channel, purpose, kind, given_at, expires_at, evidence: fields.get("evidence"), wording_version: fields.get("wording_version"), obtained_in, refusal_offered: fields.has("refusal_offered", "yes") };
    let outcome = session.tenant.add_consent(contact.id, &new, session.now).await.map(|_| ());
    let field = match &outcome {
        Err(StoreError::Invalid(text)) if text.contains("future") => "given_at",
        Err(StoreError::Invalid(text)) if text.contains("ends before") => "expires_at",
        _ => "evidence",
    };
    done(&session, &contact, &fields, field, outcome).await
}

pub async fn withdraw(session: Session, Path((id, consent)): Path<(String, String)>) -> Result<Response, Fault> {
    let (contact, consent) = (find(&session, &id).await?, consent.parse::<ConsentId>().map_err(|_| Fault::NotFound("consent"))?);
    session.tenant.withdraw_consent(consent.0, session.now).await?;
    Ok(Redirect::to(&format!("/contacts/{}/standing?said=saved", contact.id)).into_response())
}

pub async fn wishes(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let contact = find(&session, &id).await?;
    let day = |name: &str| fields.get(name).to_owned();
    let hours = Week { monday: day("monday"), tuesday: day("tuesday"), wednesday: day("wednesday"), thursday: day("thursday"), friday: day("friday"), saturday: day("saturday"), sunday: day("sunday") };
    let wishes = Preference { hours, no_sms: fields.has("no_sms", "yes"), no_voice: fields.has("no_voice", "yes") };
    let outcome = session.tenant.set_preference(contact.id, &wishes, session.now).await;
    done(&session, &contact, &fields, "monday", outcome).await
}

pub async fn set_legal_hold(session: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let contact = find(&session, &id).await?;
    let outcome = session.tenant.set_legal_hold(contact.id, fields.get("matter"), session.now).await;
    done(&session, &contact, &fields, "matter", outcome).await
}

pub async fn lift_legal_hold(session: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let contact = find(&session, &id).await?;
    session.tenant.lift_legal_hold(contact.id, session.now).await?;
    Ok(Redirect::to(&format!("/contacts/{}/standing?said=saved", contact.id)).into_response())
}
