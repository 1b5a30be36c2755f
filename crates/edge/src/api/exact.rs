//! What the generator of the document leaves inexact is made exact here.

use serde_json::{Map, Value};

/// Members of a tagged choice take no other keys, and a choice between named objects is written out: `allOf` cannot
/// join a closed object with its tag.
pub fn make_exact(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    for schema in document["components"]["schemas"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        for branch in schema.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
            join(branch, &schemas);
            close(branch);
        }
    }
}

/// `allOf` a named object and its tag: one object with the properties of both.
fn join(branch: &mut Value, schemas: &Value) {
    let Some(parts) = branch.get("allOf").and_then(Value::as_array) else { return };
    let mut whole = Value::Object(Map::new());
    whole["type"] = "object".into();
    let mut required = Vec::new();
    for part in parts {
        let name = part["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
        let part = name.map_or(part, |name| &schemas[name]);
        for (property, schema) in part["properties"].as_object().into_iter().flatten() {
            whole["properties"][property] = schema.clone();
        }
        required.extend(part["required"].as_array().into_iter().flatten().cloned());
        if let Some(description) = part.get("description") {
            whole["description"] = description.clone();
        }
    }
    whole["required"] = required.into();
    *branch = whole;
}

fn close(branch: &mut Value) {
    if branch["type"] == "object" && branch["properties"].is_object() {
        branch["additionalProperties"] = false.into();
    }
}
