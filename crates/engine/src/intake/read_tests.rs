use super::*;
use clarion_domain::intake::reject::RejectReason;
use std::io::Cursor;

fn opened(bytes: impl Into<Vec<u8>>) -> Result<FileReader, FileError> {
    open(Box::new(Cursor::new(bytes.into())), FileLimits::default())
}

fn refusal(bytes: impl Into<Vec<u8>>) -> String {
    opened(bytes).err().expect("a refusal").to_string()
}

fn texts(cells: &[Cell]) -> Vec<&str> {
    cells.iter().map(Cell::text).collect()
}

#[test]
fn gives_headers_samples_and_then_every_row() {
    let mut reader = opened("\u{feff}Phone , ,First name\n07700900123,x,Ada\n\n,,\n07700900124,y,Zoë\n").expect("opens");
    assert_eq!(reader.format(), FileFormat::Text(TextEncoding::Utf8));
    assert_eq!(reader.headers(), ["Phone", "column 2", "First name"]);
    assert_eq!(reader.samples(3).expect("samples").len(), 2);
    let first = reader.next_row().expect("a row").expect("a row");
    assert_eq!((first.line, texts(&first.cells)), (2, vec!["07700900123", "x", "Ada"]));
    let second = reader.next_row().expect("a row").expect("a row");
    assert_eq!((second.line, texts(&second.cells)), (5, vec!["07700900124", "y", "Zoë"]), "blank lines are no rows and keep their numbers");
    assert!(reader.next_row().expect("the end").is_none());
    assert!(reader.next_row().expect("the end").is_none());
}

#[test]
fn the_same_file_reads_the_same_in_every_encoding() {
    let text = "Téléphone;Prénom\n07700900123;Zoë\n";
    let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let latin: Vec<u8> = text.chars().map(|letter| letter as u8).collect();
    for bytes in [text.into(), latin, wide(u16::to_le_bytes), wide(u16::to_be_bytes), [&b"\xff\xfe"[..], &wide(u16::to_le_bytes)].concat()] {
        let mut reader = opened(bytes).expect("opens");
        assert_eq!(reader.headers(), ["Téléphone", "Prénom"]);
        assert_eq!(reader.next_row().expect("a row").map(|row| row.cells[1].text().to_owned()), Some("Zoë".into()));
    }
}

#[test]
fn a_bad_file_gets_a_sentence_that_says_what_to_do() {
    let too_wide = format!("{}\n1\n", (0..201).map(|at| format!("c{at}")).collect::<Vec<_>>().join(","));
    for (bytes, expected) in [
        (&b""[..], "the file is empty: choose"),
        (b"\xef\xbb\xbf", "the file is empty: choose"),
        (b"\r\n\r\n \n", "the file is empty: choose"),
        (b"\x89PNG\r\n\x1a\n\0\0", "the file is a picture, not a list"),
        (b"%PDF-1.7\n", "the file is a PDF, not a list"),
        (b"PK\x03\x04 no archive at all", "the workbook is damaged"),
        (b"a\0\0b\0c\0\0\0", "the file is binary data"),
        (b"07700 900123,Ada\n07700 900124,Grace\n", "the first line holds a contact"),
        (b"1,2,3\n4,5,6\n", "the first line holds a contact"),
        (b"---,***\n1,2\n", "the first line does not name columns"),
        (b"phone,name\n", "the file has a header and no lines"),
        (b"phone,name\n,\n\n", "the file has a header and no lines"),
        (too_wide.as_bytes(), "the file has more than 200 columns"),
    ] {
        let message = refusal(bytes);
        assert!(message.starts_with(expected), "{expected}: {message}");
    }
}

#[test]
fn a_refused_line_does_not_end_the_reading() {
    let text = format!("phone,name\n1,{}\n2,Ada\n", "x".repeat(70_000));
    let mut reader = opened(text).expect("opens");
    assert_eq!(reader.samples(3).expect("samples").len(), 1, "samples pass over refused lines");
    assert!(matches!(reader.next_row(), Err(RowError::Refused { line: 2, reason: RejectReason::LineTooLong })));
    assert_eq!(reader.next_row().expect("a row").map(|row| row.line), Some(3));
}

#[test]
fn lines_that_are_all_refused_are_not_gathered_for_the_samples() {
    // Each line has more columns than a file may have: a million of them must cost no memory and no time.
    let mut reader = opened(format!("phone,name\n{}", format!("{}\n", ",".repeat(201)).repeat(20_000))).expect("opens");
    assert!(reader.samples(50).expect("samples").is_empty());
    assert_eq!(reader.ahead.len(), AHEAD_LINES_MAX);
    let refused = std::iter::from_fn(|| match reader.next_row() {
        Err(RowError::Refused { line, .. }) => Some(line),
        _ => None,
    });
    assert!(refused.eq(2..=20_001), "each is refused once, in the order of the file");
}

#[test]
fn columns_of_one_name_are_told_apart() {
    let reader = opened("phone,name,Name,name\n1,a,b,c\n").expect("opens");
    assert_eq!(reader.headers(), ["phone", "name", "Name", "name (column 4)"]);
}

#[test]
fn a_short_line_stays_short_for_the_row_to_refuse() {
    let mut reader = opened("phone,name,ref\n1,Ada\n").expect("opens");
    assert_eq!(reader.next_row().expect("a row").map(|row| row.cells.len()), Some(2));
}

#[test]
fn a_file_from_the_far_end_of_a_slow_line_reads_the_same() {
    /// Gives at most three bytes at a time.
    struct Slow(Cursor<Vec<u8>>);
    impl Read for Slow {
        fn read(&mut self, output: &mut [u8]) -> std::io::Result<usize> {
            let few = output.len().min(3);
            self.0.read(&mut output[..few])
        }
    }
    impl Seek for Slow {
        fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
            self.0.seek(to)
        }
    }
    let text = "phone;name\n07700900123;\"A\nda\"\n07700900124;Zoë\n";
    let mut reader = open(Box::new(Slow(Cursor::new(text.into()))), FileLimits::default()).expect("opens");
    assert_eq!(reader.headers(), ["phone", "name"]);
    let rows: Vec<(u64, String)> = std::iter::from_fn(|| reader.next_row().expect("a row")).map(|row| (row.line, row.cells[1].text().to_owned())).collect();
    assert_eq!(rows, [(2, "A\nda".into()), (4, "Zoë".into())]);
}
