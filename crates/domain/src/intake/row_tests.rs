use super::*;
use RejectReason as R;
use proptest::prelude::*;

const HEADERS: [&str; 5] = ["Mobile", "Ref", "Name", "Balance", "Notes"];

fn reader() -> RowReader {
    let columns = vec![
        ColumnUse::Standard(StandardField::Phone),
        ColumnUse::Standard(StandardField::Reference),
        ColumnUse::Standard(StandardField::FirstName),
        ColumnUse::Declared("balance".into()),
        ColumnUse::Dropped,
    ];
    RowReader::new(Mapping { columns }, HEADERS.map(String::from).to_vec(), Region::GB, NumberMode::Demo)
}

fn read(cells: &[&str]) -> Result<Row, Vec<Reject>> {
    reader().read(9, &cells.iter().map(|cell| Cell::from(*cell)).collect::<Vec<_>>())
}

fn reasons(cells: &[&str]) -> Vec<(String, R)> {
    read(cells).expect_err("a reject").into_iter().map(|reject| (reject.column, reject.reason)).collect()
}

#[test]
fn fills_the_mapped_fields_and_forgets_the_dropped_column() {
    let row = read(&[" 07700 900123 ", "C-17", " Ada\u{a0} Mary\n", "12.50", "never stored"]).expect("a row");
    assert_eq!((row.line, row.address.e164.reveal(), row.phone_as_written.reveal()), (9, "+447700900123", "07700 900123"));
    assert_eq!(row.reference.as_ref().map(Personal::reveal), Some("C-17"));
    assert_eq!(row.first_name.as_ref().map(Personal::reveal), Some("Ada Mary"));
    assert_eq!(row.declared, [("balance".to_owned(), Personal::new("12.50"))]);
    assert!(!format!("{row:?}").contains("Ada"), "a row prints masked");
}

#[test]
fn blank_means_missing_only_for_the_phone() {
    let row = read(&["07700900123", "", "  ", "", ""]).expect("a row");
    assert_eq!((row.reference, row.first_name, row.declared), (None, None, vec![]));
    assert_eq!(reasons(&["", "C-17", "Ada", "", ""]), [("Mobile".into(), R::PhoneMissing)]);
}

#[test]
fn every_fault_of_a_line_is_told_at_once() {
    let long = "x".repeat(101);
    assert_eq!(
        reasons(&["nobody", &long, "A\u{0}da", "=1+1", "=1+1"]),
        [("Mobile".into(), R::PhoneUnreadable), ("Ref".into(), R::FieldTooLong), ("Name".into(), R::ControlCharacter), ("Balance".into(), R::FormulaCell)]
    );
}

#[test]
fn formulas_are_refused_in_mapped_columns_and_signs_are_not() {
    for formula in ["=HYPERLINK(\"x\")", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd|'x'!A0", "＝1"] {
        assert_eq!(reasons(&["07700900123", formula, "", "", ""]), [("Ref".into(), R::FormulaCell)], "{formula}");
    }
    assert_eq!(reasons(&["=\"07700900123\"", "", "", "", ""]), [("Mobile".into(), R::FormulaCell)]);
    for sign in ["-", "-5", "+5", "--"] {
        assert!(read(&["07700900123", sign, "", "", ""]).is_ok(), "{sign}");
    }
    let cells = [Cell::from("07700900123"), Cell::Formula, Cell::blank(), Cell::blank(), Cell::Formula];
    let rejects = reader().read(3, &cells).expect_err("a formula in Ref");
    assert_eq!(rejects, [Reject { line: 3, column: "Ref".into(), reason: R::FormulaCell }]);
}

#[test]
fn a_slipped_line_is_refused_whole_and_blank_surplus_is_not() {
    let whole_line = [(String::new(), R::ColumnCountDiffers)];
    assert_eq!(reasons(&["07700900123", "C-17"]), whole_line);
    assert_eq!(reasons(&["07700900123", "C-17", "Ada", "1", "x", "more"]), whole_line);
    assert!(read(&["07700900123", "C-17", "Ada", "1", "x", "", " "]).is_ok());
}

#[test]
fn bytes_that_were_no_text_are_told_apart() {
    assert_eq!(reasons(&["07700900123", "", "Ren\u{fffd}e", "", ""]), [("Name".into(), R::BadEncoding)]);
    assert_eq!(reasons(&["07700900123", "", "abc\u{202e}def", "", ""]), [("Name".into(), R::ControlCharacter)]);
}

proptest! {
    #[test]
    fn any_cells_give_a_row_or_reasons(cells in prop::collection::vec(prop_oneof![any::<String>(), Just("07700900123".to_owned()), "[=+@-]\\PC{0,5}"], 0..8)) {
        let cells: Vec<Cell> = cells.into_iter().map(Cell::Text).collect();
        match reader().read(1, &cells) {
            Ok(row) => {
                for value in [row.reference, row.first_name].into_iter().flatten() {
                    prop_assert!(!value.is_empty() && !value.reveal().chars().any(char::is_control));
                }
            }
            Err(rejects) => prop_assert!(!rejects.is_empty()),
        }
    }
}
