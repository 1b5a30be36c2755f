//! The addresses of a text, each with a tick: ticked, it is sent as a short link of each person's own. What is ticked stands in the text itself.

use clarion_domain::campaigns::template::{LinkChoice, Template};
use maud::{Markup, html};

use crate::page::fault::Fault;
use crate::page::fields::Fields;
use crate::tenancy::guard::Session;

pub struct LinkTicks {
    /// As long as every short link; `None` while they are off.
    sample: Option<String>,
    template: Option<Template>,
    choices: Vec<LinkChoice>,
}

impl LinkTicks {
    pub async fn of(session: &Session, body: &str) -> Result<Self, Fault> {
        let template = session.tenant.parse_template(body).await.ok();
        let choices = template.as_ref().map(Template::link_choices).unwrap_or_default();
        Ok(Self { sample: session.tenant.link_sample().await?, template, choices })
    }

    pub fn sample(&self) -> Option<&str> {
        self.sample.as_deref()
    }

    /// The text as it is measured.
    pub fn measured_text(&self, body: &str) -> String {
        match (&self.template, &self.sample) {
            (Some(template), Some(sample)) => template.source_with(sample),
            _ => body.to_owned(),
        }
    }

    pub fn ticks(&self) -> Markup {
        let marked = self.choices.iter().any(|choice| choice.short);
        html! {
            @if (self.sample.is_some() || marked) && !self.choices.is_empty() {
                fieldset.field {
                    legend { "Short links" }
                    span.hint { @if let Some(sample) = &self.sample { "Ticked, an address is sent as " code.breaks { (sample) } ", another for each person, and you see whether it was opened." } @else { "Short links are off: switch them on in the settings, or untick these." } }
                    div.choices { @for (place, choice) in self.choices.iter().enumerate() {
                        input type="hidden" name="link-seen" value=(choice.source);
                        label.choice { input #{ "link-" (place) } type="checkbox" name="link-short" value=(choice.source) checked[choice.short]; span.breaks { (choice.source) } }
                    } }
                }
            }
        }
    }
}

/// The text of a form, with the ticks in it. An address that was not shown with a tick stays as it is written.
pub async fn ticked(session: &Session, fields: &Fields) -> Result<String, Fault> {
    let body = fields.raw("body").replace("\r\n", "\n").trim_end().to_owned();
    // A text with a fault is shown again as it was typed.
    let Ok(template) = session.tenant.parse_template(&body).await else { return Ok(body) };
    let chosen = template.choose_links(|source| fields.has("link-seen", source).then(|| fields.has("link-short", source)));
    Ok(if chosen == template { body } else { chosen.source() })
}
