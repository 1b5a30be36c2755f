//! The JSON Schema of a script document, for editors and for the API's description.

/// JSON Schema 2020-12; kept beside the code and tested to accept what the parser accepts.
pub const SCRIPT_SCHEMA: &str = include_str!("../../../schema/script.schema.json");

#[cfg(test)]
mod tests {
    use super::SCRIPT_SCHEMA;
    use crate::campaigns::script::check::tests::{GOOD, WORLD};
    use crate::campaigns::script::machine::tests::any_script;
    use crate::campaigns::script::{Script, ScriptDocument};
    use proptest::prelude::*;

    fn accepts(document: &serde_json::Value) -> bool {
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        compiler.add_resource("script.json", serde_json::from_str(SCRIPT_SCHEMA).expect("the schema is JSON")).expect("the schema is added");
        let schema = compiler.compile("script.json", &mut schemas).expect("the schema is a schema");
        schemas.validate(document, schema).is_ok()
    }

    fn json(text: &str) -> serde_json::Value {
        serde_json::to_value(ScriptDocument::read(text).expect("reads")).expect("serialises")
    }

    #[test]
    fn accepts_the_script_that_uses_everything_and_refuses_what_the_parser_refuses() {
        assert!(accepts(&json(GOOD)));
        type Change = fn(&mut serde_json::Value);
        let wrong: &[(&str, Change)] = &[
            ("an unknown step", |script| script["steps"]["bye"]["do"] = "shout".into()),
            ("an unknown key", |script| script["steps"]["bye"]["loudly"] = true.into()),
            ("a dead end", |script| drop(script["steps"]["bye"].as_object_mut().expect("a step").remove("next"))),
            ("too many digits", |script| script["steps"]["code"]["digits_max"] = 40.into()),
            ("no such key", |script| script["steps"]["menu"]["keys"]["x"] = "bye".into()),
            ("a text and a prompt", |script| script["steps"]["code"]["speech"]["text"] = "Hello".into()),
            ("no start", |script| drop(script.as_object_mut().expect("a script").remove("start"))),
            ("a bad name", |script| script["steps"]["Bad Name"] = serde_json::json!({ "do": "hang_up" })),
            ("a reserved name", |script| script["steps"]["answered_by"] = serde_json::json!({ "do": "hang_up" })),
            ("no language", |script| script["language"] = "English please".into()),
        ];
        for (label, change) in wrong {
            let mut script = json(GOOD);
            change(&mut script);
            assert!(!accepts(&script), "the schema: {label}");
            assert!(Script::parse(&script.to_string(), &WORLD).is_err(), "the parser: {label}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn accepts_what_the_parser_accepts(text in any_script()) {
            if Script::parse(&text, &WORLD).is_ok() {
                prop_assert!(accepts(&json(&text)), "{}", text);
            }
        }
    }
}
