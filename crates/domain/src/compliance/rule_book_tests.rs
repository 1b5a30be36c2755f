use super::*;

const GOOD: &str = r#"
name = "xx"
regions = ["XX"]
valid_from = "2026-01-01"
holidays = ["2026-12-25"]
holidays_known_until = "2026-12-31"

[[rule]]
id = "XX-1"
check = "hours"
hours = { mon = "08:00-12:00, 13:00-20:00", tue = "", wed = "", thu = "", fri = "", sat = "", sun = "" }
closed_on_holidays = true
manager = "Closed."
person = "Closed."
source = "Nowhere"
reviewer = "nobody"
status = "POL"
"#;

fn error(text: &str) -> String {
    RuleBook::with_regions(&[("xx.toml", text)]).expect_err("a bad pack").to_string()
}

#[test]
fn ships_packs_that_are_good_and_speak_for_their_regions() {
    let book = RuleBook::embedded().expect("the shipped packs are good");
    let at: Instant = "2026-11-23T12:00:00Z".parse::<jiff::Timestamp>().expect("a time").into();
    for (region, version) in [(Some("GB"), "uk@2026-11-23"), (Some("JE"), "crown@2026-11-23"), (Some("FR"), "none@2020-01-01"), (None, "none@2020-01-01")] {
        assert_eq!(book.pack(region, at).version().to_string(), version);
    }
    assert_eq!(book.pack(Some("GB"), at).touches_kept_ms(), 7 * crate::time::DAY_MS);
    for id in ["UK-16", "UK-17", "UK-26", "UK-27", "UK-30", "UK-33", "UK-34", "UK-40", "UK-50", "UK-56"] {
        assert!(book.pack(Some("GB"), at).rule(id).is_some(), "{id}");
    }
}

#[test]
fn says_what_is_wrong_with_a_bad_pack() {
    assert!(RuleBook::with_regions(&[("xx.toml", GOOD)]).is_ok());
    let cases = [
        ("unknown key", ("valid_from", "from"), "unknown field `from`"),
        ("unknown key of a rule", ("closed_on_holidays", "closed_holidays"), "unknown field `closed_holidays`"),
        ("unknown check", ("check = \"hours\"", "check = \"moon\""), "unknown variant `moon`"),
        ("idle key", ("check = \"hours\"", "check = \"never\""), "rule XX-1: the check never does not read the key hours"),
        ("missing key", ("closed_on_holidays = true", ""), "rule XX-1: needs the key closed_on_holidays"),
        ("bad time", ("08:00-12:00", "8-12"), "\"8\" is not a time of day"),
        ("backward span", ("08:00-12:00", "12:00-08:00"), "is not a span of hours"),
        ("overlapping spans", ("13:00-20:00", "11:00-20:00"), "overlap or are out of order"),
        ("after midnight", ("13:00-20:00", "13:00-24:01"), "\"24:01\" is not a time of day"),
        ("never open", ("08:00-12:00, 13:00-20:00", ""), "use the check never"),
        ("bad date", ("2026-12-25", "2026-12-32"), "is not a date"),
        ("bad region", ("[\"XX\"]", "[\"England\"]"), "\"England\" is not a region"),
        ("bad name", ("name = \"xx\"", "name = \"X X\""), "lower-case letters"),
        ("ends before it begins", ("valid_from = \"2026-01-01\"", "valid_from = \"2026-01-01\"\nvalid_to = \"2025-01-01\""), "valid_to is before valid_from"),
        ("holidays without a calendar", ("holidays_known_until = \"2026-12-31\"", ""), "needs the pack's holidays"),
        ("empty sentence", ("manager = \"Closed.\"", "manager = \" \""), "manager must say something"),
        ("an id of every region", ("id = \"XX-1\"", "id = \"DP-5\""), "this id is taken"),
        ("an application by name", ("check = \"hours\"", "check = \"hours\"\npurposes = [\"incomplete_application\"]"), "write marketing"),
    ];
    for (label, (from, to), expected) in cases {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{label}");
        assert!(error(&text).contains(expected), "{label}: {}", error(&text));
    }
}

#[test]
fn two_packs_may_follow_but_not_overlap() {
    let first = GOOD.replace("valid_from = \"2026-01-01\"", "valid_from = \"2026-01-01\"\nvalid_to = \"2026-06-30\"");
    let second = GOOD.replace("2026-01-01", "2026-07-01");
    assert!(RuleBook::with_regions(&[("a.toml", &first), ("b.toml", &second)]).is_ok());
    let early = GOOD.replace("2026-01-01", "2026-06-30");
    let error = RuleBook::with_regions(&[("a.toml", &first), ("b.toml", &early)]).expect_err("an overlap").to_string();
    assert_eq!(error, "rule packs xx@2026-01-01 and xx@2026-06-30 both speak for XX on 2026-06-30: end one before the other begins");
}

#[test]
fn a_pack_may_not_forget_to_ask() {
    let every = EVERY.1.replace("check = \"zone_known\"", "check = \"by_design\"");
    let error = RuleBook::read(("every.toml", &every), &[("xx.toml", GOOD)]).expect_err("no zone rule").to_string();
    assert_eq!(error, "rule pack xx.toml: no rule asks whether the zone is known, for every purpose and channel");
    let every = EVERY.1.replace("suppressions = [\"erased\"]", "suppressions = [\"tenant_list\"]");
    assert!(RuleBook::read(("every.toml", &every), &[("xx.toml", GOOD)]).expect_err("erased").to_string().contains("suppressions of reason erased"));
}

#[test]
fn an_operators_files_stand_beside_the_shipped_ones_or_in_their_place() {
    let at: Instant = "2027-02-01T12:00:00Z".parse::<jiff::Timestamp>().expect("a time").into();
    let versions = |files: &[(&str, &str)]| -> Result<Vec<String>, PackError> { Ok(RuleBook::with_own(files)?.packs().iter().map(|pack| pack.version().to_string()).collect()) };
    assert_eq!(versions(&[]), Ok(vec!["uk@2026-11-23".into(), "crown@2026-11-23".into()]));
    assert_eq!(versions(&[("xx.toml", GOOD)]), Ok(vec!["uk@2026-11-23".into(), "crown@2026-11-23".into(), "xx@2026-01-01".into()]));
    // Counsel corrects the law of a day: the old file with an end, and the new one from the day after.
    let uk = REGIONS[0].1;
    let ended = uk.replacen("valid_from = \"2026-11-23\"", "valid_from = \"2026-11-23\"\nvalid_to = \"2027-01-31\"", 1);
    let next = uk.replacen("valid_from = \"2026-11-23\"", "valid_from = \"2027-02-01\"\nrevision = 2", 1).replacen("count_max = 3", "count_max = 2", 1);
    assert!(matches!(versions(&[("uk-2027.toml", &next)]), Err(PackError::Overlap { .. })), "the shipped file has no end");
    let book = RuleBook::with_own(&[("uk.toml", &ended), ("uk-2027.toml", &next)]).expect("one after the other");
    assert_eq!(book.pack(Some("GB"), at).version().to_string(), "uk@2027-02-01.2");
    assert_eq!(book.pack(Some("GB"), at.plus_ms(-crate::time::DAY_MS)).version().to_string(), "uk@2026-11-23");
    assert!(matches!(versions(&[("every.toml", GOOD)]), Err(PackError::Syntax { .. })));
}
