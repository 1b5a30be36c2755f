//! The document's texts and kinds of values as markup: the little of Markdown that its texts use, and a line for each schema.

use maud::{Markup, html};
use serde_json::Value;

use super::reference::{ROOT, SHAPES};

/// Choices beyond this many are left to the shape itself.
const WORDS_SHOWN_MAX: usize = 30;

/// Paragraphs and lists.
pub fn blocks(text: &str) -> Markup {
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    html! {
        @for paragraph in paragraphs {
            @if paragraph.starts_with("- ") { ul { @for item in paragraph.split("\n- ") { li { (inline(item.trim_start_matches("- "))) } } } }
            @else { p { (inline(paragraph)) } }
        }
    }
}

/// `code` and **strong**.
pub fn inline(text: &str) -> Markup {
    html! {
        @for (place, piece) in text.split('`').enumerate() {
            @if place % 2 == 1 { code.breaks { (piece) } }
            @else { @for (place, piece) in piece.split("**").enumerate() { @if place % 2 == 1 { strong { (piece) } } @else { (piece) } } }
        }
    }
}

/// What a value is, in a line; named shapes are links.
pub fn shape_of(schema: &Value) -> Markup {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return html! { a.breaks href={ (ROOT) "/" (SHAPES) "#" (name) } { (name) } };
    }
    if let Some(choices) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
        return html! { @for (place, choice) in choices.iter().enumerate() { @if place > 0 { " or " } (shape_of(choice)) } };
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        return html! { @for (place, word) in words.iter().take(WORDS_SHOWN_MAX).enumerate() { @if place > 0 { ", " } code { (word) } } @if words.len() > WORDS_SHOWN_MAX { " …" } };
    }
    if schema["items"].is_object() {
        return html! { "list of " (shape_of(&schema["items"])) (bounds(schema)) };
    }
    if schema["additionalProperties"].is_object() {
        return html! { "names, each with " (shape_of(&schema["additionalProperties"])) };
    }
    html! { (plain(schema)) (bounds(schema)) }
}

fn plain(schema: &Value) -> String {
    let kind = match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "anything".to_owned(),
    };
    match schema["format"].as_str().filter(|format| !format.starts_with("int")) {
        Some(format) => format!("{kind} ({format})"),
        None => kind,
    }
}

fn bounds(schema: &Value) -> Markup {
    let said = [("minimum", "at least "), ("maximum", "at most "), ("minLength", "letters at least "), ("maxLength", "letters at most "), ("minItems", "at least "), ("maxItems", "at most "), ("pattern", "")];
    let held: Vec<String> = said
        .iter()
        .filter_map(|(name, words)| match &schema[*name] {
            Value::Number(number) => Some(format!("{words}{number}")),
            Value::String(text) => Some(text.clone()),
            _ => None,
        })
        .collect();
    html! { @if !held.is_empty() { span.small.soft.breaks { " " (held.join(", ")) } } }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_become_paragraphs_lists_and_nothing_else() {
        let text = blocks("Say `GET /me`.\n\n- **One.** <b>\n- two").into_string();
        assert_eq!(text, "<p>Say <code class=\"breaks\">GET /me</code>.</p><ul><li><strong>One.</strong> &lt;b&gt;</li><li>two</li></ul>");
    }

    #[test]
    fn a_kind_is_said_in_a_line() {
        let text = |schema: Value| shape_of(&schema).into_string();
        assert!(text(json!({"$ref": "#/components/schemas/List"})).contains("href=\"/api/v1/docs/shapes#List\""));
        assert_eq!(text(json!({"type": ["string", "null"], "format": "date-time"})), "string or null (date-time)");
        assert!(text(json!({"type": "array", "items": {"type": "string"}, "maxItems": 3})).starts_with("list of string"));
        assert!(text(json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/List"}]})).starts_with("null or <a"));
    }
}
