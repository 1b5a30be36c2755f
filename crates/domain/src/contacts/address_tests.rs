use super::*;
use RejectReason as R;
use proptest::prelude::*;

fn demo(raw: &str) -> Result<Address, R> {
    normalise(raw, Region::GB, NumberMode::Demo)
}

fn production(raw: &str) -> Result<Address, R> {
    normalise(raw, Region::GB, NumberMode::Production)
}

#[test]
fn every_way_of_writing_a_number_is_one_number() {
    for raw in [
        "07700900123", "07700 900123", "+44 7700 900123", "+447700900123", "0044 7700 900 123", "+44 (0)7700 900123",
        "+44 (0) 7700 900-123", "0044(0)7700900123", "(07700) 900123", "07700.900.123", "447700900123", "447700900123.0",
        "7700900123", "4.47700900123E+11", "+4407700900123", "'+447700900123", "\u{202a}07700\u{a0}900123\u{202c}",
    ] {
        let address = demo(raw).unwrap_or_else(|reason| panic!("{raw}: {reason}"));
        assert_eq!((address.e164.reveal(), address.line_type, address.region), ("+447700900123", LineType::Mobile, Region::GB), "{raw}");
        assert_eq!(address.zones, &["Europe/London"]);
        assert_eq!(production(raw), Err(R::TestNumberInProduction), "{raw}");
    }
}

#[test]
fn each_test_range_passes_in_the_demo_and_is_refused_in_production() {
    for range in test_range::UK_TEST_RANGES {
        let number = format!("+44{}{}", range.prefix, "0".repeat(range.length_digits - range.prefix.len()));
        assert_eq!(production(&number), Err(R::TestNumberInProduction), "{}", range.prefix);
        match demo(&number) {
            Ok(address) => assert_eq!(address.line_type, range.line_type, "{}", range.prefix),
            Err(reason) => assert_eq!((reason, range.line_type), (R::PhoneUnsupportedType, LineType::PremiumRate)),
        }
    }
    let american = normalise("(212) 555-0123", Region::US, NumberMode::Demo).expect("fiction");
    assert_eq!((american.e164.reveal(), american.region, american.zones), ("+12125550123", Region::US, &["America/New_York"][..]));
    assert_eq!(normalise("+1 212 555 0123", Region::GB, NumberMode::Production), Err(R::TestNumberInProduction));
}

// The reference library's own example numbers: its published placeholders for each kind.
fn example(region: Region, kind: PhoneNumberType) -> String {
    let library = region.library().expect("a region with numbers");
    PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(library, kind).expect("an example").to_string()
}

#[test]
fn a_number_outside_the_ranges_passes_in_production_and_is_refused_in_the_demo() {
    for (name, kind, line_type, zone) in [
        ("GB", PhoneNumberType::Mobile, LineType::Mobile, "Europe/London"),
        ("GG", PhoneNumberType::Mobile, LineType::Mobile, "Europe/Guernsey"),
        ("JE", PhoneNumberType::Mobile, LineType::Mobile, "Europe/Jersey"),
        ("IM", PhoneNumberType::Mobile, LineType::Mobile, "Europe/Isle_of_Man"),
        ("IE", PhoneNumberType::Mobile, LineType::Mobile, "Europe/Dublin"),
        ("FR", PhoneNumberType::FixedLine, LineType::FixedLine, "Europe/Paris"),
        ("DE", PhoneNumberType::Mobile, LineType::Mobile, "Europe/Berlin"),
        ("IT", PhoneNumberType::FixedLine, LineType::FixedLine, "Europe/Rome"),
    ] {
        let region: Region = name.parse().expect(name);
        let number = example(region, kind);
        let address = production(&number).unwrap_or_else(|reason| panic!("{name}: {reason}"));
        assert_eq!((address.region, address.line_type, address.zones), (region, line_type, &[zone][..]), "{name}");
        assert_eq!(address.e164.reveal(), number, "{name}");
        assert_eq!(demo(&number), Err(R::RealNumberInDemo), "{name}");
    }
}

#[test]
fn what_may_be_a_crown_dependency_is_never_taken_for_britain() {
    for prefix in 70_000..80_000u32 {
        let raw = format!("+44{prefix}00000");
        let Ok(address) = production(&raw) else { continue };
        let number = PHONE_NUMBER_UTIL.parse(&raw, None).expect("digits");
        let elsewhere = [Region::GG, Region::JE, Region::IM].into_iter().find(|region| number.is_valid_for_region(region.library().expect("has numbers")));
        assert_eq!(address.region, elsewhere.unwrap_or(Region::GB), "{prefix}");
    }
}

#[test]
fn lines_at_a_premium_and_pagers_are_no_destinations() {
    for kind in [PhoneNumberType::PremiumRate, PhoneNumberType::PersonalNumber, PhoneNumberType::Pager] {
        assert_eq!(production(&example(Region::GB, kind)), Err(R::PhoneUnsupportedType), "{kind:?}");
    }
    for revenue_sharing in ["0843 000 0000", "0870 000 0000", "0845 464 7000", "+870 773 111 632"] {
        assert_eq!(production(revenue_sharing), Err(R::PhoneUnsupportedType), "{revenue_sharing}");
    }
}

#[test]
fn what_cannot_be_a_number_says_so() {
    for (raw, reason) in [
        ("12345", R::PhoneImpossible),
        ("0770090012", R::PhoneImpossible),
        ("077009001234567", R::PhoneImpossible),
        ("+999 1234 5678", R::PhoneImpossible),
        ("+0 7700 900123", R::PhoneImpossible),
        ("4.4770090012E+11", R::PhoneLostDigits),
        ("unknown", R::PhoneUnreadable),
        ("  ", R::PhoneMissing),
    ] {
        assert_eq!(production(raw), Err(reason), "{raw}");
    }
}

proptest! {
    #[test]
    fn never_panics_and_what_it_accepts_it_accepts_again(raw in "\\PC{0,40}") {
        for mode in NumberMode::ALL {
            if let Ok(address) = normalise(&raw, Region::GB, *mode) {
                prop_assert_eq!(normalise(address.e164.reveal(), Region::US, *mode), Ok(address));
            }
        }
    }

    #[test]
    fn a_number_survives_any_decoration(line in 0u32..1000, zero in 0usize..4, gaps in prop::collection::vec(prop::sample::select(vec!["", " ", "-", ".", "\u{a0}"]), 10)) {
        let national = format!("7700900{line:03}");
        let mut raw = ["0", "+44", "0044", "+44 (0)"][zero].to_owned();
        for (digit, gap) in national.chars().zip(&gaps) {
            raw.push(digit);
            raw.push_str(gap);
        }
        let address = demo(&raw);
        prop_assert_eq!(address.map(|address| address.e164.reveal().to_owned()), Ok(format!("+44{national}")));
    }

    #[test]
    fn digits_alone_never_panic(raw in "[+0-9 ()eE.]{1,25}") {
        let _ = normalise(&raw, Region::US, NumberMode::Production);
    }
}
