//! What is known of a campaign's caller ID: what its digits say, and what the tenant has said of it.

use clarion_domain::compliance::caller_id::CallerIdFacts;
use clarion_domain::contacts::address::{LineType, normalise};
use clarion_domain::contacts::region::Region;
use clarion_domain::contacts::test_range;
use clarion_domain::tenancy::tenant::NumberMode;

use crate::campaigns::SenderRecord;

/// Of a number as the campaign shows it; `sender` is its place on the list of checked senders, if it has one.
pub(crate) fn caller_id_facts(e164: &str, mode: NumberMode, sender: Option<&SenderRecord>) -> CallerIdFacts {
    let national = e164.strip_prefix("+44");
    // A number is of its kind whether or not this tenant may call it.
    let read = |mode| normalise(e164, Region::GB, mode).ok();
    let line_type = read(NumberMode::Production).or_else(|| read(NumberMode::Demo)).map_or(LineType::Unknown, |address| address.line_type);
    let is_test_range = national.is_some_and(|national| test_range::find(44, national).is_some()) || e164.strip_prefix("+1").is_some_and(|national| test_range::find(1, national).is_some());
    CallerIdFacts {
        // A sender is on the list by its evidence.
        is_verified: sender.is_some(),
        line_type,
        is_test_range,
        mode,
        digits: u8::try_from(national.unwrap_or(e164).chars().filter(char::is_ascii_digit).count()).unwrap_or(u8::MAX),
        is_british: national.is_some(),
        is_answered: sender.is_some_and(|sender| sender.answered_at.is_some()),
        is_do_not_originate: sender.is_some_and(|sender| sender.is_do_not_originate),
        inbound_proven: sender.is_some_and(|sender| sender.inbound_at.is_some()),
    }
}
