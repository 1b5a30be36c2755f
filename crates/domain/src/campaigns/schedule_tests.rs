use super::*;

fn at(text: &str) -> Instant {
    text.parse::<jiff::Timestamp>().expect(text).into()
}

fn zones(names: &[&str]) -> Vec<TimeZone> {
    names.iter().map(|name| TimeZone::get(name).expect(name)).collect()
}

fn schedule(days: &[Day], from: &str, until: &str) -> Schedule {
    Schedule { days: days.to_vec(), from: from.parse().expect(from), until: until.parse().expect(until), ..Schedule::default() }
}

fn next(schedule: &Schedule, names: &[&str], now: &str) -> Option<String> {
    schedule.next_open(&zones(names), at(now)).map(|open| open.timestamp().to_string())
}

#[test]
fn opens_on_the_contacts_own_clock() {
    let office = Schedule::default();
    for (zone, now, expected) in [
        ("Europe/London", "2026-11-23T08:59:59Z", "2026-11-23T09:00:00Z"),
        ("Europe/London", "2026-11-23T09:00:00Z", "2026-11-23T09:00:00Z"),
        ("Europe/London", "2026-11-23T17:59:59Z", "2026-11-23T17:59:59Z"),
        ("Europe/London", "2026-11-23T18:00:00Z", "2026-11-24T09:00:00Z"),
        ("Europe/London", "2026-11-27T18:00:00Z", "2026-11-30T09:00:00Z"),
        ("Europe/London", "2026-07-06T07:30:00Z", "2026-07-06T08:00:00Z"),
        ("America/New_York", "2026-11-23T09:00:00Z", "2026-11-23T14:00:00Z"),
        ("Asia/Kolkata", "2026-11-23T00:00:00Z", "2026-11-23T03:30:00Z"),
    ] {
        assert_eq!(next(&office, &[zone], now).as_deref(), Some(expected), "{zone} {now}");
    }
}

#[test]
fn every_zone_the_person_may_be_in_must_be_open() {
    let office = Schedule::default();
    assert_eq!(next(&office, &["America/Phoenix", "America/Denver"], "2026-07-06T14:00:00Z").as_deref(), Some("2026-07-06T16:00:00Z"));
    let morning = schedule(Day::ALL, "09:00", "10:00");
    assert_eq!(next(&morning, &["Europe/London", "Asia/Tokyo"], "2026-11-23T00:00:00Z"), None, "these hours never meet");
}

#[test]
fn the_clock_change_neither_loses_nor_doubles_an_hour() {
    // London, 29 March 2026: 01:00 GMT becomes 02:00 BST. 25 October 2026: 02:00 BST becomes 01:00 GMT.
    let night = schedule(Day::ALL, "01:30", "03:00");
    assert_eq!(next(&night, &["Europe/London"], "2026-03-29T00:00:00Z").as_deref(), Some("2026-03-29T01:00:00Z"), "01:30 does not exist: open at 02:00");
    let spring = schedule(&[Day::Sunday], "01:00", "02:00");
    assert_eq!(next(&spring, &["Europe/London"], "2026-03-28T12:00:00Z").as_deref(), Some("2026-04-05T00:00:00Z"), "an hour that does not exist never opens");
    assert_eq!(next(&night, &["Europe/London"], "2026-10-25T00:00:00Z").as_deref(), Some("2026-10-25T00:30:00Z"));
    assert_eq!(next(&night, &["Europe/London"], "2026-10-25T01:05:00Z").as_deref(), Some("2026-10-25T01:30:00Z"), "01:05 again, after the change");
    let morning = schedule(Day::ALL, "09:00", "18:00");
    for (zone, before, open) in [
        ("Europe/London", "2026-03-28T18:00:00Z", "2026-03-29T08:00:00Z"),
        ("Europe/London", "2026-10-24T17:00:00Z", "2026-10-25T09:00:00Z"),
        ("America/New_York", "2026-03-08T00:00:00Z", "2026-03-08T13:00:00Z"),
        ("America/New_York", "2026-10-31T22:00:00Z", "2026-11-01T14:00:00Z"),
        ("America/Phoenix", "2026-03-08T02:00:00Z", "2026-03-08T16:00:00Z"),
    ] {
        assert_eq!(next(&morning, &[zone], before).as_deref(), Some(open), "{zone}");
    }
}

#[test]
fn starts_and_ends() {
    let mut campaign = Schedule { starts_at_ms: Some(at("2026-11-25T12:00:00Z").ms()), ends_at_ms: Some(at("2026-11-26T09:00:00Z").ms()), ..Schedule::default() };
    assert_eq!(next(&campaign, &["Europe/London"], "2026-11-23T10:00:00Z").as_deref(), Some("2026-11-25T12:00:00Z"));
    assert_eq!(next(&campaign, &["Europe/London"], "2026-11-25T18:00:00Z"), None, "the end comes first");
    assert!(campaign.is_over(at("2026-11-26T09:00:00Z")) && !campaign.is_over(at("2026-11-26T08:59:59Z")));
    campaign.starts_at_ms = Some(at("2026-11-28T00:00:00Z").ms());
    assert_eq!(campaign.check(&[], at("2026-11-23T10:00:00Z")), Err(ScheduleError::EndsBeforeStart));
}

#[test]
fn a_schedule_that_cannot_work_says_why() {
    let now = at("2026-11-23T10:00:00Z");
    let london = zones(&["Europe/London"]);
    let check = |schedule: &Schedule| schedule.check(&london, now);
    assert_eq!(check(&Schedule::default()), Ok(()));
    assert_eq!(check(&schedule(&[], "09:00", "18:00")), Err(ScheduleError::NoDay));
    assert_eq!(check(&schedule(&[Day::Monday, Day::Monday], "09:00", "18:00")), Err(ScheduleError::DayTwice(Day::Monday)));
    assert_eq!(check(&schedule(&[Day::Monday], "09:00", "09:10")), Err(ScheduleError::Hours));
    assert_eq!(check(&schedule(&[Day::Monday], "18:00", "09:00")), Err(ScheduleError::Hours));
    let ends = |text: &str| Schedule { ends_at_ms: Some(at(text).ms()), ..schedule(&[Day::Sunday], "09:00", "24:00") };
    assert_eq!(check(&ends("2026-11-22T10:00:00Z")), Err(ScheduleError::Over));
    assert_eq!(check(&ends("2026-11-25T10:00:00Z")), Err(ScheduleError::NeverOpen));
    assert_eq!(check(&ends("2026-11-30T10:00:00Z")), Ok(()));
}

#[test]
fn is_stored_in_words_and_bad_times_are_refused() {
    let text = serde_json::to_string(&Schedule::default()).unwrap();
    assert_eq!(
        text,
        r#"{"starts_at_ms":null,"ends_at_ms":null,"days":["monday","tuesday","wednesday","thursday","friday"],"from":"09:00","until":"18:00"}"#
    );
    assert_eq!(serde_json::from_str::<Schedule>(&text).unwrap(), Schedule::default());
    for bad in ["", "9:00", "09:60", "24:01", "25:00", "09:00:00", "+9:00", "ab:cd"] {
        assert_eq!(bad.parse::<TimeOfDay>(), Err(NotATime), "{bad}");
    }
    assert_eq!("24:00".parse::<TimeOfDay>().map(TimeOfDay::minute), Ok(1_440));
}
