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
            names_sender: brands.iter().any(|brand| named(brand)),
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
