//! The OpenAPI document: what every endpoint shares is added here once, so that no endpoint can forget it.

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;
use utoipa::ToSchema;

use super::campaigns::recipient::Outcome;
use super::endpoint::{ONCE, RIGHT};
use super::exact::make_exact;
use super::intake::upload::MappingChoice;
use super::once::KEY_LENGTH_CHARS_MAX;
use super::outcomes::reply::ReplyState;
use super::page::{Cursor, Limit};
use super::problem::{FieldError, Problem};
use super::rate_limit;
use super::wire::{self, named};

/// The finished document.
#[must_use]
pub fn finish(table: &OpenApi) -> Value {
    let mut document = serde_json::to_value(table).unwrap_or_default();
    document["info"] = json!({
        "title": "Clarion",
        "version": env!("CARGO_PKG_VERSION"),
        "description": include_str!("introduction.md"),
        "license": { "name": "Apache 2.0", "identifier": "Apache-2.0" },
    });
    document["servers"] = json!([{ "url": "/api/v1" }]);
    document["security"] = json!([{ "api_key": [] }]);
    document["components"]["securitySchemes"] = json!({
        "api_key": { "type": "http", "scheme": "bearer", "bearerFormat": "clr_…", "description": "An API key of your tenant; its role says what it may do." },
    });
    document["components"]["responses"] = shared_responses();
    document["components"]["headers"] = rate_limit::described();
    document["components"]["parameters"] = json!({ "IdempotencyKey": idempotency_key() });
    let known = document["components"]["schemas"].to_string() + &document["paths"].to_string();
    let named = [named::<Problem>(), named::<FieldError>(), named::<Cursor>(), named::<Limit>(), named::<MappingChoice>(), named::<Outcome>(), named::<ReplyState>()];
    for (name, schema) in wire::schemas().into_iter().chain(named) {
        if known.contains(&format!("#/components/schemas/{name}\"")) || name == Problem::name() || name == FieldError::name() {
            document["components"]["schemas"][name] = serde_json::to_value(schema).unwrap_or_default();
        }
    }
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                finish_operation(path, method, operation);
            }
        }
    }
    make_exact(&mut document);
    drop_unused(&mut document);
    document
}

/// A generic schema holds its parts in place: what then stands for nothing is left out.
fn drop_unused(document: &mut Value) {
    loop {
        let text = document.to_string();
        let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
        let before = schemas.len();
        schemas.retain(|name, _| text.contains(&format!("\"#/components/schemas/{name}\"")));
        if schemas.len() == before {
            return;
        }
    }
}

/// Each response that many endpoints give: its name, status, and description.
const SHARED: &[(&str, &str, &str)] = &[
    ("Malformed", "400", "The request cannot be read: the body is not JSON, or a parameter or header is wrong."),
    ("Unauthenticated", "401", "The request carries no valid API key."),
    ("Forbidden", "403", "The key's role may not do this."),
    ("NotFound", "404", "There is no such thing in this tenant."),
    ("Conflict", "409", "Something stands in the way: a state that has moved on, a name in use, a request with the same Idempotency-Key under way."),
    ("TooLarge", "413", "The body is too large."),
    ("UnsupportedMediaType", "415", "The body has another content type than this endpoint takes."),
    ("Invalid", "422", "The request reads well and cannot be carried out; `errors` names the fields."),
    ("TooManyRequests", "429", "The key has made its requests of a minute, or its network showed too many wrong keys."),
    ("Internal", "500", "The server failed."),
    ("Unavailable", "503", "The database cannot be reached at the moment."),
];

fn shared_responses() -> Value {
    let mut responses = Map::new();
    for (name, status, description) in SHARED {
        let mut response = json!({
            "description": description,
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        });
        if *status == "401" {
            response["headers"] = json!({ "WWW-Authenticate": { "schema": { "type": "string" }, "required": true } });
        }
        if *status == "429" {
            response["headers"] = rate_limit::references(&["Retry-After", "RateLimit-Policy", "RateLimit"]);
        }
        if *status == "503" {
            response["headers"] = rate_limit::references(&["Retry-After"]);
        }
        responses.insert((*name).into(), response);
    }
    Value::Object(responses)
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": "A fresh value (a UUID) for each new request. The same request sent again under the same key within a day is not done again: it gets the first one's answer.",
        "schema": { "type": "string", "minLength": 1, "maxLength": KEY_LENGTH_CHARS_MAX, "pattern": "^[!-~]+$" },
    })
}

fn finish_operation(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let right = operation.get(RIGHT).and_then(Value::as_str).map(str::to_owned);
    let writes = operation.remove(ONCE).is_some_and(|once| once == true);
    let words: Vec<&str> = path.split(['/', '{', '}', '.', '-']).filter(|word| !word.is_empty()).collect();
    operation.insert("operationId".into(), format!("{method}_{}", words.join("_")).into());
    if writes && method == "post" {
        let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
        if let Some(parameters) = parameters.as_array_mut() {
            parameters.push(json!({ "$ref": "#/components/parameters/IdempotencyKey" }));
        }
    }
    match &right {
        Some(right) => {
            let text = operation.get("description").and_then(Value::as_str).map(|text| format!("{text}\n\n")).unwrap_or_default();
            operation.insert("description".into(), format!("{text}Needs the right `{right}`.").into());
        }
        None => {
            operation.insert("security".into(), json!([]));
        }
    }
    let statuses = statuses(path, method, operation, right.is_some(), writes);
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, response) in responses.iter_mut() {
        describe(status, response);
        if right.is_some() && status.starts_with('2') {
            tell_rate(response);
        }
    }
    for (name, status, _) in SHARED {
        if statuses.contains(status) || responses.contains_key(*status) {
            responses.insert((*status).into(), json!({ "$ref": format!("#/components/responses/{name}") }));
        }
    }
}

/// The refusals that an endpoint can give.
fn statuses(path: &str, method: &str, operation: &Map<String, Value>, guarded: bool, writes: bool) -> Vec<&'static str> {
    let mut statuses = vec!["500", "503"];
    let body = operation.contains_key("requestBody");
    let mut add = |yes: bool, list: &[&'static str]| {
        if yes {
            statuses.extend(list);
        }
    };
    add(operation.get("parameters").and_then(Value::as_array).is_some_and(|parameters| parameters.iter().any(|parameter| parameter["in"] != "path")), &["400"]);
    add(body, &["400", "413", "415", "422"]);
    add(guarded, &["401", "403", "429"]);
    add(path.contains('{'), &["404"]);
    add(writes, &["409", "422"]);
    add(writes && method == "post", &["413"]);
    statuses
}

fn tell_rate(response: &mut Value) {
    for name in ["RateLimit-Policy", "RateLimit"] {
        response["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
    }
}

fn describe(status: &str, response: &mut Value) {
    if response["description"].as_str().is_none_or(str::is_empty) {
        let text = match status {
            "201" => "Made; `Location` is its address.",
            "202" => "Taken; a worker does it.",
            "204" => "Done; there is nothing to say.",
            _ => "As asked.",
        };
        response["description"] = text.into();
    }
    if status == "201" {
        response["headers"]["Location"] = json!({ "description": "The address of what was made.", "required": true, "schema": { "type": "string", "format": "uri-reference" } });
    }
}
