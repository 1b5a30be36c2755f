//! The time zones a number's person may be in: every candidate, so that the strictest window counts.
//!
//! An empty answer means that nothing is known; compliance then refuses.

use crate::contacts::e164::E164;
use crate::contacts::nanp;
use crate::contacts::region::Region;

/// Regions that lie in one zone, or whose people may be in any of a few whatever their prefix says.
const BY_REGION: &[(&str, &[&str])] = &[
    ("AT", &["Europe/Vienna"]),
    ("AU", &["Australia/Sydney", "Australia/Brisbane", "Australia/Adelaide", "Australia/Darwin", "Australia/Perth", "Australia/Hobart"]),
    ("AX", &["Europe/Mariehamn"]),
    ("BE", &["Europe/Brussels"]),
    ("BG", &["Europe/Sofia"]),
    ("CH", &["Europe/Zurich"]),
    ("CY", &["Asia/Nicosia"]),
    ("CZ", &["Europe/Prague"]),
    ("DE", &["Europe/Berlin"]),
    ("DK", &["Europe/Copenhagen"]),
    ("EE", &["Europe/Tallinn"]),
    ("ES", &["Europe/Madrid", "Atlantic/Canary"]),
    ("FI", &["Europe/Helsinki"]),
    ("FO", &["Atlantic/Faroe"]),
    ("FR", &["Europe/Paris"]),
    ("GB", &["Europe/London"]),
    ("GG", &["Europe/Guernsey"]),
    ("GI", &["Europe/Gibraltar"]),
    ("GR", &["Europe/Athens"]),
    ("HK", &["Asia/Hong_Kong"]),
    ("HR", &["Europe/Zagreb"]),
    ("HU", &["Europe/Budapest"]),
    ("IE", &["Europe/Dublin"]),
    ("IL", &["Asia/Jerusalem"]),
    ("IM", &["Europe/Isle_of_Man"]),
    ("IN", &["Asia/Kolkata"]),
    ("IS", &["Atlantic/Reykjavik"]),
    ("IT", &["Europe/Rome"]),
    ("JE", &["Europe/Jersey"]),
    ("JP", &["Asia/Tokyo"]),
    ("KR", &["Asia/Seoul"]),
    ("LI", &["Europe/Vaduz"]),
    ("LT", &["Europe/Vilnius"]),
    ("LU", &["Europe/Luxembourg"]),
    ("LV", &["Europe/Riga"]),
    ("MC", &["Europe/Monaco"]),
    ("MT", &["Europe/Malta"]),
    ("NL", &["Europe/Amsterdam"]),
    ("NO", &["Europe/Oslo"]),
    ("NZ", &["Pacific/Auckland", "Pacific/Chatham"]),
    ("PL", &["Europe/Warsaw"]),
    ("PT", &["Europe/Lisbon", "Atlantic/Madeira", "Atlantic/Azores"]),
    ("RO", &["Europe/Bucharest"]),
    ("SE", &["Europe/Stockholm"]),
    ("SG", &["Asia/Singapore"]),
    ("SI", &["Europe/Ljubljana"]),
    ("SJ", &["Arctic/Longyearbyen"]),
    ("SK", &["Europe/Bratislava"]),
    ("SM", &["Europe/San_Marino"]),
    ("VA", &["Europe/Vatican"]),
    ("ZA", &["Africa/Johannesburg"]),
];

/// Every zone in which the person with this number may be, as IANA names.
#[must_use]
pub fn candidates(number: &E164, region: Region) -> &'static [&'static str] {
    match number.digits().strip_prefix('1') {
        Some(national) => nanp::zones(national),
        None => BY_REGION.binary_search_by_key(&region.as_str(), |(name, _)| name).map_or(&[], |at| BY_REGION[at].1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_is_in_the_bundled_time_zone_database() {
        let all = BY_REGION.iter().flat_map(|(_, zones)| zones.iter()).chain(nanp::all_zones());
        for zone in all {
            assert!(jiff::tz::TimeZone::get(zone).is_ok(), "{zone}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_names_regions_with_numbers() {
        assert!(BY_REGION.is_sorted_by(|a, b| a.0 < b.0));
        for (name, _) in BY_REGION {
            assert!(name.parse::<Region>().is_ok(), "{name}");
        }
    }
}
