//! The report against the pretend carrier's own counts: two ledgers that were kept apart must agree.

use clarion_domain::outcomes::disposition::Disposition;
use clarion_testbed::{Fate, Tally};

use crate::commands::campaign::Report;
use crate::output::Listing;

/// One line: what, by the report, by the carrier.
pub struct Comparison {
    lines: Vec<(&'static str, i64, i64)>,
}

/// Compares every campaign's report, summed, with what the carrier received. Answers to STOP and HELP are messages
/// too, but no campaign's: the carrier's count of first messages leaves them out.
pub fn compare(reports: &[Report], tally: &Tally) -> Comparison {
    let report = |wanted: &[Disposition]| reports.iter().map(|report| wanted.iter().map(|disposition| report.of(*disposition)).sum::<i64>()).sum();
    let carrier = |wanted: &[Fate]| wanted.iter().map(|fate| tally.first_fates().get(fate).copied().unwrap_or(0)).sum::<u64>() as i64;
    use Disposition as D;
    let not_delivered = [D::Undeliverable, D::InvalidNumber, D::Rejected, D::Blocked];
    let all: Vec<_> = Disposition::ALL.to_vec();
    Comparison {
        lines: vec![
            ("messages", report(&all), carrier(&[Fate::Delivered, Fate::DeliveredTwiceTold, Fate::DeliveredToldEarly, Fate::Undeliverable, Fate::Expired, Fate::Blocked, Fate::Silent, Fate::Refused])),
            ("delivered", report(&[D::Delivered]), carrier(&[Fate::Delivered, Fate::DeliveredTwiceTold, Fate::DeliveredToldEarly])),
            ("expired", report(&[D::Expired]), carrier(&[Fate::Expired])),
            ("undeliverable, blocked or refused", report(&not_delivered), carrier(&[Fate::Undeliverable, Fate::Blocked, Fate::Refused])),
            ("accepted, no receipt", report(&[D::Accepted]), carrier(&[Fate::Silent])),
            ("unknown", report(&[D::Unknown]), 0),
            ("no route", report(&[D::NoRoute]), 0),
            ("sent twice", 0, tally.doubled() as i64),
        ],
    }
}

impl Comparison {
    pub fn of(lines: Vec<(&'static str, i64, i64)>) -> Self {
        Self { lines }
    }

    pub fn agrees(&self) -> bool {
        self.lines.iter().all(|(_, report, carrier)| report == carrier)
    }

    pub fn to_text(&self) -> String {
        let mut listing = Listing::new(&["", "report", "carrier", "equal"]);
        for (what, report, carrier) in &self.lines {
            listing.row([(*what).into(), (*report).into(), (*carrier).into(), (report == carrier).into()]);
        }
        listing.to_text()
    }
}
