//! A number a person is reached at: read from whatever a file holds, checked, and put in one form.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberType};

use crate::contacts::e164::E164;
use crate::contacts::region::Region;
use crate::contacts::written::{self, Written};
use crate::contacts::{test_range, zone};
use crate::intake::reject::RejectReason;
use crate::tenancy::tenant::NumberMode;
use crate::word::words;

words! {
    /// What kind of line a number is, as its range tells (a ported number keeps its old range).
    pub enum LineType {
        Mobile = "mobile",
        FixedLine = "fixed_line",
        /// North America: the range does not tell mobile from fixed.
        FixedOrMobile = "fixed_or_mobile",
        TollFree = "toll_free",
        PremiumRate = "premium_rate",
        SharedCost = "shared_cost",
        Voip = "voip",
        Personal = "personal",
        Pager = "pager",
        Uan = "uan",
        Unknown = "unknown",
    }
}

/// A checked number and what its range tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    pub e164: E164,
    pub line_type: LineType,
    pub region: Region,
    /// Every time zone, by IANA name, in which the person may be; empty when unknown.
    pub zones: &'static [&'static str],
}

impl LineType {
    /// Whether a person may be contacted on such a line. Not on lines that cost the person or us a premium
    /// (070, 084, 087, 09) and not on pagers.
    #[must_use]
    pub fn is_destination(self) -> bool {
        !matches!(self, Self::PremiumRate | Self::SharedCost | Self::Personal | Self::Pager)
    }

    /// Whether a text message can arrive there, as far as the range tells.
    #[must_use]
    pub fn may_take_texts(self) -> bool {
        matches!(self, Self::Mobile | Self::FixedOrMobile | Self::Unknown)
    }
}

impl From<PhoneNumberType> for LineType {
    fn from(library: PhoneNumberType) -> Self {
        match library {
            PhoneNumberType::FixedLine => Self::FixedLine,
            PhoneNumberType::Mobile => Self::Mobile,
            PhoneNumberType::FixedLineOrMobile => Self::FixedOrMobile,
            PhoneNumberType::TollFree => Self::TollFree,
            PhoneNumberType::PremiumRate => Self::PremiumRate,
            PhoneNumberType::SharedCost => Self::SharedCost,
            PhoneNumberType::VoIP => Self::Voip,
            PhoneNumberType::PersonalNumber => Self::Personal,
            PhoneNumberType::Pager => Self::Pager,
            PhoneNumberType::UAN => Self::Uan,
            PhoneNumberType::VoiceMail | PhoneNumberType::Unknown => Self::Unknown,
        }
    }
}

/// Reads a number as people and spreadsheets write it: `07…`, `+44 7…`, `0044…`, `+44 (0) 7…`, `447…`, `7…` with its
/// zero lost. What has no country code belongs to `default_region`.
pub fn normalise(raw: &str, default_region: Region, mode: NumberMode) -> Result<Address, RejectReason> {
    let written = written::read(raw)?;
    let number = parse(&written, default_region)?;
    let country_code = u16::try_from(number.country_code).map_err(|_| RejectReason::PhoneImpossible)?;
    let national = number.get_national_significant_number();
    let e164 = E164::from_parts(country_code, &national).map_err(|_| RejectReason::PhoneImpossible)?;

    // The test ranges come before validity: the metadata calls some of them invalid and others real.
    let (line_type, region) = match (test_range::find(country_code, &national), mode) {
        (Some(_), NumberMode::Production) => return Err(RejectReason::TestNumberInProduction),
        (None, NumberMode::Demo) if number.is_valid() => return Err(RejectReason::RealNumberInDemo),
        (None, _) => valid_range(&number)?,
        (Some(range), NumberMode::Demo) => (range.line_type, test_region(&number)),
    };
    if !line_type.is_destination() {
        return Err(RejectReason::PhoneUnsupportedType);
    }
    Ok(Address { e164, line_type, region, zones: zone::candidates(&e164, region) })
}

fn parse(written: &Written, default_region: Region) -> Result<PhoneNumber, RejectReason> {
    let text = written.as_str();
    PHONE_NUMBER_UTIL.parse(text, default_region.library()).map_err(|_| RejectReason::PhoneImpossible)
}

fn valid_range(number: &PhoneNumber) -> Result<(LineType, Region), RejectReason> {
    // A number of no known type is one that is not valid: one question instead of two, as each costs a microsecond or two.
    let kind = number.get_type();
    match kind {
        PhoneNumberType::Unknown => return Err(RejectReason::PhoneImpossible),
        PhoneNumberType::VoiceMail => return Err(RejectReason::PhoneUnsupportedType),
        _ => {}
    }
    // Valid and of no place: satellite and international shared-cost numbers.
    let region = number.get_region_code().and_then(Region::from_library).ok_or(RejectReason::PhoneUnsupportedType)?;
    Ok((kind.into(), crown_dependency(&number.get_national_significant_number(), region)))
}

/// All ranges of +44 lie in Britain; asking the metadata would cost most of a load's time, as it must miss every region.
fn test_region(number: &PhoneNumber) -> Region {
    let asked = if number.country_code == 44 { None } else { number.get_region_code().and_then(Region::from_library) };
    asked.unwrap_or(if number.country_code == 44 { Region::GB } else { Region::US })
}

/// Prefixes that the metadata lists for the United Kingdom and for a Crown dependency, whose law differs and is the
/// stricter reading. The test looks for every such prefix.
const CROWN_PREFIXES: &[(&str, Region)] = &[("7524", Region::IM), ("7924", Region::IM)];

fn crown_dependency(national: &str, region: Region) -> Region {
    let shared = CROWN_PREFIXES.iter().find(|(prefix, _)| region == Region::GB && national.starts_with(prefix));
    shared.map_or(region, |(_, crown)| *crown)
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
