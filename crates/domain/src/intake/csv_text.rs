//! Values written into a CSV file so that a spreadsheet shows them and never runs them.

use std::borrow::Cow;

/// What a spreadsheet takes for the beginning of a formula, full-width forms included.
const FORMULA_STARTS: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// A value with an apostrophe before it when a spreadsheet would take it for a formula.
#[must_use]
pub fn neutralised(value: &str) -> Cow<'_, str> {
    // A separator or a quote at the start would hide the sign from us and not from every spreadsheet.
    let bare = value.trim_start_matches(['"', ' ', '\u{a0}', ',', ';']);
    if bare.starts_with(FORMULA_STARTS) { Cow::Owned(format!("'{value}")) } else { Cow::Borrowed(value) }
}

/// A value neutralised and quoted as one field of a comma-separated file (RFC 4180).
#[must_use]
pub fn field(value: &str) -> Cow<'_, str> {
    let safe = neutralised(value);
    if safe.contains(['"', ',', ';', '\n', '\r', '\t']) { Cow::Owned(format!("\"{}\"", safe.replace('"', "\"\""))) } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formulas_get_an_apostrophe_and_plain_text_stays() {
        for (value, written) in [
            ("Ada", "Ada"),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2+3", "'-2+3"),
            ("+447700900123", "'+447700900123"),
            ("\t=1", "\"'\t=1\""),
            (" =1", "' =1"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("", ""),
        ] {
            assert_eq!(field(value), written);
        }
    }

    proptest! {
        #[test]
        fn no_field_starts_a_formula_and_quotes_are_paired(value in "\\PC{0,20}") {
            let written = field(&value);
            prop_assert!(!written.trim_matches('"').starts_with(FORMULA_STARTS));
            prop_assert_eq!(written.matches('"').count() % 2, if written.starts_with('"') { 0 } else { written.matches('"').count() % 2 });
        }
    }
}
