//! The information message of UK-7, heard when no agent is there: on whose behalf the call was, a number to call that costs no
//! premium, and no marketing.

use crate::compliance::lint::lint;
use crate::contacts::address::LineType;

/// What was found in the message; the decision asks for it again before each call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InformationFacts {
    pub names_client: bool,
    pub says_number: bool,
    pub number_is_cheap: bool,
    pub is_promotional: bool,
}

/// The number to call back, as the tenant set it.
#[derive(Debug, Clone, Copy)]
pub struct Callback<'a> {
    /// Digits as they are spoken, such as `020 7946 0100`.
    pub number: &'a str,
    pub line_type: LineType,
}

/// Why a message is not good enough, for its author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InformationFault {
    #[error("say on whose behalf you called: write the client's name as people know it, {0}, not the bureau's")]
    NoClient(String),
    #[error("say this campaign's caller ID, {0}, as the number to call to hear more or to stop the calls: no other will do")]
    NoNumber(String),
    #[error("the number to call back may cost a premium: use a geographic, an 03 or a freephone number")]
    Premium,
    #[error("take out {}: it may not advertise", .0.join(", "))]
    Promotional(Vec<&'static str>),
    #[error("set a number to call back first")]
    NoCallback,
    /// A recording cannot be read.
    #[error("write it as a text: what a prompt says cannot be checked, but the prompt may be the text's fallback")]
    Unwritten,
}

impl InformationFacts {
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.names_client && self.says_number && self.number_is_cheap && !self.is_promotional
    }
}

/// Reads the message. `clients` are the names by which people know the client on whose behalf the call is made; `text` is what
/// every person hears, without fields. For an uploaded prompt, its written text.
#[must_use]
pub fn lint_information(text: &str, clients: &[&str], callback: Option<Callback<'_>>) -> (InformationFacts, Vec<InformationFault>) {
    // The caller ID is no name: it is asked for nothing here.
    let words = lint(text, "", clients);
    let spoken: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = |callback: &Callback<'_>| callback.number.chars().filter(char::is_ascii_digit).collect::<String>();
    let says = |callback: &Callback<'_>| {
        let digits = digits(callback);
        let national = digits.strip_prefix("44").map_or(digits.clone(), |rest| format!("0{rest}"));
        national.len() >= 9 && (spoken.contains(&national) || spoken.contains(&digits))
    };
    let cheap = |callback: &Callback<'_>| matches!(callback.line_type, LineType::FixedLine | LineType::TollFree | LineType::Uan | LineType::FixedOrMobile | LineType::Mobile | LineType::Voip);
    let facts = InformationFacts {
        names_client: words.facts.names_sender,
        says_number: callback.as_ref().is_some_and(says),
        number_is_cheap: callback.as_ref().is_some_and(cheap),
        is_promotional: words.facts.is_promotional,
    };
    let mut faults = Vec::new();
    if !facts.names_client {
        faults.push(InformationFault::NoClient(clients.join(" or ")));
    }
    match &callback {
        None => faults.push(InformationFault::NoCallback),
        Some(callback) => {
            if !facts.says_number {
                faults.push(InformationFault::NoNumber(callback.number.to_owned()));
            }
            if !facts.number_is_cheap {
                faults.push(InformationFault::Premium);
            }
        }
    }
    if facts.is_promotional {
        faults.push(InformationFault::Promotional(words.promotional));
    }
    (facts, faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_client_number_and_no_marketing() {
        let number = Callback { number: "020 7946 0100", line_type: LineType::FixedLine };
        let good = "This was a call on behalf of North Bank. We had nobody free. To hear more or to stop these calls, ring 020 7946 0100.";
        let (facts, faults) = lint_information(good, &["North Bank"], Some(number));
        assert!(facts.is_complete() && faults.is_empty(), "{faults:?}");
        let international = Callback { number: "+44 20 7946 0100", ..number };
        assert!(lint_information(good, &["North Bank"], Some(international)).0.is_complete());
        let cases = [
            (good.replace("North Bank", "Call Bureau Ltd"), Some(number), vec![InformationFault::NoClient("North Bank".into())]),
            (good.replace("0100", "0101"), Some(number), vec![InformationFault::NoNumber("020 7946 0100".into())]),
            (good.to_owned(), Some(Callback { line_type: LineType::PremiumRate, ..number }), vec![InformationFault::Premium]),
            (good.to_owned(), Some(Callback { line_type: LineType::SharedCost, ..number }), vec![InformationFault::Premium]),
            (format!("{good} Ask about our special offer!"), Some(number), vec![InformationFault::Promotional(vec!["special offer"])]),
            (good.replace("0100", "0101"), Some(Callback { line_type: LineType::PremiumRate, ..number }), vec![InformationFault::NoNumber("020 7946 0100".into()), InformationFault::Premium]),
            (good.to_owned(), None, vec![InformationFault::NoCallback]),
        ];
        for (text, callback, expected) in cases {
            let (facts, faults) = lint_information(&text, &["North Bank"], callback);
            assert_eq!(faults, expected, "{text}");
            assert!(!facts.is_complete());
        }
    }
}
