//! What a period's attempts came to: messages and calls apart, since they end in other ways.

use clarion_domain::campaigns::campaign::Channel;
use clarion_domain::outcomes::disposition::Disposition as D;
use clarion_store::reports::EndingSum;
use maud::{Markup, html};

use crate::page::figure::{count, figure, share};

/// A row of figures for each channel that has any; messages, all nought, when none has.
pub fn totals(rows: &[EndingSum]) -> Markup {
    let of = |channel: Channel| rows.iter().filter(|row| row.channel == channel).collect::<Vec<_>>();
    let (texts, calls) = (of(Channel::Sms), of(Channel::Voice));
    html! {
        @if !texts.is_empty() || calls.is_empty() { (of_messages(&texts)) }
        @if !calls.is_empty() { (of_calls(&calls)) }
    }
}

/// The best there is of an attempt: on the handset, or a person on the line.
pub fn is_reached(word: D) -> bool {
    word == D::Delivered || word.reached_a_person()
}

fn sum(rows: &[&EndingSum], which: impl Fn(D) -> bool) -> i64 {
    rows.iter().filter(|row| which(row.disposition)).map(|row| row.n).sum()
}

fn bad(n: i64) -> &'static str {
    if n > 0 { "bad" } else { "" }
}

fn of_messages(rows: &[&EndingSum]) -> Markup {
    let all = sum(rows, |_| true);
    let delivered = sum(rows, |word| word == D::Delivered);
    let failed = sum(rows, |word| !matches!(word, D::Delivered | D::Accepted | D::Unknown));
    html! { dl.figures {
        (figure("Messages", &count(all), "", ""))
        (figure("Delivered", &count(delivered), &share(delivered, all), "good"))
        (figure("No receipt yet", &count(sum(rows, |word| word == D::Accepted)), "", ""))
        (figure("Failed", &count(failed), &share(failed, all), bad(failed)))
        (figure("Unknown", &count(sum(rows, |word| word == D::Unknown)), "", ""))
        (figure("Segments", &count(rows.iter().map(|row| row.segments).sum()), "", ""))
    } }
}

fn of_calls(rows: &[&EndingSum]) -> Markup {
    let all = sum(rows, |_| true);
    let person = sum(rows, D::reached_a_person);
    let machine = sum(rows, |word| matches!(word, D::AnsweredMachine | D::VoicemailLeft | D::AnsweredFax));
    let nobody = sum(rows, |word| matches!(word, D::NoAnswer | D::Busy | D::Congestion | D::Cancelled));
    let unknown = sum(rows, |word| word == D::Unknown);
    let failed = all - person - machine - nobody - unknown;
    html! { dl.figures {
        (figure("Calls", &count(all), "", ""))
        (figure("A person", &count(person), &share(person, all), "good"))
        (figure("Put through", &count(sum(rows, |word| word == D::PutThrough)), "", "good"))
        (figure("A machine", &count(machine), &share(machine, all), ""))
        (figure("Nobody", &count(nobody), "no answer or busy", ""))
        (figure("Failed", &count(failed), &share(failed, all), bad(failed)))
        (figure("Unknown", &count(unknown), "", ""))
    } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(channel: Channel, disposition: D, n: i64) -> EndingSum {
        EndingSum { channel, disposition, cause: String::new(), n, segments: n, cost: 0 }
    }

    fn figures(rows: &[EndingSum]) -> Vec<String> {
        let text = totals(rows).into_string();
        text.split("<dd").skip(1).filter_map(|part| part.split_once('>')?.1.split('<').next().map(str::to_owned)).collect()
    }

    #[test]
    fn a_call_that_a_person_took_is_no_failure() {
        let calls = [row(Channel::Voice, D::AnsweredPerson, 6), row(Channel::Voice, D::PutThrough, 12), row(Channel::Voice, D::Busy, 3), row(Channel::Voice, D::InvalidNumber, 2)];
        assert_eq!(figures(&calls), ["23", "18", "12", "0", "3", "2", "0"]);
    }

    #[test]
    fn messages_and_calls_are_counted_apart() {
        let both = [row(Channel::Sms, D::Delivered, 5), row(Channel::Sms, D::Expired, 1), row(Channel::Sms, D::Accepted, 4), row(Channel::Voice, D::NoAnswer, 7)];
        assert_eq!(figures(&both), ["10", "5", "4", "1", "0", "10", "7", "0", "0", "0", "7", "0", "0"]);
        assert_eq!(figures(&[]).len(), 6, "nothing yet is nought messages");
    }
}
