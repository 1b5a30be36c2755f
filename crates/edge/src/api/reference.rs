//! The documentation for people, made of the OpenAPI document alone: a page a stop of the walk, one of the shapes, and one that leads to
//! each. It asks no other host for anything, and needs no script.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::Value;

use super::openapi_document;
use super::problem::Problem;
use super::reference_text::{blocks, inline, shape_of};
use crate::page::icon::mark;
use crate::page::layout::{PLAIN_POLICY, plain_document};

pub const ROOT: &str = "/api/v1/docs";
/// The page of the shapes; no stop has this name.
pub const SHAPES: &str = "shapes";

/// One endpoint.
struct Operation<'a> {
    method: &'a str,
    path: &'a str,
    what: &'a Value,
}

impl Operation<'_> {
    fn text(&self, name: &str) -> &str {
        self.what[name].as_str().unwrap_or_default()
    }
}

/// By their names; made at the first look, and never again.
static PAGES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let document = openapi_document();
    let stops = stops(&document);
    let mut pages = BTreeMap::from([(String::new(), index(&document, &stops)), (SHAPES.to_owned(), shapes(&document, &stops))]);
    pages.extend(stops.iter().map(|(stop, operations)| ((*stop).to_owned(), stop_page(&document, &stops, stop, operations))));
    pages
});

pub async fn first() -> Result<Response, Problem> {
    answer("")
}

pub async fn one(Path(name): Path<String>) -> Result<Response, Problem> {
    answer(&name)
}

fn answer(name: &str) -> Result<Response, Problem> {
    let page = PAGES.get(name).ok_or_else(|| Problem::not_found(format!("there is no such page: {ROOT} leads to all of them")))?;
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::REFERRER_POLICY, "same-origin")];
    let mut response = (StatusCode::OK, headers, page.as_str()).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PLAIN_POLICY));
    Ok(response)
}

type Stops<'a> = BTreeMap<&'a str, Vec<Operation<'a>>>;

fn stops(document: &Value) -> Stops<'_> {
    let mut stops = Stops::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, what) in item.as_object().into_iter().flatten() {
            let stop = what["tags"][0].as_str().unwrap_or("other");
            stops.entry(stop).or_default().push(Operation { method, path, what });
        }
    }
    stops
}

fn name_of(stop: &str) -> String {
    let mut letters = stop.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn frame(title: &str, stops: &Stops, current: &str, body: &Markup) -> String {
    let here = |name: &str| (name == current).then_some("page");
    let content = html! {
        a.skip href="#main" { "Skip to the content" }
        div.reference {
            nav aria-label="Documentation" {
                a.brand href=(ROOT) { (mark()) "Clarion API" }
                ul {
                    li { a href=(ROOT) aria-current=[here("")] { "Every endpoint" } }
                    @for stop in stops.keys() { li { a href={ (ROOT) "/" (stop) } aria-current=[here(stop)] { (name_of(stop)) } } }
                    li { a href={ (ROOT) "/" (SHAPES) } aria-current=[here(SHAPES)] { "Shapes" } }
                    li { a href="/api/v1/openapi.json" { "OpenAPI document" } }
                }
            }
            main #main tabindex="-1" { h1 { (title) } (body) }
        }
    };
    plain_document(&format!("{title} – Clarion API"), "", &content).into_string()
}

fn index(document: &Value, stops: &Stops) -> String {
    let body = html! {
        section.card { (blocks(document["info"]["description"].as_str().unwrap_or_default())) }
        (refusals(document, stops))
        @for (stop, operations) in stops {
            section.card.flush {
                header { h2 { a href={ (ROOT) "/" (stop) } { (name_of(stop)) } } }
                ul.endpoints { @for operation in operations { li {
                    a.breaks href={ (ROOT) "/" (stop) "#" (operation.text("operationId")) } { code { (operation.method.to_uppercase()) " " (operation.path) } }
                    span { (operation.text("summary")) }
                } } }
            }
        }
    };
    frame("Every endpoint", stops, "", &body)
}

fn stop_page(document: &Value, stops: &Stops, stop: &str, operations: &[Operation]) -> String {
    let body = html! { @for operation in operations { (draw(document, operation)) } };
    frame(&name_of(stop), stops, stop, &body)
}

fn draw(document: &Value, operation: &Operation) -> Markup {
    let what = operation.what;
    let parameters: Vec<&Value> = what["parameters"].as_array().into_iter().flatten().map(|parameter| resolved(document, parameter)).collect();
    let (id, request) = (operation.text("operationId"), &what["requestBody"]["content"]);
    html! {
        article.card #(id) {
            header { h2 { (operation.text("summary")) } }
            p.breaks { a href={ "#" (id) } { code { (operation.method.to_uppercase()) " /api/v1" (operation.path) } } }
            (blocks(operation.text("description")))
            @if !parameters.is_empty() {
                h3 { "Parameters" }
                div.scroll { table.stacks {
                    thead { tr { th scope="col" { "Name" } th scope="col" { "In" } th scope="col" { "Kind" } th scope="col" { "What" } } }
                    tbody { @for parameter in &parameters { tr {
                        th.mono scope="row" { (parameter["name"].as_str().unwrap_or_default()) @if parameter["required"] == true { span.small.soft { " required" } } }
                        td data-label="In" { (parameter["in"].as_str().unwrap_or_default()) }
                        td data-label="Kind" { (shape_of(&parameter["schema"])) }
                        td { (inline(parameter["description"].as_str().unwrap_or_default())) }
                    } } }
                } }
            }
            @for (kind, content) in request.as_object().into_iter().flatten() {
                h3 { "Body" }
                p { (shape_of(&content["schema"])) span.small.soft { " as " (kind) } }
                (example(document, &content["schema"]))
            }
            h3 { "Answers" }
            ul { @for (status, response) in responses(what).filter(|(_, response)| response["$ref"].is_null()) { (answers(status, response)) } }
            p.small { a href={ (ROOT) "#refusals" } { "Refusals" } ": " @for (place, (status, _)) in responses(what).filter(|(_, response)| response["$ref"].is_string()).enumerate() { @if place > 0 { ", " } code { (status) } } }
        }
    }
}

fn responses(operation: &Value) -> impl Iterator<Item = (&String, &Value)> {
    operation["responses"].as_object().into_iter().flatten()
}

/// What every endpoint refuses alike, told once.
fn refusals(document: &Value, stops: &Stops) -> Markup {
    let all = stops.values().flatten().flat_map(|operation| responses(operation.what)).filter(|(_, response)| response["$ref"].is_string());
    let told: BTreeMap<&String, &str> = all.map(|(status, response)| (status, resolved(document, response)["description"].as_str().unwrap_or_default())).collect();
    html! {
        section.card #refusals {
            header { h2 { "Refusals" } }
            p { "Each answers " a href={ (ROOT) "/" (SHAPES) "#Problem" } { "Problem" } " as " code { "application/problem+json" } "." }
            dl.facts { @for (status, text) in told { dt { code { (status) } } dd { (inline(text)) } } }
        }
    }
}

fn answers(status: &str, response: &Value) -> Markup {
    html! { li {
        code { (status) } " " (inline(response["description"].as_str().unwrap_or_default()))
        @for (kind, content) in response["content"].as_object().into_iter().flatten() { " " (shape_of(&content["schema"])) @if kind != "application/json" { span.small.soft { " as " (kind) } } }
    } }
}

fn example(document: &Value, schema: &Value) -> Markup {
    let schema = resolved(document, schema);
    html! { @if !schema["example"].is_null() { pre.code tabindex="0" { code { (serde_json::to_string_pretty(&schema["example"]).unwrap_or_default()) } } } }
}

/// What a `$ref` stands for.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    value["$ref"].as_str().and_then(|reference| document.pointer(reference.trim_start_matches('#'))).unwrap_or(value)
}

fn shapes(document: &Value, stops: &Stops) -> String {
    let body = html! {
        @for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            section.card #(name) {
                header { h2.mono.breaks { (name) } }
                (blocks(schema["description"].as_str().unwrap_or_default()))
                (shape(schema))
                (example(document, schema))
            }
        }
    };
    frame("Shapes", stops, SHAPES, &body)
}

fn shape(schema: &Value) -> Markup {
    let Some(properties) = schema["properties"].as_object() else {
        let branches = schema["oneOf"].as_array().filter(|branches| branches.iter().any(|branch| branch["properties"].is_object()));
        return match branches {
            Some(branches) => html! { p { "One of these:" } @for branch in branches { (blocks(branch["description"].as_str().unwrap_or_default())) (shape(branch)) } },
            None => html! { p { (shape_of(schema)) } },
        };
    };
    let needed: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    html! {
        div.scroll { table.stacks {
            thead { tr { th scope="col" { "Field" } th scope="col" { "Kind" } th scope="col" { "What" } } }
            tbody { @for (name, property) in properties { tr {
                th.mono scope="row" { (name) @if needed.contains(&name.as_str()) { span.small.soft { " required" } } }
                td data-label="Kind" { (shape_of(property)) }
                td { (inline(property["description"].as_str().unwrap_or_default())) }
            } } }
        } }
    }
}
