//! Matching a receipt's message id with the one in the submit response.
//!
//! Carriers write the same id in hex here and in decimal there, padded with zeros or not, in upper or in
//! lower case. Both sides are turned into one canonical form and compared; what the form is, a trunk says.

/// How a trunk's two spellings of an id relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum IdFormat {
    /// The same octets in both places.
    AsIs,
    /// The same but for case and leading zeros.
    #[default]
    CaseInsensitive,
    /// Hex in the submit response, decimal in the receipt.
    HexToDecimal,
    /// Decimal in the submit response, hex in the receipt.
    DecimalToHex,
    /// Not known: both readings are tried. Two ids may collide this way (hex `10` and decimal `16`), so
    /// prefer a definite setting once the carrier's habit is seen.
    Auto,
}

/// Which of the two places an id was read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Response,
    Receipt,
}

impl IdFormat {
    /// The key under which to keep an id from a submit response.
    pub fn key_of_response(self, id: &str) -> String {
        self.canonical(id, Place::Response)
    }

    fn canonical(self, id: &str, place: Place) -> String {
        let id = id.trim();
        let radix = match (self, place) {
            (IdFormat::AsIs, _) => return id.to_owned(),
            (IdFormat::HexToDecimal, Place::Response)
            | (IdFormat::DecimalToHex, Place::Receipt) => 16,
            (IdFormat::HexToDecimal, Place::Receipt)
            | (IdFormat::DecimalToHex, Place::Response) => 10,
            (IdFormat::CaseInsensitive | IdFormat::Auto, _) => return folded(id),
        };
        number(id, radix).map_or_else(|| folded(id), |number| number.to_string())
    }
}

/// The keys under which a receipt's id may have been kept by [`IdFormat::key_of_response`], most likely
/// first, without doubles. All but [`IdFormat::Auto`] give exactly one.
pub fn message_id_candidates(id: &str, format: IdFormat) -> Vec<String> {
    let mut candidates = vec![format.canonical(id, Place::Receipt)];
    if format == IdFormat::Auto {
        let id = id.trim();
        let as_hex = number(id, 10).map(|number| format!("{number:x}"));
        let as_decimal = number(id, 16).map(|number| number.to_string());
        for candidate in [as_hex, as_decimal].into_iter().flatten() {
            if !candidates.contains(&candidate) {
                candidates.push(candidate);
            }
        }
    }
    candidates
}

/// Lower case, without leading zeros (but not empty).
fn folded(id: &str) -> String {
    let lower = id.to_ascii_lowercase();
    let trimmed = lower.trim_start_matches('0');
    match (trimmed.is_empty(), lower.is_empty()) {
        (true, false) => "0".to_owned(),
        _ => trimmed.to_owned(),
    }
}

/// Up to 128 bits; an optional `0x` in front of hex.
fn number(id: &str, radix: u32) -> Option<u128> {
    let digits = match radix {
        16 => id
            .strip_prefix("0x")
            .or_else(|| id.strip_prefix("0X"))
            .unwrap_or(id),
        _ => id,
    };
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain
        .then(|| u128::from_str_radix(digits, radix).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn matches(response: &str, receipt: &str, format: IdFormat, expected: bool) {
        let key = format.key_of_response(response);
        let found = message_id_candidates(receipt, format).contains(&key);
        assert_eq!(
            found, expected,
            "{response} against {receipt} by {format:?}"
        );
    }

    #[test]
    fn the_spellings_that_carriers_use() {
        matches("1A2b", "1A2b", IdFormat::AsIs, true);
        matches("1A2b", "1a2B", IdFormat::AsIs, false);
        matches("001A2b", "1a2B", IdFormat::CaseInsensitive, true);
        matches("0", "000", IdFormat::CaseInsensitive, true);
        matches("1A2B", "6699", IdFormat::HexToDecimal, true);
        matches("1A2B", "0000006699", IdFormat::HexToDecimal, true);
        matches("6699", "1a2b", IdFormat::DecimalToHex, true);
        matches("6699", "00001A2B", IdFormat::DecimalToHex, true);
        matches("6699", "6699", IdFormat::DecimalToHex, false);
    }

    #[test]
    fn auto_finds_every_one_of_them() {
        for (response, receipt) in [
            ("1A2B", "6699"),
            ("6699", "1a2b"),
            ("001A2b", "1a2B"),
            ("6699", "0006699"),
        ] {
            matches(response, receipt, IdFormat::Auto, true);
        }
        matches("1A2B", "1A2C", IdFormat::Auto, false);
    }

    #[test]
    fn ids_that_are_no_numbers_are_compared_as_they_are() {
        matches("c449-ab", "C449-AB", IdFormat::HexToDecimal, true);
        matches("c449-ab", "C449-AB", IdFormat::Auto, true);
        let long = "f".repeat(40);
        matches(&long, &long, IdFormat::HexToDecimal, true);
        assert_eq!(message_id_candidates("", IdFormat::Auto), [""]);
    }
}
