//! Numbers set aside for films and tests: never contacted in production, and the only ones contacted in the demo.
//!
//! Asked before validity, because the reference metadata calls some of them invalid and others real.

use crate::contacts::address::LineType;
use crate::contacts::e164::E164;

/// One range of numbers that belong to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestRange {
    pub country_code: u16,
    /// What the national number begins with, without its leading zero.
    pub prefix: &'static str,
    /// Digits of the national number.
    pub length_digits: usize,
    pub line_type: LineType,
    /// Where the range is published.
    pub source: &'static str,
}

const OFCOM: &str = "Ofcom, numbers for use in TV and radio drama";
const NANPA: &str = "NANPA, 555-0100 to 555-0199 reserved for fiction";

const fn uk(prefix: &'static str, line_type: LineType) -> TestRange {
    TestRange { country_code: 44, prefix, length_digits: 10, line_type, source: OFCOM }
}

/// The ranges of +44. Add a range here, with its source, and nowhere else.
pub const UK_TEST_RANGES: &[TestRange] = &[
    uk("7700900", LineType::Mobile),
    uk("2079460", LineType::FixedLine),
    uk("1134960", LineType::FixedLine),
    uk("1144960", LineType::FixedLine),
    uk("1154960", LineType::FixedLine),
    uk("1164960", LineType::FixedLine),
    uk("1174960", LineType::FixedLine),
    uk("1184960", LineType::FixedLine),
    uk("1214960", LineType::FixedLine),
    uk("1314960", LineType::FixedLine),
    uk("1414960", LineType::FixedLine),
    uk("1514960", LineType::FixedLine),
    uk("1614960", LineType::FixedLine),
    uk("1914980", LineType::FixedLine),
    uk("2896496", LineType::FixedLine),
    uk("2890180", LineType::FixedLine),
    uk("2920180", LineType::FixedLine),
    uk("1632960", LineType::FixedLine),
    uk("8081570", LineType::TollFree),
    uk("9098790", LineType::PremiumRate),
    uk("3069990", LineType::Uan),
];

/// Any area code of +1 that is not toll-free, then 555-01xx.
const NANP_TEST_RANGE: TestRange =
    TestRange { country_code: 1, prefix: "…55501", length_digits: 10, line_type: LineType::FixedOrMobile, source: NANPA };

const NANP_TOLL_FREE: &[&str] = &["800", "822", "833", "844", "855", "866", "877", "888"];

/// The test range this number is in, if any. `national` is the national number without a leading zero.
#[must_use]
pub fn find(country_code: u16, national: &str) -> Option<&'static TestRange> {
    match country_code {
        44 => UK_TEST_RANGES.iter().find(|range| national.len() == range.length_digits && national.starts_with(range.prefix)),
        1 => is_nanp_test(national).then_some(&NANP_TEST_RANGE),
        _ => None,
    }
}

/// Whether a number belongs to nobody, by its test range.
#[must_use]
pub fn contains(number: &E164) -> bool {
    // No country code begins with 1 or 44 but these two.
    let digits = number.digits();
    let parts = digits.strip_prefix("44").map(|national| (44, national)).or_else(|| digits.strip_prefix('1').map(|national| (1, national)));
    parts.is_some_and(|(country_code, national)| find(country_code, national).is_some())
}

fn is_nanp_test(national: &str) -> bool {
    national.len() == NANP_TEST_RANGE.length_digits
        && national.get(3..8) == Some("55501")
        && national.get(..3).is_some_and(|area| !NANP_TOLL_FREE.contains(&area) && area.starts_with(['2', '3', '4', '5', '6', '7', '8', '9']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_range_ends_where_it_is_published_to_end() {
        for (national, inside) in [
            ("7700900000", true), ("7700900999", true), ("7700901000", false), ("7700899999", false), ("770090012", false),
            ("2079460000", true), ("2079461000", false), ("1154960999", true), ("1154961000", false), ("1124960000", false),
            ("2896496999", true), ("2896497000", false), ("1632960999", true), ("1632961000", false),
            ("9098790000", true), ("9098791000", false), ("8081570999", true), ("8081571000", false),
        ] {
            assert_eq!(find(44, national).is_some(), inside, "+44 {national}");
        }
    }

    #[test]
    fn north_american_fiction_is_one_hundred_numbers_of_each_area_and_not_toll_free() {
        for (national, inside) in [
            ("2125550100", true), ("2125550199", true), ("2125550200", false), ("2125551234", false),
            ("8005550100", false), ("8885550199", false), ("0125550100", false),
        ] {
            assert_eq!(find(1, national).is_some(), inside, "+1 {national}");
        }
        assert_eq!(find(33, "2125550100"), None);
        for (number, inside) in [("+447700900123", true), ("+447700901123", false), ("+12125550100", true), ("+33125550100", false)] {
            assert_eq!(contains(&number.parse().unwrap()), inside);
        }
    }
}
