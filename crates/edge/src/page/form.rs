//! Fields with label, hint and problem, and the summary of problems above them.

use maud::{Markup, html};

use super::fields::{Fields, Problems};

/// What a form shows: the values to fill in, and what is wrong with them.
#[derive(Clone, Copy)]
pub struct Fill<'a> {
    pub fields: &'a Fields,
    pub problems: &'a Problems,
}

/// The focused summary at the head of the page; each problem links to its field.
pub fn summary(problems: &Problems) -> Markup {
    html! {
        @if !problems.is_empty() {
            div.problem role="alert" tabindex="-1" autofocus {
                h2 { "There is a problem" }
                ul { @for (field, text) in problems.all() { li { a href={ "#" (field) } { (text) } } } }
            }
        }
    }
}

/// One line of text.
pub struct Input<'a> {
    name: &'a str,
    label: &'a str,
    hint: &'a str,
    kind: &'a str,
    class: &'a str,
    autocomplete: &'a str,
    list: &'a [String],
}

impl<'a> Input<'a> {
    pub fn new(name: &'a str, label: &'a str) -> Self {
        Self { name, label, hint: "", kind: "text", class: "", autocomplete: "off", list: &[] }
    }

    #[must_use]
    pub fn hint(self, hint: &'a str) -> Self {
        Self { hint, ..self }
    }

    #[must_use]
    pub fn kind(self, kind: &'a str) -> Self {
        Self { kind, ..self }
    }

    /// `short` or `medium`; as wide as its column otherwise.
    #[must_use]
    pub fn class(self, class: &'a str) -> Self {
        Self { class, ..self }
    }

    #[must_use]
    pub fn autocomplete(self, autocomplete: &'a str) -> Self {
        Self { autocomplete, ..self }
    }

    /// Values to choose from beside typing.
    #[must_use]
    pub fn list(self, list: &'a [String]) -> Self {
        Self { list, ..self }
    }

    pub fn show(&self, fill: Fill) -> Markup {
        let value = if self.kind == "password" { "" } else { fill.fields.raw(self.name) };
        let list = (!self.list.is_empty()).then(|| format!("{}-list", self.name));
        let mode = (self.kind == "number").then_some("numeric");
        let kind = if self.kind == "number" { "text" } else { self.kind };
        let control = html! {
            input #(self.name) class=[(!self.class.is_empty()).then_some(self.class)] type=(kind) inputmode=[mode] name=(self.name) value=(value) list=[list.as_deref()]
                autocomplete=(self.autocomplete) aria-invalid=[fill.problems.of(self.name).map(|_| "true")] aria-describedby=[described(self.name, self.hint, fill)];
            @if let Some(list) = &list { datalist #(list) { @for value in self.list { option value=(value) {} } } }
        };
        field(self.name, self.label, self.hint, fill, &control)
    }
}

fn described(name: &str, hint: &str, fill: Fill) -> Option<String> {
    match (!hint.is_empty(), fill.problems.of(name).is_some()) {
        (false, false) => None,
        (true, false) => Some(format!("{name}-hint")),
        (false, true) => Some(format!("{name}-wrong")),
        (true, true) => Some(format!("{name}-hint {name}-wrong")),
    }
}

fn field(name: &str, label: &str, hint: &str, fill: Fill, control: &Markup) -> Markup {
    let problem = fill.problems.of(name);
    html! {
        div class=(if problem.is_some() { "field has-problem" } else { "field" }) {
            label for=(name) { (label) }
            (beside(name, hint, problem))
            (control)
        }
    }
}

fn beside(name: &str, hint: &str, problem: Option<&str>) -> Markup {
    html! {
        @if !hint.is_empty() { span.hint #{ (name) "-hint" } { (hint) } }
        @if let Some(text) = problem { span.wrong #{ (name) "-wrong" } { span.unseen { "Error: " } (text) } }
    }
}

/// Several lines; `segments` names the element that says how many SMS the text takes.
pub fn area(name: &str, label: &str, hint: &str, segments: Option<&str>, fill: Fill) -> Markup {
    let control = html! {
        textarea #(name) name=(name) rows="5" data-segments=[segments] aria-invalid=[fill.problems.of(name).map(|_| "true")] aria-describedby=[described(name, hint, fill)] {
            // A newline after the tag is dropped by the parser: this one keeps the text's own.
            "\n" (fill.fields.raw(name))
        }
    };
    field(name, label, hint, fill, &control)
}

/// One of several, as (value, label).
pub fn select(name: &str, label: &str, hint: &str, choices: &[(String, String)], fill: Fill) -> Markup {
    let held = fill.fields.get(name);
    let control = html! {
        select #(name) name=(name) aria-invalid=[fill.problems.of(name).map(|_| "true")] aria-describedby=[described(name, hint, fill)] {
            @for (value, label) in choices { option value=(value) selected[value == held] { (label) } }
        }
    };
    field(name, label, hint, fill, &control)
}

/// One of a few, all in sight, as (value, label, explanation).
pub fn radios(name: &str, legend: &str, hint: &str, choices: &[(&str, &str, &str)], fill: Fill) -> Markup {
    let (held, problem) = (fill.fields.get(name), fill.problems.of(name));
    html! {
        fieldset class=(if problem.is_some() { "field has-problem" } else { "field" }) aria-describedby=[described(name, hint, fill)] {
            legend { (legend) }
            (beside(name, hint, problem))
            div.choices {
                @for (place, (value, label, text)) in choices.iter().enumerate() {
                    label.choice {
                        input #(if place == 0 { name.to_owned() } else { format!("{name}-{value}") }) type="radio" name=(name) value=(value) checked[*value == held];
                        span { (label) @if !text.is_empty() { small { (text) } } }
                    }
                }
            }
        }
    }
}

/// A yes.
pub fn tick(name: &str, label: &str, text: &str, fill: Fill) -> Markup {
    let problem = fill.problems.of(name);
    html! {
        div class=(if problem.is_some() { "field has-problem" } else { "field" }) {
            (beside(name, "", problem))
            label.choice {
                input #(name) type="checkbox" name=(name) value="yes" checked[fill.fields.has(name, "yes")] aria-describedby=[described(name, "", fill)];
                span { (label) @if !text.is_empty() { small { (text) } } }
            }
        }
    }
}

/// A form of one button, for an act that needs nothing else.
pub fn button(action: &str, class: &str, label: &str) -> Markup {
    html! { form method="post" action=(action) { button class={ "button " (class) } type="submit" { (label) } } }
}

/// An act that cannot be taken back asks once more, in place and without script; `what` says what it does.
pub fn confirmed(open: &str, what: &str, action: &str, label: &str) -> Markup {
    html! { details.confirm { summary.button.danger { (open) } div { p { (what) } (button(action, "danger", label)) } } }
}
