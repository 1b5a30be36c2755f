//! Files from hell: thousands of seeded mutations of good files, through the readers that a stranger's bytes reach first.
//!
//! The same every time, so that a failure repeats. `CLARION_FUZZ_TIMES=100` runs that many times as many.

use std::io::{Cursor, Write};

use clarion_domain::compliance::suppression_file;
use clarion_domain::intake::mapping::StandardField;
use clarion_domain::intake::proposal::propose;
use clarion_domain::intake::row::RowReader;
use clarion_domain::tenancy::tenant::NumberMode;
use clarion_engine::intake::{FileLimits, RowError, open};

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn one_of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }
}

/// How many mutations: some seconds of them, or as many times more as asked for.
fn rounds(few: usize) -> usize {
    few * std::env::var("CLARION_FUZZ_TIMES").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// A few bytes changed, put in, taken out, repeated, or cut off.
fn mutated(seed: &[u8], words: &[&[u8]], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=chance.below(6) {
        let at = chance.below(bytes.len());
        match chance.below(7) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << chance.below(8),
            1 if !bytes.is_empty() => bytes[at] = chance.next() as u8,
            2 => drop(bytes.splice(at..at, chance.one_of(words).iter().copied())),
            3 => drop(bytes.drain(at..(at + chance.below(20)).min(bytes.len()))),
            4 => {
                let piece = bytes[at..(at + chance.below(60)).min(bytes.len())].to_vec();
                let times = 1 + chance.below(40);
                drop(bytes.splice(at..at, piece.repeat(times)));
            }
            5 if chance.below(4) == 0 => bytes.truncate(at),
            _ => {
                let word = chance.one_of(words);
                let end = (at + word.len()).min(bytes.len());
                drop(bytes.splice(at..end, word.iter().copied()));
            }
        }
    }
    bytes
}

/// Reads a file as a worker does, to its end, and holds what comes out to its promises. Rows and refused lines.
fn read(bytes: Vec<u8>) -> (usize, usize) {
    let limits = FileLimits { line_bytes_max: 4_096, line_skip_bytes_max: 64 * 1024, columns_max: 40, ..FileLimits::default() };
    let most = bytes.len() * 60 + 100_000;
    let Ok(mut reader) = open(Box::new(Cursor::new(bytes)), limits) else { return (0, 0) };
    let headers = reader.headers().to_vec();
    assert!(!headers.is_empty() && headers.len() <= limits.columns_max);
    let Ok(samples) = reader.samples(20) else { return (0, 0) };
    let declared = vec!["balance".to_owned()];
    let mapping = propose(&headers, &samples, &declared);
    let rows = mapping.position_of(StandardField::Phone).map(|_| {
        mapping.check(headers.len(), &declared).expect("a proposal passes its own check");
        RowReader::new(mapping, headers, "GB".parse().expect("a region"), NumberMode::Demo)
    });
    let (mut good, mut refused) = (0, 0);
    loop {
        let last = match reader.next_row() {
            Ok(None) | Err(RowError::File(_)) => return (good, refused),
            Err(RowError::Refused { line, .. }) => {
                refused += 1;
                line
            }
            Ok(Some(row)) => {
                assert!(row.cells.len() <= limits.columns_max);
                assert!(row.cells.iter().map(|cell| cell.text().len()).sum::<usize>() <= 4 * limits.line_bytes_max);
                match rows.as_ref().map(|rows| rows.read(row.line, &row.cells)) {
                    Some(Ok(person)) => {
                        assert!(person.address.e164.reveal().starts_with('+'));
                        for value in [&person.first_name, &person.last_name, &person.reference].into_iter().flatten() {
                            assert!(!value.reveal().chars().any(char::is_control) && !value.reveal().starts_with(['=', '@']));
                        }
                        good += 1;
                    }
                    Some(Err(rejects)) => {
                        assert!(!rejects.is_empty());
                        for reject in rejects {
                            let line = reject.csv_line();
                            assert!(line.ends_with("\r\n") && line.trim_end().lines().count() == 1, "{line:?}");
                            assert!(line.split(',').nth(1).is_some_and(|column| !column.trim_start_matches('"').starts_with(['=', '+', '-', '@'])), "{line:?}");
                        }
                        refused += 1;
                    }
                    None => refused += 1,
                }
                row.line
            }
        };
        assert!(good + refused <= most, "a file of few bytes gives rows without an end, at line {last}");
    }
}

const CSV: &str = "Phone;First name;Reference;Balance\r\n07700 900123;Ada;R1;1,50\r\n+44 7700 900124;\"Zo\u{eb}\nLovelace\";R2;-3\r\n;;;\r\n0044 (0)7700 900125;\"say \"\"hi\"\"\";R3;\r\n020 7946 0001;Grace;=cmd();x\r\n";

const CSV_WORDS: &[&[u8]] = &[
    b"\"", b"\"\"", b";", b",", b"\t", b"|", b"\r", b"\n", b"\r\n\r\n", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98\x80", b"sep=;\n", b"=1+1", b"+", b"@", b"4.47700900123E+11",
    b"E", b"(0)", b"00", b"'", b"07700900123", b"99999999999999999999999", b"\xe2\x80\xae", b"\x1a", b"PK\x03\x04",
];

#[test]
fn no_text_file_breaks_the_reader() {
    let mut chance = Chance(20_261_124);
    let latin: Vec<u8> = CSV.chars().map(|letter| letter as u8).collect();
    let wide: Vec<u8> = CSV.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [b"\xfe\xff".to_vec(), CSV.encode_utf16().flat_map(u16::to_be_bytes).collect()].concat();
    let seeds = [CSV.as_bytes().to_vec(), latin, wide, marked, CSV.replace(';', "\t").into_bytes()];
    assert!(seeds.iter().all(|seed| read(seed.clone()) == (3, 1)), "the seeds themselves read: {:?}", seeds.iter().map(|seed| read(seed.clone())).collect::<Vec<_>>());
    let (mut good, mut refused) = (0, 0);
    for round in 0..rounds(4_000) {
        let bytes = mutated(&seeds[round % seeds.len()], CSV_WORDS, &mut chance);
        let _ = suppression_file::read(&bytes);
        let (rows, rejects) = read(bytes);
        (good, refused) = (good + rows, refused + rejects);
    }
    assert!(good > 1_000 && refused > 1_000, "the mutations reach behind the header: {good} rows, {refused} refused");
}

/// Packs parts as a zip archive, without compression so that a mutation can reach into a part.
fn pack(parts: &[(&str, &[u8])], packed: bool) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in parts {
        let mut body = content.to_vec();
        if packed {
            let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(content).expect("packs");
            body = packer.finish().expect("packs");
        }
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut shared = vec![20, 0, 0, 0, if packed { 8 } else { 0 }, 0, 0, 0, 0, 0];
        shared.extend(crc.sum().to_le_bytes());
        shared.extend((body.len() as u32).to_le_bytes());
        shared.extend((content.len() as u32).to_le_bytes());
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
        archive.extend(body);
    }
    let at = archive.len() as u32;
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([(parts.len() as u16).to_le_bytes(); 2].concat());
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(at.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

const PARTS: &[(&str, &str)] = &[
    ("[Content_Types].xml", "<Types/>"),
    ("_rels/.rels", "<Relationships><Relationship Id=\"r1\" Type=\"x/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"),
    ("xl/workbook.xml", "<workbook><workbookPr/><sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"),
    (
        "xl/_rels/workbook.xml.rels",
        "<Relationships><Relationship Id=\"rId1\" Type=\"x/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"rId2\" Type=\"x/sharedStrings\" Target=\"sharedStrings.xml\"/><Relationship Id=\"rId3\" Type=\"x/styles\" Target=\"styles.xml\"/></Relationships>",
    ),
    ("xl/styles.xml", "<styleSheet><numFmts><numFmt numFmtId=\"170\" formatCode=\"dd/mm/yyyy\"/></numFmts><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"170\"/></cellXfs></styleSheet>"),
    ("xl/sharedStrings.xml", "<sst><si><t>Phone</t></si><si><t>First name</t></si><si><r><t>A</t></r><r><t>da</t></r><rPh><t>no</t></rPh></si></sst>"),
    (
        "xl/worksheets/sheet1.xml",
        "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c><c r=\"C1\" t=\"inlineStr\"><is><t>When</t></is></c></row><row r=\"2\"><c r=\"A2\"><v>447700900123</v></c><c r=\"B2\" t=\"s\"><v>2</v></c><c r=\"C2\" s=\"1\"><v>46349</v></c></row><row r=\"3\"><c r=\"A3\"><f>1+1</f><v>2</v></c><c r=\"B3\" t=\"e\"><v>#N/A</v></c></row></sheetData></worksheet>",
    ),
];

const XML_WORDS: &[&[u8]] = &[
    b"<", b">", b"</row>", b"<row>", b"<row r=\"1\">", b"<row r=\"18446744073709551615\">", b"<c>", b"</c>", b"<c r=\"XFD1\">", b"<c r=\"ZZZZ9\" t=\"s\"><v>", b"<v>1e308</v>", b"<v>-1</v>", b"<v>NaN</v>", b"<f/>", b"&amp;",
    b"&#0;", b"&#x110000;", b"&bomb;", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<!DOCTYPE a>", b"<?xml?>", b"s=\"99999999999999999999\"", b"t=\"s\"", b"t=\"inlineStr\"", b"date1904=\"1\"", b"\xff", b"../../..", b"4294967295",
];

#[test]
fn no_workbook_breaks_the_reader() {
    let mut chance = Chance(47);
    let parts: Vec<(&str, &[u8])> = PARTS.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    assert_eq!((read(pack(&parts, false)), read(pack(&parts, true))), ((1, 1), (1, 1)), "the seed itself reads");
    let mut rows = 0;
    for round in 0..rounds(1_500) {
        let broken_at = [6, 6, 6, 5, 4, 3, 2, 1][chance.below(8)];
        let broken = mutated(parts[broken_at].1, XML_WORDS, &mut chance);
        let mut these = parts.clone();
        these[broken_at].1 = &broken;
        let (good, refused) = read(pack(&these, round % 2 == 0));
        rows += good + refused;
        // And the archive around the parts: lengths, offsets, flags, the packed bytes.
        read(mutated(&pack(&parts, round % 2 == 1), &[b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x01\0\x10\0"], &mut chance));
    }
    assert!(rows > 500, "the mutations reach the rows: {rows}");
}

/// What people and spreadsheets put where a number should be.
const NUMBER_WORDS: &[&[u8]] = &[
    b"+", b"00", b"0", b"(0)", b"(", b")", b"[", b"]", b"-", b".", b"/", b" ", b"'", b"tel:", b"E+11", b"e", b",", b"44", b"7700900123", "\u{202a}".as_bytes(), "\u{a0}".as_bytes(), "\u{ff10}".as_bytes(), "\u{2212}".as_bytes(), "é".as_bytes(),
];

#[test]
fn no_way_of_writing_a_number_breaks_the_reader() {
    let mut chance = Chance(7_700_900);
    let mut read_back = 0;
    for seed in ["07700 900123", "+44 (0)7700 900124", "0044 7700-900-125", "4.47700900126E+11", "447700900127.0", "(020) 7946 0001"] {
        for _ in 0..rounds(2_000) {
            let text = String::from_utf8_lossy(&mutated(seed.as_bytes(), NUMBER_WORDS, &mut chance)).into_owned();
            for mode in NumberMode::ALL {
                let Ok(address) = clarion_domain::contacts::address::normalise(&text, "GB".parse().expect("a region"), *mode) else { continue };
                let again = clarion_domain::contacts::address::normalise(address.e164.reveal(), "US".parse().expect("a region"), *mode);
                assert_eq!(again, Ok(address), "what was accepted is accepted again");
                read_back += 1;
            }
        }
    }
    assert!(read_back > 150, "{read_back}");
}
