use super::*;
use crate::intake::encoding::TextEncoding;
use proptest::prelude::*;
use std::io::{self, Cursor, Seek, SeekFrom};

fn rows(bytes: &[u8]) -> Vec<Result<(u64, Vec<String>), String>> {
    read(Box::new(Cursor::new(bytes.to_vec())), FileLimits::default())
}

fn read(source: Box<dyn Source>, limits: FileLimits) -> Vec<Result<(u64, Vec<String>), String>> {
    let mut reader = CsvRows::new(Utf8Reader::new(source, TextEncoding::Utf8), limits).expect("opens");
    let mut rows = Vec::new();
    loop {
        match reader.next_row() {
            Ok(Some(row)) => rows.push(Ok((row.line, row.cells.iter().map(|cell| cell.text().to_owned()).collect()))),
            Ok(None) => return rows,
            Err(RowError::Refused { line, reason }) => rows.push(Err(format!("{line} {reason}"))),
            Err(RowError::File(error)) => {
                rows.push(Err(error.to_string()));
                return rows;
            }
        }
    }
}

fn row(line: u64, cells: &[&str]) -> Result<(u64, Vec<String>), String> {
    Ok((line, cells.iter().map(ToString::to_string).collect()))
}

#[test]
fn finds_the_delimiter() {
    for delimiter in [",", ";", "\t", "|"] {
        let text = ["phone,name", "07700900123,Ada", "07700900124,Grace"].join("\n").replace(',', delimiter);
        assert_eq!(rows(text.as_bytes()), [row(1, &["phone", "name"]), row(2, &["07700900123", "Ada"]), row(3, &["07700900124", "Grace"])], "{delimiter:?}");
    }
    let commas_inside = b"phone;amount;note\n1;1,50;a,b\n2;2,75;c,d\n";
    assert_eq!(rows(commas_inside)[1], row(2, &["1", "1,50", "a,b"]));
    assert_eq!(rows(b"sep=;\r\na,b;c\r\n"), [row(2, &["a,b", "c"])]);
    assert_eq!(rows(b"phone\n07700900123\n"), [row(1, &["phone"]), row(2, &["07700900123"])]);
}

#[test]
fn a_quoted_cell_may_hold_line_breaks_and_lines_keep_their_numbers() {
    let text = b"phone,note\r\n\r\n1,\"two\r\nlines, and \"\"quotes\"\"\"\r\n2,x\r\n\r\n\r\n3,y";
    assert_eq!(
        rows(text),
        [row(1, &["phone", "note"]), row(3, &["1", "two\r\nlines, and \"quotes\""]), row(5, &["2", "x"]), row(8, &["3", "y"])]
    );
    assert_eq!(rows(b"a,b\r1,2\r3,4"), [row(1, &["a", "b"]), row(2, &["1", "2"]), row(3, &["3", "4"])], "line ends of old Macs");
}

#[test]
fn a_line_over_the_limit_is_refused_and_the_next_one_is_read() {
    let limits = FileLimits { line_bytes_max: 1_000, ..FileLimits::default() };
    let text = format!("a,b\n1,{}\n2,y\n", "x".repeat(5_000));
    assert_eq!(read(Box::new(Cursor::new(text)), limits), [row(1, &["a", "b"]), Err("2 line_too_long".into()), row(3, &["2", "y"])]);
    let wide = format!("a,b\n{}\n2,y\n", "1,".repeat(300));
    assert_eq!(rows(wide.as_bytes())[1..], [Err("2 column_count_differs".into()), row(3, &["2", "y"])]);
}

#[test]
fn bytes_that_are_no_text_show_in_their_own_cell() {
    assert_eq!(rows(b"a,b\nok,Zo\xeb\n")[1], row(2, &["ok", "Zo\u{fffd}"]));
}

/// A header and then one line without an end, as long as asked for, that never exists in memory.
struct Endless {
    at: u64,
    length: u64,
    letter: u8,
}

impl io::Read for Endless {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let count = output.len().min((self.length - self.at) as usize);
        output[..count].fill(self.letter);
        const HEAD: &[u8] = b"phone,name\n07700900123,\"";
        for place in self.at..(HEAD.len() as u64).min(self.at + count as u64) {
            output[(place - self.at) as usize] = HEAD[place as usize];
        }
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Endless {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(back) => self.length.saturating_add_signed(back),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

#[test]
fn a_line_of_two_gigabytes_is_given_up_after_a_few_megabytes() {
    for letter in [b'x', b'\n', b','] {
        let rows = read(Box::new(Endless { at: 0, length: 2 << 30, letter }), FileLimits::default());
        assert_eq!(rows.len(), 2);
        let message = rows[1].as_ref().expect_err("an endless line");
        assert!(message.starts_with("line 2 does not end within 16 MiB: look for a quotation mark"), "{message}");
    }
}

proptest! {
    #[test]
    fn any_bytes_give_rows_or_refusals_and_lines_grow(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b",;\"\n\r".to_vec())], 0..300)) {
        let mut last = 0;
        for row in rows(&bytes).into_iter().flatten() {
            prop_assert!(row.0 > last || bytes.contains(&b'\r'));
            last = row.0;
        }
    }

    #[test]
    fn what_is_written_quoted_is_read_back(table in prop::collection::vec(prop::collection::vec("[a-z\", \\n]{0,8}", 2), 1..8)) {
        let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        let table: Vec<Vec<String>> = [vec!["one".to_owned(), "two".to_owned()]].into_iter().chain(table).collect();
        let text: String = table.iter().map(|row| row.iter().map(quoted).collect::<Vec<_>>().join("|") + "\n").collect();
        let read: Vec<Vec<String>> = rows(text.as_bytes()).into_iter().flatten().map(|(_, cells)| cells).collect();
        prop_assert_eq!(read, table);
    }
}
