//! Texts kept for use again, and how a text measures.

use axum::Json;
use axum::http::StatusCode;
use axum::response::Response;
use clarion_domain::campaigns::segments;
use clarion_store::campaigns::TemplateRecord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::answer::made;
use crate::api::body::{Body, Id};
use crate::api::caller::Caller;
use crate::api::page::Listing;
use crate::api::problem::Problem;
use crate::api::wire::{Alphabet, TemplateId, Time};

/// A text kept for use again.
#[derive(Serialize, ToSchema)]
pub struct Template {
    id: TemplateId,
    name: String,
    body: String,
    created_by: String,
    created_at: Time,
}

impl From<TemplateRecord> for Template {
    fn from(record: TemplateRecord) -> Self {
        Self { id: record.id.into(), name: record.name, body: record.body, created_by: record.created_by, created_at: record.created_at.into() }
    }
}

/// What a template is made of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Payment due", "body": "Hello {first_name|there}, your payment is due on Friday. Northwind"}))]
pub struct NewTemplate {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// The text with its fields: `Hello {first_name|there}`.
    #[schema(min_length = 1, max_length = 1530)]
    body: String,
}

/// A text to measure.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"body": "Hello {first_name|there}"}))]
pub struct TextToMeasure {
    #[schema(min_length = 1, max_length = 1530)]
    body: String,
}

/// How a text measures before its fields are filled.
#[derive(Serialize, ToSchema)]
pub struct Measured {
    alphabet: Alphabet,
    /// Septets, or UTF-16 units, of the text with its fallbacks.
    units: u64,
    segments: u64,
    /// The fields that it names.
    fields: Vec<String>,
    /// The characters that are outside the GSM alphabet and make the message dearer.
    outside_gsm: Vec<String>,
    /// Things to look at before the text is used.
    warnings: Vec<String>,
}

/// Every template, by name
#[utoipa::path(get, path = "/templates", tag = "campaigns", responses((status = 200, body = Listing<Template>)))]
pub async fn all(caller: Caller) -> Result<Json<Listing<Template>>, Problem> {
    Ok(Listing::whole(caller.tenant.templates().await?, Template::from))
}

/// Keep a template
#[utoipa::path(post, path = "/templates", tag = "campaigns", request_body = NewTemplate, responses((status = 201, body = Template)))]
pub async fn create(caller: Caller, Body(new): Body<NewTemplate>) -> Result<Response, Problem> {
    let id = caller.tenant.create_template(&new.name, &new.body, caller.now).await?;
    Ok(made(format!("/templates/{id}"), Template::from(caller.tenant.template(id).await?)))
}

/// Measure a text
#[utoipa::path(post, path = "/templates/measure", tag = "campaigns", request_body = TextToMeasure, responses((status = 200, body = Measured)))]
pub async fn measure(caller: Caller, Body(text): Body<TextToMeasure>) -> Result<Json<Measured>, Problem> {
    let template = caller.tenant.parse_template(&text.body).await?;
    let count = segments::count(&template.fixed_text());
    Ok(Json(Measured {
        alphabet: count.alphabet.into(),
        units: count.units as u64,
        segments: count.segments as u64,
        fields: template.fields().into_iter().map(str::to_owned).collect(),
        outside_gsm: count.outside_gsm.iter().map(char::to_string).collect(),
        warnings: template.warnings().iter().map(ToString::to_string).collect(),
    }))
}

/// One template
#[utoipa::path(get, path = "/templates/{template}", tag = "campaigns", params(("template" = TemplateId, Path)), responses((status = 200, body = Template)))]
pub async fn get(caller: Caller, Id(id): Id<TemplateId>) -> Result<Json<Template>, Problem> {
    Ok(Json(caller.tenant.template(id.0).await?.into()))
}

/// Change a template
///
/// Campaigns keep the text that they were given.
#[utoipa::path(put, path = "/templates/{template}", tag = "campaigns", params(("template" = TemplateId, Path)), request_body = NewTemplate, responses((status = 200, body = Template)))]
pub async fn change(caller: Caller, Id(id): Id<TemplateId>, Body(new): Body<NewTemplate>) -> Result<Json<Template>, Problem> {
    caller.tenant.change_template(id.0, &new.name, &new.body, caller.now).await?;
    Ok(Json(caller.tenant.template(id.0).await?.into()))
}

/// Delete a template
#[utoipa::path(delete, path = "/templates/{template}", tag = "campaigns", params(("template" = TemplateId, Path)), responses((status = 204)))]
pub async fn delete(caller: Caller, Id(id): Id<TemplateId>) -> Result<StatusCode, Problem> {
    caller.tenant.delete_template(id.0, caller.now).await?;
    Ok(StatusCode::NO_CONTENT)
}
