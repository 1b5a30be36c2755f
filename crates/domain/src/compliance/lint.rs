//! What a template's words say: whether it advertises (UK-17), how to stop it and who sends it (UK-30).

use crate::compliance::facts::MessageFacts;

/// Words of promotion, as whole words in this order. Chosen so that what collectors and lenders write in service ("call us
/// free", "we can offer a payment plan", "this deal with your lender") does not match.
const PROMOTION: &[&str] = &[
    "special offer", "exclusive offer", "limited offer", "offer ends", "latest offers", "our offers", "great offer", "new offer", "introductory offer",
    "discount", "discounts", "money off", "percent off", "sale now on", "sale ends", "clearance", "great deal", "great deals", "best deals", "bargain",
    "voucher", "promo", "promo code", "promotion", "coupon", "cashback", "free gift", "free trial", "gift card", "bonus", "prize", "prizes", "win a",
    "you could win", "winner", "competition", "save up to", "save money", "save over", "limited time", "last chance to buy", "hurry", "while stocks last",
    "dont miss out", "buy now", "order now", "shop now", "apply now", "sign up now", "pre approved", "preapproved", "guaranteed approval",
    "upgrade today", "upgrade now", "refer a friend", "recommend a friend", "new range", "new arrivals", "treat yourself", "low rates", "lowest rates",
    "interest free", "borrow up to", "borrow more", "top up your loan", "rewards", "loyalty points", "black friday",
];

/// Words that tell how to stop, as whole words in this order.
const STOPPING: &[&str] = &[
    "reply stop", "text stop", "txt stop", "send stop", "reply with stop", "reply no", "stop to", "stop at", "to stop", "opt out", "optout", "to optout",
    "unsubscribe", "unsub", "stop texts", "stop msgs", "stop messages",
];

/// What was found, for the campaign's author.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lint {
    pub facts: MessageFacts,
    /// The phrases of promotion, in the list's order.
    pub promotional: Vec<&'static str>,
}

/// Reads a template or a finished text. `brands` are the names by which people know the tenant; a sender that is a name
/// cannot be replied to, so the way to stop must then be a number or an address in the text.
#[must_use]
pub fn lint(text: &str, sender: &str, brands: &[&str]) -> Lint {
    let words = words_of(text);
    let mut promotional: Vec<_> = PROMOTION.iter().copied().filter(|phrase| holds(&words, phrase)).collect();
    if has_percent_off(text) {
        promotional.push("% off");
    }
    let can_be_answered = !sender.is_empty() && sender.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+');
    let tells = STOPPING.iter().any(|phrase| holds(&words, phrase));
    let named = |brand: &&str| !brand.trim().is_empty() && (holds(&words, &words_of(brand).join(" ")) || plain(sender) == plain(brand));
    Lint {
        facts: MessageFacts {
            says_how_to_stop: tells && (can_be_answered || has_somewhere_to_go(text)),
            names_sender: brands.iter().any(named),
            is_promotional: !promotional.is_empty(),
        },
        promotional,
    }
}

/// Lower case, apostrophes gone, everything else that is no letter or digit a gap.
fn words_of(text: &str) -> Vec<String> {
    let text: String = text.chars().filter(|letter| !matches!(letter, '\'' | '’')).flat_map(char::to_lowercase).collect();
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn holds(words: &[String], phrase: &str) -> bool {
    let phrase: Vec<&str> = phrase.split(' ').filter(|word| !word.is_empty()).collect();
    !phrase.is_empty() && words.windows(phrase.len()).any(|window| window.iter().zip(&phrase).all(|(word, wanted)| word == wanted))
}

fn plain(name: &str) -> String {
    words_of(name).concat()
}

/// `20% off`, `20 % OFF`.
fn has_percent_off(text: &str) -> bool {
    let text = text.to_lowercase();
    text.match_indices('%').any(|(at, _)| text[at + 1..].trim_start().starts_with("off") && text[..at].trim_end().ends_with(|last: char| last.is_ascii_digit()))
}

/// An address of a page, or a number of at least five digits.
fn has_somewhere_to_go(text: &str) -> bool {
    let text = text.to_lowercase();
    let longest_number = text.split(|letter: char| !(letter.is_ascii_digit() || letter == ' ')).map(|run| run.bytes().filter(u8::is_ascii_digit).count()).max();
    text.contains("http://") || text.contains("https://") || text.contains("www.") || longest_number >= Some(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_service_from_marketing() {
        let service = [
            "North Bank: your payment of 12.50 is due on Friday. Call us free on 0800 000 0000 or reply STOP.",
            "Hi Ada, please ring North Bank about your account. We can offer a payment plan.",
            "Your appointment is tomorrow at 10:00. Interest is free of charge this month.",
            "We could not deal with your request. 20% of the balance is due.",
            "Win back control of your debt: call us.",
        ];
        for text in service {
            assert_eq!(lint(text, "NorthBank", &["North Bank"]).promotional, Vec::<&str>::new(), "{text}");
        }
        let marketing = [
            ("Your payment is due. Special offer: borrow more today!", vec!["special offer", "borrow more"]),
            ("20% OFF everything", vec!["% off"]),
            ("Don’t miss out, apply now", vec!["dont miss out", "apply now"]),
            ("You could WIN a prize", vec!["prize", "win a", "you could win"]),
            ("Get cash-back. DISCOUNT inside", vec!["discount"]),
        ];
        for (text, found) in marketing {
            let lint = lint(text, "NorthBank", &["North Bank"]);
            assert_eq!(lint.promotional, found, "{text}");
            assert!(lint.facts.is_promotional);
        }
    }

    #[test]
    fn finds_the_sender_and_the_way_to_stop() {
        let cases = [
            ("a number can be replied to", "North Bank sale. Reply STOP to opt out", "+447700900123", (true, true)),
            ("a name cannot", "North Bank sale. Reply STOP to opt out", "NorthBank", (true, false)),
            ("a name, with a code", "North Bank sale. Text STOP to 66777", "NorthBank", (true, true)),
            ("a name, with a page", "Sale. Opt out: https://nb.example/o", "NorthBank", (true, true)),
            ("a name, with a number of another kind", "Sale. Opt out any time. 20 % for 30 days", "NorthBank", (true, false)),
            ("nobody named", "Sale today. Reply STOP to end", "+447700900123", (false, true)),
            ("named in the text", "NORTH BANK here. Bye", "66777", (true, false)),
            ("named by half", "The north of England. Unsubscribe: reply STOP", "66777", (false, true)),
            ("a non-stop sale", "North Bank: non-stop savings", "66777", (true, false)),
        ];
        for (label, text, sender, (names, stops)) in cases {
            let facts = lint(text, sender, &["North Bank"]).facts;
            assert_eq!((facts.names_sender, facts.says_how_to_stop), (names, stops), "{label}");
        }
        assert!(!lint("Anything", "", &["", " "]).facts.names_sender, "no brand is nobody's name");
    }
}
