//! Links in a text: those that are sent short, and those that could be.

use super::{Part, RenderError, Template, TemplateError, TemplateFault, written};
use crate::links::target::{escaped, is_target};

const OPENS: &str = "{short:";
const SCHEMES: [&str; 2] = ["https://", "http://"];

/// A link that somebody may tick: its source, and whether it is sent short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkChoice {
    pub source: String,
    pub short: bool,
}

pub(super) fn opens(letters: &[char]) -> bool {
    OPENS.chars().eq(letters.iter().copied().take(OPENS.len()))
}

/// The pieces of a link.
pub(super) struct Link<'a>(pub &'a [Part]);

impl Link<'_> {
    pub fn source(&self) -> String {
        self.0.iter().map(written).collect()
    }

    /// It says its host itself, or is a field that holds the whole beginning: a person's value never chooses the host of a written address.
    fn is_good(&self) -> bool {
        match self.0.first() {
            _ if self.0.iter().any(|part| matches!(part, Part::Link(_))) => false,
            Some(Part::Field { fallback, .. }) => fallback.as_deref().is_none_or(is_target),
            Some(Part::Text(text)) => {
                let Some(rest) = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)) else { return false };
                let ends = rest.find(['/', '?', '#']);
                // A host that goes on in a field is not written.
                let host_ends = ends.is_some() || self.0.len() == 1;
                host_ends && is_target(text)
            }
            _ => false,
        }
    }

    /// Where it leads for one person.
    pub fn target<'v>(&self, value: &impl Fn(&str) -> Option<&'v str>) -> Result<String, RenderError> {
        let mut target = String::new();
        for (place, part) in self.0.iter().enumerate() {
            match part {
                Part::Text(text) => target.push_str(text),
                Part::Field { name, fallback } if place == 0 => {
                    // What is no address counts as none.
                    let held: Option<&str> = value(name);
                    let held = held.map(str::trim).filter(|held| is_target(held)).or(fallback.as_deref());
                    target.push_str(held.ok_or_else(|| RenderError { field: name.clone() })?);
                }
                Part::Field { name, fallback } => {
                    let held: Option<&str> = value(name);
                    let held = held.map(str::trim).filter(|held| !held.is_empty()).or(fallback.as_deref());
                    target.push_str(&escaped(held.ok_or_else(|| RenderError { field: name.clone() })?));
                }
                Part::Link(_) => {}
            }
        }
        let field = || self.0.iter().find_map(|part| if let Part::Field { name, .. } = part { Some(name.clone()) } else { None });
        if is_target(&target) { Ok(target) } else { Err(RenderError { field: field().unwrap_or_default() }) }
    }
}

impl Template {
    /// Reads the link that opens at `open`; gives the place after it.
    pub(super) fn link(&mut self, letters: &[char], open: usize, known: &[&str]) -> Result<usize, TemplateError> {
        let begins = open + OPENS.len();
        let mut depth = 0;
        let length = letters[begins..].iter().position(|letter| {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => return true,
                '}' => depth -= 1,
                _ => {}
            }
            false
        });
        let length = length.ok_or(TemplateError { position: open + 1, fault: TemplateFault::NeverClosed })?;
        let inside: String = letters[begins..begins + length].iter().collect();
        let not_a_link = || TemplateError { position: open + 1, fault: TemplateFault::NotALink };
        let inside = match Self::parse(inside.trim(), known) {
            Ok(inside) => inside,
            Err(TemplateError { fault: TemplateFault::Empty, .. }) => return Err(not_a_link()),
            Err(error) => return Err(TemplateError { position: begins + error.position, ..error }),
        };
        if !Link(&inside.parts).is_good() {
            return Err(not_a_link());
        }
        self.parts.push(Part::Link(inside.parts));
        Ok(begins + length + 1)
    }

    /// How many links are sent short.
    #[must_use]
    pub fn short_links(&self) -> usize {
        self.parts.iter().filter(|part| matches!(part, Part::Link(_))).count()
    }

    /// The sources of the links that are sent short, in the order of their places.
    #[must_use]
    pub fn link_sources(&self) -> Vec<String> {
        self.parts.iter().filter_map(|part| if let Part::Link(pieces) = part { Some(Link(pieces).source()) } else { None }).collect()
    }

    /// Whether a field holds the beginning of a link, so that its value must be an address.
    #[must_use]
    pub fn holds_links(&self, field: &str) -> bool {
        let begins = |pieces: &[Part]| matches!(pieces.first(), Some(Part::Field { name, .. }) if name == field);
        self.parts.iter().any(|part| matches!(part, Part::Link(pieces) if begins(pieces)))
    }

    /// Every written address of the text, each once, in order.
    #[must_use]
    pub fn link_choices(&self) -> Vec<LinkChoice> {
        let short = self.link_sources();
        let mut choices: Vec<LinkChoice> = Vec::new();
        for source in self.all_linked().link_sources() {
            if SCHEMES.iter().any(|scheme| source.starts_with(scheme)) && !choices.iter().any(|choice| choice.source == source) {
                choices.push(LinkChoice { short: short.contains(&source), source });
            }
        }
        choices
    }

    /// The text with each written address sent short, or whole, as `choose` says of its source; `None` leaves it as it is.
    #[must_use]
    pub fn choose_links(&self, choose: impl Fn(&str) -> Option<bool>) -> Self {
        let now = self.link_sources();
        let mut chosen = Self { parts: Vec::new() };
        for part in self.all_linked().parts {
            match part {
                Part::Link(pieces) => {
                    let source = Link(&pieces).source();
                    if choose(&source).unwrap_or_else(|| now.contains(&source)) { chosen.parts.push(Part::Link(pieces)) } else { pieces.into_iter().for_each(|piece| chosen.join(piece)) }
                }
                other => chosen.join(other),
            }
        }
        chosen
    }

    /// The source as it is measured: every short link as the sample that is as long as all.
    #[must_use]
    pub fn source_with(&self, sample: &str) -> String {
        self.parts.iter().map(|part| if matches!(part, Part::Link(_)) { sample.to_owned() } else { written(part) }).collect()
    }

    fn join(&mut self, part: Part) {
        match (self.parts.last_mut(), part) {
            (Some(Part::Text(text)), Part::Text(more)) => text.push_str(&more),
            (_, Part::Text(text)) if text.is_empty() => {}
            (_, part) => self.parts.push(part),
        }
    }

    /// The same text with every written address as a link.
    fn all_linked(&self) -> Self {
        let mut found = Finder::default();
        for part in &self.parts {
            match part {
                Part::Text(text) => found.text(text),
                Part::Field { .. } => found.field(part.clone()),
                Part::Link(_) => {
                    found.close();
                    found.out.parts.push(part.clone());
                }
            }
        }
        found.close();
        found.out
    }
}

/// Walks a text and holds the address that it is in.
struct Finder {
    out: Template,
    open: Vec<Part>,
}

impl Default for Finder {
    fn default() -> Self {
        Self { out: Template { parts: Vec::new() }, open: Vec::new() }
    }
}

impl Finder {
    fn field(&mut self, field: Part) {
        if self.open.is_empty() { self.out.join(field) } else { self.open.push(field) }
    }

    fn text(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            if self.open.is_empty() {
                let Some(begins) = SCHEMES.iter().filter_map(|scheme| rest.find(scheme)).min() else { return self.out.join(Part::Text(rest.to_owned())) };
                self.out.join(Part::Text(rest[..begins].to_owned()));
                rest = &rest[begins..];
            }
            let ends = rest.find(|letter: char| letter.is_whitespace() || "<>\"{}".contains(letter));
            self.open.push(Part::Text(rest[..ends.unwrap_or(rest.len())].to_owned()));
            let Some(ends) = ends else { return };
            self.close();
            rest = &rest[ends..];
        }
    }

    /// The address is over: what ends a sentence is not of it.
    fn close(&mut self) {
        let mut pieces = std::mem::take(&mut self.open);
        let mut after = String::new();
        if let Some(Part::Text(last)) = pieces.last_mut() {
            let kept = last.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'']).len();
            after = last.split_off(kept);
            if last.is_empty() {
                pieces.pop();
            }
        }
        if Link(&pieces).is_good() { self.out.parts.push(Part::Link(pieces)) } else { pieces.into_iter().for_each(|piece| self.out.join(piece)) }
        self.out.join(Part::Text(after));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KNOWN: [&str; 3] = ["first_name", "reference", "pay_link"];

    fn parse(text: &str) -> Template {
        Template::parse(text, &KNOWN).expect("a good text")
    }

    fn short(text: &str, reference: &str, link: Option<&str>) -> Result<(String, Vec<String>), RenderError> {
        let mut targets = Vec::new();
        let value = |field: &str| match field {
            "reference" => Some(reference),
            "pay_link" => link,
            _ => None,
        };
        let message = parse(text).render_links(value, |place, target| {
            targets.push(target);
            format!("<{place}>")
        })?;
        Ok((message, targets))
    }

    #[test]
    fn each_link_is_named_by_its_place_and_leads_where_the_text_says() {
        let text = "Pay: {short:https://example.com/{reference}?a=1} or {short:{pay_link|https://example.com/all}}.";
        let (message, targets) = short(text, "A 1/2", None).expect("rendered");
        assert_eq!(message, "Pay: <0> or <1>.");
        assert_eq!(targets, ["https://example.com/A%201%2F2?a=1", "https://example.com/all"]);
        assert_eq!(short(text, "A", Some("https://pay.example.com/x")).expect("rendered").1[1], "https://pay.example.com/x");
        assert_eq!(short(text, "A", Some("javascript:alert(1)")).expect("the fallback").1[1], "https://example.com/all");
        assert_eq!(short("{short:{pay_link}}", "A", Some("ftp://example.com")), Err(RenderError { field: "pay_link".into() }));
        assert_eq!(parse(text).render(|_| Some("B")).expect("whole"), "Pay: https://example.com/B?a=1 or https://example.com/all.", "without short links it stands whole");
        assert_eq!(parse(text).source(), text);
        assert_eq!(parse(text).fields(), ["reference", "pay_link"]);
        assert_eq!(parse(text).warnings().len(), 1, "a reference may be missing");
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_place() {
        for text in ["{short:}", "{short:example.com}", "{short:javascript:alert(1)}", "{short:https://{reference}.example.com/}", "{short:https://example.com{reference}}", "{short:{pay_link|nowhere}}", "{short:https://a:b@example.com/}"] {
            assert_eq!(Template::parse(&format!("Pay {text}"), &KNOWN), Err(TemplateError { position: 5, fault: TemplateFault::NotALink }), "{text}");
        }
        assert_eq!(Template::parse("{short:https://example.com", &KNOWN).map_err(|error| error.fault), Err(TemplateFault::NeverClosed));
        assert!(matches!(Template::parse("{short:https://example.com/{nothing}}", &KNOWN).map_err(|error| (error.position, error.fault)), Err((28, TemplateFault::UnknownField { .. }))));
    }

    #[test]
    fn links_are_found_and_ticked() {
        let text = "See https://example.com/a, http://example.org/{reference}! Or https://{reference}.example.com (https://example.com/b).";
        let choices = parse(text).link_choices();
        assert_eq!(choices.iter().map(|choice| choice.source.as_str()).collect::<Vec<_>>(), ["https://example.com/a", "http://example.org/{reference}", "https://example.com/b"]);
        assert!(choices.iter().all(|choice| !choice.short));
        let ticked = parse(text).choose_links(|source| Some(source.contains("org")));
        assert_eq!(ticked.source(), "See https://example.com/a, {short:http://example.org/{reference}}! Or https://{reference}.example.com (https://example.com/b).");
        assert_eq!(ticked.choose_links(|_| None), ticked, "what nobody asked about stays");
        assert_eq!(ticked.choose_links(|_| Some(false)).source(), text);
        assert_eq!(ticked.source_with("https://go.example.com/x").matches("go.example.com").count(), 1);
    }

    proptest! {
        #[test]
        fn ticking_never_changes_what_is_said(text in "(https://a\\.example/|[a-z .{}]|\\{reference\\}|\\{short:https://b\\.example/\\}){1,12}") {
            if let Ok(template) = Template::parse(&text, &KNOWN) {
                let all = template.choose_links(|_| Some(true));
                let plain = |template: &Template| template.render(|_| Some("R"));
                prop_assert_eq!(plain(&all), plain(&template));
                prop_assert_eq!(Template::parse(&all.source(), &KNOWN), Ok(all));
            }
        }
    }
}
