//! Times as SMPP writes them (7.1.1).

use std::time::Duration;

/// The longest relative time that every SMSC reads alike: days are counted up to 31.
const RELATIVE_MAX_SECONDS: u64 = 31 * 86_400;

/// A span from now, `YYMMDDhhmmss000R`, for `validity_period` and `schedule_delivery_time`. It is written in
/// days and smaller units, rounded up to a whole second, and at most 31 days.
pub fn relative_time(span: Duration) -> String {
    let rounded_up = span.as_secs() + u64::from(span.subsec_nanos() > 0);
    let seconds = rounded_up.min(RELATIVE_MAX_SECONDS);
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    format!("0000{days:02}{hours:02}{minutes:02}{seconds:02}000R")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_in_days_and_smaller() {
        let written = |seconds| relative_time(Duration::from_secs(seconds));
        assert_eq!(written(3_600), "000000010000000R");
        assert_eq!(written(2 * 86_400 + 3_723), "000002010203000R");
        assert_eq!(written(400 * 86_400), "000031000000000R");
        assert_eq!(relative_time(Duration::from_millis(1)), "000000000001000R");
    }
}
