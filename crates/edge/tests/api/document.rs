//! The OpenAPI document: current, whole, and exact where machines rely on it.

use std::collections::BTreeSet;

use clarion_edge::api::openapi_document;
use serde_json::Value;

use crate::support::world;

#[test]
fn the_document_in_docs_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let text = serde_json::to_string_pretty(&openapi_document()).expect("JSON") + "\n";
    if std::env::var_os("CLARION_UPDATE").is_some() {
        std::fs::write(path, &text).expect("written");
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == text, "docs/openapi.json is not what the API says: run this test with CLARION_UPDATE=1 and commit the file");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_served_without_a_key() {
    let served = world().await.send("GET", "/openapi.json", &[], "").await.expect(200);
    assert_eq!(served, openapi_document());
    assert_eq!(served["openapi"], "3.1.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_is_served_without_a_key_and_asks_nobody_else_for_anything() {
    let world = world().await;
    let document = openapi_document();
    let index = world.send("GET", "/docs", &[], "").await;
    assert!(index.status == 200 && index.headers["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/html")), "{}", index.text);
    assert!(index.headers["content-security-policy"].to_str().is_ok_and(|policy| policy.starts_with("default-src 'none'")));
    let mut pages = std::collections::BTreeMap::from([("".to_owned(), index.text)]);
    for page in ["contacts", "campaigns", "shapes"] {
        pages.insert(page.to_owned(), world.send("GET", &format!("/docs/{page}"), &[], "").await.text);
    }
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let (id, stop) = (operation["operationId"].as_str().expect("an id"), operation["tags"][0].as_str().expect("a stop"));
            assert!(pages[""].contains(&format!("href=\"/api/v1/docs/{stop}#{id}\"")), "{method} {path} is not in the list");
            if !pages.contains_key(stop) {
                pages.insert(stop.to_owned(), world.send("GET", &format!("/docs/{stop}"), &[], "").await.text);
            }
            assert!(pages[stop].contains(&format!("id=\"{id}\"")), "{method} {path} is not described at {stop}");
        }
    }
    for name in document["components"]["schemas"].as_object().expect("schemas").keys() {
        assert!(pages["shapes"].contains(&format!("id=\"{name}\"")), "{name}");
    }
    for (name, page) in &pages {
        assert!(!page.contains("src=\"http") && !page.contains("href=\"http"), "{name} asks another host");
    }
    world.send("GET", "/docs/nowhere", &[], "").await.problem(404);
}

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str));
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let document = openapi_document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').expect("a reference into this document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for name in document["components"]["schemas"].as_object().expect("schemas").keys() {
        assert!(found.contains(format!("#/components/schemas/{name}").as_str()), "{name} is used nowhere");
    }
}

#[test]
fn every_operation_is_described_and_lists_its_refusals() {
    let document = openapi_document();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let place = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().expect("an id").to_owned()), "{place}: its operationId is not its own");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{place} has no summary");
            assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{place}: one tag, its stop of the walk");
            let responses = operation["responses"].as_object().expect("responses");
            let has = |status: &str| responses.contains_key(status);
            assert!(responses.keys().any(|status| status.starts_with('2')), "{place} never succeeds");
            assert!(has("404") || !path.contains('{'), "{place}: 404");
            assert!(operation["x-right"].is_null() || has("401") && has("403"), "{place}: 401 and 403");
            assert!(operation["requestBody"].is_null() || ["400", "413", "415", "422"].iter().all(|status| has(status)), "{place}: what a body can do wrong");
            for named in path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
                let parameters = operation["parameters"].as_array().expect("parameters");
                assert!(parameters.iter().any(|parameter| parameter["name"] == named && parameter["in"] == "path"), "{place}: {named} is not described");
            }
        }
    }
}

#[test]
fn parameters_are_never_null_and_choices_are_closed() {
    let document = openapi_document();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for operation in item.as_object().expect("operations").values() {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let schema = parameter["schema"].to_string();
                assert!(!schema.contains("null\""), "{path}: {schema}");
            }
        }
    }
    for branch in document["components"]["schemas"]["TrunkSettings"]["oneOf"].as_array().expect("a choice") {
        assert!(branch["properties"]["kind"].is_object() && branch["additionalProperties"] == false, "{branch}");
        assert!(branch["required"].as_array().is_some_and(|required| required.iter().any(|name| name == "kind")), "{branch}");
    }
}
