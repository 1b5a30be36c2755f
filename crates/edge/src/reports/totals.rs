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

/// The best there is of an attempt: on the handset, or a person on the line who met what the call was for. Whoever was abandoned met nobody.
pub fn is_reached(word: D) -> bool {
    word == D::Delivered || counted_as(word) == Counted::Person
}

/// As what a call counts: each as one of these, in tiles, charts and reports alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    Person,
    Machine,
    Nobody,
    Abandoned,
    Failed,
    Unknown,
}

pub fn counted_as(word: D) -> Counted {
    match word {
        D::PutThrough | D::AnsweredPerson | D::OptedOut => Counted::Person,
        D::AnsweredMachine | D::VoicemailLeft | D::AnsweredFax => Counted::Machine,
        D::NoAnswer | D::Busy | D::Cancelled => Counted::Nobody,
        D::Abandoned => Counted::Abandoned,
        D::Unknown => Counted::Unknown,
        // A network that has no free line is at fault itself: it says nothing of the person.
        D::Congestion | D::Failed | D::NoRoute | D::Rejected | D::Blocked | D::InvalidNumber | D::Undeliverable => Counted::Failed,
        // No call ends so.
        D::Accepted | D::Delivered | D::Expired => Counted::Failed,
    }
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
    html! { dl.figures { (call_figures("Calls", |which| sum(rows, which))) } }
}

/// The figures of some calls, by what counts them: those of who answered, and why nobody did, add up to the first.
pub fn call_figures(all_name: &str, sum: impl Fn(&dyn Fn(D) -> bool) -> i64) -> Markup {
    let all = sum(&|_| true);
    let of = |kind: Counted| sum(&|word| counted_as(word) == kind);
    let (person, machine, abandoned, failed) = (of(Counted::Person), of(Counted::Machine), of(Counted::Abandoned), of(Counted::Failed));
    html! {
        (figure(all_name, &count(all), "", ""))
        (figure("A person", &count(person), &share(person, all), "good"))
        (figure("Put through", &count(sum(&|word| word == D::PutThrough)), "", "good"))
        (figure("Abandoned", &count(abandoned), "answered, met no agent", bad(abandoned)))
        (figure("A machine", &count(machine), &share(machine, all), ""))
        (figure("Nobody", &count(of(Counted::Nobody)), "no answer or busy", ""))
        (figure("Failed", &count(failed), &share(failed, all), bad(failed)))
        (figure("Unknown", &count(of(Counted::Unknown)), "", ""))
    }
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
        assert_eq!(figures(&calls), ["23", "18", "12", "0", "0", "3", "2", "0"]);
    }

    #[test]
    fn whoever_was_abandoned_is_nobodys_success_and_a_busy_network_nobodys_silence() {
        let calls = [row(Channel::Voice, D::Abandoned, 3), row(Channel::Voice, D::Congestion, 2), row(Channel::Voice, D::NoAnswer, 1)];
        assert_eq!(figures(&calls), ["6", "0", "0", "3", "0", "1", "2", "0"]);
        assert_eq!([D::Abandoned, D::OptedOut, D::AnsweredPerson, D::Delivered, D::VoicemailLeft].map(is_reached), [false, true, true, true, false]);
    }

    #[test]
    fn messages_and_calls_are_counted_apart() {
        let both = [row(Channel::Sms, D::Delivered, 5), row(Channel::Sms, D::Expired, 1), row(Channel::Sms, D::Accepted, 4), row(Channel::Voice, D::NoAnswer, 7)];
        assert_eq!(figures(&both), ["10", "5", "4", "1", "0", "10", "7", "0", "0", "0", "0", "7", "0", "0"]);
        assert_eq!(figures(&[]).len(), 6, "nothing yet is nought messages");
    }
}
