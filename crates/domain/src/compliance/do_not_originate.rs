//! Numbers that no call may show because nobody ever calls from them (UK-12): banks' and authorities' lines for incoming calls, and
//! ranges that were given to nobody, as regulators and carriers list them ("Do Not Originate").

/// Lines of one list.
pub const RANGES_MAX: usize = 200_000;
/// Faults that are told of one list; whoever mends them finds the rest.
const FAULTS_MAX: usize = 20;

/// Numbers of one length, both ends included, each with its `+`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberRange {
    pub first: String,
    pub last: String,
}

/// A line that is neither a number nor a range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct RangeFault {
    pub line: usize,
    pub why: &'static str,
}

impl NumberRange {
    #[must_use]
    pub fn holds(&self, e164: &str) -> bool {
        // Of one length, digits compare like numbers.
        e164.len() == self.first.len() && self.first.as_str() <= e164 && e164 <= self.last.as_str()
    }
}

/// Reads a list: a number a line, or two with a dash between them, in international form or British with its zero. Blank lines and what
/// follows a `#` are passed over. A list with one bad line is refused whole, as a number that was left out could be shown.
pub fn read_list(text: &str) -> Result<Vec<NumberRange>, Vec<RangeFault>> {
    let (mut ranges, mut faults) = (Vec::new(), Vec::new());
    for (line, content) in (1..).zip(text.lines()) {
        let content = content.split('#').next().unwrap_or_default().trim();
        if content.is_empty() {
            continue;
        }
        match range(content) {
            Ok(_) if ranges.len() >= RANGES_MAX => return Err(vec![RangeFault { line, why: "the list is longer than 200,000 lines: join neighbours to ranges" }]),
            Ok(range) => ranges.push(range),
            Err(why) => faults.push(RangeFault { line, why }),
        }
        if faults.len() >= FAULTS_MAX {
            break;
        }
    }
    if faults.is_empty() { Ok(ranges) } else { Err(faults) }
}

fn range(content: &str) -> Result<NumberRange, &'static str> {
    // A dash between two numbers stands before a sign or has room around it: others only group digits.
    let ends = content.split_once("-+").map(|(first, last)| (first, format!("+{last}"))).or_else(|| content.split_once(" - ").map(|(first, last)| (first, last.to_owned())));
    let (first, last) = match ends {
        Some((first, last)) => (number(first)?, number(&last)?),
        None => (number(content)?, number(content)?),
    };
    match (first.len() == last.len(), first <= last) {
        (false, _) => Err("the two ends of a range have different lengths"),
        (_, false) => Err("the range ends before it begins"),
        _ => Ok(NumberRange { first, last }),
    }
}

fn number(written: &str) -> Result<String, &'static str> {
    const WRONG: &str = "write a number with its country code, such as +442079460123, or a range as +442079460100-+442079460199";
    let written = written.trim();
    let digits: String = written.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
    let digits = match (digits.strip_prefix('+'), digits.strip_prefix("00"), digits.strip_prefix('0')) {
        (Some(rest), _, _) | (None, Some(rest), _) => rest.to_owned(),
        (None, None, Some(rest)) => format!("44{rest}"),
        _ => return Err(WRONG),
    };
    // E.164: at most fifteen digits.
    let is_number = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    if is_number { Ok(format!("+{digits}")) } else { Err(WRONG) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> NumberRange {
        read_list(line).expect("a list").remove(0)
    }

    #[test]
    fn numbers_and_ranges_are_read_as_people_write_them() {
        let list = "# of November\n\n+44 20 7946 0100\n020 7946 0101 # a bank\n0044 (20) 7946-0102\n+442079460200-+442079460299\n02079460300 - 02079460309\n";
        let ranges = read_list(list).expect("a list");
        let written: Vec<_> = ranges.iter().map(|range| (range.first.as_str(), range.last.as_str())).collect();
        assert_eq!(
            written,
            [
                ("+442079460100", "+442079460100"),
                ("+442079460101", "+442079460101"),
                ("+442079460102", "+442079460102"),
                ("+442079460200", "+442079460299"),
                ("+442079460300", "+442079460309"),
            ]
        );
    }

    #[test]
    fn a_range_holds_what_lies_between_its_ends_and_nothing_longer() {
        let range = one("+442079460200-+442079460299");
        assert!(range.holds("+442079460200") && range.holds("+442079460255") && range.holds("+442079460299"));
        assert!(!range.holds("+442079460300") && !range.holds("+442079460199") && !range.holds("+44207946025") && !range.holds("+4420794602550"));
    }

    #[test]
    fn a_bad_line_refuses_the_list_and_says_where() {
        let faults = read_list("+442079460100\nask at reception\n+442079460299-+442079460200\n+4420794602-+442079460299\n7946 0100\n").expect_err("faults");
        assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2, 3, 4, 5]);
        assert_eq!(faults[1].to_string(), "line 3: the range ends before it begins");
        assert_eq!(read_list(&"x\n".repeat(1_000)).expect_err("faults").len(), FAULTS_MAX);
    }
}
