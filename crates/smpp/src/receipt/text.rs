//! The receipt's text form: `id:… sub:… dlvrd:… submit date:… done date:… stat:… err:… text:…`, in any
//! order and case, with fields missing, spaces around colons, underscores or nothing inside the names.

use super::Receipt;
use crate::pdu::MessageState;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Id,
    DoneDate,
    Stat,
    Err,
    Text,
    Other,
}

/// Longer names first, so that `id` is not found inside `msgid`.
const NAMES: [(&str, Field); 18] = [
    ("submit date", Field::Other),
    ("submit_date", Field::Other),
    ("submitdate", Field::Other),
    ("message_id", Field::Id),
    ("messageid", Field::Id),
    ("done date", Field::DoneDate),
    ("done_date", Field::DoneDate),
    ("donedate", Field::DoneDate),
    ("status", Field::Stat),
    ("dlvrd", Field::Other),
    ("error", Field::Err),
    ("msgid", Field::Id),
    ("state", Field::Stat),
    ("stat", Field::Stat),
    ("text", Field::Text),
    ("sub", Field::Other),
    ("err", Field::Err),
    ("id", Field::Id),
];

/// Reads a receipt's text; `None` when there is neither an id nor a state in it. Nothing after `text:` is
/// looked at, since that is the message's own words.
pub fn parse_text(text: &str) -> Option<Receipt> {
    let mut receipt = Receipt::default();
    let mut labels = labels(text);
    labels.push((text.len(), text.len(), Field::Other));
    for pair in labels.windows(2) {
        let ((_, from, field), (to, ..)) = (pair[0], pair[1]);
        if field == Field::Text {
            break;
        }
        let value = text[from..to]
            .trim_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '\0' | '"'));
        take(&mut receipt, field, value);
    }
    (receipt.message_id.is_some() || receipt.state_raw.is_some()).then_some(receipt)
}

fn take(receipt: &mut Receipt, field: Field, value: &str) {
    let word = value.split_whitespace().next().map(str::to_owned);
    match field {
        Field::Id if receipt.message_id.is_none() => receipt.message_id = word,
        Field::Stat if receipt.state_raw.is_none() => {
            receipt.state = word.as_deref().and_then(state_of);
            receipt.state_raw = word;
        }
        Field::Err if receipt.error.is_none() => receipt.error = word,
        Field::DoneDate if receipt.done_at.is_none() => {
            receipt.done_at = word.filter(|word| {
                matches!(word.len(), 10 | 12) && word.bytes().all(|d| d.is_ascii_digit())
            });
        }
        _ => {}
    }
}

/// Every `name:` with where it begins, where its value begins, and what it is. Stops at `text:`.
fn labels(text: &str) -> Vec<(usize, usize, Field)> {
    let mut found = Vec::new();
    for (colon, _) in text.char_indices().filter(|(_, c)| *c == ':') {
        let before = text[..colon].trim_end();
        let Some((name, field)) = NAMES.iter().find(|(name, _)| ends_with_name(before, name))
        else {
            continue;
        };
        found.push((before.len() - name.len(), colon + 1, *field));
        if *field == Field::Text {
            break;
        }
    }
    found
}

fn ends_with_name(before: &str, name: &str) -> bool {
    let Some(start) = before.len().checked_sub(name.len()) else {
        return false;
    };
    let tail = before.as_bytes().get(start..).unwrap_or_default();
    let bounded = start == 0 || !before.as_bytes()[start - 1].is_ascii_alphanumeric();
    tail.eq_ignore_ascii_case(name.as_bytes()) && bounded && before.is_char_boundary(start)
}

/// The `stat:` words of appendix B, their long forms, and the digits that some write instead.
fn state_of(word: &str) -> Option<MessageState> {
    let word = word.to_ascii_uppercase();
    Some(match word.as_str() {
        "DELIVRD" | "DELIVERED" | "DELIVERD" | "DLVRD" => MessageState::Delivered,
        "EXPIRED" | "EXPIRD" => MessageState::Expired,
        "DELETED" | "DELETD" => MessageState::Deleted,
        "UNDELIV" | "UNDELIVERABLE" | "UNDELIVERED" | "UNDELIVRD" | "FAILED" => {
            MessageState::Undeliverable
        }
        "ACCEPTD" | "ACCEPTED" | "ACKED" => MessageState::Accepted,
        "UNKNOWN" | "UNKNWN" => MessageState::Unknown,
        "REJECTD" | "REJECTED" => MessageState::Rejected,
        "ENROUTE" | "BUFFRED" | "BUFFERED" => MessageState::EnRoute,
        "SCHEDULED" | "SCHEDLD" => MessageState::Scheduled,
        "SKIPPED" => MessageState::Skipped,
        digits => return digits.parse().ok().and_then(MessageState::of),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, id: &str, state: MessageState, error: Option<&str>, done: Option<&str>) {
        let receipt = parse_text(text).expect("a receipt");
        assert_eq!(receipt.message_id.as_deref(), Some(id), "{text}");
        assert_eq!(receipt.state, Some(state), "{text}");
        assert_eq!(receipt.error.as_deref(), error, "{text}");
        assert_eq!(receipt.done_at.as_deref(), done, "{text}");
    }

    #[test]
    fn the_known_variants() {
        use MessageState::*;
        let book = "id:0123456789 sub:001 dlvrd:001 submit date:2611232144 done date:2611232145 stat:DELIVRD err:000 text:Hello stat:EXPIRED";
        check(
            book,
            "0123456789",
            Delivered,
            Some("000"),
            Some("2611232145"),
        );
        let seconds = "ID:ab-1f SUB:001 DLVRD:000 SUBMIT DATE:261123214400 DONE DATE:261123214501 STAT:undeliv ERR:1A TEXT:x";
        check(
            seconds,
            "ab-1f",
            Undeliverable,
            Some("1A"),
            Some("261123214501"),
        );
        check("id: 77 stat: EXPIRED", "77", Expired, None, None);
        check(
            "stat:REJECTD err:011 id:9",
            "9",
            Rejected,
            Some("011"),
            None,
        );
        check(
            "id:5 submitdate:2611232144 donedate:2611232145 stat:ACCEPTD",
            "5",
            Accepted,
            None,
            Some("2611232145"),
        );
        check(
            "id:5,done_date:2611232145,status:DELETED;err:7",
            "5",
            Deleted,
            Some("7"),
            Some("2611232145"),
        );
        check(
            "id:5 done date:26-11-23 stat:UNKNOWN",
            "5",
            Unknown,
            None,
            None,
        );
        check("message_id:5 stat:2", "5", Delivered, None, None);
        check("id:x sub:1 stat:SKIPPED text:", "x", Skipped, None, None);
        check(
            "id:c449ab9744f47b6af1879e49e75e4f40 stat:ENROUTE",
            "c449ab9744f47b6af1879e49e75e4f40",
            EnRoute,
            None,
            None,
        );
        check("  id:5 stat:DELIVRD\0", "5", Delivered, None, None);
    }

    #[test]
    fn a_word_that_nobody_knows_is_kept() {
        let receipt = parse_text("id:5 stat:QUARANTINED err:1").expect("a receipt");
        assert_eq!(
            (receipt.state, receipt.state_raw.as_deref()),
            (None, Some("QUARANTINED"))
        );
    }

    #[test]
    fn no_receipt_in_plain_words() {
        assert_eq!(parse_text("Please stop texting me"), None);
        assert_eq!(parse_text("The bid: 5"), None);
        assert_eq!(parse_text(""), None);
    }
}
