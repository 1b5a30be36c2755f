//! SMS text with fields: `Hello {first_name|there}`. `{{` and `}}` stand for the signs themselves. `{short:https://example.com/{reference}}`
//! is a link that each person gets as a short one of their own.

mod link;

use std::borrow::Cow;

use link::Link;
pub use link::LinkChoice;

/// Ten segments of plain text; carriers refuse much longer messages.
pub const TEMPLATE_LENGTH_CHARS_MAX: usize = 1_530;

/// A parsed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

/// A piece of a text: speech is rendered piece by piece, so that only the fields differ from person to person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Text(String),
    Field { name: String, fallback: Option<String> },
    /// An address that is sent as a short link: pieces of text and fields.
    Link(Vec<Part>),
}

/// What is wrong with a text, and where: characters counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("character {position}: {fault}")]
pub struct TemplateError {
    pub position: usize,
    pub fault: TemplateFault,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    #[error("the text is empty: write what the person should read")]
    Empty,
    #[error("the text is longer than {TEMPLATE_LENGTH_CHARS_MAX} characters: shorten it")]
    TooLong,
    #[error("this {{ is never closed: add }} after the field's name, or write {{{{ for the sign itself")]
    NeverClosed,
    #[error("this }} closes nothing: remove it, or write }}}} for the sign itself")]
    ClosesNothing,
    #[error("a field has no name: write one of {known} between the brackets")]
    NoName { known: String },
    #[error("there is no field {name}: use one of {known}, or declare the field first")]
    UnknownField { name: String, known: String },
    #[error("a {{ inside a field: close the field before it")]
    Nested,
    #[error("an invisible control character: delete it; a new line is allowed")]
    ControlCharacter,
    #[error("a short link leads to an address that begins with https:// or http:// and says its host, as in {{short:https://example.com/pay}}, or to a field that holds one, as in {{short:{{pay_link}}}}")]
    NotALink,
    #[error("a short link cannot be heard: take it out, or say the address in words")]
    NotHeard,
}

/// Something to look at before the text is used; it can be saved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateWarning {
    #[error("people without {field} will not get this message: give it a fallback, such as {{{field}|there}}")]
    NoFallback { field: String },
}

/// A person has no value for a field that has no fallback: the message is not sent with a gap.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the contact has no {field} and the text has no fallback for it: fill the field, or write a fallback as in {{{field}|there}}")]
pub struct RenderError {
    pub field: String,
}

impl Template {
    /// Parses a text. `known` are the standard fields and those that the tenant declared.
    pub fn parse(text: &str, known: &[&str]) -> Result<Self, TemplateError> {
        let error = |position, fault| Err(TemplateError { position, fault });
        if text.trim().is_empty() {
            return error(1, TemplateFault::Empty);
        }
        if text.chars().nth(TEMPLATE_LENGTH_CHARS_MAX).is_some() {
            return error(TEMPLATE_LENGTH_CHARS_MAX + 1, TemplateFault::TooLong);
        }
        let letters: Vec<char> = text.chars().collect();
        let mut template = Self { parts: Vec::new() };
        let mut at = 0;
        while at < letters.len() {
            match (letters[at], letters.get(at + 1)) {
                ('{', Some('{')) | ('}', Some('}')) => {
                    template.push(letters[at]);
                    at += 2;
                }
                ('{', _) if link::opens(&letters[at..]) => at = template.link(&letters, at, known)?,
                ('{', _) => at = template.field(&letters, at, known)?,
                ('}', _) => return error(at + 1, TemplateFault::ClosesNothing),
                (letter, _) if letter.is_control() && letter != '\n' && letter != '\r' => return error(at + 1, TemplateFault::ControlCharacter),
                (letter, _) => {
                    template.push(letter);
                    at += 1;
                }
            }
        }
        Ok(template)
    }

    fn push(&mut self, letter: char) {
        // A carriage return is a browser's way of writing a new line; it would cost a character of the message.
        if letter == '\r' {
            return;
        }
        match self.parts.last_mut() {
            Some(Part::Text(text)) => text.push(letter),
            _ => self.parts.push(Part::Text(letter.to_string())),
        }
    }

    /// Reads the field that opens at `open`; gives the place after it.
    fn field(&mut self, letters: &[char], open: usize, known: &[&str]) -> Result<usize, TemplateError> {
        let error = |at: usize, fault| TemplateError { position: at + 1, fault };
        let length = letters[open + 1..].iter().position(|letter| *letter == '}').ok_or_else(|| error(open, TemplateFault::NeverClosed))?;
        let inside = &letters[open + 1..=open + length];
        if let Some(nested) = inside.iter().position(|letter| *letter == '{') {
            return Err(error(open + 1 + nested, TemplateFault::Nested));
        }
        if let Some(control) = inside.iter().position(|letter| letter.is_control()) {
            return Err(error(open + 1 + control, TemplateFault::ControlCharacter));
        }
        let inside: String = inside.iter().collect();
        let (name, fallback) = match inside.split_once('|') {
            Some((name, fallback)) => (name.trim(), Some(fallback.to_owned())),
            None => (inside.trim(), None),
        };
        if name.is_empty() {
            return Err(error(open, TemplateFault::NoName { known: known.join(", ") }));
        }
        if !known.contains(&name) {
            return Err(error(open, TemplateFault::UnknownField { name: name.to_owned(), known: known.join(", ") }));
        }
        self.parts.push(Part::Field { name: name.to_owned(), fallback });
        Ok(open + length + 2)
    }

    /// The fields that the text uses, each once, in order.
    #[must_use]
    pub fn fields(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for part in self.pieces() {
            if let Part::Field { name, .. } = part
                && !names.contains(&name.as_str())
            {
                names.push(name.as_str());
            }
        }
        names
    }

    /// What to look at before using the text.
    #[must_use]
    pub fn warnings(&self) -> Vec<TemplateWarning> {
        let bare = |name: &&str| self.pieces().any(|part| matches!(part, Part::Field { name: other, fallback: None } if other == name));
        self.fields().into_iter().filter(bare).map(|field| TemplateWarning::NoFallback { field: field.to_owned() }).collect()
    }

    /// The message for one person. `value` gives a field's value; a blank one counts as none. An empty fallback is allowed. Links stand
    /// in it whole.
    pub fn render<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> Result<String, RenderError> {
        self.render_links(value, |_, target| target)
    }

    /// The same, where `link` says what stands for each link: given its place among the links, and where it leads.
    pub fn render_links<'v>(&self, value: impl Fn(&str) -> Option<&'v str>, mut link: impl FnMut(usize, String) -> String) -> Result<String, RenderError> {
        let (mut message, mut place) = (String::new(), 0);
        for part in &self.parts {
            match part {
                Part::Text(text) => message.push_str(text),
                Part::Field { name, fallback } => message.push_str(&one_line(filled(name, fallback.as_deref(), &value)?)),
                Part::Link(pieces) => {
                    message.push_str(&link(place, Link(pieces).target(&value)?));
                    place += 1;
                }
            }
        }
        Ok(message)
    }

    /// The pieces in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Texts and fields, also those within links.
    fn pieces(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().flat_map(|part| if let Part::Link(pieces) = part { pieces.as_slice() } else { std::slice::from_ref(part) })
    }

    /// The text as it is written.
    #[must_use]
    pub fn source(&self) -> String {
        self.parts.iter().map(written).collect()
    }

    /// The text without its fields, for rules that look at what every person reads.
    #[must_use]
    pub fn fixed_text(&self) -> String {
        let text = |part: &Part| if let Part::Text(text) = part { text.clone() } else { " ".into() };
        self.pieces().map(text).collect()
    }
}

fn written(part: &Part) -> String {
    match part {
        Part::Text(text) => text.replace('{', "{{").replace('}', "}}"),
        Part::Field { name, fallback: None } => format!("{{{name}}}"),
        Part::Field { name, fallback: Some(fallback) } => format!("{{{name}|{fallback}}}"),
        Part::Link(pieces) => format!("{{short:{}}}", Link(pieces).source()),
    }
}

/// The person's value, or the fallback.
fn filled<'a, 'v: 'a>(name: &str, fallback: Option<&'a str>, value: &impl Fn(&str) -> Option<&'v str>) -> Result<&'a str, RenderError> {
    let held: Option<&'a str> = value(name);
    held.map(str::trim).filter(|held| !held.is_empty()).or(fallback).ok_or_else(|| RenderError { field: name.to_owned() })
}

/// A value cannot break the line: a person's field must not be able to fake the end of the message.
fn one_line(value: &str) -> Cow<'_, str> {
    if value.contains(char::is_control) { Cow::Owned(value.replace(char::is_control, " ")) } else { Cow::Borrowed(value) }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
