//! A workbook of one sheet, as spreadsheets open it: rows of texts and numbers. Texts are texts: nothing in them is a formula.

/// Rows below the header: a sheet is made in memory, some 400 bytes a row, and is beyond reading long before.
pub const ROWS_MAX: usize = 100_000;

/// One cell.
pub enum Cell<'a> {
    Text(&'a str),
    Number(i64),
    /// Ten-thousandths of a unit.
    Money(i64),
}

/// A sheet that is being written.
pub struct Sheet {
    rows: String,
}

const CONTENT_TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#;
const RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Report" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const WORKBOOK_RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
const SHEET_BEGINS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>"#;
const SHEET_ENDS: &str = "</sheetData></worksheet>";

/// A text within XML; what XML cannot hold is left out.
fn escape(text: &str, into: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '\t' | '\n' => into.push(letter),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
            letter => into.push(letter),
        }
    }
}

impl Sheet {
    #[must_use]
    pub fn new(header: &[&str]) -> Self {
        let mut sheet = Self { rows: String::new() };
        sheet.row(&header.iter().map(|name| Cell::Text(name)).collect::<Vec<_>>());
        sheet
    }

    /// Adds a row; whoever writes a sheet keeps to `ROWS_MAX`.
    pub fn row(&mut self, cells: &[Cell]) {
        self.rows.push_str("<row>");
        for cell in cells {
            match cell {
                Cell::Text(text) => {
                    self.rows.push_str("<c t=\"inlineStr\"><is><t xml:space=\"preserve\">");
                    escape(text, &mut self.rows);
                    self.rows.push_str("</t></is></c>");
                }
                Cell::Number(number) => self.rows.push_str(&format!("<c><v>{number}</v></c>")),
                Cell::Money(amount) => {
                    let sign = if *amount < 0 { "-" } else { "" };
                    self.rows.push_str(&format!("<c><v>{sign}{}.{:04}</v></c>", amount.unsigned_abs() / 10_000, amount.unsigned_abs() % 10_000));
                }
            }
        }
        self.rows.push_str("</row>");
    }

    /// The file.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let sheet = [SHEET_BEGINS, &self.rows, SHEET_ENDS].concat();
        let parts: [(&str, &[u8]); 5] = [
            ("[Content_Types].xml", CONTENT_TYPES.as_bytes()),
            ("_rels/.rels", RELATIONS.as_bytes()),
            ("xl/workbook.xml", WORKBOOK.as_bytes()),
            ("xl/_rels/workbook.xml.rels", WORKBOOK_RELATIONS.as_bytes()),
            ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ];
        zipped(&parts)
    }
}

/// The check of a ZIP archive (CRC-32, bit by bit: a report is small).
fn crc32(bytes: &[u8]) -> u32 {
    let table: Vec<u32> = (0..256u32).map(|byte| (0..8).fold(byte, |crc, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 })).collect();
    !bytes.iter().fold(!0u32, |crc, byte| table[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ (crc >> 8))
}

/// An archive of parts as they are, without compression. A part has at most four gigabytes: `ROWS_MAX` keeps to that for a report's rows.
fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in parts {
        let (offset, size, crc) = (file.len() as u32, bytes.len() as u32, crc32(bytes));
        // Version 2.0, names in UTF-8, stored, the first day that the format knows.
        let common: Vec<u8> = [20u16, 0x0800, 0, 0, 0x21].iter().flat_map(|word| word.to_le_bytes()).chain([crc, size, size].iter().flat_map(|word| word.to_le_bytes())).chain((name.len() as u16).to_le_bytes()).chain([0, 0]).collect();
        file.extend([0x50, 0x4b, 3, 4]);
        file.extend(&common);
        file.extend(name.as_bytes());
        file.extend(*bytes);
        directory.extend([0x50, 0x4b, 1, 2, 20, 0]);
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (offset, count) = (file.len() as u32, parts.len() as u16);
    file.extend(&directory);
    file.extend([0x50, 0x4b, 5, 6, 0, 0, 0, 0]);
    file.extend([count, count].iter().flat_map(|word| word.to_le_bytes()));
    file.extend([directory.len() as u32, offset].iter().flat_map(|word| word.to_le_bytes()));
    file.extend([0, 0]);
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::{Data, Reader, Xlsx};
    use std::io::Cursor;

    #[test]
    fn another_program_reads_what_was_written() {
        let mut sheet = Sheet::new(&["campaign", "attempts", "cost"]);
        sheet.row(&[Cell::Text("=1+1 <b> & \"Ünï\u{1}\""), Cell::Number(42), Cell::Money(-12_345)]);
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(sheet.finish())).expect("a workbook");
        let range = book.worksheet_range("Report").expect("the sheet");
        let cell = |row, column| range.get_value((row, column)).cloned().expect("a cell");
        assert_eq!(cell(0, 0), Data::String("campaign".into()));
        assert_eq!(cell(1, 0), Data::String("=1+1 <b> & \"Ünï\"".into()), "a text, and no formula");
        assert_eq!((cell(1, 1), cell(1, 2)), (Data::Float(42.0), Data::Float(-1.2345)));
    }

    #[test]
    fn the_check_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
