use super::*;
use crate::intake::error::BinaryKind;
use calamine::{Data, Reader};
use clarion_domain::intake::cell::Cell;
use clarion_domain::intake::reject::RejectReason;
use proptest::prelude::*;
use std::io::{Cursor, Write};

/// Packs files into a zip archive. `lie` is the unpacked size that the directory claims for the last file.
fn pack(files: &[(&str, &[u8])], lie: Option<u32>) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (at, (name, content)) in files.iter().enumerate() {
        let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(content).expect("packs");
        let packed = packer.finish().expect("packs");
        let size = lie.filter(|_| at + 1 == files.len()).unwrap_or(content.len() as u32);
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut shared = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
        shared.extend(crc.sum().to_le_bytes());
        shared.extend((packed.len() as u32).to_le_bytes());
        shared.extend(size.to_le_bytes());
        shared.extend((name.len() as u16).to_le_bytes());
        shared.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&shared);
        directory.extend([0; 10]);
        directory.extend((archive.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        archive.extend(b"PK\x03\x04");
        archive.extend(&shared);
        archive.extend(name.as_bytes());
        archive.extend(packed);
    }
    let at = archive.len() as u32;
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([(files.len() as u16).to_le_bytes(); 2].concat());
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(at.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

const TYPES: &str = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>";
const ROOT: &str = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>";
const WORKBOOK: &str = "<?xml version=\"1.0\"?><workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><workbookPr/><sheets><sheet name=\"old\" sheetId=\"1\" state=\"hidden\" r:id=\"rId1\"/><sheet name=\"people\" sheetId=\"2\" r:id=\"rId2\"/></sheets></workbook>";
const RELATIONS: &str = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"/xl/worksheets/sheet2.xml\"/><Relationship Id=\"rId3\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings\" Target=\"sharedStrings.xml\"/><Relationship Id=\"rId4\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles\" Target=\"styles.xml\"/></Relationships>";
const STYLES: &str = "<styleSheet><numFmts><numFmt numFmtId=\"170\" formatCode=\"dd/mm/yyyy\"/></numFmts><cellStyleXfs><xf numFmtId=\"14\"/></cellStyleXfs><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"170\"/></cellXfs></styleSheet>";
const STRINGS: &str = "<sst><si><t>Phone</t></si><si><t xml:space=\"preserve\">Name</t></si><si><r><t>A</t></r><r><t>da &amp; Zo&#235;</t></r><rPh><t>no</t></rPh></si></sst>";

fn workbook(rows: &str, lie: Option<u32>) -> Vec<u8> {
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    workbook_of(&sheet, STRINGS, lie)
}

fn workbook_of(sheet: &str, strings: &str, lie: Option<u32>) -> Vec<u8> {
    let files = [
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", ROOT),
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", RELATIONS),
        ("xl/styles.xml", STYLES),
        ("xl/sharedStrings.xml", strings),
        ("xl/worksheets/sheet1.xml", "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>hidden</t></is></c></row></sheetData></worksheet>"),
        ("xl/worksheets/sheet2.xml", sheet),
    ];
    pack(&files.map(|(name, text)| (name, text.as_bytes())), lie)
}

fn opened(bytes: Vec<u8>) -> Result<SheetRows, FileError> {
    SheetRows::open(Box::new(Cursor::new(bytes)), FileLimits::default())
}

fn all(bytes: Vec<u8>) -> Result<Vec<RawRow>, String> {
    let mut rows = opened(bytes).map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    while let Some(row) = rows.next_row(0).map_err(|error| error.to_string())? {
        all.push(row);
    }
    Ok(all)
}

const HEADER: &str = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c></row>";

#[test]
fn reads_every_kind_of_cell_of_the_first_visible_sheet() {
    let rows = format!(
        "{HEADER}<row r=\"3\"><c r=\"A3\"><v>447700900123</v></c><c r=\"B3\" t=\"s\"><v>2</v></c><c r=\"D3\" s=\"1\"><v>46349</v></c></row>\
         <row><c t=\"inlineStr\"><is><t>07700 900124</t></is></c><c t=\"str\"><v>x&lt;y</v></c><c t=\"b\"><v>1</v></c><c><v>4.47700900125E11</v></c></row>\
         <row r=\"9\"><c r=\"A9\"><f>1+1</f><v>2</v></c><c r=\"B9\" t=\"e\"><v>#N/A</v></c><c r=\"C9\"/></row>"
    );
    let rows = all(workbook(&rows, None)).expect("reads");
    let text = |text: &str| Cell::from(text);
    assert_eq!(rows[0], RawRow { line: 1, cells: vec![text("Phone"), text("Name")] });
    assert_eq!(rows[1], RawRow { line: 3, cells: vec![text("447700900123"), text("Ada & Zoë"), Cell::blank(), text("2026-11-23")] });
    assert_eq!(rows[2], RawRow { line: 4, cells: vec![text("07700 900124"), text("x<y"), text("TRUE"), text("447700900125")] });
    assert_eq!(rows[3], RawRow { line: 9, cells: vec![Cell::Formula, Cell::Formula] });
    assert_eq!(rows.len(), 4);
}

#[test]
fn a_short_row_is_filled_up_to_the_header_and_a_far_cell_is_refused() {
    let far = format!("{HEADER}<row r=\"2\"><c r=\"A2\"><v>1</v></c></row><row r=\"3\"><c r=\"XFD3\"><v>1</v></c></row><row r=\"4\"><c r=\"A4\"><v>2</v></c></row>");
    let mut rows = opened(workbook(&far, None)).expect("opens");
    rows.next_row(0).expect("the header");
    assert_eq!(rows.next_row(2).expect("a row").map(|row| row.cells.len()), Some(2));
    assert!(matches!(rows.next_row(2), Err(RowError::Refused { line: 3, reason: RejectReason::ColumnCountDiffers })));
    assert_eq!(rows.next_row(2).expect("a row").map(|row| row.line), Some(4));
}

#[test]
fn no_two_rows_have_one_number_whatever_the_sheet_says() {
    let row = |r: &str| format!("<row r=\"{r}\"><c><v>1</v></c></row>");
    let rows = ["7", "7", "3", "18446744073709551615", "-1", "x", "1048577", "20"].map(row).concat();
    let lines: Vec<u64> = all(workbook(&rows, None)).expect("reads").into_iter().map(|row| row.line).collect();
    assert_eq!(lines, [7, 8, 9, 10, 11, 12, 13, 20]);
}

#[test]
fn a_sheet_that_unpacks_too_far_is_refused_by_its_claim_and_by_its_bytes() {
    let claims = workbook(HEADER, Some(u32::MAX - 1));
    assert!(matches!(opened(claims), Err(FileError::ExpandsTooFar)));
    // 64 MiB of blank rows in 64 KiB, with a claim of one byte.
    let bomb = format!("{HEADER}{}", "<row></row>".repeat(6_000_000));
    let bomb = workbook(&bomb, Some(1));
    assert!(bomb.len() < 400_000, "{}", bomb.len());
    let message = all(bomb).expect_err("a bomb");
    assert!(message.starts_with("the workbook unpacks to far more than a list of contacts needs"), "{message}");
}

#[test]
fn one_huge_token_is_refused_before_it_is_held() {
    let huge = "x".repeat(300_000);
    for cell in [
        format!("<c r=\"A1\" t=\"inlineStr\"><is><t>{huge}</t></is></c>"),
        format!("<c r=\"A1\" x=\"{huge}\"><v>1</v></c>"),
        format!("<!-- {} -->", "]]> <a> ".repeat(40_000)),
        format!("<c t=\"str\"><v><![CDATA[{}]]></v></c>", "<--> ".repeat(60_000)),
        format!("<c t=\"inlineStr\"><is>{}</is></c>", "<t>0123456789</t>".repeat(30_000)),
    ] {
        let message = all(workbook(&format!("<row r=\"1\">{cell}</row>"), None)).expect_err("too much");
        assert!(message.starts_with("the workbook unpacks to far more"), "{message}");
    }
    let many = format!("<sst>{}</sst>", "<si><t>0123456789012345678901234567890123456789</t></si>".repeat(100));
    let limits = FileLimits { shared_text_bytes_max: 2_000, ..FileLimits::default() };
    let opened = SheetRows::open(Box::new(Cursor::new(workbook_of("<worksheet/>", &many, None))), limits);
    assert!(matches!(opened, Err(FileError::TooMuchText)));
}

#[test]
fn entities_of_the_files_own_are_refused() {
    let sheet = format!("<!DOCTYPE a [<!ENTITY b \"bb\">]><worksheet><sheetData>{HEADER}</sheetData></worksheet>");
    assert!(all(workbook_of(&sheet, STRINGS, None)).is_err());
}

#[test]
fn a_damaged_or_other_archive_says_what_it_is() {
    let good = workbook(HEADER, None);
    let cut = all(good[..good.len() - 30].to_vec()).expect_err("cut off");
    assert!(cut.starts_with("the workbook is damaged"), "{cut}");
    let pointless = format!("{HEADER}<row r=\"2\"><c t=\"s\"><v>99</v></c></row>");
    assert!(all(workbook(&pointless, None)).expect_err("no such text").contains("a cell points to no text"));
    let torn = all(workbook_of("<worksheet><sheetData><row r=\"1\"><c>", STRINGS, None)).expect_err("torn");
    assert!(torn.contains("its sheet is cut off"), "{torn}");
    for (files, expected) in [
        (vec!["holiday.jpg"], FileError::Binary(BinaryKind::Archive)),
        (vec!["[Content_Types].xml", "word/document.xml"], FileError::Binary(BinaryKind::Document)),
        (vec!["[Content_Types].xml", "xl/workbook.bin"], FileError::OtherWorkbook("binary Excel (.xlsb)")),
        (vec!["mimetype", "content.xml"], FileError::OtherWorkbook("OpenDocument")),
    ] {
        let files: Vec<(&str, &[u8])> = files.into_iter().map(|name| (name, &b""[..])).collect();
        assert_eq!(opened(pack(&files, None)).err().expect("refused").to_string(), expected.to_string());
    }
    let mut locked = pack(&[("[Content_Types].xml", b"x")], None);
    let directory = locked.windows(4).position(|window| window == b"PK\x01\x02").expect("a directory");
    locked[directory + 8] |= 1;
    assert!(matches!(opened(locked), Err(FileError::Encrypted)));
}

fn by_calamine(bytes: Vec<u8>) -> Vec<Vec<String>> {
    let mut workbook = calamine::Xlsx::new(Cursor::new(bytes)).expect("calamine opens");
    let range = workbook.worksheet_range("people").expect("calamine reads");
    let text = |cell: &Data| match cell {
        Data::Empty => String::new(),
        Data::Float(number) => number.to_string(),
        Data::Bool(yes) => yes.to_string().to_uppercase(),
        other => other.to_string(),
    };
    range.rows().map(|row| row.iter().map(text).collect()).collect()
}

proptest! {
    #[test]
    fn reads_what_another_reader_reads(table in prop::collection::vec(prop::collection::vec((0u8..4, 0u64..1_000_000_000_000, "[a-z &<>é]{1,6}"), 3), 1..12)) {
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let mut rows = String::new();
        for (line, row) in table.iter().enumerate() {
            rows += &format!("<row r=\"{}\">", line + 1);
            for (column, (kind, number, text)) in row.iter().enumerate() {
                let place = format!("{}{}", (b'A' + column as u8) as char, line + 1);
                rows += &match kind {
                    0 => format!("<c r=\"{place}\"><v>{number}</v></c>"),
                    1 => format!("<c r=\"{place}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>", escaped(text)),
                    2 => format!("<c r=\"{place}\" t=\"s\"><v>{}</v></c>", number % 3),
                    _ => format!("<c r=\"{place}\" t=\"b\"><v>{}</v></c>", number % 2),
                };
            }
            rows += "</row>";
        }
        let bytes = workbook(&rows, None);
        let ours: Vec<Vec<String>> = all(bytes.clone()).expect("reads").into_iter().map(|row| row.cells.iter().map(|cell| cell.text().to_owned()).collect()).collect();
        prop_assert_eq!(ours, by_calamine(bytes));
    }

    #[test]
    fn a_workbook_with_any_byte_changed_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = workbook(HEADER, None);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = all(bytes);
    }
}
