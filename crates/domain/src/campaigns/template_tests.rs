use super::*;
use proptest::prelude::*;

const KNOWN: [&str; 3] = ["first_name", "reference", "balance"];

fn parse(text: &str) -> Result<Template, TemplateError> {
    Template::parse(text, &KNOWN)
}

fn render(text: &str, name: Option<&str>) -> Result<String, RenderError> {
    parse(text).expect("a good text").render(|field| (field == "first_name").then_some(name).flatten())
}

#[test]
fn fills_fields_and_falls_back() {
    assert_eq!(render("Hello {first_name}!", Some("Ada")), Ok("Hello Ada!".into()));
    assert_eq!(render("Hello {first_name|there}!", None), Ok("Hello there!".into()));
    assert_eq!(render("Hello {first_name|there}!", Some("  ")), Ok("Hello there!".into()), "blank is missing");
    assert_eq!(render("Hello{ first_name |}!", None), Ok("Hello!".into()), "an empty fallback is a choice");
    assert_eq!(render("A {{ b }} c", None), Ok("A { b } c".into()));
    assert_eq!(render("{{{first_name|x}}}", None), Ok("{x}".into()));
    assert_eq!(render("One\r\ntwo", None), Ok("One\ntwo".into()));
}

#[test]
fn a_gap_is_an_error_when_sending_and_a_warning_when_saving() {
    assert_eq!(render("Hello {first_name}!", None), Err(RenderError { field: "first_name".into() }));
    let template = parse("{first_name} {first_name|x} {reference|}").unwrap();
    assert_eq!(template.warnings(), [TemplateWarning::NoFallback { field: "first_name".into() }]);
    assert_eq!(template.fields(), ["first_name", "reference"]);
    assert!(template.warnings()[0].to_string().contains("{first_name|there}"));
}

#[test]
fn a_fault_is_named_with_its_place_and_what_to_do() {
    let known = KNOWN.join(", ");
    for (text, position, fault) in [
        ("", 1, TemplateFault::Empty),
        (" \n", 1, TemplateFault::Empty),
        ("Hello {first_name", 7, TemplateFault::NeverClosed),
        ("Hello }", 7, TemplateFault::ClosesNothing),
        ("Hello {}", 7, TemplateFault::NoName { known: known.clone() }),
        ("Hello {|there}", 7, TemplateFault::NoName { known: known.clone() }),
        ("é {shoe}", 3, TemplateFault::UnknownField { name: "shoe".into(), known: known.clone() }),
        ("{first_name|{reference}}", 13, TemplateFault::Nested),
        ("a\u{7}b", 2, TemplateFault::ControlCharacter),
    ] {
        assert_eq!(parse(text), Err(TemplateError { position, fault }), "{text:?}");
    }
    assert_eq!(parse(&"x".repeat(1_531)).map_err(|error| error.fault), Err(TemplateFault::TooLong));
    let message = parse("Hello {shoe}").unwrap_err().to_string();
    assert_eq!(message, "character 7: there is no field shoe: use one of first_name, reference, balance, or declare the field first");
    assert!(parse("}").unwrap_err().to_string().contains("write }} for the sign itself"));
}

#[test]
fn a_value_cannot_break_the_line_or_bring_a_field() {
    assert_eq!(render("Hi {first_name}.", Some("A\nda")), Ok("Hi A da.".into()));
    assert_eq!(render("Hi {first_name}.", Some("{reference}")), Ok("Hi {reference}.".into()));
}

proptest! {
    #[test]
    fn any_text_parses_or_names_a_place_in_it(text in "[a{}|first_name \\n]{0,40}|\\PC{0,30}") {
        match parse(&text) {
            Ok(template) => {
                let filled = template.render(|_| Some("x"));
                prop_assert!(filled.is_ok());
            }
            Err(error) => prop_assert!((1..=text.chars().count().max(1)).contains(&error.position)),
        }
    }

    #[test]
    fn escaped_text_comes_out_as_it_was(text in "[a-z{}]{1,30}") {
        let escaped = text.replace('{', "{{").replace('}', "}}");
        prop_assert_eq!(render(&escaped, None), Ok(text));
    }
}
