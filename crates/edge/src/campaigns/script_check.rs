//! A script's faults, each with its step, or the script as a tree: beside whatever form holds it. And scripts to begin with.

use clarion_domain::campaigns::script::fault::ScriptFault;
use clarion_domain::campaigns::script::tree::TreeLine;
use maud::{Markup, html};

use crate::page::chip::{Tone, chip};
use crate::page::fault::{Fault, capitalised};
use crate::page::figure::counted;
use crate::page::icon::Icon;
use crate::tenancy::guard::Session;

/// Scripts to begin with: the word of the query, the name, the text.
pub const STARTERS: [(&str, &str, &str); 3] = [
    ("say", "A message, and 9 for no more calls", include_str!("starters/say.toml")),
    ("agent", "A message, and 1 for an agent", include_str!("starters/agent.toml")),
    ("voicemail", "A reminder, with a message for answering machines", include_str!("starters/voicemail.toml")),
];

/// The text of a starter or of a script that was kept.
pub async fn begun(session: &Session, word: &str) -> Result<Option<String>, Fault> {
    if let Some((_, _, text)) = STARTERS.iter().find(|(known, _, _)| *known == word) {
        return Ok(Some((*text).to_owned()));
    }
    match word.parse() {
        Ok(id) => Ok(Some(session.tenant.script(id).await?.body)),
        Err(_) => Ok(None),
    }
}

/// What a form may begin with, as (value, label).
pub async fn beginnings(session: &Session) -> Result<Vec<(String, String)>, Fault> {
    let mut all = vec![(String::new(), "Choose a script".to_owned())];
    all.extend(STARTERS.iter().map(|(word, name, _)| ((*word).to_owned(), (*name).to_owned())));
    all.extend(session.tenant.scripts().await?.into_iter().map(|script| (script.id.to_string(), format!("Yours: {}", script.name))));
    Ok(all)
}

/// The panel beside the text.
pub async fn panel(session: &Session, text: &str) -> Result<Markup, Fault> {
    if text.trim().is_empty() {
        return Ok(html! { section.card { header { h2 { "How a call goes" } } p.soft { "Begin with one of the scripts, or write one: here it stands as a tree." } } });
    }
    Ok(match session.tenant.check_script(text).await? {
        Ok(script) => html! { section.card { header { h2 { "How a call goes" } (chip(Tone::Good, Icon::Check, "No fault")) } (tree(&script.tree())) } },
        Err(faults) => html! { section.card { header { h2 { "The check" } (chip(Tone::Warn, Icon::Pencil, &counted(faults.len() as i64, "fault", "faults"))) } (list(&faults)) } },
    })
}

fn list(faults: &[ScriptFault]) -> Markup {
    html! { ul.stack.tight { @for fault in faults { li { @if let Some(step) = &fault.step { span.mono { (step) } ": " } (capitalised(&fault.fault.to_string())) } } } }
}

pub fn tree(lines: &[TreeLine]) -> Markup {
    html! {
        ol.tree { @for line in lines {
            li class={ "depth-" (line.depth.min(8)) } {
                span.way { (line.way) }
                div { strong.mono { (line.step) } @if line.is_shown_elsewhere { " " span.soft { "as above" } } @else { div { (capitalised(&line.text)) } } }
            }
        } }
    }
}

#[cfg(test)]
mod tests {
    use clarion_domain::campaigns::script::fault::ScriptFaultKind;
    use clarion_domain::campaigns::script::placeholder::PLACEHOLDERS;
    use clarion_domain::campaigns::script::{Script, ScriptWorld};

    use super::*;

    const WORLD: ScriptWorld<'static> = ScriptWorld { fields: &["first_name"], prompts: &[], targets: &["agents"] };

    /// A starter as its user completes it.
    fn completed(text: &str) -> String {
        PLACEHOLDERS.iter().fold(text.to_owned(), |text, words| text.replace(words, "Northwind"))
    }

    #[test]
    fn a_starter_has_no_fault_but_the_words_that_are_still_to_be_written() {
        for (word, _, text) in STARTERS {
            let faults = Script::parse(text, &WORLD).expect_err("nobody may hear it as it is");
            assert!(faults.iter().all(|fault| matches!(fault.fault, ScriptFaultKind::Placeholder(_))), "{word}: {faults:?}");
            let checked = Script::parse(&completed(text), &WORLD);
            assert!(checked.is_ok(), "{word}: {:?}", checked.err());
        }
    }

    #[test]
    fn whatever_a_starter_says_in_capitals_is_a_placeholder_that_is_checked() {
        for (word, _, text) in STARTERS {
            // Outside the list's words no starter has two capitals together, but for the language.
            let rest = completed(text).replace("en-GB", "");
            let shouts = rest.split(|letter: char| !letter.is_alphabetic()).find(|word| word.chars().filter(|letter| letter.is_uppercase()).count() > 1);
            assert_eq!(shouts, None, "{word}: it stands in no list");
            let digits: Vec<char> = text.split_whitespace().flat_map(str::chars).collect();
            assert!(!digits.windows(5).any(|run| run.iter().all(char::is_ascii_digit)), "{word}: a number that we wrote is not theirs");
        }
        for words in PLACEHOLDERS {
            assert!(STARTERS.iter().any(|(_, _, text)| text.contains(words)), "{words} stands in no starter");
        }
    }
}
