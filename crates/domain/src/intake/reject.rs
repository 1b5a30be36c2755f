//! Why a line of a file was refused.

use crate::word::words;

words! {
    pub enum RejectReason {
        PhoneMissing = "phone_missing",
        PhoneUnreadable = "phone_unreadable",
        PhoneImpossible = "phone_impossible",
        PhoneUnsupportedType = "phone_unsupported_type",
        TestNumberInProduction = "test_number_in_production",
        RealNumberInDemo = "real_number_in_demo",
        RepeatedInFile = "repeated_in_file",
        AlreadyOnList = "already_on_list",
        ErasedPerson = "erased_person",
        FieldTooLong = "field_too_long",
        FormulaCell = "formula_cell",
        ColumnCountDiffers = "column_count_differs",
        LineTooLong = "line_too_long",
        BadEncoding = "bad_encoding",
        ReferenceConflict = "reference_conflict",
    }
}
