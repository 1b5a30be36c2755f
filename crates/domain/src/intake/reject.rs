//! Why a line of a file was refused, what the user reads, and the file of rejects.

use crate::intake::csv_text;
use crate::word::words;

words! {
    pub enum RejectReason {
        PhoneMissing = "phone_missing",
        PhoneUnreadable = "phone_unreadable",
        /// A spreadsheet wrote the number as 4.47701E+11.
        PhoneLostDigits = "phone_lost_digits",
        PhoneImpossible = "phone_impossible",
        PhoneUnsupportedType = "phone_unsupported_type",
        TestNumberInProduction = "test_number_in_production",
        RealNumberInDemo = "real_number_in_demo",
        RepeatedInFile = "repeated_in_file",
        AlreadyOnList = "already_on_list",
        ErasedPerson = "erased_person",
        FieldTooLong = "field_too_long",
        ControlCharacter = "control_character",
        FormulaCell = "formula_cell",
        ColumnCountDiffers = "column_count_differs",
        LineTooLong = "line_too_long",
        BadEncoding = "bad_encoding",
        ReferenceConflict = "reference_conflict",
    }
}

impl RejectReason {
    /// What happened and what to do, for the person who loaded the file.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::PhoneMissing => "There is no phone number on this line. Add one, or leave the line out.",
            Self::PhoneUnreadable => {
                "The phone cell holds something other than one number. Write one number with digits, spaces, brackets or a leading plus sign; put a second number on its own line."
            }
            Self::PhoneLostDigits => {
                "A spreadsheet shortened the number to a form like 4.47701E+11 and its last digits are gone. Format the column as text, enter the number again and save the file."
            }
            Self::PhoneImpossible => {
                "No such number can exist: it is too short, too long or in a range that is not in use. Check its digits; a number from another country needs its plus sign and country code."
            }
            Self::PhoneUnsupportedType => {
                "This is a premium-rate, personal (070), pager, 084, 087 or satellite number, which is never contacted. Use the person's mobile or ordinary line."
            }
            Self::TestNumberInProduction => "This number is set aside for films and tests and belongs to nobody. Replace it with the person's real number.",
            Self::RealNumberInDemo => {
                "The demo only takes numbers that are set aside for films and tests, such as 07700 900123. Load real numbers into a production installation."
            }
            Self::RepeatedInFile => "The same number stands on an earlier line of this file; the earlier line counts. Remove one of the two.",
            Self::AlreadyOnList => "This number is on the list already. Nothing needs doing, unless the existing contact should be changed.",
            Self::ErasedPerson => "The person with this number had their data erased and cannot be loaded again. Remove the line from your own records as well.",
            Self::FieldTooLong => "The text in this cell is longer than its field may be. Shorten it, or check that the columns have not slipped.",
            Self::ControlCharacter => "The cell holds an invisible control character. Type the text again rather than pasting it.",
            Self::FormulaCell => "The cell holds a formula or a spreadsheet error instead of a value. Paste it again as values only and save the file.",
            Self::ColumnCountDiffers => {
                "The line has another number of columns than the header. Look for a separator inside a value that is not in quotes, or for a missing one."
            }
            Self::LineTooLong => "The line is longer than a line may be. Look for a quotation mark that is never closed.",
            Self::BadEncoding => "The line holds bytes that are no text in the file's encoding. Save the file as UTF-8.",
            Self::ReferenceConflict => "Another contact has this reference already, with another number. Correct the reference, or change the existing contact.",
        }
    }
}

/// One refused line, or one refused cell of a line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reject {
    /// The line of the file, the header being 1; the first of its lines when quotes span several.
    pub line: u64,
    /// The header of the column at fault; empty when the whole line is.
    pub column: String,
    pub reason: RejectReason,
}

/// First line of the file of rejects.
pub const REJECT_CSV_HEADER: &str = "line,column,reason,what to do\r\n";

impl Reject {
    /// This reject as a line of the file of rejects: no value of the refused row, and nothing a spreadsheet would run.
    #[must_use]
    pub fn csv_line(&self) -> String {
        let column = csv_text::field(&self.column);
        format!("{},{column},{},{}\r\n", self.line, self.reason, csv_text::field(self.reason.sentence()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_says_what_to_do_in_sentences() {
        let mut seen = std::collections::BTreeSet::new();
        for reason in RejectReason::ALL {
            let sentence = reason.sentence();
            assert!(sentence.ends_with('.') && sentence.len() > 40, "{reason}");
            assert!(seen.insert(sentence), "{reason} says the same as another");
        }
    }

    #[test]
    fn a_line_of_the_reject_file_cannot_be_run_by_a_spreadsheet() {
        let reject = Reject { line: 7, column: "=cmd|'/C calc'!A0".into(), reason: RejectReason::PhoneMissing };
        assert_eq!(
            reject.csv_line(),
            "7,'=cmd|'/C calc'!A0,phone_missing,\"There is no phone number on this line. Add one, or leave the line out.\"\r\n"
        );
    }
}
