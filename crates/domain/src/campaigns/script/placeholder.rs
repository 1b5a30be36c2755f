//! The words of a shipped script that its user is to put others in the place of. No call may say them.

/// In the order in which a person would look for them. A test of the portal's shipped scripts keeps this list whole.
pub const PLACEHOLDERS: &[&str] = &["YOUR COMPANY", "YOUR NUMBER", "YOUR REMINDER", "WHAT YOU HAVE TO SAY", "WHAT IT IS ABOUT"];

/// Those that a text still holds, as they are written: in small letters somebody may mean them.
pub(super) fn left_in(text: &str) -> impl Iterator<Item = &'static str> {
    PLACEHOLDERS.iter().copied().filter(move |words| text.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaigns::script::Script;
    use crate::campaigns::script::check::tests::{GOOD, WORLD};

    #[test]
    fn a_script_with_words_to_replace_is_not_fit_wherever_they_stand() {
        let told = |from: &str, to: &str| Script::parse(&GOOD.replacen(from, to, 1), &WORLD).expect_err("a fault").iter().map(ToString::to_string).collect::<Vec<_>>();
        for words in PLACEHOLDERS {
            assert_eq!(told("Press 1 to speak with us", words), [format!("step menu: it still says {words}: put your own words there")]);
        }
        assert_eq!(told("This is a call for North Bank.", "This is YOUR COMPANY."), ["it still says YOUR COMPANY: put your own words there"], "the information message");
        assert_eq!(told("this is North Bank.", "this is YOUR COMPANY. WHAT YOU HAVE TO SAY.").len(), 2, "each is named");
        assert!(Script::parse(&GOOD.replacen("Press 1 to speak with us", "Press 1 if this is your company", 1), &WORLD).is_ok(), "in small letters they are words");
    }
}
