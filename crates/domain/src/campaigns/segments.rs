//! How many SMS parts a text makes, which characters make it dearer, and what to write instead.

use crate::word::words;

words! {
    pub enum Alphabet {
        /// The GSM 03.38 default alphabet with its extension: 160 septets, 153 in each of several parts.
        Gsm = "gsm",
        /// UTF-16: 70 units, 67 in each of several parts.
        Ucs2 = "ucs2",
    }
}

words! {
    /// The reference that ties the parts of a long message together; the longer one takes a unit of each part.
    pub enum ReferenceWidth {
        Short = "short",
        Long = "long",
    }
}

/// The measure of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentCount {
    pub alphabet: Alphabet,
    /// Septets, or UTF-16 units.
    pub units: usize,
    pub segments: usize,
    /// Units that still fit into the last segment; for a text of one segment, before it makes two.
    pub units_left: usize,
    /// The characters that are outside the GSM alphabet, each once, in order.
    pub outside_gsm: Vec<char>,
}

/// The default alphabet without its escape (3GPP TS 23.038, 6.2.1).
const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Characters that take an escape and a septet.
const GSM_EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// What a reader takes for the same and the GSM alphabet has.
const REPLACEMENTS: &[(char, &str)] = &[
    ('\u{2018}', "'"), ('\u{2019}', "'"), ('\u{201a}', "'"), ('\u{2032}', "'"), ('`', "'"), ('\u{b4}', "'"),
    ('\u{201c}', "\""), ('\u{201d}', "\""), ('\u{201e}', "\""), ('\u{ab}', "\""), ('\u{bb}', "\""), ('\u{2033}', "\""),
    ('\u{2010}', "-"), ('\u{2011}', "-"), ('\u{2012}', "-"), ('\u{2013}', "-"), ('\u{2014}', "-"), ('\u{2015}', "-"), ('\u{2212}', "-"),
    ('\u{2026}', "..."), ('\u{2022}', "*"), ('\u{b7}', "."), ('\u{d7}', "x"), ('\u{2122}', "(TM)"), ('\u{ae}', "(R)"), ('\u{a9}', "(C)"),
    ('\u{a0}', " "), ('\u{2007}', " "), ('\u{2009}', " "), ('\u{202f}', " "), ('\t', " "), ('\u{2028}', "\n"),
    ('\u{200b}', ""), ('\u{200c}', ""), ('\u{200d}', ""), ('\u{2060}', ""), ('\u{feff}', ""), ('\u{ad}', ""), ('\u{fe0f}', ""),
    ('\u{2068}', ""), ('\u{2069}', ""), ('\u{200e}', ""), ('\u{200f}', ""),
    ('á', "a"), ('â', "a"), ('ã', "a"), ('ā', "a"), ('ą', "a"), ('Á', "A"), ('À', "A"), ('Â', "A"), ('Ã', "A"), ('Ą', "A"),
    ('ç', "c"), ('ć', "c"), ('č', "c"), ('Ć', "C"), ('Č', "C"), ('ď', "d"), ('Ď', "D"), ('đ', "d"), ('Đ', "D"),
    ('ê', "e"), ('ë', "e"), ('ē', "e"), ('ę', "e"), ('ě', "e"), ('È', "E"), ('Ê', "E"), ('Ë', "E"), ('Ę', "E"),
    ('í', "i"), ('î', "i"), ('ï', "i"), ('ī', "i"), ('Í', "I"), ('Ì', "I"), ('Î', "I"), ('Ï', "I"),
    ('ł', "l"), ('Ł', "L"), ('ń', "n"), ('ň', "n"), ('Ń', "N"), ('ó', "o"), ('ô', "o"), ('õ', "o"), ('ő', "o"), ('Ó', "O"), ('Ò', "O"), ('Ô', "O"), ('Õ', "O"),
    ('œ', "oe"), ('Œ', "OE"), ('ř', "r"), ('ś', "s"), ('š', "s"), ('ş', "s"), ('Ś', "S"), ('Š', "S"), ('ť', "t"),
    ('ú', "u"), ('û', "u"), ('ū', "u"), ('ů', "u"), ('ű', "u"), ('Ú', "U"), ('Ù', "U"), ('Û', "U"),
    ('ý', "y"), ('ÿ', "y"), ('Ý', "Y"), ('ź', "z"), ('ż', "z"), ('ž', "z"), ('Ź', "Z"), ('Ż', "Z"), ('Ž', "Z"),
];

/// Septets of a character in the GSM alphabet; `None` when it is outside.
fn septets(letter: char) -> Option<usize> {
    match letter {
        ' '..='#' | '%'..='?' | 'A'..='Z' | 'a'..='z' => Some(1),
        _ if GSM.contains(letter) => Some(1),
        _ if GSM_EXTENSION.contains(letter) => Some(2),
        _ => None,
    }
}

/// Measures a text as it goes to the person.
#[must_use]
pub fn count(text: &str) -> SegmentCount {
    count_with(text, ReferenceWidth::Short)
}

/// Measures a text for a trunk whose long messages carry this kind of reference.
#[must_use]
pub fn count_with(text: &str, reference: ReferenceWidth) -> SegmentCount {
    let mut outside_gsm = Vec::new();
    for letter in text.chars().filter(|letter| septets(*letter).is_none()) {
        if !outside_gsm.contains(&letter) {
            outside_gsm.push(letter);
        }
    }
    let alphabet = if outside_gsm.is_empty() { Alphabet::Gsm } else { Alphabet::Ucs2 };
    let cost = |letter: char| match alphabet {
        Alphabet::Gsm => septets(letter).unwrap_or(1),
        Alphabet::Ucs2 => letter.len_utf16(),
    };
    let (alone_max, part_max) = match alphabet {
        Alphabet::Gsm => (160, 153),
        Alphabet::Ucs2 => (70, 67),
    };
    let part_max = part_max - usize::from(reference == ReferenceWidth::Long);
    let units = text.chars().map(cost).sum();
    let (segments, units_left) = if units <= alone_max { (1, alone_max - units) } else { in_parts(text.chars().map(cost), part_max) };
    SegmentCount { alphabet, units, segments, units_left, outside_gsm }
}

/// Fills part after part; a character of two units that does not fit whole goes to the next one.
fn in_parts(costs: impl Iterator<Item = usize>, part_max: usize) -> (usize, usize) {
    let (mut segments, mut used) = (1, 0);
    for cost in costs {
        if used + cost > part_max {
            segments += 1;
            used = 0;
        }
        used += cost;
    }
    (segments, part_max - used)
}

/// What to write instead of a character outside the GSM alphabet; `None` when nothing reads the same.
#[must_use]
pub fn replacement(letter: char) -> Option<&'static str> {
    REPLACEMENTS.iter().find(|(outside, _)| *outside == letter).map(|(_, inside)| *inside)
}

/// The text with each character outside the GSM alphabet replaced where something reads the same.
#[must_use]
pub fn simplified(text: &str) -> String {
    let mut simple = String::with_capacity(text.len());
    for letter in text.chars() {
        match replacement(letter) {
            Some(inside) if septets(letter).is_none() => simple.push_str(inside),
            _ => simple.push(letter),
        }
    }
    simple
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn brief(text: &str) -> (Alphabet, usize, usize, usize) {
        let count = count(text);
        (count.alphabet, count.units, count.segments, count.units_left)
    }

    #[test]
    fn counts_at_the_edges_of_a_segment() {
        use Alphabet::{Gsm, Ucs2};
        for (letter, times, expected) in [
            ("", 0, (Gsm, 0, 1, 160)),
            ("a", 160, (Gsm, 160, 1, 0)),
            ("a", 161, (Gsm, 161, 2, 145)),
            ("a", 306, (Gsm, 306, 2, 0)),
            ("a", 307, (Gsm, 307, 3, 152)),
            ("€", 80, (Gsm, 160, 1, 0)),
            ("€", 81, (Gsm, 162, 2, 143)),
            ("ж", 70, (Ucs2, 70, 1, 0)),
            ("ж", 71, (Ucs2, 71, 2, 63)),
            ("ж", 134, (Ucs2, 134, 2, 0)),
            ("😀", 35, (Ucs2, 70, 1, 0)),
            ("😀", 36, (Ucs2, 72, 2, 61)),
        ] {
            assert_eq!(brief(&letter.repeat(times)), expected, "{letter} × {times}");
        }
    }

    #[test]
    fn neither_an_escape_nor_a_surrogate_pair_is_split() {
        let escape_at_the_edge = format!("{}€{}", "a".repeat(152), "a".repeat(151));
        assert_eq!(brief(&escape_at_the_edge), (Alphabet::Gsm, 305, 2, 0), "the euro starts the second part");
        assert_eq!(brief(&format!("{escape_at_the_edge}a")).2, 3);
        let pair_at_the_edge = format!("{}😀{}", "ж".repeat(66), "ж".repeat(65));
        assert_eq!(brief(&pair_at_the_edge), (Alphabet::Ucs2, 133, 2, 0));
        assert_eq!(count_with(&"a".repeat(305), ReferenceWidth::Long).segments, 3, "152 a part");
    }

    #[test]
    fn names_what_forces_ucs2_and_offers_a_replacement() {
        let text = "It’s £5 – don’t wait… 😀";
        assert_eq!(count(text).outside_gsm, ['’', '–', '…', '😀']);
        assert_eq!(simplified(text), "It's £5 - don't wait... 😀");
        assert_eq!(replacement('😀'), None);
        for letter in ['é', 'ü', 'Ç', '€', '[', '\n', '`'] {
            assert_eq!(simplified(&letter.to_string()), if letter == '`' { "'".into() } else { letter.to_string() });
        }
    }

    #[test]
    fn the_tables_are_whole_and_every_replacement_is_in_the_alphabet() {
        assert_eq!((GSM.chars().count(), GSM_EXTENSION.chars().count()), (127, 10));
        for (outside, inside) in REPLACEMENTS {
            assert_eq!(septets(*outside), None, "{outside:?}");
            assert!(inside.chars().all(|letter| septets(letter).is_some()), "{outside:?}");
        }
    }

    proptest! {
        #[test]
        fn segments_hold_all_units_and_no_more_than_fit(text in "\\PC{0,400}|[a€]{0,400}") {
            let count = count(&text);
            let part = if count.alphabet == Alphabet::Gsm { 153 } else { 67 };
            let alone = if count.alphabet == Alphabet::Gsm { 160 } else { 70 };
            prop_assert_eq!(count.segments == 1, count.units <= alone);
            // At most one unit is wasted in each part.
            prop_assert!(count.segments == 1 || count.units + count.units_left + count.segments > part * count.segments);
            prop_assert_eq!(count.alphabet == Alphabet::Gsm, count.outside_gsm.is_empty());
        }
    }
}
