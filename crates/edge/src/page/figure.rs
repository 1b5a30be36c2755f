//! Numbers as people read them.

use maud::{Markup, html};

/// `12,345`.
pub fn count(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if n < 0 {
        text.push('−');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2 rows`.
pub fn counted(n: i64, one: &str, several: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { several })
}

/// `42.0 %`, rounded half up; a dash when there is nothing to divide by.
pub fn share(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "–".into();
    }
    let tenths = (2_000 * part + whole) / (2 * whole);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// Whole units of 1,024: `14 KB`.
pub fn bytes(n: i64) -> String {
    match n {
        ..1024 => format!("{n} bytes"),
        1024..1_048_576 => format!("{} KB", n / 1024),
        1_048_576..1_073_741_824 => format!("{}.{} MB", n / 1_048_576, n % 1_048_576 * 10 / 1_048_576),
        _ => format!("{}.{} GB", n / 1_073_741_824, n % 1_073_741_824 * 10 / 1_073_741_824),
    }
}

/// One figure of a `dl.figures`; `class` is a tone or empty.
pub fn figure(label: &str, value: &str, beside: &str, class: &str) -> Markup {
    html! { div class=(class) { dt { (label) } dd { (value) @if !beside.is_empty() { small { (beside) } } } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_thousands_and_says_shares() {
        assert_eq!((count(0), count(999), count(1_000), count(-1_234_567)), ("0".into(), "999".into(), "1,000".into(), "−1,234,567".into()));
        assert_eq!([share(1, 3), share(5, 9), share(76, 108), share(1, 2_000), share(3, 3), share(0, 3), share(0, 0)], ["33.3 %", "55.6 %", "70.4 %", "0.1 %", "100.0 %", "0.0 %", "–"]);
        assert_eq!(bytes(3 * 1_048_576 / 2), "1.5 MB");
    }
}
