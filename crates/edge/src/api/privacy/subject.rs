//! A person's own data: exported, or erased. Who is meant stands in the body, never in an address.

use axum::Json;
use axum::response::Html;
use clarion_domain::privacy::subject_request::{ExportSection, SubjectExport};
use clarion_store::compliance::rule_book;
use clarion_store::privacy::{Erasure as StoredErasure, subject_html};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::{Body, within};
use crate::api::caller::Caller;
use crate::api::problem::Problem;

/// Who is meant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"subject": "07700 900123"}))]
pub struct SubjectName {
    /// The whole number or the whole reference.
    #[schema(min_length = 1, max_length = 200)]
    subject: String,
}

/// Who is to be erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"subject": "07700 900123", "dry_run": true}))]
pub struct ErasureOrder {
    /// The whole number or the whole reference.
    #[schema(min_length = 1, max_length = 200)]
    subject: String,
    /// Only tell what would go.
    dry_run: bool,
}

/// Everything held on one person.
#[derive(Serialize, ToSchema)]
pub struct Export {
    /// The form of this document and its version.
    format: &'static str,
    made_at: String,
    /// The organisation that decides about the data.
    controller: String,
    sections: Vec<Section>,
}

/// One kind of record: why it is held, from where, how long, and the records themselves.
#[derive(Serialize, ToSchema)]
pub struct Section {
    title: String,
    purpose: String,
    legal_basis: String,
    source: String,
    kept: String,
    /// Names and values.
    #[schema(value_type = Vec<std::collections::BTreeMap<String, String>>)]
    records: Vec<clarion_domain::privacy::subject_request::ExportRecord>,
}

impl From<ExportSection> for Section {
    fn from(section: ExportSection) -> Self {
        let ExportSection { title, purpose, legal_basis, source, kept, records } = section;
        Self { title, purpose, legal_basis, source, kept, records }
    }
}

/// What an erasure did, or would do.
#[derive(Serialize, ToSchema)]
pub struct Erasure {
    dry_run: bool,
    counts: Vec<ErasureCount>,
}

/// How much of one kind goes.
#[derive(Serialize, ToSchema)]
pub struct ErasureCount {
    /// In plain words: `messages emptied`.
    what: &'static str,
    count: i64,
}

impl From<StoredErasure> for Erasure {
    fn from(erasure: StoredErasure) -> Self {
        let counts = erasure.counts.into_iter().map(|line| ErasureCount { what: line.what, count: line.count });
        Self { dry_run: erasure.dry_run, counts: counts.collect() }
    }
}

/// The length of a whole number or a whole reference.
const SUBJECT_CHARS: (usize, usize) = (1, 200);

async fn gather(caller: &Caller, subject: &str) -> Result<SubjectExport, Problem> {
    within(Problem::invalid, "subject", subject, SUBJECT_CHARS)?;
    Ok(caller.tenant.subject_export(subject, rule_book(), caller.now).await?)
}

/// Everything held on one person, as JSON
///
/// Kept on record as an answered request of access. The answer is never kept for repetition.
#[utoipa::path(post, path = "/subjects/export", tag = "privacy", request_body = SubjectName, responses((status = 200, body = Export)))]
pub async fn export(caller: Caller, Body(name): Body<SubjectName>) -> Result<Json<Export>, Problem> {
    let export = gather(&caller, &name.subject).await?;
    let sections = export.sections.into_iter().map(Section::from).collect();
    Ok(Json(Export { format: export.format, made_at: export.made_at, controller: export.controller, sections }))
}

/// Everything held on one person, as a page to hand out
///
/// Kept on record as an answered request of access.
#[utoipa::path(post, path = "/subjects/export.html", tag = "privacy", request_body = SubjectName, responses((status = 200, body = String, content_type = "text/html")))]
pub async fn export_html(caller: Caller, Body(name): Body<SubjectName>) -> Result<Html<String>, Problem> {
    Ok(Html(subject_html(&gather(&caller, &name.subject).await?)))
}

/// Erase a person, or tell what would go
///
/// A keyed tombstone stays, by which they are never contacted or loaded again. It cannot be taken back. A legal hold
/// stops it.
#[utoipa::path(post, path = "/subjects/erase", tag = "privacy", request_body = ErasureOrder, responses((status = 200, body = Erasure)))]
pub async fn erase(caller: Caller, Body(order): Body<ErasureOrder>) -> Result<Json<Erasure>, Problem> {
    within(Problem::invalid, "subject", &order.subject, SUBJECT_CHARS)?;
    Ok(Json(caller.tenant.subject_erase(&order.subject, order.dry_run, caller.now).await?.into()))
}
