//! Whom not to contact: the suppression list, and the question "why not?".

pub mod hold;
pub mod limits;
pub mod suppression;
pub mod suppression_file;
pub mod why_not;

use maud::{Markup, html};

/// The pages of this stop.
fn tabs(here: &str) -> Markup {
    html! { nav.tabs aria-label="Compliance" { @for (word, path, name) in [("suppressions", "/compliance", "Suppressions"), ("holds", "/compliance/holds", "Holds"), ("why-not", "/compliance/why-not", "Why not?")] { a href=(path) aria-current=[(word == here).then_some("page")] { (name) } } } }
}
