//! Status chips: an icon and a word, never colour alone.

use maud::{Markup, html};

use super::icon::Icon;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Warn,
    Bad,
    Info,
    Calm,
}

impl Tone {
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Info => "info",
            Self::Calm => "calm",
        }
    }
}

pub fn chip(tone: Tone, icon: Icon, word: &str) -> Markup {
    html! { span class={ "chip " (tone.class()) } { (icon.draw()) (word) } }
}

/// A chip of something under way.
pub fn live_chip(word: &str) -> Markup {
    html! { span.chip.info.live { (Icon::Dot.draw()) (word) } }
}
